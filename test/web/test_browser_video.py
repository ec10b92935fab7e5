"""Videos on the upload page and the result page, as a visitor's browser shows them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from test import fakes
from test.app_builder import PRODUCTION_KEY
from test.images.videos import Film, make_video
from test.video_fakes import fresh, square_backend
from test.web.browser_fixtures import OpenPage, Site, Watch, browser, open_page, send, serving, wait_for_kind, watch
from test.web.studio.looks import check_looks

__all__ = ["browser", "open_page", "watch"]

pytestmark = pytest.mark.browser

FRAMES = 30
STEP_SECONDS = 0.2


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    def square(**options: object) -> dict[str, object]:
        return {"predictor_backend": "square", "options": options}

    with square_backend():
        predictors = {"boxes": square(), "removes": square(task="classification", predicted_image_action="remove")}
        with serving(tmp_path_factory.mktemp("site"), predictors) as site:
            yield site


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds, with sound."""
    return make_video(tmp_path_factory.mktemp("films") / "film.mp4", Film(frames=FRAMES, size=(320, 200), sound="aac"))


@pytest.fixture(autouse=True)
def _counts_from_zero() -> Iterator[None]:
    backend = fresh()
    yield
    backend.go_on.set()


def times(page: Page) -> list[float]:
    found: list[float] = page.eval_on_selector_all(".player", "all => all.map((video) => video.currentTime)")
    return found


def wait_until_loaded(page: Page) -> None:
    page.wait_for_function(
        """() => [...document.querySelectorAll(".player")]
          .every((video) => video.readyState >= 3 && video.videoWidth === 320)"""
    )


def test_video_is_followed_and_played_beside_its_original(open_page: OpenPage, film: Path) -> None:
    backend = fresh(stop_before=16)
    page = open_page("/upload")
    page.set_input_files("#image", film)
    expect(page.locator("#preview-video")).to_be_visible()
    expect(page.locator("#picture-facts")).to_contain_text("320 × 200, 3.0")
    page.check("input[value=boxes]")
    page.click(".upload-button")
    wait_for_kind(page, "waiting")
    expect(page.locator(".result-title")).to_have_text("Working on your video")
    expect(page.locator(".result-title")).to_be_focused()
    assert backend.has_stopped.wait(20)
    expect(page.locator(".result-facts")).to_contain_text("frames done")
    page.wait_for_function(
        "(bar) => 0 < bar.value && bar.value < 1", arg=page.get_by_label("Progress").element_handle()
    )
    check_looks(page, "result-video-waiting")
    backend.go_on.set()
    wait_for_kind(page, "video")
    expect(page.locator(".result-title")).to_have_text("1 class seen")
    expect(page.locator(".sightings button")).to_contain_text("0:00.0 to 0:02.9, 30 frames")
    expect(page.get_by_role("button", name="Another video")).to_be_visible()
    wait_until_loaded(page)

    page.evaluate("document.querySelector('.original-video').currentTime = 1.5")
    page.wait_for_function("() => document.querySelector('.result-video').currentTime === 1.5")
    page.evaluate("document.querySelector('.original-video').play()")
    page.wait_for_function("() => document.querySelector('.result-video').currentTime > 2")
    one, other = times(page)
    assert one == pytest.approx(other, abs=STEP_SECONDS)
    page.evaluate("document.querySelector('.result-video').pause()")
    page.wait_for_function("() => [...document.querySelectorAll('.player')].every((video) => video.paused)")
    page.locator(".sightings button").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("() => [...document.querySelectorAll('.player')].every((video) => video.currentTime === 0)")
    for address in page.locator(".addresses a").evaluate_all("all => all.map((link) => link.href)"):
        assert page.request.get(address).ok
    check_looks(page, "result-video")


def test_players_that_drift_apart_are_brought_together(open_page: OpenPage, film: Path) -> None:
    page = open_page("/upload")
    send(page, film, "boxes")
    wait_for_kind(page, "video")
    page.reload()
    wait_until_loaded(page)
    page.evaluate(
        """() => {
          const [original, result] = document.querySelectorAll(".player");
          const stop = (event) => event.stopImmediatePropagation(); // the page does not hear of it
          original.parentElement.addEventListener("seeking", stop, {capture: true, once: true});
          original.currentTime = 2.5;
          result.play();
        }"""
    )
    page.wait_for_function("() => document.querySelector('.result-video').currentTime > 0.3")
    page.wait_for_function(
        """() => {
          const [original, result] = document.querySelectorAll(".player");
          return Math.abs(original.currentTime - result.currentTime) < 0.3;
        }"""
    )


