"""Many pictures at once on the upload page: a line for each, whatever becomes of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from test import fakes
from test.web.browser_fixtures import HOSTILE_NAME, OpenPage, Site, Watch, browser, choose_model, open_page, site, watch
from test.web.studio.looks import check_looks

__all__ = ["browser", "open_page", "site", "watch"]

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Five, one of them with a hostile name."""
    folder = tmp_path_factory.mktemp("pictures")
    names = ["one.png", "two.png", "three.png", "four.png", HOSTILE_NAME.replace("/", "") + ".png"]
    for number, name in enumerate(names):
        (folder / name).write_bytes(fakes.picture(size=(60 + number, 40)))
    return [folder / name for name in names]


def start(page: Page, files: list[Path], model: str = "classes") -> None:
    choose_model(page, model)
    page.set_input_files("#image", files)
    page.click(".upload-button")


def count(page: Page) -> str:
    return page.locator("[data-count]").inner_text()


def wait_for_end(page: Page) -> None:
    expect(page.locator("#more-pictures")).to_be_visible(timeout=20_000)


def test_queue_answers_each_picture_and_links_its_page(open_page: OpenPage, pictures: list[Path]) -> None:
    page = open_page("/upload")
    page.set_input_files("#image", pictures)
    expect(page.locator("#picture-facts")).to_contain_text("5 pictures")
    expect(page.locator(".upload-button")).to_have_text("Look at 5 pictures")
    choose_model(page, "things")
    page.locator(".upload-button").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#queue-title")).to_be_focused()
    wait_for_end(page)
    lines = page.locator(".queue-line")
    assert lines.locator(".queue-name").all_inner_texts() == [path.name for path in pictures]
    expect(lines.locator("a")).to_have_count(5)
    expect(lines.first).to_contain_text("3 things found")
    assert count(page) == "5 of 5 done"
    expect(page.locator("#queue-area [data-said]")).to_have_text("5 of 5 done")
    check_looks(page, "upload-queue")
    with page.context.expect_page() as opened:
        lines.nth(1).locator("a").click()
    expect(opened.value.locator("#result-title")).to_have_text("3 things found")

    page.get_by_role("button", name="More pictures").click()
    expect(page.locator("#upload-form")).to_be_visible()
    expect(page.locator(".upload-button")).to_have_text("Look at it")
    assert page.evaluate("document.querySelector('#image').files.length") == 0


def test_queue_of_dropped_files_says_which_cannot_be_sent(
    open_page: OpenPage, pictures: list[Path], watch: Watch
) -> None:
    watch.expected.append("415")
    page = open_page("/upload", width=360)
    page.evaluate(
        """(good) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File(["hello"], "notes.txt"));
          transfer.items.add(new File(["this is no picture"], "liar.png"));
          transfer.items.add(new File([new Uint8Array(good)], "good.png", {type: "image/png"}));
          document.body.dispatchEvent(new DragEvent("drop", {bubbles: true, cancelable: true, dataTransfer: transfer}));
        }""",
        list(pictures[0].read_bytes()),
    )
    choose_model(page, "hostile")
    page.click(".upload-button")
    wait_for_end(page)
    lines = page.locator(".queue-line .queue-words")
    expect(lines.nth(0)).to_contain_text("not supported")
    expect(lines.nth(1)).to_contain_text("cannot be read")
    expect(lines.nth(2)).to_contain_text(HOSTILE_NAME)
    assert count(page) == "3 of 3 done, 2 without an answer"
    assert page.title() != "1"


def test_queue_goes_on_when_the_server_is_back(open_page: OpenPage, pictures: list[Path], watch: Watch) -> None:
    watch.expected.append("net::ERR_")
    page = open_page("/upload")
    page.context.set_offline(True)
    start(page, pictures[:2])
    expect(page.locator(".queue-line").first).to_contain_text("The server cannot be reached. Trying again…")
    page.context.set_offline(False)
    wait_for_end(page)
    assert count(page) == "2 of 2 done"


def test_queue_whose_answer_is_lost_on_the_way_sends_the_picture_once(
    open_page: OpenPage, pictures: list[Path], site: Site, watch: Watch
) -> None:
    watch.expected += ["net::ERR_FAILED", "409"]
    page = open_page("/upload")
    lost: list[str] = []

    def lose_the_first_answer(route: Route) -> None:
        if route.request.method == "POST" and not lost:
            lost.append(route.fetch().text())
            route.abort()
        else:
            route.continue_()

    page.route("**/upload", lose_the_first_answer)
    start(page, pictures[:2])
    wait_for_end(page)
    assert count(page) == "2 of 2 done"
    assert lost


def test_queue_that_is_stopped_says_what_was_not_sent(open_page: OpenPage, pictures: list[Path]) -> None:
    page = open_page("/upload")
    start(page, pictures, "slow")
    expect(page.locator(".queue-line a").first).to_be_visible()
    page.locator("[data-stop]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#more-pictures")).to_be_focused()
    expect(page.locator(".queue-line").last).to_contain_text("Not sent")
    assert "without an answer" in count(page)
