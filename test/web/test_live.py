"""Live events by Socket.IO: who may see them, and that everybody gets each of them once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import socketio
from flask import Request
from socketio.exceptions import ConnectionError as NotConnected

from deep_predictor.db.training_job_rows import JobState
from deep_predictor.errors import DatabaseBusy
from deep_predictor.web import authentication, live_engine
from deep_predictor.web.live import MOST_JOBS, Live
from test.web.conftest import MakeSite
from test.web.live_viewers import COOKIE, TOKENS, BareViewer, Runs, Viewer, find_known_principal, until
from test.web.sites import OverSocket, Site


@pytest.fixture(autouse=True)
def _known_principals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "find_principal", find_known_principal)


@pytest.fixture(scope="module")
def site(make_site: MakeSite) -> Iterator[Site]:
    """Its pings come every second: the Python client leaves only when its last poll was answered."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live_engine, "PING_SECONDS", 1)
        yield make_site("socket")


@pytest.fixture(scope="module")
def runs(site: Site) -> Runs:
    return Runs(site.app, site.folder)


@pytest.fixture
def url(site: Site) -> str:
    assert isinstance(site.http, OverSocket)
    return site.http.url


@pytest.fixture
def live(site: Site) -> Live:
    found = site.app.extensions["deep_predictor_live"]
    assert isinstance(found, Live)
    return found


@pytest.fixture
def viewers(url: str) -> Iterator[list[Viewer]]:
    """Two that are connected; what a test adds is closed too."""
    viewers = [Viewer(url).connect(), Viewer(url).connect()]
    yield viewers
    for viewer in viewers:
        viewer.close()


def test_viewer_follows_a_run_to_its_end(viewers: list[Viewer], runs: Runs) -> None:
    job, run = runs.begin()
    viewer = viewers[0]
    assert viewer.client.transport() == "polling"
    assert viewer.watch(job.id) == {"ok": True}
    run.end_step(1, 2)
    viewer.wait_for("batch", 0)
    run.end_epoch(1)
    viewer.wait_for("epoch", 1)
    runs.finish(job, JobState.FAILED, "the disk is full")
    viewer.wait_for("ended", 1)
    assert viewer.shown() == [("batch", 0), ("epoch", 1), ("ended", 1)]
    contents = [content for _, content in viewer.heard]
    assert (contents[0]["step"], contents[0]["steps"], contents[0]["eta_seconds"]) == (2, 4, 9.5)
    assert (contents[1]["loss"], contents[1]["val_accuracy"], contents[1]["eta_seconds"]) == (1.0, 0.25, 4.0)
    assert (contents[2]["state"], contents[2]["reason"]) == ("failed", "the disk is full")
    assert {content["job_id"] for content in contents} == {job.id}
    assert viewers[1].heard == []


def test_viewer_that_comes_late_gets_all_it_missed_once(viewers: list[Viewer], runs: Runs) -> None:
    """More of it than the Python client takes in one answer."""
    job, run = runs.begin(epochs=60)
    for epoch in range(1, 51):
        run.end_epoch(epoch)
    run.end_step(51, 1)
    first, second = viewers
    assert first.watch(job.id)["ok"]
    assert second.watch(job.id, since=48)["ok"]
    run.end_epoch(51)
    for viewer in viewers:
        viewer.wait_for("epoch", 51)
    epochs = [("epoch", number) for number in range(1, 51)]
    assert first.shown() == [*epochs, ("batch", 50), ("epoch", 51)]
    assert second.shown() == [*epochs[48:], ("batch", 50), ("epoch", 51)]


def test_viewer_that_comes_back_goes_on_where_it_was(viewers: list[Viewer], runs: Runs, url: str) -> None:
    job, run = runs.begin()
    viewer = viewers[0]
    viewer.watch(job.id)
    run.end_epoch(1)
    viewer.wait_for("epoch", 1)
    viewer.close()
    run.end_epoch(2)
    run.end_epoch(3)
    runs.finish(job)
    again = Viewer(url).connect()
    viewers.append(again)
    again.watch(job.id, since=1)
    again.wait_for("ended", 3)
    assert again.shown() == [("epoch", 2), ("epoch", 3), ("ended", 3)]


def test_viewer_that_unwatches_hears_no_more(viewers: list[Viewer], runs: Runs) -> None:
    job, run = runs.begin()
    one, other = viewers
    for viewer in viewers:
        viewer.watch(job.id)
    assert one.client.call("unwatch", {"job_id": job.id}) == {"ok": True}
    assert one.client.call("unwatch", {"job_id": job.id}) == {"ok": True}
    run.end_epoch(1)
    other.wait_for("epoch", 1)
    assert one.heard == []


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"job_id": 999_999}, "training_job_not_found"),
        ({"job_id": 0}, "request_invalid"),
        ({"job_id": "x"}, "request_invalid"),
        ({"job_id": 10**30}, "request_invalid"),
        ({"job_id": 1, "since": -1}, "request_invalid"),
        ({"job_id": 1, "more": 1}, "request_invalid"),
        ({}, "request_invalid"),
        ("job 1", "request_invalid"),
        (None, "request_invalid"),
        ([["deep"]], "request_invalid"),
    ],
)
def test_watch_of_what_is_none_is_answered_with_the_reason(viewers: list[Viewer], message: Any, code: str) -> None:
    answer = viewers[0].client.call("watch", message, timeout=20)
    assert (answer["ok"], answer["error"]["code"]) == (False, code)
    assert viewers[0].client.call("unwatch", "x")["error"]["status"] == 422


