"""The form of a new training: what it sends, what it shows of one's own pictures, what it says is wrong."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from test.web.browser_fixtures import STEP_MILLISECONDS
from test.web.management.conftest import management_of
from test.web.management.training_sites import fake_runs, jobs_of, use_fakes
from test.web.sites import Site
from test.web.studio.looks import check_looks
from test.web.studio.site import Studio
from test.web.studio.training_runs import HOSTILE, finished_run, pets

pytestmark = pytest.mark.browser
expect.set_options(timeout=STEP_MILLISECONDS)


@pytest.fixture(scope="module")
def dataset_id(studio_site: Site) -> int:
    use_fakes(studio_site)
    fake_runs(studio_site)
    pets(studio_site, "pets")
    return pets(studio_site, HOSTILE)


def opened(studio: Studio, dataset_id: int) -> Page:
    page = studio.page("trainer", f"/studio/trainings/new?dataset={dataset_id}")
    expect(page.locator("#dataset-facts")).to_contain_text("15 pictures of 3 labels")
    expect(page.locator(".network").first).to_be_visible()
    return page


def started(studio: Studio, page: Page) -> dict[str, object]:
    """The settings of the training that the form has started."""
    page.wait_for_url(re.compile(r"/studio/trainings/\d+$"))
    job = jobs_of(studio.site).get(int(page.url.rsplit("/", 1)[1]))
    jobs_of(studio.site).wait(job.id, 40)
    settings: dict[str, object] = job.cfg["training_options"]
    return settings


def test_form_starts_a_training_with_sane_settings(studio: Studio, dataset_id: int) -> None:
    page = opened(studio, dataset_id)
    expect(page.locator("#training-dataset")).to_have_value(str(dataset_id))
    expect(page.locator("#dataset-facts")).to_contain_text("Few of")
    expect(page.locator("#estimate")).to_contain_text("is not known")
    page.get_by_label("Epochs", exact=True).fill("2")
    page.get_by_role("radio", name=re.compile("^lenet5")).check()
    page.get_by_role("button", name="Start the training").click()
    settings = started(studio, page)
    fit = settings["fit_options"]
    assert isinstance(fit, dict)
    assert (fit["architecture"], fit["epochs"], fit["batch_size"]) == ("lenet5", 2, 32)
    assert "fine_tuning" not in fit
    assert "augmentation" not in settings
    assert page.title().startswith(f"{HOSTILE}, training")


def test_form_with_everything_open_looks_right(studio: Studio, dataset_id: int) -> None:
    finished_run(studio.site, dataset_id, "earlier", {"fit_options": {"architecture": "convnet_small", "epochs": 2}})
    page = opened(studio, dataset_id)
    expect(page.locator("#estimate")).to_contain_text("by training")
    check_looks(page, "new-training")
    page.locator("#preset").select_option("fine")
    expect(page.locator("#phases")).to_be_visible()
    page.locator("#more-networks summary").click()
    page.locator("#advanced summary").click()
    expect(page.locator("#operations .operation")).to_have_count(3)
    check_looks(page, "new-training-open")


def test_augmentation_is_listed_ordered_and_previewed_on_ones_own_pictures(studio: Studio, dataset_id: int) -> None:
    page = opened(studio, dataset_id)
    for name in ("gamma", "flip_vertical", "mixup"):
        page.locator("#operation").select_option(name)
        page.get_by_role("button", name="Add").click()
    expect(page.get_by_label("Gamma from")).to_have_value("0.7")
    page.get_by_role("button", name="Mix two pictures: earlier").press("Enter")
    expect(page.get_by_role("button", name="Mix two pictures: earlier")).to_be_focused()
    page.get_by_role("button", name="Remove Flip upside down").press("Enter")
    expect(page.get_by_role("button", name="Remove Mix two pictures")).to_be_focused()
    page.get_by_role("button", name="Preview on my pictures").click()
    expect(page.locator(".preview-row")).to_have_count(4)
    pictures = page.locator(".preview-row img")
    expect(pictures).to_have_count(16)
    first = pictures.nth(1).get_attribute("src")
    page.get_by_role("button", name="Other pictures").click()
    expect(pictures.nth(1)).not_to_have_attribute("src", first or "")
    check_looks(page, "new-training-preview")

    studio.watch.expected.append("422")
    page.get_by_label("Gamma from").fill("-3")
    page.get_by_role("button", name="Preview on my pictures").click()
    expect(page.locator(".operation .field-error").first).to_be_visible()
    expect(page.get_by_label("Gamma from")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Gamma from").fill("0.5")
    page.get_by_role("button", name="Start the training").click()
    assert started(studio, page)["augmentation"] == [
        {"name": "gamma", "gamma_range": [0.5, 1.5], "probability": 0.5},
        {"name": "mixup", "alpha": 0.2, "probability": 0.3},
    ]


def test_wrong_settings_are_told_at_their_fields(studio: Studio, dataset_id: int) -> None:
    studio.watch.expected.append("422")
    page = opened(studio, dataset_id)
    page.get_by_label("Epochs", exact=True).fill("0")
    page.locator("#advanced summary").click()
    page.get_by_label("Label smoothing").fill("3")
    page.locator("#advanced summary").click()
    page.get_by_role("button", name="Start the training").click()
    epochs = page.get_by_label("Epochs", exact=True)
    expect(epochs).to_be_focused()
    expect(epochs).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".field-error[data-of='fit_options-label_smoothing']")).to_be_attached()
    epochs.fill("2")
    page.get_by_role("button", name="Start the training").click()
    expect(page.get_by_label("Label smoothing")).to_be_focused()
    check_looks(page, "new-training-wrong")
    page.get_by_label("Label smoothing").fill("0.1")
    page.locator("#more-settings").fill("[]")
    page.get_by_role("button", name="Start the training").click()
    expect(page.locator("#more-settings")).to_be_focused()
    page.locator("#more-settings").fill('{"fit_options": {"cache_mb": 5, "epochs": 3}}')
    page.get_by_role("button", name="Start the training").click()
    fit = started(studio, page)["fit_options"]
    assert isinstance(fit, dict)
    assert (fit["cache_mb"], fit["epochs"], fit["label_smoothing"]) == (5, 3, 0.1)


def test_form_on_an_empty_data_set_says_what_is_missing(studio: Studio, dataset_id: int) -> None:
    studio.watch.expected.append("409")
    empty = management_of(studio.site).datasets.create("empty").id
    page = studio.page("trainer", f"/studio/trainings/new?dataset={empty}")
    expect(page.locator("#dataset-facts")).to_contain_text("At least two labels")
    page.get_by_role("button", name="Start the training").click()
    expect(page.locator("#start-error")).to_contain_text("no items")
