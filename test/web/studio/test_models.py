"""The pages of models: who may see them, and what a person does there, in headless Chromium."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from deep_predictor.db.model_rows import ModelRecord
from test.fakes import picture
from test.web.browser_fixtures import HOSTILE_NAME
from test.web.management.conftest import management_of
from test.web.management.test_models_api import add_model
from test.web.sites import Site
from test.web.studio.looks import check_axe, check_looks
from test.web.studio.site import Studio

browser_test = pytest.mark.browser
PROGRAM = (sys.executable, str(Path(__file__).with_name("fake_model_jobs.py")))
#: Of the jobs that trained the models.
NUMBERS = count(5001)


@pytest.fixture(scope="module", autouse=True)
def fake_jobs(studio_site: Site) -> None:
    jobs = management_of(studio_site).jobs
    jobs._settings = replace(jobs._settings, program=PROGRAM)


@pytest.fixture
def held(studio_site: Site) -> Iterator[Path]:
    """Jobs that begin wait until this file is gone."""
    path = studio_site.folder / "runs" / "hold"
    path.parent.mkdir(exist_ok=True)
    path.touch()
    yield path
    path.unlink(missing_ok=True)


def trained(studio: Studio, name: str) -> ModelRecord:
    """A model that answers its name."""
    return add_model(studio.site, next(NUMBERS), name)


def publish(studio: Studio, model: ModelRecord, name: str, environment: str = "production") -> None:
    studio.management.models.publisher.publish(model.id, environment, name, None)


def model_page(studio: Studio, model: ModelRecord, role: str = "trainer", **options: Any) -> Page:
    page = studio.page(role, f"/studio/models/{model.id}", **options)
    expect(page.get_by_role("heading", name="Try it")).to_be_visible()
    return page


def look_again(page: Page) -> None:
    """What the page does by itself now and then."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def message(page: Page) -> Locator:
    return page.locator("#messages")


@pytest.mark.parametrize(
    ("path", "viewer", "trainer"),
    [("/studio/models", 200, 200), ("/studio/models/new", 403, 200), ("/studio/models/999999999", 404, 404)],
)
def test_pages_are_for_those_who_may(studio: Studio, path: str, viewer: int, trainer: int) -> None:
    assert studio.ask("viewer", "GET", path).status_code == viewer
    assert studio.ask("trainer", "GET", path).status_code == trainer
    led = studio.ask(None, "GET", path)
    assert (led.status_code, led.headers["Location"]) == (303, f"/login?next={path}")


def test_page_of_a_model_escapes_its_name(studio: Studio) -> None:
    model = trained(studio, HOSTILE_NAME.replace("/", ""))
    text = studio.ask("viewer", "GET", f"/studio/models/{model.id}").text
    assert "<img src=x" not in text
    assert "&lt;img src=x" in text


def test_page_of_a_model_has_no_control_that_a_viewer_may_not_use(studio: Studio) -> None:
    path = f"/studio/models/{trained(studio, 'apple').id}"
    for word in ('id="publish-form"', 'id="delete"'):
        assert word not in studio.ask("viewer", "GET", path).text
        assert word in studio.ask("trainer", "GET", path).text


def test_page_of_a_model_leads_to_its_training_and_data_set_only_while_they_are_there(studio: Studio) -> None:
    job_id = studio.management.jobs.start({}, "train", "linked")
    studio.management.jobs.cancel(job_id)
    model = add_model(studio.site, job_id, "linked")
    path = f"/studio/models/{model.id}"
    text = studio.ask("viewer", "GET", path).text
    assert f"/studio/trainings/{job_id}" in text
    assert "Its data set" not in text, "it was trained on one that is gone"
    assert studio.management.jobs.wait(job_id, 20).has_ended
    studio.management.jobs.forget(job_id)
    assert "Its training" not in studio.ask("viewer", "GET", path).text


@browser_test
def test_list_shows_versions_by_name_and_what_is_served(studio: Studio) -> None:
    name = f"{HOSTILE_NAME} 日本"
    first, second = trained(studio, name), trained(studio, name)
    publish(studio, first, "listed")
    publish(studio, second, "listed")
    page = studio.page("trainer", "/studio/models")
    row = page.locator("tr", has=page.get_by_role("link", name=f"{name}, version {second.version}"))
    expect(row.get_by_role("rowheader")).to_have_text(name)
    expect(row).to_contain_text("75.0%")
    expect(row.locator(".place")).to_have_text("listed")
    served = page.locator(".served-one", has=page.get_by_role("link", name="listed", exact=True))
    expect(served).to_contain_text("ready")
    expect(served.get_by_role("button", name="Stop serving listed")).to_be_visible()
    check_looks(page, "models")
    assert page.title() == "Models · deep predictor"

    studio.management.models.publisher.unpublish("production", "listed", None)
    look_again(page)
    expect(served).to_have_count(0)
    expect(row.locator(".place")).to_have_count(0)


