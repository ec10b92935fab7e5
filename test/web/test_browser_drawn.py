"""Boxes, masks and heat maps on the result page, as a visitor sees and switches them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from deep_predictor.backends.table import BACKENDS
from test.app_builder import DUMMY
from test.web.browser_fixtures import OpenPage, Site, Watch, browser, open_page, send, serving, wait_for_kind, watch
from test.web.studio.looks import check_looks
from test.web.test_drawn_results import paint, painted

__all__ = ["browser", "open_page", "watch"]

pytestmark = pytest.mark.browser

SIZE = (300, 200)
#: Where the red quarter and the blue half are, in shares of the width; and the gray between them.
RED, GRAY, BLUE = 0.1, 0.4, 0.8


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    BACKENDS["paint"] = "test.web.painting:PaintBackend"
    predictors = {
        "segmenter": paint(),
        "detector": paint(finds="detection"),
        "removes": paint(predicted_image_action="remove"),
        "dummy": DUMMY,
    }
    with serving(tmp_path_factory.mktemp("site"), predictors) as site:
        yield site
    del BACKENDS["paint"]


@pytest.fixture(scope="module")
def painted_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "painted.png"
    path.write_bytes(painted(SIZE))
    return path


def seen(page: Page) -> np.ndarray:
    """The result's picture as it is on the screen, RGB (H, W, 3)."""
    page.wait_for_function("() => !document.getAnimations().some((one) => one.playState === 'running')")
    shot = page.locator(".drawn-figure .picture-frame").screenshot()
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(int)


