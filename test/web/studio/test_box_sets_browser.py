"""Data sets of boxes and masks in the grid: made, drawn over, filtered, changed by the hundred, downloaded."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import urlsplit
from zipfile import ZipFile

import pytest
from playwright.sync_api import Page, expect

from deep_predictor.datasets.annotations import ItemBox
from test.web.browser_fixtures import HOSTILE_NAME
from test.web.management.training_sites import drawn
from test.web.studio.dataset_sets import box_set, boxes_in, items_in, mask_set
from test.web.studio.looks import check_axe, check_looks
from test.web.studio.site import Studio

pytestmark = pytest.mark.browser


def filled_set(studio: Studio) -> int:
    """Five pictures: with a cat and a dog, with a dog, with nothing, two that nobody has looked at."""
    dataset_id = box_set(studio, 5)
    cat, dog = ItemBox("cat", 0.3, 0.4, 0.2, 0.3), ItemBox("dog", 0.7, 0.6, 0.4, 0.5)
    for item, boxes in zip(items_in(studio, dataset_id), ([cat, dog], [dog], []), strict=False):
        studio.management.datasets.annotations.put_boxes(dataset_id, item.id, boxes)
    return dataset_id


def grid_of(studio: Studio, dataset_id: int, role: str = "trainer") -> Page:
    page = studio.page(role, f"/studio/datasets/{dataset_id}")
    expect(page.locator(".tile-picture").first).to_be_visible()
    return page


def test_set_of_boxes_is_made_and_gets_pictures(studio: Studio, tmp_path: Path) -> None:
    page = studio.page("trainer", "/studio/datasets")
    page.get_by_label("New data set").fill("things to find")
    page.get_by_label("What is said of its pictures").select_option("detection")
    page.get_by_role("button", name="Create").click()
    expect(page.locator("#empty")).to_contain_text("YOLO or COCO")
    path = tmp_path / "first.png"
    path.write_bytes(drawn(5, 60))
    page.set_input_files("#files", path)
    dialog = page.get_by_role("dialog", name="Add a picture")
    expect(dialog.get_by_label("Label")).to_have_count(0)
    dialog.get_by_role("button", name="Add").click()
    expect(page.locator("#tile-0 .tile-label")).to_have_text("not looked at")
    expect(page.locator("#facts")).to_have_text("1 picture · 0 classes · 0 boxes · 1 not looked at yet")
    page.get_by_role("button", name="Draw boxes").click()
    expect(page.locator("#item-name")).to_have_text("first.png")
    page.locator(".crumbs").get_by_role("link", name="Data sets").click()
    row = page.locator("tr").filter(has_text="things to find")
    expect(row).to_contain_text("Boxes")
    expect(row).to_contain_text("1 not looked at")


def test_boxes_are_drawn_over_the_grid_and_filtered(studio: Studio) -> None:
    dataset_id = filled_set(studio)
    page = grid_of(studio, dataset_id)
    expect(page.locator("#facts")).to_have_text("5 pictures · 2 classes · 3 boxes · 2 not looked at yet")
    words = page.locator(".tile-label")
    expect(words).to_have_text(["2 boxes", "1 box", "nothing there", "not looked at", "not looked at"])
    shape = page.locator("#tile-1 .truth-boxes rect").last
    assert [float(shape.get_attribute(name) or 0) for name in ("x", "y", "width", "height")] == pytest.approx(
        [50, 35, 40, 50]
    )
    picture, over = page.locator("#tile-1 .tile-picture").bounding_box(), page.locator("#tile-1 svg").bounding_box()
    assert picture is not None
    assert over is not None
    assert list(over.values()) == pytest.approx(list(picture.values()), abs=1)
    check_looks(page, "boxes-grid")
    page.get_by_label("Class", exact=True).select_option("=cat")
    expect(words).to_have_text(["2 boxes"])
    assert urlsplit(page.url).query == "class_name=cat"
    page.get_by_label("Class", exact=True).select_option("")
    page.get_by_label("Boxes", exact=True).select_option("0")
    expect(page.locator("#count")).to_have_text("2 shown")
    page.get_by_role("listbox").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator("#item-name")).to_have_text("picture 4.png")
    expect(page.locator("#board")).to_be_focused()
    page.keyboard.press("a")
    expect(page.locator("#item-name")).to_have_text("picture 3.png")
    page.keyboard.press("a")
    expect(page.locator("#messages")).to_have_text(re.compile("This is the first picture"))


def test_many_pictures_are_said_to_hold_nothing(studio: Studio) -> None:
    dataset_id = filled_set(studio)
    page = grid_of(studio, dataset_id)
    page.get_by_label("Boxes", exact=True).select_option("0")
    expect(page.locator("#count")).to_have_text("2 shown")
    page.get_by_role("button", name="Select all").click()
    page.get_by_label("Say of the selected pictures").select_option("nothing_there")
    expect(page.locator("#messages")).to_contain_text("2 pictures marked as having nothing on them.")
    expect(page.locator("#empty")).to_have_text("No picture fits the filter.")
    page.get_by_label("Boxes", exact=True).select_option("")
    page.locator("#tile-0").click()
    page.get_by_label("Say of the selected pictures").select_option("not_annotated")
    expect(page.get_by_role("dialog")).to_contain_text("Their boxes are lost")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("#tile-0 .tile-label")).to_have_text("not looked at")
    found = boxes_in(studio, dataset_id)
    assert (found[0], found[2:]) == (None, [[], [], []])


def test_classes_are_added_renamed_ordered_and_removed(studio: Studio) -> None:
    dataset_id = filled_set(studio)
    page = grid_of(studio, dataset_id)
    page.get_by_role("button", name="Classes…").click()
    dialog = page.get_by_role("dialog", name="Classes")
    expect(dialog.get_by_role("button", name="Remove cat")).to_be_disabled()
    dialog.get_by_label("Name of class dog").fill("hound")
    dialog.get_by_label("New class").fill(HOSTILE_NAME)
    page.keyboard.press("Enter")
    dialog.get_by_label("New class").fill("bird")
    dialog.get_by_role("button", name="Add").click()
    dialog.get_by_role("button", name=f"Earlier: {HOSTILE_NAME}").click()
    check_axe(page)
    dialog.get_by_role("button", name="Remove bird").click()
    dialog.get_by_role("button", name="Keep").click()
    expect(dialog).to_have_count(0)
    expect(page.locator("#facts")).to_contain_text("3 classes")
    assert list(studio.management.datasets.get(dataset_id).class_names) == ["cat", HOSTILE_NAME, "hound"]
    first = boxes_in(studio, dataset_id)[0]
    assert first is not None
    assert [name for name, *_ in first] == ["cat", "hound"]


def test_set_of_boxes_is_downloaded_as_yolo_or_coco(studio: Studio, tmp_path: Path) -> None:
    dataset_id = filled_set(studio)
    page = grid_of(studio, dataset_id, "viewer")
    expect(page.locator("#dataset").get_by_role("button")).to_have_text(["Download…", "Keys"])
    names: dict[str, list[str]] = {}
    for kind in ("yolo", "coco"):
        page.get_by_role("button", name="Download…").click()
        page.get_by_label("Format").select_option(kind)
        page.get_by_label("With the pictures").set_checked(kind == "yolo")
        with page.expect_download() as loading:
            page.get_by_role("dialog").get_by_role("button", name="Download").click()
        loading.value.save_as(tmp_path / f"{kind}.zip")
        with ZipFile(tmp_path / f"{kind}.zip") as file:
            names[kind] = file.namelist()
            if kind == "coco":
                assert len(json.loads(file.read("annotations.json"))["annotations"]) == 3
    assert len([name for name in names["yolo"] if name.endswith(".png")]) == 5
    assert not [name for name in names["coco"] if name.endswith(".png")]


def test_masks_lie_over_the_grid_and_over_the_opened_picture(studio: Studio) -> None:
    page = grid_of(studio, mask_set(studio))
    expect(page.locator("#facts")).to_have_text("2 pictures · 2 classes · 1 without a mask")
    expect(page.locator(".tile-label")).to_have_text(["mask", "no mask"])
    over = page.locator("#tile-0 .truth-mask")
    expect(over).to_be_visible()
    assert over.evaluate("one => one.decode().then(() => [one.naturalWidth, one.naturalHeight])") == [40, 40]
    page.get_by_label("Class", exact=True).select_option("=leaf")
    expect(page.locator(".tile-label")).to_have_text(["mask"])
    page.locator("#tile-0").dblclick()
    dialog = page.get_by_role("dialog", name="Picture")
    expect(dialog.locator(".truth-mask")).to_be_visible()
    expect(dialog.get_by_label("Label")).to_have_count(0)
    dialog.get_by_label("Part").select_option("val")
    dialog.get_by_role("button", name="Save").click()
    expect(page.locator("#tile-0 .tile-part")).to_have_text("val")
    check_axe(page)