@browser_test
def test_viewer_sees_no_button_that_would_be_refused(studio: Studio) -> None:
    model = trained(studio, "seen")
    publish(studio, model, "seen")
    page = studio.page("viewer", "/studio/models")
    expect(page.locator("#publications")).to_contain_text("seen")
    expect(page.locator("main button")).to_have_count(2)  # log out, and the hidden one that shows more
    expect(page.get_by_role("link", name="Add one that was trained elsewhere")).to_have_count(0)
    page = model_page(studio, model, "viewer")
    expect(page.locator("#publications")).to_contain_text("seen")
    expect(page.locator("#publish button, #delete")).to_have_count(0)
    page.get_by_label("A picture").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": picture()})
    expect(page.locator(".try-score")).to_contain_text("seen")
    studio.management.models.publisher.unpublish("production", "seen", None)


@browser_test
def test_model_is_tried_on_a_picture_and_errors_are_told(studio: Studio) -> None:
    studio.watch.expected += ["415", "409"]
    model = trained(studio, HOSTILE_NAME)
    page = model_page(studio, model)
    chooser = page.get_by_label("A picture")
    chooser.set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": picture(size=(300, 200))})
    expect(page.locator(".try-score")).to_have_text(f"{HOSTILE_NAME}90.0%")
    expect(page.locator("#try-picture")).to_be_visible()
    expect(page.get_by_role("cell", name="75.0%")).to_be_visible()
    check_looks(page, "model")
    assert page.title().startswith("<img"), "nothing of it ran"

    chooser.set_input_files({"name": "b.png", "mimeType": "image/png", "buffer": b"no picture"})
    expect(page.locator("#try-answer")).to_contain_text("The image cannot be read")
    expect(page.locator("#try-picture")).to_be_hidden()
    chooser.set_input_files({"name": "c.png", "mimeType": "image/png", "buffer": picture("raise")})
    expect(page.locator("#try-answer")).to_contain_text("model_raised")


@browser_test
def test_model_is_published_brought_back_and_stopped_by_keyboard(studio: Studio) -> None:
    studio.watch.expected += ["409"]
    old, new = trained(studio, "fruit"), trained(studio, "fruit")
    publish(studio, old, "fruit")
    page = model_page(studio, new)
    expect(page.locator("#publish-note")).to_have_text(
        f"Takes the place of fruit {old.version}, which can be brought back."
    )
    name = page.get_by_label("Publish under the name")
    name.fill("dummy")
    expect(page.locator("#publish-note")).to_have_text("The name is free.")
    name.press("Enter")
    expect(message(page)).to_contain_text("there is a predictor of the name 'dummy' already")
    expect(page.get_by_role("button", name="Publish")).to_be_focused()

    name.fill("fruit")
    name.press("Enter")
    expect(message(page)).to_have_text(re.compile(f"^fruit {new.version} answers as “fruit” now"))
    expect(page.get_by_role("heading", name="Use it")).to_be_focused()
    expect(page.locator("#publications")).to_contain_text("in production")
    expect(page.locator("#publish-note")).to_have_text("It is served under this name already.")
    check_axe(page)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="fruit", exact=True)).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#publications").get_by_role("link", name=f"fruit {new.version}")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name=f"Go back to fruit {old.version}")).to_be_focused()
    page.keyboard.press("Enter")
    expect(message(page)).to_contain_text(f"“fruit” answers with fruit {old.version} again.")
    expect(page.locator("#publications")).to_contain_text("It is not published")
    expect(page.get_by_role("heading", name="Use it")).to_be_focused()

    page.goto("/studio/models")
    stop = page.get_by_role("button", name="Stop serving fruit")
    stop.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Uploads for it are refused then.")
    page.keyboard.press("Escape")
    expect(stop).to_be_visible()
    stop.press("Enter")
    dialog.get_by_role("button", name="Stop serving").press("Enter")
    expect(message(page)).to_contain_text("“fruit” is served no more.")
    expect(page.get_by_role("heading", name="Served now")).to_be_focused()


