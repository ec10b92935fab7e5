"""Fixtures of the studio's tests: one site and one browser for all tests of a file, and a login of every role."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser

from test.app_builder import DUMMY, DUMMY_YOLO
from test.web.browser_fixtures import browser
from test.web.conftest import MakeSite
from test.web.management.conftest import management_of
from test.web.management.people import cheap_hashes
from test.web.sites import Site
from test.web.studio.site import Person, Studio, log_in_everybody, watch_of

__all__ = ["browser"]

PREDICTORS = {"dummy": DUMMY, "ms coco": DUMMY_YOLO}


@pytest.fixture(scope="module")
def studio_site(make_site: MakeSite) -> Iterator[Site]:
    """Its uploads are open, its jobs are looked at often, and new passwords are hashed in no time."""
    with pytest.MonkeyPatch.context() as patch:
        cheap_hashes(patch)
        site = make_site("socket", {"production.upload_options.open_uploads": 1}, PREDICTORS)
        jobs = management_of(site).jobs
        jobs._settings = replace(jobs._settings, poll_seconds=0.02, cancel_seconds=0.2)
        yield site


@pytest.fixture(scope="module")
def studio_people(studio_site: Site) -> dict[str, Person]:
    return log_in_everybody(studio_site)


@pytest.fixture
def studio(request: pytest.FixtureRequest, studio_site: Site, studio_people: dict[str, Person]) -> Iterator[Studio]:
    """`studio.page("trainer", "/studio/datasets")`; the browser is started by the first page only."""

    def find_browser() -> Browser:
        found: Browser = request.getfixturevalue("browser")
        return found

    studio = Studio(studio_site, studio_people, find_browser, watch_of(studio_site))
    yield studio
    studio.close_pages()
    assert studio.watch.unexpected() == []
