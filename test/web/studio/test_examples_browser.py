"""The examples on the page of trainings: trained with a button, watched, tried when they are served."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from test import fakes
from test.web.browser_fixtures import STEP_MILLISECONDS
from test.web.conftest import MakeSite
from test.web.management.conftest import management_of
from test.web.management.people import cheap_hashes
from test.web.management.training_sites import jobs_of
from test.web.offered_trainings import WORDS, let_go, offering_site
from test.web.sites import Site
from test.web.studio.looks import check_looks
from test.web.studio.site import Studio

pytestmark = pytest.mark.browser
expect.set_options(timeout=STEP_MILLISECONDS)


@pytest.fixture(scope="module")
def studio_site(make_site: MakeSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """As other tests of the studio have it, with two examples."""
    with pytest.MonkeyPatch.context() as patch:
        cheap_hashes(patch)
        changes = {"production.upload_options.open_uploads": 1}
        yield offering_site(make_site, tmp_path_factory.mktemp("offered"), "socket", changes)


def test_example_is_trained_with_a_button_and_tried_when_it_is_served(studio: Studio) -> None:
    page = studio.page("trainer", "/")
    check_looks(page, "home-examples")
    card = page.get_by_role("listitem").filter(has_text="Digit scenes")
    expect(card).to_contain_text("Not trained on this machine yet")
    card.get_by_role("link", name="Train it in the studio").click()
    page.wait_for_url("**/studio/trainings#examples")

    card = page.locator(".example-card").filter(has_text="Digit scenes")
    expect(card).to_contain_text(WORDS)
    card.get_by_role("button", name="Train Digit scenes").click()
    expect(page.locator("#messages")).to_contain_text("You may leave: it is served when it is done.")
    expect(card.get_by_role("link", name="of Digit scenes")).to_be_focused()
    expect(card.locator(".state")).to_have_text("Is being trained")
    expect(card).to_contain_text("1 of 4 epochs")
    expect(page.locator("#list")).to_contain_text("digit scenes")
    page.locator("#messages button").click()
    check_looks(page, "examples-training")

    job_id = jobs_of(studio.site).list()[-1].id
    expect(card.get_by_role("link", name="of Digit scenes")).to_have_attribute("href", f"/studio/trainings/{job_id}")
    fakes.release_loading.clear()
    let_go(studio.site, job_id, load_fault="block")
    expect(card.locator(".state")).to_have_text("Loading")
    fakes.release_loading.set()
    expect(card.locator(".state")).to_have_text("Ready")
    check_looks(page, "examples-served")
    card.get_by_role("link", name="Try it: Digit scenes", exact=True).click()
    page.wait_for_url("**/upload?model=digit%20scenes")
    expect(page.get_by_role("radio", name="Digit scenes")).to_be_checked()


def test_viewer_sees_the_examples_and_no_button(studio: Studio) -> None:
    page = studio.page("viewer", "/studio/trainings")
    card = page.locator(".example-card").filter(has_text="Masks of <i>digits</i>")
    expect(card.locator(".state")).to_have_text("Not trained on this machine yet")
    expect(card.get_by_role("button")).to_have_count(0)
    assert [one.title for one in management_of(studio.site).examples.all()][1] == "Masks of <i>digits</i>"