@browser_test
def test_model_is_deleted_but_not_while_it_is_published(studio: Studio) -> None:
    studio.watch.expected += ["409", "404"]
    model = trained(studio, "gone")
    publish(studio, model, "gone", "test")
    page = model_page(studio, model)
    delete = page.get_by_role("button", name="Delete this version")
    delete.click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(message(page)).to_contain_text("is published as gone")
    expect(delete).to_be_focused()
    studio.management.models.publisher.unpublish("test", "gone", None)
    delete.click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.wait_for_url("**/studio/models")
    assert studio.ask("viewer", "GET", f"/studio/models/{model.id}").status_code == 404


@browser_test
def test_page_says_when_the_server_is_away_and_when_it_is_back(studio: Studio) -> None:
    studio.watch.expected += ["ERR_FAILED"]
    page = model_page(studio, trained(studio, "away"))
    page.route("**/api/**", lambda route: route.abort())
    look_again(page)
    expect(page.locator("#trouble")).to_have_text("The server cannot be reached, trying again…")
    page.unroute("**/api/**")
    look_again(page)
    expect(page.locator("#trouble")).to_be_hidden()


def fill_form(page: Page, name: str, content: bytes) -> None:
    page.get_by_label(re.compile("^File")).set_input_files(
        {"name": f"{name}.keras", "mimeType": "application/octet-stream", "buffer": content}
    )
    expect(page.get_by_label("Name", exact=True)).to_have_value(name)
    page.get_by_label("Its classes").fill("cat\n日本\n\n <b>dog</b> \n")
    expect(page.locator("#names-note")).to_have_text("3 classes")


@browser_test
def test_model_of_elsewhere_is_sent_checked_and_downloaded(studio: Studio, held: Path) -> None:
    studio.watch.expected += ["409"]
    page = studio.page("trainer", "/studio/models/new")
    fill_form(page, "sent", b"good")
    page.get_by_label("It was trained like").select_option("tf")
    page.get_by_text("Every number of it").click()
    check_looks(page, "model-new")
    scale = page.get_by_label("Scale")
    expect(scale).to_have_value(str(1 / 127.5))
    scale.fill("a")
    page.get_by_role("button", name="Send it").click()
    expect(message(page)).to_contain_text("Scale must be a number")
    scale.fill("0.5, 0.5, 0.5")
    expect(page.get_by_label("It was trained like")).to_have_value("own")
    page.get_by_role("button", name="Send it").press("Enter")
    expect(page.locator("#checking")).to_contain_text("Looking at it")
    check_looks(page, "model-checking")
    held.unlink()
    expect(message(page)).to_contain_text("sent 1 is ready.")
    expect(page.locator(".names-list li")).to_have_text(["cat", "日本", "<b>dog</b>"])
    expect(page.locator("#figures")).to_contain_text("It was trained elsewhere")
    model = next(one for one in studio.management.models.page(50, 0)[1] if one.name == "sent")
    options = json.loads((studio.management.models.folders.of(model) / "options.json").read_text())
    assert (options["scale"], options["mean"], options["image_w"]) == ([0.5, 0.5, 0.5], 1.0, 224)

    with page.expect_download() as download:
        page.get_by_role("button", name="Get Keras").click()
    assert download.value.suggested_filename == f"model-{model.id}.keras"
    held.touch()
    page.get_by_role("button", name="Get ONNX (zip)").click()
    expect(page.locator("[data-state-of=onnx]")).to_contain_text("It is being made")
    with page.expect_download() as download:
        held.unlink()
    assert download.value.suggested_filename == f"model-{model.id}-onnx.zip"
    expect(page.get_by_role("button", name="Get ONNX (zip)")).to_be_focused()
    page.get_by_role("button", name="Get OpenVINO (zip)").click()
    expect(page.locator("[data-state-of=openvino]")).to_contain_text("it has an op that OpenVINO does not know")


@browser_test
def test_model_that_is_refused_says_why(studio: Studio) -> None:
    page = studio.page("trainer", "/studio/models/new", width=360)
    fill_form(page, "refused", b"bad")
    page.get_by_role("button", name="Send it").click()
    expect(page.locator("#reason")).to_have_text('model_broken: <img src=x onerror="document.title=1"> is no model')
    expect(page.get_by_role("heading", name="Try it")).to_be_hidden()
    check_looks(page, "model-refused")
    assert page.title() == "refused 1 · deep predictor"
