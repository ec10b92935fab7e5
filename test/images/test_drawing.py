"""Boxes, labels and masks on pictures, looked at pixel by pixel."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from deep_predictor.images.drawing import draw_caption, draw_detections, encode_drawn, label_of, lay_mask
from deep_predictor.images.palette import class_colours

RED, BLUE = (255, 0, 0), (0, 0, 255)
COLOURS = {"dog": RED, "cat": BLUE}


def item(name: str = "dog", cx: float = 0.5, cy: float = 0.5, w: float = 0.5, h: float = 0.5) -> dict[str, Any]:
    return {"class_name": name, "confidence": 0.97, "bbox": {"cx": cx, "cy": cy, "w": w, "h": h}}


def gray(height: int = 200, width: int = 300) -> np.ndarray:
    return np.full((height, width, 3), 90, np.uint8)


def test_draw_detections_puts_the_edges_of_a_box_where_it_is() -> None:
    picture = gray()
    picture.flags.writeable = False
    drawn = draw_detections(picture, [item()], COLOURS)
    for row, column in ((100, 75), (100, 225), (150, 150)):
        assert tuple(drawn[row, column].tolist()) == RED
    assert tuple(drawn[100, 150].tolist()) == (90, 90, 90), "the inside stays"
    assert (picture == 90).all()


def test_draw_detections_label_stands_above_its_box_and_inside_where_there_is_no_room() -> None:
    above = draw_detections(gray(), [item()], COLOURS)
    assert (above[36:50, 76:120] == RED).all(axis=2).mean() > 0.5
    inside = draw_detections(gray(), [item(cy=0.25)], COLOURS)
    assert (inside[1:14, 76:120] == RED).all(axis=2).mean() > 0.5


@pytest.mark.parametrize(("colour", "is_dark"), [((255, 255, 0), True), ((0, 0, 128), False)])
def test_draw_detections_text_is_readable_on_any_colour(colour: tuple[int, int, int], is_dark: bool) -> None:
    plate = draw_detections(gray(), [item()], {"dog": colour})[35:50, 76:130].reshape(-1, 3).astype(int)
    apart = np.abs(plate - np.array(colour)).sum(axis=1)
    text = plate[apart.argmax()].sum()
    assert text < 150 if is_dark else text > 600


def test_draw_detections_best_one_lies_on_top() -> None:
    drawn = draw_detections(gray(), [item("dog"), item("cat")], COLOURS)
    assert tuple(drawn[150, 150].tolist()) == RED


@pytest.mark.parametrize(
    "box",
    [
        None,
        [1, 2, 3, 4],
        {"x": 1},
        {"cx": "a", "cy": 0, "w": 1, "h": 1},
        {"cx": float("nan"), "cy": 0, "w": 1, "h": 1},
        {"cx": None, "cy": 0, "w": 1, "h": 1},
        {"cx": 10**400, "cy": 0, "w": 1, "h": 1},
    ],
)
def test_draw_detections_item_without_a_drawable_box_is_left_out(box: Any) -> None:
    assert (draw_detections(gray(), [{"class_name": "dog", "bbox": box}], COLOURS) == 90).all()


@pytest.mark.parametrize("size", [(1, 1), (10, 20000), (20000, 10), (3, 500)])
@pytest.mark.parametrize("name", ["dog", "x" * 5000, "日本", "two\nlines\x00", ""])
def test_draw_detections_on_odd_pictures_with_odd_names_stays_inside(size: tuple[int, int], name: str) -> None:
    drawn = draw_detections(gray(*size), [item(name), item(name, cx=5, w=20, h=1e9)], COLOURS)
    assert drawn.shape == (*size, 3)


def test_label_of_names_track_and_share() -> None:
    assert label_of({"class_name": "person", "confidence": 0.966, "track_id": 3}) == "#3 person 97%"
    assert label_of({"class_name": "a\nb", "confidence": 96.6}) == "a b"
    assert label_of({"class_name": "y" * 80}) == "y" * 59 + "…"


def test_draw_caption_writes_lines_below_each_other() -> None:
    drawn = draw_caption(gray(), ["dog 97%", "cat 2%"])
    assert (drawn[:30] > 200).any()
    assert (drawn[100:] == 90).all()


@pytest.mark.parametrize(("opacity", "red"), [(0.0, 90), (0.5, 172), (1.0, 255)])
def test_lay_mask_blends_the_colours_of_the_chosen_classes(opacity: float, red: int) -> None:
    mask = np.array([[0, 1], [2, 1]], np.uint8)
    colours = np.zeros((256, 3), np.uint8)
    colours[1], colours[2] = RED, BLUE
    drawn = lay_mask(gray(2, 2), mask, colours, opacity, {1, 999, -1})
    assert drawn[0, 1, 0] == pytest.approx(red, abs=1)
    assert drawn[0, 0].tolist() == drawn[1, 0].tolist() == [90, 90, 90]
    assert lay_mask(gray(2, 2), mask, colours, 1.0)[1, 0].tolist() == list(BLUE)


def test_lay_mask_of_a_large_picture_is_laid_in_bands() -> None:
    mask = np.ones((2100, 1000), np.uint8)
    drawn = lay_mask(np.zeros((2100, 1000, 3), np.uint8), mask, class_colours(["a", "b"]), 1.0)
    assert (drawn == drawn[0, 0]).all()


@pytest.mark.parametrize(
    ("extension", "media_type"), [("jpg", "image/jpeg"), ("png", "image/png"), ("gif", "image/png")]
)
def test_encode_drawn_is_a_jpeg_for_a_jpeg_and_else_a_png(extension: str, media_type: str) -> None:
    picture = np.zeros((20, 30, 3), np.uint8)
    picture[:, :] = (250, 100, 5)
    data, given = encode_drawn(picture, extension)
    assert given == media_type
    read = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert read is not None
    assert np.abs(read.astype(int) - picture).max() <= (0 if media_type == "image/png" else 6)
