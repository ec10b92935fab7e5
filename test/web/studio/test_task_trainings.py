"""Trainings of detectors and segmenters in the browser: the form, the curves, the report, the comparison."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from test.web.browser_fixtures import STEP_MILLISECONDS
from test.web.management.conftest import management_of
from test.web.management.training_sites import fake_runs, jobs_of, use_fakes
from test.web.sites import Site
from test.web.studio.dataset_sets import box_set, items_in
from test.web.studio.looks import check_axe, check_looks
from test.web.studio.site import Studio
from test.web.studio.task_runs import detection_evaluation, done_run, segmentation_evaluation

pytestmark = pytest.mark.browser
expect.set_options(timeout=STEP_MILLISECONDS)


@pytest.fixture(scope="module", autouse=True)
def faked(studio_site: Site) -> None:
    use_fakes(studio_site)
    fake_runs(studio_site)


def marked_set(studio: Studio) -> int:
    """Three pictures, of which two have a box each."""
    dataset_id = box_set(studio, 3)
    box = {"class_name": "cat", "cx": 0.5, "cy": 0.5, "w": 0.4, "h": 0.4}
    for item in items_in(studio, dataset_id)[:2]:
        path = f"/api/v1/datasets/{dataset_id}/items/{item.id}/boxes"
        assert studio.ask("trainer", "PUT", path, json={"boxes": [box]}).status_code == 200
    return dataset_id


def expect_rows(page: Page, selector: str, rows: dict[int, list[str]]) -> None:
    """`rows`: the texts of the cells, by the row's number in the table's body."""
    for number, texts in rows.items():
        expect(page.locator(f"{selector} tbody tr").nth(number).locator("th, td")).to_have_text(texts)


def test_form_offers_what_the_task_of_the_set_has(studio: Studio) -> None:
    dataset_id = marked_set(studio)
    studio.management.datasets.create("only labels")
    page = studio.page("trainer", f"/studio/trainings/new?dataset={dataset_id}")
    facts = page.locator("#dataset-facts")
    expect(facts).to_contain_text("2 pictures with 2 boxes of 2 classes. 1 that nobody has looked at are left out.")
    networks = page.locator(".network-name")
    expect(networks).to_have_text(["yolo_small", "yolo_small_fine"])
    expect(page.locator("#fine-tuning-fold")).to_be_hidden()
    assert "mixup" not in page.locator("#operation option").evaluate_all("all => all.map(one => one.value)")
    check_looks(page, "new-training-boxes")
    page.get_by_label("Begin with settings for").select_option("small_things")
    expect(page.get_by_role("radio", name=re.compile("^yolo_small_fine"))).to_be_checked()
    page.get_by_label("Epochs", exact=True).fill("2")
    page.locator("#advanced summary").click()
    expect(page.get_by_label("Label smoothing")).to_be_hidden()
    page.get_by_label("The kept epoch is best in").select_option("val_map50")
    page.get_by_role("button", name="Start the training").click()
    page.wait_for_url(re.compile(r"/studio/trainings/\d+$"))
    job = jobs_of(studio.site).get(int(page.url.rsplit("/", 1)[1]))
    fit = job.cfg["training_options"]["fit_options"]
    assert (fit["architecture"], fit["epochs"], fit["keep_best"]) == ("yolo_small_fine", 2, "val_map50")
    assert "label_smoothing" not in fit
    page.goto(f"/studio/trainings/new?dataset={dataset_id}")
    expect(networks).to_have_count(2)
    labels = next(one for one in management_of(studio.site).datasets.page(500, 0)[0] if one.name == "only labels")
    page.locator("#training-dataset").select_option(str(labels.id))
    expect(page.get_by_role("radio", name=re.compile("^convnet_small"))).to_be_checked()
    expect(page.locator("#fine-tuning-fold")).to_be_visible()


def test_run_of_a_detector_shows_map_and_the_worst_pictures(studio: Studio) -> None:
    dataset_id = marked_set(studio)
    job_id = done_run(studio, dataset_id, detection_evaluation(studio, dataset_id))
    page = studio.page("trainer", f"/studio/trainings/{job_id}")
    expect(page.locator("#accuracy-chart .chart-words")).to_have_text("Epoch 3: mAP50 0.6000, mAP50-95 0.3000")
    page.locator("#epochs-fold summary").click()
    expect_rows(page, "#epochs-frame", {1: ["2", "1.5000", "2.0000", "0.4000", "0.2000"]})
    expect(page.locator(".tile").first).to_contain_text("75.0%")
    cat = ["cat", "75.0%", "50.0%", "80.0%", "60.0%", "4", "55.0%"]
    dog = ["dog", "–", "–", "–", "–", "0", "–"]
    expect_rows(page, "[aria-label='Each class']", {0: cat, 1: dog})
    expect(page.locator("[aria-label='Each class'] tbody tr")).to_have_count(2)
    expect(page.locator(".score-curves polyline")).to_have_count(2)
    page.get_by_label("Of", exact=True).select_option("cat")
    expect(page.locator("#report")).to_contain_text("No confidence makes 95.0% of the boxes right there")
    cards = page.locator(".tested-card")
    expect(cards).to_have_count(2)
    expect(cards.first).to_contain_text("1 missed, 1 wrong")
    expect(cards.last).to_contain_text("no longer in the data set")
    missed = cards.first.locator(".truth-missed")
    place = [float(missed.get_attribute(name) or 0) for name in ("x", "y", "width", "height")]
    assert place == pytest.approx([0.2, 0.25, 0.2, 0.3])
    check_looks(page, "report-boxes")
    page.get_by_role("button", name=re.compile("^Larger: wrong.png")).click()
    dialog = page.get_by_role("dialog", name="wrong.png")
    expect(dialog).to_contain_text("Missed: cat")
    expect(dialog).to_contain_text("Wrong: dog 81%")
    check_axe(page)
    dialog.get_by_role("link", name="Draw its boxes").click()
    expect(page.locator("#board")).to_be_focused()


def test_run_of_a_segmenter_shows_iou_and_is_compared_with_a_detector(studio: Studio) -> None:
    dataset_id = marked_set(studio)
    runs = [
        done_run(studio, dataset_id, evaluation(studio, dataset_id))
        for evaluation in (segmentation_evaluation, detection_evaluation)
    ]
    page = studio.page("viewer", f"/studio/trainings/{runs[0]}")
    words = page.locator("#accuracy-chart .chart-words")
    expect(words).to_contain_text(
        "Right pixels, training 0.9000, Right pixels, validation 0.7500, mIoU, validation 0.4500"
    )
    expect(page.locator(".tested-card")).to_contain_text("IoU 40.0%, 80.0% of the pixels right")
    expect_rows(page, "[aria-label='Each class']", {1: ["leaf", "60.0%", "70.0%", "65.0%", "25.0%"]})
    check_looks(page, "report-masks")
    page.goto(f"/studio/compare?jobs={runs[0]},{runs[1]}")
    expect(page.locator("#charts h3")).to_have_text(
        ["Validation loss", "mIoU of the validation pictures", "mAP50-95 of the validation pictures"]
    )
    rows = page.locator("#figures tbody tr")
    expect(rows.filter(has_text="Test mAP50-95")).to_be_visible()
    figures = {name: values for name, *values in (row.locator("th, td").all_inner_texts() for row in rows.all())}
    assert figures["Test mIoU"] == ["75.0%", "–"]
    assert figures["Test mAP50"] == ["–", "75.0%"]
    assert figures["Highest validation mAP50-95"] == ["–", "30.0%"]
    assert "Calibration error" not in figures
    check_looks(page, "compare-tasks")