def colour_at(page: Page, x: float) -> list[int]:
    pixels = seen(page)
    return list(pixels[pixels.shape[0] // 2, int(x * pixels.shape[1])])


def wait_for_mask(page: Page) -> None:
    page.wait_for_function("() => document.querySelector('.mask').width === 300")


def hexadecimal(page: Page, row: int) -> list[int]:
    colour = page.locator(".legend input").nth(row).get_attribute("data-colour") or ""
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]


def test_mask_lies_over_the_picture_in_the_colours_of_its_legend(open_page: OpenPage, painted_file: Path) -> None:
    page = open_page("/upload")
    send(page, painted_file, "segmenter")
    wait_for_kind(page, "regions")
    expect(page.locator(".result-title")).to_have_text("blue")
    expect(page.locator(".result-lead")).to_have_text("It covers 50.0% of the picture.")
    expect(page.locator("[data-announcement]")).to_have_text("blue. It covers 50.0% of the picture.")
    assert page.locator(".legend-name").all_inner_texts() == ["blue", "nothing", "red"]
    assert page.locator(".legend-value").all_inner_texts() == ["50.0%", "25.0%", "25.0%"]
    wait_for_mask(page)
    blue, red = hexadecimal(page, 0), hexadecimal(page, 2)
    half = [(part + below) / 2 for part, below in zip(blue, (0, 0, 255), strict=True)]
    assert colour_at(page, BLUE) == pytest.approx(half, abs=3)
    assert colour_at(page, GRAY) == pytest.approx([60, 60, 60], abs=3)
    slider = page.get_by_label("Opacity")
    slider.focus()
    page.keyboard.press("End")
    assert colour_at(page, BLUE) == pytest.approx(blue, abs=3)
    assert colour_at(page, RED) == pytest.approx(red, abs=3)
    page.keyboard.press("Home")
    assert colour_at(page, BLUE) == pytest.approx([0, 0, 255], abs=3)
    assert page.locator(".original-picture").get_attribute("src") == page.locator(".picture").get_attribute("src")


def test_classes_of_a_mask_are_switched_by_keys(open_page: OpenPage, painted_file: Path) -> None:
    page = open_page("/upload")
    send(page, painted_file, "segmenter")
    wait_for_kind(page, "regions")
    page.reload()
    wait_for_mask(page)
    page.get_by_label("Opacity").fill("100")
    expect(page.get_by_role("checkbox", name="nothing")).not_to_be_checked()
    blue = page.get_by_role("checkbox", name="blue")
    blue.focus()
    page.keyboard.press("Space")
    assert colour_at(page, BLUE) == pytest.approx([0, 0, 255], abs=3)
    page.get_by_role("checkbox", name="nothing").check()
    assert colour_at(page, GRAY) == pytest.approx([0, 0, 0], abs=3)
    blue.check()
    assert colour_at(page, BLUE) == pytest.approx(hexadecimal(page, 0), abs=3)
    page.locator(".addresses summary").click()
    assert page.locator(".addresses a").all_inner_texts() == [
        "Picture",
        "Picture with mask",
        "Mask (indexed PNG)",
        "Mask as polygons (JSON)",
        "Mask as run lengths (JSON)",
    ]
    for address in page.locator(".addresses a").evaluate_all("all => all.map((link) => link.href)"):
        assert page.request.get(address).ok
    check_looks(page, "result-mask")


def test_addresses_are_copied_by_a_button(open_page: OpenPage, painted_file: Path, site: Site) -> None:
    page = open_page("/upload", permissions=["clipboard-read", "clipboard-write"])
    send(page, painted_file, "segmenter")
    wait_for_kind(page, "regions")
    page.locator(".addresses summary").click()
    page.get_by_role("button", name="Copy the address of: Mask (indexed PNG)").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    prediction_id = page.url.rpartition("/")[2]
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"{site.url}/api/v1/predictions/{prediction_id}/mask"


def test_mask_over_the_pages_own_copy_where_the_picture_was_not_kept(open_page: OpenPage, painted_file: Path) -> None:
    page = open_page("/upload")
    send(page, painted_file, "removes")
    wait_for_kind(page, "regions")
    wait_for_mask(page)
    page.get_by_label("Opacity").fill("100")
    assert colour_at(page, BLUE) == pytest.approx(hexadecimal(page, 0), abs=3)
    page.reload()
    wait_for_kind(page, "regions")
    expect(page.locator(".picture-note")).to_have_text("The picture was not kept.")
    expect(page.get_by_label("Opacity")).to_be_hidden()
    expect(page.locator(".legend-row")).to_have_count(3)


def test_masks_of_many_pictures_are_told_by_their_shares(open_page: OpenPage, painted_file: Path) -> None:
    page = open_page("/upload")
    send(page, [painted_file, painted_file], "segmenter")
    expect(page.locator("#more-pictures")).to_be_visible()
    expect(page.locator(".queue-words a").first).to_contain_text("blue 50.0%, nothing 25.0%, red 25.0%")


def test_mask_that_cannot_be_loaded_leaves_the_picture(open_page: OpenPage, painted_file: Path, watch: Watch) -> None:
    watch.expected.append("net::ERR_FAILED")
    page = open_page("/upload")
    page.route("**/mask", lambda route: route.abort())
    send(page, painted_file, "segmenter")
    wait_for_kind(page, "regions")
    expect(page.locator(".picture-note")).to_have_text("The mask cannot be loaded.")
    assert colour_at(page, BLUE) == pytest.approx([0, 0, 255], abs=3)


def test_mask_without_script_is_drawn_by_the_server(open_page: OpenPage, painted_file: Path) -> None:
    page = open_page("/upload", java_script_enabled=False)
    page.check("input[value=segmenter]")
    page.set_input_files("#image", painted_file)
    page.click(".upload-button")
    wait_for_kind(page, "regions")
    drawn = page.locator(".drawn-figure .picture:visible")
    expect(drawn).to_have_attribute("src", page.locator(".addresses a").nth(1).get_attribute("href") or "")
    expect(page.locator(".original-picture")).to_be_visible()
    expect(page.locator(".legend input").first).to_be_hidden()
    expect(page.locator(".legend-name").first).to_have_text("blue")


def test_classes_of_boxes_are_switched_and_have_the_colours_of_drawn_pictures(
    open_page: OpenPage, painted_file: Path
) -> None:
    page = open_page("/upload")
    send(page, painted_file, "detector")
    wait_for_kind(page, "boxes")
    assert page.locator(".found-name").all_inner_texts() == ["red", "blue"]
    address = page.locator(".addresses a").nth(1).get_attribute("href") or ""
    annotated = np.asarray(Image.open(io.BytesIO(page.request.get(address).body())).convert("RGB"))
    colours = page.locator(".box").evaluate_all("all => all.map((box) => box.getAttribute('color'))")
    on_edge = {f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in annotated[-1].tolist()}
    assert set(colours) <= on_edge
    page.get_by_role("checkbox", name="blue").focus()
    page.keyboard.press("Space")
    expect(page.locator(".box:visible")).to_have_count(1)
    expect(page.locator(".found:visible .found-name")).to_have_text("red")
    check_looks(page, "result-boxes")


def test_picture_that_the_browser_cannot_show_is_drawn_by_the_server(
    open_page: OpenPage, painted_file: Path, watch: Watch
) -> None:
    watch.expected.append("net::ERR_FAILED")
    page = open_page("/upload")
    send(page, painted_file, "detector")
    wait_for_kind(page, "boxes")
    page.route("**/image", lambda route: route.abort())
    page.reload()
    page.wait_for_function("() => document.querySelector('.picture').naturalWidth === 300")
    expect(page.locator(".picture")).to_have_attribute(
        "src", page.locator(".addresses a").nth(1).get_attribute("href") or ""
    )
    expect(page.locator(".original-picture")).to_be_hidden()
    expect(page.locator(".box")).to_have_count(0)


def test_heat_map_that_cannot_be_made_says_why(open_page: OpenPage, painted_file: Path, watch: Watch) -> None:
    watch.expected.append("409")
    page = open_page("/upload")
    send(page, painted_file, "dummy")
    wait_for_kind(page, "scores")
    page.get_by_role("button", name="Why this answer?").click()
    expect(page.locator(".explaining-words")).to_have_text("There is no heat map: its predictor has no network.")
    expect(page.get_by_label("Opacity")).to_be_hidden()


def test_heat_map_is_asked_for_and_lies_over_the_picture(open_page: OpenPage, painted_file: Path) -> None:
    page = open_page("/upload")
    send(page, painted_file, "dummy")
    wait_for_kind(page, "scores")
    page.clock.install()
    waiting: list[Route] = []
    page.route("**/image?explain=1*", lambda route: waiting.append(route))
    button = page.get_by_role("button", name="Why this answer?")
    button.focus()
    with page.expect_request("**/image?explain=1*"):
        page.keyboard.press("Enter")
    expect(page.locator(".explaining-words")).to_have_text("Looking for what counted…")
    page.clock.run_for(3500)
    expect(page.locator(".explaining-words")).to_contain_text("This takes a while")
    while not waiting:  # the page has asked, so it comes
        page.evaluate("() => 0")
    (route,) = waiting
    assert route.request.url.endswith("explain=1&opacity=1")
    file = io.BytesIO()
    Image.new("RGB", SIZE, (255, 255, 0)).save(file, "PNG")
    route.fulfill(body=file.getvalue(), content_type="image/png")
    expect(page.locator(".explaining-words")).to_have_text("The warmer a place, the more it counted.")
    expect(page.get_by_label("Opacity")).to_be_focused()
    page.keyboard.press("End")
    assert colour_at(page, BLUE) == pytest.approx([255, 255, 0], abs=3)
    page.keyboard.press("Home")
    assert colour_at(page, BLUE) == pytest.approx([0, 0, 255], abs=3)
    check_looks(page, "result-heat")
