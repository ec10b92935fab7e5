"""Taking a picture and sending it, as a visitor's browser does: chosen, dropped, pasted, refused, lost on the way."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Route, expect

from test import fakes
from test.web.browser_fixtures import (
    OpenPage,
    Site,
    Watch,
    browser,
    choose_model,
    open_page,
    picture_file,
    send,
    site,
    wait_for_kind,
    watch,
)

__all__ = ["browser", "open_page", "picture_file", "site", "watch"]

pytestmark = pytest.mark.browser


def test_upload_whose_answer_is_lost_on_the_way_goes_on_to_the_result(
    open_page: OpenPage, picture_file: Path, site: Site, watch: Watch
) -> None:
    watch.expected.append("net::ERR_FAILED")
    page = open_page("/upload")

    def lose_the_answer(route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()
            return
        found = re.search(rb'name="prediction_id"\r\n\r\n([A-Za-z0-9]{32})', route.request.post_data_buffer or b"")
        assert found
        answer = requests.post(
            f"{site.url}/upload",
            data={"prediction_id": found[1].decode(), "model_name": "classes"},
            files={"image": ("picture.png", picture_file.read_bytes())},
            timeout=30,
        )
        assert answer.status_code == 201
        route.abort()

    page.route("**/upload", lose_the_answer)
    send(page, picture_file, "classes")
    wait_for_kind(page, "scores")


def test_upload_to_a_server_that_is_gone_keeps_the_picture(
    open_page: OpenPage, picture_file: Path, watch: Watch
) -> None:
    watch.expected.append("net::ERR_")
    page = open_page("/upload")
    page.context.set_offline(True)
    send(page, picture_file, "classes")
    expect(page.locator("#upload-message")).to_contain_text("The server cannot be reached.")
    expect(page.locator("#preview-picture")).to_be_visible()
    page.context.set_offline(False)
    page.click(".upload-button")
    wait_for_kind(page, "scores")


def test_upload_that_the_server_refuses_comes_back_to_the_form_with_its_words(
    open_page: OpenPage, tmp_path: Path, watch: Watch
) -> None:
    watch.expected.append("415")
    liar = tmp_path / "liar.png"
    liar.write_bytes(b"this is no picture")
    page = open_page("/upload")
    send(page, liar, "classes")
    expect(page.locator("#upload-message")).to_be_visible()
    expect(page.locator("#upload-message")).not_to_be_empty()
    expect(page.locator("#upload-form")).to_be_visible()
    assert page.url.endswith("/upload")


def test_upload_wrong_kind_or_size_is_refused_before_it_is_sent(open_page: OpenPage, tmp_path: Path) -> None:
    text, huge = tmp_path / "notes.txt", tmp_path / "huge.png"
    text.write_text("hello")
    with huge.open("wb") as file:
        file.truncate(17 * 1024 * 1024)
    page = open_page("/upload")
    page.set_input_files("#image", text)
    expect(page.locator("#upload-message")).to_contain_text("not supported")
    page.set_input_files("#image", huge)
    expect(page.locator("#upload-message")).to_contain_text("too large: 17.0 MB")
    assert page.evaluate("document.querySelector('#image').files.length") == 0


@pytest.mark.parametrize("event", ["drop", "paste"])
def test_picture_dropped_or_pasted_is_taken(open_page: OpenPage, picture_file: Path, event: str) -> None:
    page = open_page("/upload")
    page.evaluate(
        """([event, bytes]) => {
          const transfer = new DataTransfer();
          const name = event === "paste" ? "" : "日本.png";
          transfer.items.add(new File([new Uint8Array(bytes)], name, {type: "image/png"}));
          const options = {bubbles: true, cancelable: true};
          const made = event === "drop" ? new DragEvent(event, {...options, dataTransfer: transfer})
                                        : new ClipboardEvent(event, {...options, clipboardData: transfer});
          document.body.dispatchEvent(made);
        }""",
        [event, list(picture_file.read_bytes())],
    )
    expect(page.locator("#picture-facts")).to_contain_text("300 × 200")
    choose_model(page, "classes")
    page.click(".upload-button")
    wait_for_kind(page, "scores")


def test_upload_by_keyboard_alone(open_page: OpenPage, picture_file: Path) -> None:
    page = open_page("/upload")
    # Somebody has to listen from early on: the browser learns of the first listener at its own pace.
    page.on("filechooser", lambda chooser: None)
    page.keyboard.press("Tab")
    expect(page.locator(".skip-link")).to_be_focused()
    page.locator("#image").focus()
    with page.expect_file_chooser() as choosing:
        page.keyboard.press("Enter")
    choosing.value.set_files(picture_file)
    expect(page.locator("#preview-picture")).to_be_visible()
    page.locator("input[value=classes]").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("input[value=things]")).to_be_checked()
    page.keyboard.press("Enter")
    wait_for_kind(page, "boxes")
    expect(page.locator(".result-title")).to_be_focused()


def test_another_model_keeps_the_picture_and_another_picture_does_not(open_page: OpenPage, picture_file: Path) -> None:
    page = open_page("/upload")
    send(page, picture_file, "classes")
    wait_for_kind(page, "scores")
    first_address = page.url
    page.click("#another-model")
    expect(page.locator("#preview-picture")).to_be_visible()
    choose_model(page, "things")
    page.click(".upload-button")
    wait_for_kind(page, "boxes")
    assert page.url != first_address
    page.click("#another-picture")
    expect(page.locator("#preview")).to_be_hidden()
    assert page.url.endswith("/upload")
    assert page.evaluate("document.querySelector('#image').files.length") == 0


def test_upload_page_marks_broken_models_and_follows_a_loading_one(
    open_page: OpenPage, picture_file: Path, site: Site
) -> None:
    page = open_page("/upload")
    expect(page.locator("input[value=broken]")).to_be_disabled()
    loading = page.locator("[data-model-state=loads]")
    expect(loading).to_have_text("Loading")
    send(page, picture_file, "loads")
    wait_for_kind(page, "waiting")
    fakes.release_loading.set()
    wait_for_kind(page, "scores")
    page.click("#another-picture")
    expect(page.locator("[data-model-state=loads]")).to_have_class(re.compile("state-ready"))


@pytest.mark.parametrize("model", ["classes", "things"])
def test_upload_without_script_ends_on_the_result_page(open_page: OpenPage, picture_file: Path, model: str) -> None:
    page = open_page("/upload", java_script_enabled=False)
    choose_model(page, model)
    page.set_input_files("#image", picture_file)
    with page.expect_response(lambda response: response.request.method == "POST") as posting:
        page.click(".upload-button")
    assert posting.value.status == 201
    # A page that still waits refreshes itself.
    wait_for_kind(page, "scores", "boxes")
    assert page.locator(".picture").evaluate("picture => picture.naturalWidth") == 300
    if model == "things":
        names = page.locator(".box text").all_text_contents()
        assert set(names) == {"person", "dog", "horse"}
    else:
        expect(page.locator(".score-value").first).to_have_text("72.2%")
