"""Live events by a server that cannot park requests, and can do websockets: Werkzeug's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from werkzeug.serving import make_server

from deep_predictor.web import authentication, live_engine
from deep_predictor.web.live import Live
from test.app_builder import build_app, write_config
from test.web.live_viewers import SECONDS, BareViewer, Runs, Viewer, find_known_principal, until
from test.web.sites import WEB_THREADS, InProcess, Site


@pytest.fixture(autouse=True)
def _known_principals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "find_principal", find_known_principal)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live_engine, "PING_SECONDS", 1)
        app = build_app(write_config(folder), web_threads=WEB_THREADS, websockets=True)
    site = Site(app, folder, InProcess(app))
    yield site
    site.close()


@pytest.fixture(scope="module")
def url(site: Site) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, site.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    site.application.wake_waiters()
    server.shutdown()
    thread.join()
    server.server_close()


def test_polls_hold_half_of_the_slots_and_the_others_are_answered_at_once(url: str, site: Site) -> None:
    live: Live = site.app.extensions["deep_predictor_live"]
    slots = site.application.wait_slots
    viewers = [BareViewer(url).open().join() for _ in range(slots.count // 2 + 2)]
    with ThreadPoolExecutor(64) as pool, pytest.MonkeyPatch.context() as patch:
        patch.setattr(live.engine, "keep", lambda: True)  # no pings meanwhile
        polls: list[Future[Any]] = [pool.submit(viewer.poll) for viewer in viewers[:-2]]
        until(lambda: slots._taken == len(polls), "all wait")
        assert [viewer.poll().text for viewer in viewers[-2:]] == ["6", "6"]
        assert slots.has_free("dummy")
        live.engine.close_all()
        assert [poll.result(SECONDS).text for poll in polls] == ["1"] * len(polls)
    until(lambda: slots._taken == 0)


@pytest.mark.parametrize("transports", [["websocket"], ["polling", "websocket"]])
def test_websockets_carry_the_same_events(url: str, site: Site, transports: list[str]) -> None:
    runs = Runs(site.app, site.folder)
    job, run = runs.begin()
    viewer = Viewer(url).connect(transports=transports)
    assert viewer.client.transport() == "websocket"
    run.end_epoch(1)
    viewer.watch(job.id)
    run.end_epoch(2)
    runs.finish(job)
    viewer.wait_for("ended", 2)
    assert viewer.shown() == [("epoch", 1), ("epoch", 2), ("ended", 2)]
    site.app.extensions["deep_predictor_live"].engine.close_all()  # the client alone takes three seconds for it
    until(lambda: not viewer.client.connected and viewer.client.eio.state == "disconnected")
