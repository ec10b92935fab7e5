"""The wire under Socket.IO: what is refused, what hostile clients get, and what polls may hold."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from deep_predictor.web import authentication, live_engine
from deep_predictor.web.live import CHECK_SECONDS, MOST_JOBS, Live
from deep_predictor.web.security_headers import FIXED_HEADERS
from test.web.conftest import MakeSite
from test.web.live_viewers import COOKIE, SECONDS, BareViewer, Runs, find_known_principal, until
from test.web.sites import WEB_THREADS, OverSocket, Site, short

FRIEND = "https://friend.example"
CORS = {"production.api_options.cors_origins": [FRIEND]}


@pytest.fixture(autouse=True)
def _known_principals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "find_principal", find_known_principal)


@pytest.fixture(scope="module")
def site(make_site: MakeSite) -> Site:
    return make_site("socket", CORS)


@pytest.fixture(scope="module")
def runs(site: Site) -> Runs:
    return Runs(site.app, site.folder)


def url_of(site: Site) -> str:
    assert isinstance(site.http, OverSocket)
    return site.http.url


@pytest.fixture
def url(site: Site) -> str:
    return url_of(site)


@pytest.fixture
def live(site: Site) -> Live:
    found: Live = site.app.extensions["deep_predictor_live"]
    return found


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(64) as pool:
        yield pool


@pytest.fixture
def opened(url: str, live: Live) -> Iterator[Callable[[], BareViewer]]:
    """Connections that are closed when the test is over."""
    yield lambda: BareViewer(url).open()
    live.engine.close_all()


def has_free_threads(site: Site) -> bool:
    return site.application.wait_slots._taken == 0


Opened = Callable[[], BareViewer]


def assert_closed(bare: BareViewer) -> None:
    """What is sent after the end is dropped, and a poll is told so once all is read."""
    assert bare.post("3").text == "OK"
    while (answer := bare.poll()).status_code == 200:
        assert answer.text in ("1", "6")
    assert answer.status_code == 400


def test_answers_carry_the_headers_of_every_answer(opened: Opened) -> None:
    bare = opened()
    for answer in (bare.join().post("3"), bare.request("GET", params={"sid": "none"}), bare.request("PUT")):
        for name, value in FIXED_HEADERS.items():
            assert answer.headers[name] == value
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Vary"] == "Origin"
        assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://127.0.0.1:1"}]
)
def test_other_origins_are_refused(url: str, headers: dict[str, str]) -> None:
    answer = BareViewer(url).request("GET", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "foreign_origin")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_own_origin_is_let_in_also_behind_a_proxy(url: str) -> None:
    BareViewer(url).open(headers={"Origin": url})
    BareViewer(url).open(headers={"Origin": "https://public.example", "Sec-Fetch-Site": "same-origin"})
    answer = BareViewer(url).request("GET", headers={"Origin": url, "Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


def test_origin_of_the_cfg_is_let_in_with_a_token_but_no_cookie(url: str) -> None:
    bare = BareViewer(url)
    headers = {"Origin": FRIEND, "Cookie": COOKIE}
    answer = bare.open(headers=headers).request("POST", "40", headers=headers)
    assert answer.headers["Access-Control-Allow-Origin"] == FRIEND
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "login_needed" in bare.poll().text
    bare.request("POST", '40{"token": "viewer"}', headers=headers)
    assert bare.poll().text.startswith("40{")


def test_preflight_says_what_the_origin_of_the_cfg_may_send(url: str) -> None:
    headers = {"Origin": FRIEND, "Access-Control-Request-Method": "POST"}
    answer = requests.options(f"{url}/socket.io/", headers=headers, timeout=20)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, POST, OPTIONS"
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]


def test_open_site_is_for_this_machine_only(make_site: MakeSite) -> None:
    bare = BareViewer(url_of(make_site("socket", {"production.upload_options.open_uploads": 1})))
    answer = bare.request("GET", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json()["code"]) == (403, "foreign_origin")
    bare.open()
    bare.post("40")
    assert "login_needed" in bare.poll().text


@pytest.mark.parametrize(
    ("method", "params", "status"),
    [
        ("GET", {"EIO": "3"}, 400),
        ("GET", {"transport": "websocket"}, 400),
        ("GET", {"transport": "carrier pigeon\n"}, 400),
        ("GET", {"sid": "a" * 20}, 400),
        ("GET", {"sid": "a\nb"}, 422),
        ("GET", {"sid": ""}, 422),
        ("GET", {"j": "0"}, 422),
        ("POST", {}, 400),
        ("POST", {"sid": "a" * 20}, 400),
        ("DELETE", {}, 405),
    ],
    ids=short,
)
def test_requests_that_are_none_are_refused(url: str, method: str, params: dict[str, str], status: int) -> None:
    assert BareViewer(url).request(method, "", params=params).status_code == status


def test_other_paths_are_no_socket(site: Site) -> None:
    assert site.get("/socket.io").status == 404
    assert site.get("/socket.io/more").status == 404


HOSTILE = [
    *("", "x", "4", "40", "49", "4\x00", "9", "2probe", "4[]", '4{"a":1}', "b", "bAAAA", "b====", "42", '42["watch"'),
    *('42{"a":1}', "42[]", "42[{}]", "42[[1],2]", '42["connect"]', '42["disconnect",1,2]', '42["message",[]]', "43"),
    *('43["x"]', '431["x"]', "44", "45", '451-["x",{"_placeholder":true,"num":0}]', '46["x"]', "4" + "[" * 9000),
    *('42["watch"' + ",1" * 4000 + "]", "40/admin,", "40/\n,{}", '42/admin,["watch",{}]', "41", "\x1e" * 30),
    *("3\x1e" * 20, "\ud7ff", "1", "5", "6", "3"),
]


@pytest.mark.parametrize("has_joined", [False, True])
def test_hostile_packets_end_their_connection_at_most(
    opened: Opened, has_joined: bool, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    for packet in HOSTILE:
        bare = opened()
        if has_joined:
            bare.join()
        assert bare.post(packet).status_code in (200, 400), packet
    assert site.get("/health/live").status == 200
    assert opened().join().post("3").status_code == 200
    if not has_joined:
        assert [record.getMessage() for record in caplog.records if record.levelno > logging.INFO] == []
    assert has_free_threads(site)


def test_body_too_large_ends_the_connection(opened: Opened) -> None:
    bare = opened().join()
    assert bare.post("4" + "x" * live_engine.MOST_BYTES).status_code == 400
    assert_closed(bare)


def test_poll_that_waits_holds_no_thread(
    opened: Opened, site: Site, pool: ThreadPoolExecutor, runs: Runs, live: Live
) -> None:
    """Five times as many as there are threads, and all of them are answered when something comes."""
    job, run = runs.begin()
    viewers = [opened().join() for _ in range(5 * WEB_THREADS)]
    for viewer in viewers:
        viewer.post(f'420["watch",{{"job_id":{job.id}}}]')
        assert viewer.poll().text == '430[{"ok":true}]'
    polls = [pool.submit(viewer.poll) for viewer in viewers]
    until(lambda: all(live.engine.sockets[viewer.sid].queue._call for viewer in viewers), "all wait")
    begun = time.monotonic()
    assert site.get("/health/live").status == 200
    assert time.monotonic() - begun < 1
    assert has_free_threads(site)
    assert not any(poll.done() for poll in polls)
    run.end_epoch(1)
    for poll in polls:
        name, content = json.loads(poll.result(SECONDS).text.removeprefix("42"))
        assert (name, content["seq"]) == ("epoch", 1)


def test_second_poll_of_one_connection_ends_it(opened: Opened, pool: ThreadPoolExecutor, live: Live) -> None:
    bare = opened().join()
    first = pool.submit(bare.poll)
    until(lambda: live.engine.sockets[bare.sid].queue._call, "the first poll waits")
    assert bare.poll().status_code == 400
    assert first.result(SECONDS).text == "1"
    assert_closed(bare)


def test_close_answers_every_poll_and_ends_the_threads(make_site: MakeSite, pool: ThreadPoolExecutor) -> None:
    site = make_site("socket")
    live: Live = site.app.extensions["deep_predictor_live"]
    runs = Runs(site.app, site.folder)
    job, _ = runs.begin()
    viewers = [BareViewer(url_of(site)).open().join() for _ in range(3)]
    for viewer in viewers:
        viewer.post(f'420["watch",{{"job_id":{job.id}}}]')
        viewer.poll()
    polls = [pool.submit(viewer.poll) for viewer in viewers]
    until(lambda: all(connection.queue._call for connection in live.engine.sockets.values()), "all wait")
    site.application.wake_waiters()
    assert [poll.result(SECONDS).text for poll in polls] == ["1"] * 3
    refused = BareViewer(url_of(site)).request("GET")
    assert (refused.status_code, refused.json()["code"]) == (503, "too_many_waiting")
    site.application.close(1)
    assert not live._ticker.runs
    assert not live._feed.runs


def test_poll_is_answered_though_the_server_has_no_threads_left(make_site: MakeSite, pool: ThreadPoolExecutor) -> None:
    site = make_site("socket")
    live: Live = site.app.extensions["deep_predictor_live"]
    viewer = BareViewer(url_of(site)).open().join()
    poll = pool.submit(viewer.poll)
    until(lambda: live.engine.sockets[viewer.sid].queue._call, "it waits")
    assert isinstance(site.http, OverSocket)
    site.http._server.task_dispatcher.shutdown()
    site.application.close(1)
    assert poll.result(SECONDS).text == "1"


def test_docs_name_every_limit(project_root: Path) -> None:
    text = (project_root / "docs" / "live.md").read_text(encoding="utf-8")
    for limit in (live_engine.MOST_CONNECTIONS, live_engine.MOST_UNREAD):
        assert f" {limit}," in text
    assert f"| {live_engine.MOST_BYTES:,} bytes |" in text
    assert f"| {live_engine.JOIN_SECONDS:g} s |" in text
    assert f"every {live_engine.PING_SECONDS} s;" in text
    assert f"within {live_engine.PING_TIMEOUT_SECONDS} s" in text
    assert f"may watch {MOST_JOBS} jobs" in text
    assert f"asked again every {CHECK_SECONDS:g} s" in text


def test_connections_that_never_join_are_closed(opened: Opened, live: Live) -> None:
    idle, joined = opened(), opened().join()
    for connection in live.engine.sockets.values():
        connection.begun_at -= live_engine.JOIN_SECONDS
    live.engine.keep()
    assert idle.poll().text == "1"
    assert joined.post("3").status_code == 200


def test_connection_that_reads_nothing_is_closed(opened: Opened, live: Live) -> None:
    deaf = opened().join()
    for _ in range(live_engine.MOST_UNREAD + 1):
        live.engine.sockets[deaf.sid].send(live_engine.Packet(live_engine.packet.NOOP))
    live.engine.keep()
    assert live.engine.sockets[deaf.sid].closed


def test_connection_that_answers_no_ping_is_closed(opened: Opened, live: Live) -> None:
    silent, answers = opened().join(), opened().join()
    for connection in live.engine.sockets.values():
        connection._ping_at = 0.0
    live.engine.keep()
    assert silent.poll().text == answers.poll().text == "2"
    answers.post("3")
    for connection in live.engine.sockets.values():
        connection.last_ping = connection.last_ping and connection.last_ping - live_engine.PING_TIMEOUT_SECONDS - 1
    live.engine.keep()
    assert silent.poll().text == "1"
    assert_closed(silent)
    assert answers.post("3").status_code == 200


def test_connections_beyond_the_limit_are_refused(opened: Opened, live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    opened()
    monkeypatch.setattr(live_engine, "MOST_CONNECTIONS", len(live.engine.sockets))
    with pytest.raises(AssertionError, match="busy"):
        opened()


def test_connection_that_is_closed_is_forgotten_in_time(opened: Opened, live: Live) -> None:
    bare = opened()
    bare.post("1")
    live.engine.keep()
    assert bare.sid in live.engine.sockets
    live.engine.sockets[bare.sid]._closed_at = float("-inf")
    live.engine.keep()
    assert bare.sid not in live.engine.sockets