def test_watch_of_too_many_jobs_is_refused(viewers: list[Viewer], runs: Runs) -> None:
    jobs = [runs.begin()[0] for _ in range(MOST_JOBS + 1)]
    answers = [viewers[0].watch(job.id) for job in jobs]
    assert [answer["ok"] for answer in answers] == [True] * MOST_JOBS + [False]
    assert viewers[0].watch(jobs[0].id)["ok"]


@pytest.mark.parametrize(
    ("token", "headers", "code"),
    [
        (None, {}, "login_needed"),
        ("forged", {}, "credential_refused"),
        ("forged", {"Cookie": COOKIE}, "credential_refused"),
        ("a\n", {}, "credential_refused"),
        ("ä", {}, "credential_refused"),
        ("x" * 5000, {}, "credential_refused"),
        ("uploader", {}, "not_permitted"),
        (None, {"Authorization": "Bearer forged"}, "credential_refused"),
    ],
)
def test_connect_of_who_may_not_is_refused(url: str, token: str | None, headers: dict[str, str], code: str) -> None:
    viewer, told = Viewer(url), []
    viewer.client.on("connect_error", lambda error: told.append(error["data"]["code"]))
    with pytest.raises(NotConnected):
        viewer.connect(token, headers=headers)
    assert told == [code]


@pytest.mark.parametrize(
    ("token", "headers"),
    [("viewer", {}), (None, {"Authorization": "Bearer viewer"}), (None, {"Cookie": COOKIE})],
)
def test_connect_of_who_may_is_let_in(url: str, token: str | None, headers: dict[str, str]) -> None:
    viewer = Viewer(url).connect(token, headers=headers)
    assert viewer.watch(999_999)["error"]["code"] == "training_job_not_found"
    viewer.close()


def test_event_before_joining_is_not_served(url: str, runs: Runs) -> None:
    job, run = runs.begin()
    run.end_epoch(1)
    bare = BareViewer(url).open()
    bare.post(f'420["watch",{{"job_id":{job.id}}}]')
    bare.post("40")
    answer = bare.poll()
    assert answer.text.startswith("44{")
    assert "login_needed" in answer.text
    assert "loss" not in answer.text


def raise_busy(request: Request) -> None:
    raise DatabaseBusy("of a test")


def test_viewer_who_may_no_longer_is_sent_away(
    viewers: list[Viewer], runs: Runs, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, _ = runs.begin()
    sids = {viewer.client.get_sid() for viewer in viewers}
    for viewer in viewers:
        viewer.watch(job.id)
    with monkeypatch.context() as patch:
        patch.setattr(authentication, "find_principal", raise_busy)
        live.check_viewers()
    live.check_viewers()
    assert set(live._viewers) >= sids
    monkeypatch.setitem(TOKENS, "viewer", {"predict"})
    live.check_viewers()
    for viewer in viewers:
        until(lambda viewer=viewer: not viewer.client.connected, "sent away")
    assert not sids & set(live._viewers)
    until(lambda: not live._feed.runs)


def test_site_without_viewers_has_no_thread_for_them(site: Site, live: Live, url: str, runs: Runs) -> None:
    job, _ = runs.begin()
    viewer = Viewer(url).connect()
    viewer.watch(job.id)
    assert live._feed.runs
    viewer.close()
    until(lambda: not live._feed.runs)
    live.engine.close_all()
    for connection in live.engine.sockets.values():
        connection._closed_at = float("-inf")  # long ago
    until(lambda: not live._ticker.runs)
    assert not live.engine.sockets


def test_token_is_in_no_log(url: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        with pytest.raises(NotConnected):
            Viewer(url).connect("a-secret-that-is-wrong")
        Viewer(url).connect().close()
    said = [record for record in caplog.records if not record.name.startswith(("socketio.client", "engineio.client"))]
    assert not any("a-secret-that" in record.getMessage() for record in said)


def test_search_tells_its_trials(viewers: list[Viewer], runs: Runs) -> None:
    job, run = runs.begin("search")
    (run.folder / "metrics.jsonl").write_text('{"number": 0, "value": 0.5}\n')
    viewers[0].watch(job.id)
    viewers[0].wait_for("trial", 1)
    assert viewers[0].heard[0][1]["trial"] == {"number": 0, "value": 0.5}


def test_clients_of_another_namespace_are_refused(url: str) -> None:
    client = socketio.Client(reconnection=False)
    with pytest.raises(NotConnected):
        client.connect(url, namespaces=["/admin"], auth={"token": "viewer"}, wait_timeout=5)
    assert threading.active_count() < 200