def test_video_without_script_is_waited_for_and_played(open_page: OpenPage, film: Path) -> None:
    page = open_page("/upload", java_script_enabled=False)
    page.check("input[value=boxes]")
    page.set_input_files("#image", film)
    page.click(".upload-button")
    wait_for_kind(page, "video")  # a page that still waits refreshes itself
    expect(page.locator(".player")).to_have_count(2)
    expect(page.locator(".found-name")).to_have_text("square")


def test_video_whose_page_is_reloaded_is_cancelled_there(open_page: OpenPage, film: Path, site: Site) -> None:
    backend = fresh(stop_before=8)
    page = open_page("/upload")
    send(page, film, "boxes")
    wait_for_kind(page, "waiting")
    assert backend.has_stopped.wait(20)
    page.reload()
    expect(page.locator(".result-facts")).to_contain_text("frames done")
    page.get_by_role("button", name="Cancel").focus()
    page.keyboard.press("Enter")
    wait_for_kind(page, "cancelled")
    expect(page.locator(".result-title")).to_have_text("Cancelled")
    backend.go_on.set()
    assert site.application.production.rows.find(page.url.rpartition("/")[2]) is None
    assert site.application.production.drain(20)


@pytest.mark.usefixtures("site")  # it knows the backend
def test_video_is_cancelled_with_the_key_that_sent_it(browser: Browser, film: Path, tmp_path: Path) -> None:
    backend = fresh(stop_before=8)
    predictors = {"boxes": {"predictor_backend": "square", "options": {}}}
    with serving(tmp_path, predictors, is_open=False) as guarded:
        page = browser.new_page(base_url=guarded.url)
        page.goto("/upload")
        page.get_by_label("API key").fill(PRODUCTION_KEY)
        send(page, film, "boxes")
        wait_for_kind(page, "waiting")
        assert backend.has_stopped.wait(20)
        page.get_by_role("button", name="Cancel").click()
        wait_for_kind(page, "cancelled")
        page.context.close()
        backend.go_on.set()
        assert guarded.application.production.drain(20)


def test_video_that_was_not_kept_shows_its_result_alone(open_page: OpenPage, film: Path) -> None:
    page = open_page("/upload")
    send(page, film, "removes")
    wait_for_kind(page, "video")
    expect(page.locator(".player")).to_have_count(1)
    expect(page.locator(".picture-note:visible")).to_have_text("The video was not kept.")
    expect(page.locator(".sightings .swatch")).to_have_count(0)


def test_original_that_the_browser_cannot_play_is_named(open_page: OpenPage, film: Path, watch: Watch) -> None:
    watch.expected.append("net::ERR_FAILED")
    page = open_page("/upload")
    send(page, film, "boxes")
    wait_for_kind(page, "video")
    page.route("**/video?original=1", lambda route: route.abort())
    page.reload()
    expect(page.locator(".player-note:visible")).to_contain_text("cannot play the original")
    expect(page.locator(".original-video")).to_be_hidden()
    page.locator(".sightings button").click()


def test_video_too_large_or_among_pictures_is_not_sent(open_page: OpenPage, film: Path, tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    picture.write_bytes(fakes.picture("none", (60, 40)))
    page = open_page("/upload")
    # A file of that size is not carried into the browser: its size is what counts.
    page.evaluate(
        """() => {
          const file = new File(["x"], "huge.mp4");
          Object.defineProperty(file, "size", { value: 257 * 1024 * 1024 });
          const transfer = { types: ["Files"], files: [file] };
          const event = new Event("drop", { bubbles: true, cancelable: true });
          Object.defineProperty(event, "dataTransfer", { value: transfer });
          document.body.dispatchEvent(event);
        }"""
    )
    expect(page.locator("#upload-message")).to_have_text(
        "Your video is too large: 257.0 MB, at most 256.0 MB can be sent."
    )
    page.set_input_files("#image", [film, picture])
    page.check("input[value=boxes]")
    page.click(".upload-button")
    expect(page.locator("#more-pictures")).to_be_visible()
    expect(page.locator(".queue-words").first).to_have_text("Videos are sent one at a time.")
