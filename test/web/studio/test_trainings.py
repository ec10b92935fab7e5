"""The pages of trainings: the list, one run while it goes and when it is done, several compared."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from test.web.browser_fixtures import STEP_MILLISECONDS
from test.web.management.conftest import management_of
from test.web.management.evaluated_runs import evaluation_of
from test.web.management.training_sites import fake_runs, jobs_of, use_fakes
from test.web.sites import Site
from test.web.studio.looks import check_looks
from test.web.studio.site import Studio
from test.web.studio.training_runs import HOSTILE, finished_run, held_run, pets, start_run

pytestmark = pytest.mark.browser
expect.set_options(timeout=STEP_MILLISECONDS)


@pytest.fixture(scope="module")
def dataset_id(studio_site: Site) -> int:
    use_fakes(studio_site)
    return pets(studio_site)


@pytest.fixture(scope="module")
def done_id(studio_site: Site, dataset_id: int) -> int:
    return finished_run(studio_site, dataset_id, HOSTILE)


def row(page: Page, job_id: int) -> str:
    return f"#list tr:has(a[href='/studio/trainings/{job_id}'])"


def test_list_shows_states_cancels_resumes_and_deletes(studio: Studio, dataset_id: int, done_id: int) -> None:
    run = held_run(studio.site, dataset_id)
    page = studio.page("trainer", "/studio/trainings")
    expect(page.locator(row(page, done_id))).to_contain_text("Done")
    expect(page.locator(row(page, done_id))).to_contain_text(HOSTILE)
    running = page.locator(row(page, run.job_id))
    expect(running).to_contain_text("1 of 5 epochs")
    run.end_step(2, 3, 10, 5)
    expect(running).to_contain_text("about 2 min left")
    check_looks(page, "trainings")

    running.get_by_role("button", name="Cancel").click()
    expect(running).to_contain_text("Cancelled")
    fake_runs(studio.site)
    (run.folder / "go").touch()
    running.get_by_role("button", name="Resume").click()
    expect(running.locator(".state")).to_have_text("Done")
    running.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(running).to_be_visible()
    running.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(running).to_have_count(0)
    assert page.title() == "Trainings · deep predictor"


def test_list_leads_to_the_comparison_of_what_is_ticked(studio: Studio, dataset_id: int, done_id: int) -> None:
    other = finished_run(
        studio.site, dataset_id, "pets", {"seed": 7, "fit_options": {"architecture": "lenet5", "epochs": 9}}
    )
    page = studio.page("viewer", "/studio/trainings")
    compare = page.get_by_role("button", name="Compare")
    expect(compare).to_be_disabled()
    for job_id in (done_id, other):
        page.locator(row(page, job_id)).get_by_role("checkbox").check()
    compare.click()
    page.wait_for_url(f"**/studio/compare?jobs={done_id},{other}")
    expect(page.locator("#settings")).to_contain_text("fit_options.epochs")
    expect(page.locator("#settings")).to_contain_text("seed")
    expect(page.locator("#settings")).not_to_contain_text("architecture")
    expect(page.locator("#figures")).to_contain_text("50.0%")
    expect(page.locator("#loss-chart canvas")).to_be_visible()
    page.get_by_label("Show the training part").check()
    expect(page.locator("#loss-chart .chart-words")).to_contain_text("training part")
    check_looks(page, "compare")
    assert page.title() == "Compare trainings · deep predictor"


def test_comparison_says_what_is_missing(studio: Studio, done_id: int) -> None:
    page = studio.page("viewer", f"/studio/compare?jobs={done_id},99999")
    studio.watch.expected.append("404")
    expect(page.locator("#compare-note")).to_have_text("There is no training 99999.")
    expect(page.locator("#figures")).to_be_visible()
    empty = studio.page("viewer", "/studio/compare")
    expect(empty.locator("main")).to_contain_text("Tick some trainings")
    assert studio.ask("viewer", "GET", "/studio/compare?jobs=1;2").status_code == 422


def test_run_moves_while_it_is_watched_and_tells_its_end(studio: Studio, dataset_id: int) -> None:
    run = held_run(studio.site, dataset_id)
    page = studio.page("trainer", f"/studio/trainings/{run.job_id}")
    words = page.locator("#loss-chart .chart-words")
    expect(words).to_have_text(re.compile("^Epoch 1: Training 1.3"))
    run.end_step(2, 3, 10, 5)
    expect(words).to_have_text("In epoch 2: Training 0.4000")
    expect(page.locator("#progress-words")).to_contain_text("81 pictures a second")
    expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "26")
    run.end_epoch(2, 5)
    expect(words).to_have_text(re.compile("^Epoch 2: Training 0.8.*Validation"))
    page.get_by_text("The same as a table").click()
    expect(page.locator("#epochs-frame tbody tr")).to_have_count(2)
    page.get_by_text("Settings", exact=True).click()
    expect(page.locator("#settings")).to_contain_text("fit_options.architecture")
    check_looks(page, "run-live")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#state")).to_have_text("Cancelled")
    expect(page.locator("#run-title")).to_be_focused()
    run.let_go()
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#state")).to_have_text("Done")


def test_run_that_failed_tells_why_and_its_log(studio: Studio, dataset_id: int) -> None:
    job_id = start_run(studio.site, dataset_id, HOSTILE, end="said")
    assert jobs_of(studio.site).wait(job_id, 40).has_ended
    page = studio.page("viewer", f"/studio/trainings/{job_id}")
    expect(page.locator("#state")).to_have_text("Failed")
    expect(page.locator("#reason")).to_contain_text("the data set is empty")
    page.get_by_text("Log", exact=True).click()
    expect(page.locator("#log")).not_to_be_empty()
    expect(page.locator("h1")).to_contain_text(HOSTILE)
    for name in ("Resume", "Delete", "Cancel"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    check_looks(page, "run-failed")


def test_report_opens_the_pictures_of_a_cell_and_relabels_one(studio: Studio, dataset_id: int, done_id: int) -> None:
    page = studio.page("trainer", f"/studio/trainings/{done_id}")
    expect(page.locator("#report")).to_be_visible()
    expect(page.locator(".tested-card").first).to_be_visible()
    page.get_by_text("Log", exact=True).click()
    expect(page.locator("#log")).to_contain_text(HOSTILE)
    check_looks(page, "run-done")
    cell = page.get_by_role("button", name=re.compile("of “cat” called “dog”"))
    cell.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading")).to_have_text("“cat”, called “dog”")
    expect(dialog.locator(".tested-card")).to_have_count(2)
    check_looks(page, "run-cell")
    label = dialog.locator("input").first
    label.fill(HOSTILE)
    page.keyboard.press("Enter")
    expect(dialog.locator(".relabel-done").first).to_have_text("Saved, was cat")
    expect(label).to_be_focused()
    label.fill(" ")
    page.keyboard.press("Enter")
    expect(dialog.locator(".relabel-done").first).to_have_text("A label is needed.")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(cell).to_be_focused()
    cell.press("Enter")
    expect(dialog.locator("input").first).to_have_value(HOSTILE)
    counts = management_of(studio.site).datasets.counts(management_of(studio.site).datasets.get(dataset_id))
    assert counts[(HOSTILE, "")] == 5
    assert page.title().startswith(HOSTILE)


def test_report_of_many_classes_lists_the_largest_confusions(studio: Studio, dataset_id: int) -> None:
    job_id = finished_run(studio.site, dataset_id, "many", epochs=1)
    names = [f"class {number}" for number in range(45)]
    tested = [(f"{n}.png", None, names[n % 45], names[(n + n % 2) % 45], 0.5) for n in range(90)]
    folder = Path(jobs_of(studio.site).get(job_id).run_folder)
    (folder / "evaluation.json").write_text(json.dumps(evaluation_of(names, tested)))
    page = studio.page("trainer", f"/studio/trainings/{job_id}")
    listed = page.locator(".confusions button")
    expect(listed.first).to_have_text("1 of “class 0” called “class 1”")
    listed.first.click()
    expect(page.get_by_role("dialog")).to_contain_text("no longer in the data set")
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Show more").click()
    expect(page.locator("#report .tested-card")).to_have_count(24)
    expect(page.get_by_text("24 of 45 pictures")).to_be_visible()


def test_report_for_a_viewer_has_nothing_to_relabel(studio: Studio, done_id: int) -> None:
    page = studio.page("viewer", f"/studio/trainings/{done_id}", width=360)
    expect(page.locator(".tested-card").first).to_be_visible()
    assert page.locator(".tested-card input").count() == 0


def test_page_says_that_the_server_is_away_and_comes_back(studio: Studio, dataset_id: int) -> None:
    run = held_run(studio.site, dataset_id)
    page = studio.page("trainer", f"/studio/trainings/{run.job_id}")
    studio.watch.expected += ["ERR_FAILED", "ERR_INTERNET"]
    expect(page.locator("#charts")).to_be_visible()
    page.context.route("**/api/v1/**", lambda route: route.abort())
    expect(page.locator("#away")).to_have_text("The server cannot be reached, trying again…")
    run.end_step(2, 5, 10, 5)
    # Live events do not come by the API.
    expect(page.locator("#loss-chart .chart-words")).to_have_text("In epoch 2: Training 0.4000")
    page.context.unroute("**/api/v1/**")
    run.let_go()
    expect(page.locator("#away")).to_be_hidden()
    expect(page.locator("#state")).to_have_text("Done")


def test_pages_ask_for_a_login_and_a_known_training(studio: Studio) -> None:
    assert studio.ask("viewer", "GET", "/studio/trainings/99999").status_code == 404
    assert studio.ask(None, "GET", "/studio/trainings/1").headers["Location"].startswith("/login")
    assert studio.ask("viewer", "GET", "/studio/trainings/new").status_code == 403
    assert studio.ask("trainer", "GET", "/studio/trainings/new?dataset=x").status_code == 422
