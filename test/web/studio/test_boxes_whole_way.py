"""From an empty data set of boxes to a detector of one's own that answers, by way of YOLO and COCO."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from test.server_process import ServerProcess
from test.web.management.training_sites import drawn
from test.web.studio.entering import LONG_MILLISECONDS, enter, own_server, watched_page
from test.web.studio.hands import Hands

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

SIDE = 96
PARTS = ("train", "val", "test")
#: A class and its box in pixels: left, top, right, bottom.
DRAWN = [
    [("cat", 10, 12, 50, 60), ("dog", 60, 40, 90, 90)],
    [("dog", 38, 38, 59, 59)],
    [("cat", 20, 20, 70, 62)],
]
#: After one epoch a network is sure of nothing: every box that it has is told.
SETTINGS = {"serving_options": {"confidence_threshold": 0}}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with own_server(tmp_path_factory.mktemp("boxes")) as server:
        yield server


@pytest.fixture
def page(browser: Browser, server: ServerProcess) -> Iterator[Page]:
    with watched_page(browser, server) as page:
        yield page


def make_set(page: Page, name: str) -> int:
    page.goto("/studio/datasets")
    page.get_by_label("New data set").fill(name)
    page.get_by_label("What is said of its pictures").select_option("detection")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
    expect(page.locator("#empty")).to_contain_text("YOLO or COCO")
    return int(page.url.rsplit("/", 1)[1])


def add_pictures(page: Page, folder: Path) -> None:
    """One into each part."""
    for number, part in enumerate(PARTS):
        path = folder / f"{part}.png"
        path.write_bytes(drawn(number, SIDE))
        page.set_input_files("#files", path)
        dialog = page.get_by_role("dialog", name="Add a picture")
        dialog.get_by_label("Part").select_option(part)
        dialog.get_by_role("button", name="Add").click()
        expect(page.locator(".tile-label")).to_have_count(number + 1)


def draw_all(page: Page) -> None:
    """The first picture by mouse, the second by keyboard, the third by both."""
    page.get_by_role("button", name="Draw boxes").click()
    expect(page.locator("#board")).to_be_focused()
    drag(page, (10, 12), (50, 60))
    page.get_by_role("dialog").get_by_role("textbox").fill("cat")
    page.keyboard.press("Enter")
    expect(page.locator(".box-mark")).to_have_attribute("aria-label", "cat, 40 by 48 pixels at 10, 12")
    page.keyboard.press("Escape")
    drag(page, (60, 40), (90, 90))
    page.keyboard.press("c")
    page.keyboard.type("dog")
    page.keyboard.press("Enter")
    expect(page.locator(".class-button")).to_have_count(2)
    page.keyboard.press("d")
    expect(page.locator("#item-name")).to_have_text("val.png")
    for key in ("n", "Control+Shift+ArrowRight", "Control+Shift+ArrowDown", "Enter"):
        page.keyboard.press(key)
    expect(page.locator(".box-mark")).to_have_attribute("aria-label", "dog, 21 by 21 pixels at 38, 38")
    page.keyboard.press("j")
    expect(page.locator("#item-name")).to_have_text("test.png")
    drag(page, (20, 20), (70, 61))
    for key in ("1", "Control+Shift+ArrowDown", "s"):
        page.keyboard.press(key)
    expect(page.locator("#counts")).to_have_text("3 of 3 looked at")


def drag(page: Page, start: tuple[int, int], end: tuple[int, int]) -> None:
    frame = page.locator("#board img").bounding_box()
    assert frame is not None
    scale = frame["width"] / SIDE
    for place, act in ((start, page.mouse.down), (end, page.mouse.up)):
        page.mouse.move(frame["x"] + place[0] * scale, frame["y"] + place[1] * scale, steps=3)
        act()


def boxes_of(page: Page, dataset_id: int) -> list[Any]:
    """Of each picture by name: its part and its boxes as shares."""
    answer = page.request.get(f"/api/v1/datasets/{dataset_id}/items").json()
    return [(item["split"], item["boxes"]) for item in sorted(answer["results"], key=lambda one: one["sha256"])]


def bring_over(page: Page, dataset_id: int, kind: str, folder: Path) -> int:
    """The data set downloaded in a format, and a new one made of that."""
    page.goto(f"/studio/datasets/{dataset_id}")
    page.get_by_role("button", name="Download…").click()
    page.get_by_label("Format").select_option(kind)
    with page.expect_download() as loading:
        page.get_by_role("dialog").get_by_role("button", name="Download").click()
    path = folder / f"{kind}.zip"
    loading.value.save_as(path)
    other = make_set(page, f"from {kind}")
    page.set_input_files("#files", path)
    page.get_by_role("dialog").get_by_role("button", name="Add").click()
    expect(page.locator(".transfer-words")).to_have_text("3 pictures added.", timeout=LONG_MILLISECONDS)
    return other


def train_and_publish(page: Page, dataset_id: int) -> None:
    page.goto(f"/studio/trainings/new?dataset={dataset_id}")
    expect(page.locator("#dataset-facts")).to_contain_text("3 pictures with 4 boxes of 2 classes")
    page.get_by_label("Epochs", exact=True).fill("1")
    page.get_by_role("spinbutton", name="Pixels a side").fill("96")
    page.locator("#advanced summary").click()
    page.get_by_label("Further settings").fill(json.dumps(SETTINGS))
    page.get_by_role("button", name="Start the training").click()
    page.wait_for_url(re.compile(r"/studio/trainings/\d+$"))
    expect(page.locator("#state")).to_have_text("Done", timeout=LONG_MILLISECONDS)
    expect(page.locator("#report")).to_contain_text("mAP50 on 1 test pictures")
    page.get_by_role("link", name=re.compile("^The model: ")).click()
    page.get_by_role("button", name="Publish").click()
    expect(page.locator("#messages")).to_contain_text("answers as “yard” now", timeout=LONG_MILLISECONDS)


def test_boxes_are_drawn_kept_by_both_formats_trained_and_found(
    page: Page, server: ServerProcess, tmp_path: Path
) -> None:
    enter(Hands(page), server)
    dataset_id = make_set(page, "yard")
    add_pictures(page, tmp_path)
    draw_all(page)
    mine = boxes_of(page, dataset_id)
    assert sorted(part for part, _ in mine) == sorted(PARTS)
    for part, boxes in zip(PARTS, DRAWN, strict=True):
        found = next(found for other, found in mine if other == part)
        assert [box["class_name"] for box in found] == [name for name, *_ in boxes]
        edges = [[box["cx"] - box["w"] / 2, box["cy"] - box["h"] / 2, box["w"], box["h"]] for box in found]
        wanted = [[value / SIDE for value in (x1, y1, x2 - x1, y2 - y1)] for _, x1, y1, x2, y2 in boxes]
        assert edges == [pytest.approx(one, abs=1e-9) for one in wanted]
    for kind in ("yolo", "coco"):
        other = bring_over(page, dataset_id, kind, tmp_path)
        assert [part for part, _ in boxes_of(page, other)] == [part for part, _ in mine]
        for (_, theirs), (_, ours) in zip(boxes_of(page, other), mine, strict=True):
            assert [box.pop("class_name") for box in theirs] == [box["class_name"] for box in ours]
            assert theirs == [
                pytest.approx({key: box[key] for key in box if key != "class_name"}, abs=1e-9) for box in ours
            ]
    train_and_publish(page, dataset_id)
    page.goto("/upload?model=yard")
    page.set_input_files("#image", tmp_path / "train.png")
    page.locator(".upload-button").click()
    expect(page.locator(".found").first).to_be_visible(timeout=LONG_MILLISECONDS)
    expect(page.locator(".found").first).to_contain_text(re.compile("cat|dog"))
