"""Scenes of digits: the boxes and masks are those of the pixels, and no digit is in two parts."""

from __future__ import annotations

import numpy as np
import pytest

from deep_predictor.training.dataset import Part
from deep_predictor.training.scenes import (
    CLASS_NAMES,
    MASK_CLASS_NAMES,
    DigitScenes,
    Scene,
    SceneOptions,
    source_digits,
)

COUNT = 25
PARTS: tuple[Part, ...] = ("train", "val", "test")


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    made = DigitScenes("train", seed=3)
    return [made.scene(number) for number in range(COUNT)]


def test_source_digits_of_the_parts_are_disjoint_and_all() -> None:
    places = [source_digits(part) for part in PARTS]

    assert np.sort(np.concatenate(places)).tolist() == list(range(1797))
    assert [len(some) for some in places] == pytest.approx([1258, 180, 359], abs=3)


@pytest.mark.parametrize("part", PARTS)
def test_scene_shows_digits_of_its_part_alone(part: Part) -> None:
    own = set(source_digits(part).tolist())
    for seed in (1, 2):
        for number in range(3):
            assert set(DigitScenes(part, seed).scene(number).sources.tolist()) <= own


def test_scene_of_equal_seed_is_the_same_and_of_another_is_not() -> None:
    first, again = DigitScenes("train", 7), DigitScenes("train", 7)
    again.scene(0)
    one, same = first.scene(4), again.scene(4)

    for name in ("pixels", "boxes", "classes", "mask", "sources"):
        np.testing.assert_array_equal(getattr(one, name), getattr(same, name))
    others = [DigitScenes("train", 8).scene(4), DigitScenes("test", 7).scene(4), first.scene(5)]
    assert all((one.pixels != other.pixels).any() for other in others)


def test_scene_counts_and_sizes_fill_the_range_of_the_options(scenes: list[Scene]) -> None:
    counts = {len(one.boxes) for one in scenes}
    heights = np.concatenate([one.boxes[:, 3] - one.boxes[:, 1] for one in scenes])

    assert counts == set(range(3, 9))
    assert (heights.min(), heights.max()) == (pytest.approx(8, abs=1), pytest.approx(24, abs=1))
    assert {int(label) for one in scenes for label in one.classes} == set(range(10))
    assert scenes[0].pixels.shape == (128, 128, 3)
    assert scenes[0].pixels.dtype == scenes[0].mask.dtype == np.uint8


def test_scene_boxes_are_the_bounds_of_their_pixels_in_the_mask(scenes: list[Scene]) -> None:
    for one in scenes:
        left = one.mask.copy()
        for (x1, y1, x2, y2), label in zip(one.boxes.tolist(), one.classes.tolist(), strict=True):
            inside = one.mask[y1:y2, x1:x2]
            rows, columns = np.nonzero(inside)
            assert (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1) == (0, 0, y2 - y1, x2 - x1)
            assert set(np.unique(inside).tolist()) <= {0, label + 1}
            around = one.mask[max(0, y1 - 1) : y2 + 1, max(0, x1 - 1) : x2 + 1]
            assert np.count_nonzero(around) == np.count_nonzero(inside)
            left[y1:y2, x1:x2] = 0
        assert not left.any()


def test_scene_mask_is_where_ink_changed_the_clutter(scenes: list[Scene]) -> None:
    made = DigitScenes("train", seed=3)
    for number, one in enumerate(scenes):
        change = one.pixels.astype(int) - made.clutter(number)
        is_digit = one.mask > 0
        gray = np.abs(change.mean(axis=2))
        # Half of the ink at least: of a contrast of 60, which black on the darkest clutter has.
        assert gray[is_digit].min() > 25
        boxes = np.zeros_like(is_digit)
        for x1, y1, x2, y2 in (one.boxes + np.array([-3, -3, 3, 3])).clip(0).tolist():
            boxes[y1:y2, x1:x2] = True
        assert not change[~boxes].any()
        assert np.mean(gray[boxes & ~is_digit] < 5) > 0.8


def test_scene_digits_look_like_their_sources(scenes: list[Scene]) -> None:
    from sklearn.datasets import load_digits

    digits = load_digits()
    for one in scenes[:10]:
        assert one.classes.tolist() == digits.target[one.sources].tolist()
        for (x1, y1, x2, y2), source in zip(one.boxes.tolist(), one.sources.tolist(), strict=True):
            ink = digits.images[source]
            dark = ink >= 8
            rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
            ratio = (columns[-1] + 1 - columns[0]) / (rows[-1] + 1 - rows[0])
            assert (x2 - x1) / (y2 - y1) == pytest.approx(ratio, rel=0.5)


def test_scene_annotations_are_its_boxes_and_mask(scenes: list[Scene]) -> None:
    one = scenes[0]
    boxes = one.picture_boxes("a.png")

    np.testing.assert_allclose(boxes.corners(), one.boxes, atol=1e-9)
    assert boxes.classes.tolist() == one.classes.tolist()
    assert one.picture_mask("a.png").mask is one.mask
    assert MASK_CLASS_NAMES[1:] == CLASS_NAMES


def test_scene_of_other_options_keeps_to_them() -> None:
    options = SceneOptions(width=300, height=200, digit_side=20, largest_scale=2, fewest=2, most=3)
    one = DigitScenes("val", 1, options).scene(0)

    assert one.pixels.shape == (200, 300, 3)
    assert 2 <= len(one.boxes) <= 3
    assert (one.boxes[:, 3] - one.boxes[:, 1]).min() >= 15


@pytest.mark.parametrize(
    "changes", [{"width": 60}, {"fewest": 9}, {"smallest_scale": 4}, {"digit_side": 4}, {"fewest": 0}]
)
def test_scene_options_that_leave_no_room_raise(changes: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"larger scene|must not be over|8 pixels"):
        SceneOptions(**changes)
