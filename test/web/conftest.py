"""Fixtures of the HTTP tests: the same checks run in process and over a socket."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from test import fakes
from test.app_builder import DUMMY, DUMMY_YOLO, build_app, fault_predictor, write_config
from test.web.sites import TRANSPORTS, WEB_THREADS, InProcess, OverSocket, Site, Transport

#: What most tests upload to. `blocked` and `full` load for ever.
PREDICTORS: dict[str, dict[str, Any]] = {
    "dummy": DUMMY,
    "ms coco": DUMMY_YOLO,
    "fault": fault_predictor(),
    "hangs": fault_predictor(),
    "removes": fault_predictor(predicted_image_action="remove"),
    "broken": fault_predictor(load_fault="not ready", required=0),
    "blocked": fault_predictor(load_fault="block", required=0),
    "full": fault_predictor(load_fault="block", required=0, queue_size=1),
}

MakeSite = Callable[..., Site]


@pytest.fixture(scope="module", params=TRANSPORTS)
def transport(request: pytest.FixtureRequest) -> Transport:
    transport: Transport = request.param
    return transport


@pytest.fixture(scope="module")
def make_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeSite]:
    """`make_site(transport, changes, production=…, wait=…)` builds a site that is closed after the module."""
    fakes.register_fault_backend()
    fakes.release_loading.clear()
    fakes.release_hanging.clear()
    sites: list[Site] = []

    def make(
        transport: Transport = "in process",
        changes: Mapping[str, Any] | None = None,
        production: Mapping[str, Mapping[str, Any]] | None = None,
        wait: bool = True,
    ) -> Site:
        folder: Path = tmp_path_factory.mktemp("site")
        config_path = write_config(folder, production, changes=changes)
        app = build_app(config_path, web_threads=WEB_THREADS, wait=wait)
        site = Site(app, folder, InProcess(app) if transport == "in process" else OverSocket(app))
        sites.append(site)
        return site

    yield make
    fakes.release_loading.set()
    fakes.release_hanging.set()
    for site in sites:
        site.close()


@pytest.fixture(scope="module")
def site(make_site: MakeSite, transport: Transport) -> Site:
    """All of PREDICTORS, those that load at once loaded."""
    site = make_site(transport, production=PREDICTORS, wait=False)
    predictors = site.production.predictors
    wait_until_decided(site, [name for name in predictors if name not in ("blocked", "full")])
    return site


def wait_until_decided(site: Site, names: list[str]) -> None:
    """Upload nothing before the predictors of these names are ready or failed."""
    deadline = time.monotonic() + 30
    while any(site.production.predictors[name].state == "loading" for name in names):
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)
