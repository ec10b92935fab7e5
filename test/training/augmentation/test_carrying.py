"""Boxes and masks go where the pixels go: each operation is checked on the colour of what a box or a mask holds."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest

from deep_predictor.training.sample import Sample
from test.training.augmentation.pictures import augmentation, changed, noise

RED = (250, 0, 0)
IGNORED = 255
TONES: dict[str, dict[str, Any]] = {
    "gaussian_blur": {"sigma_range": 2},
    "brightness": {"factor_range": 0.5},
    "contrast": {"factor_range": 0.5},
    "color": {"factor_range": 0.5},
    "gamma": {"gamma_range": 2},
}
#: Settings under which what is new in a picture is black.
MOVES: list[dict[str, Any]] = [
    {"name": "flip_horizontal"},
    {"name": "flip_vertical"},
    {"name": "flip_both"},
    {"name": "rotations", "angles": [90, 180, 270, -90]},
    {"name": "rotations", "angle_range": [-180, 180], "border": "black"},
    {"name": "rotations", "angle_range": [-20, 20], "border": "black"},
    {"name": "scales", "scale_range": [0.3, 1], "border": "black"},
    {"name": "scales", "scale_range": [1, 2.5]},
    {"name": "center_crop", "share_range": [0.5, 1]},
    {"name": "sliding_crop", "window": [0.7, 30], "stride": 7},
]


def red_sample(width: int, height: int, box: tuple[int, int, int, int]) -> Sample:
    """A black picture with a red box of class 4, and a mask that has it as class 2."""
    image = np.zeros((height, width, 3), np.uint8)
    left, top, right, bottom = box
    image[top:bottom, left:right] = RED
    mask = np.where(image[:, :, 0] > 0, np.uint8(2), np.uint8(0))
    return sample_of(image, [box], mask)


def sample_of(image: np.ndarray, boxes: list[Any], mask: np.ndarray | None = None) -> Sample:
    """Boxes of the classes 4, 5, …; every second one is a crowd."""
    return Sample(
        image,
        boxes=np.array(boxes, np.float64).reshape(-1, 4),
        classes=np.arange(4, 4 + len(boxes), dtype=np.int32),
        is_crowd=np.arange(len(boxes)) % 2 == 1,
        mask=mask,
    )


def drawn(sample: Sample, *entries: Any, seed: int = 0) -> Sample:
    entries = tuple({"probability": 1, **entry} for entry in entries)
    return augmentation(*entries).sample(np.random.default_rng(seed), sample)


def boxes_of(sample: Sample) -> Any:
    assert sample.boxes is not None
    assert sample.classes is not None
    assert sample.is_crowd is not None
    assert len(sample.boxes) == len(sample.classes) == len(sample.is_crowd)
    return sample.boxes.tolist()


def mask_of(sample: Sample) -> np.ndarray:
    assert sample.mask is not None
    assert sample.mask.dtype == np.uint8
    assert sample.mask.shape == sample.image.shape[:2]
    return sample.mask


def red_bounds(image: np.ndarray) -> list[int]:
    is_red = image[:, :, 0] > 125
    rows, columns = np.flatnonzero(is_red.any(axis=1)), np.flatnonzero(is_red.any(axis=0))
    return [int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1]


@pytest.mark.parametrize("name", TONES)
def test_tones_leave_the_truth(name: str) -> None:
    sample = red_sample(20, 15, (3, 4, 9, 12))

    toned = drawn(sample, {"name": name, **TONES[name]})

    assert (toned.image != sample.image).any()
    assert toned.boxes is sample.boxes
    assert toned.mask is sample.mask


@pytest.mark.parametrize("entry", MOVES, ids=lambda entry: "-".join(str(part) for part in entry.values()))
@pytest.mark.parametrize("box", [(20, 12, 38, 30), (0, 0, 22, 16), (41, 5, 60, 44)], ids=str)
def test_moved_box_and_mask_lie_on_the_moved_colour(entry: dict[str, Any], box: tuple[int, int, int, int]) -> None:
    sample = red_sample(60, 44, box)
    for seed in range(12):
        moved = drawn(sample, entry, seed=seed)
        mask = mask_of(moved)
        if boxes_of(moved):
            np.testing.assert_allclose(boxes_of(moved), [red_bounds(moved.image)], atol=1.01)
        else:
            assert (moved.image[:, :, 0] > 125).sum() < 0.3 * (sample.image[:, :, 0] > 125).sum() * 2.5**2
        red = moved.image[:, :, 0].astype(int)
        is_clear = (mask != IGNORED) & ((red < 25) | (red > 225))
        assert ((mask == 2) == (red > 125))[is_clear].all()
        assert is_clear.sum() > 0.8 * (mask != IGNORED).sum()


@pytest.mark.parametrize(
    ("entry", "box"),
    [
        ({"name": "flip_horizontal"}, [3.75, 1.5, 8, 6]),
        ({"name": "flip_vertical"}, [2, 1, 6.25, 5.5]),
        ({"name": "flip_both"}, [3.75, 1, 8, 5.5]),
        ({"name": "rotations", "angles": [90]}, [1.5, 3.75, 6, 8]),
        ({"name": "rotations", "angles": [180]}, [3.75, 1, 8, 5.5]),
        ({"name": "rotations", "angles": [270]}, [1, 2, 5.5, 6.25]),
        ({"name": "rotations", "angles": [360]}, [2, 1.5, 6.25, 6]),
    ],
    ids=str,
)
def test_flips_and_quarter_turns_are_exact(entry: dict[str, Any], box: list[float]) -> None:
    image = noise(7, 10)
    sample = sample_of(image, [[2, 1.5, 6.25, 6]], image[:, :, 1].copy())

    moved = drawn(sample, entry)

    assert boxes_of(moved) == [box]
    assert np.array_equal(mask_of(moved), moved.image[:, :, 1])


def test_cut_boxes_keep_what_is_left_and_drop_what_is_not_enough() -> None:
    # The middle 50 x 40 of 100 x 80: from 25, 20 to 75, 60.
    boxes = [[20, 30, 40, 50], [0, 30, 33, 40], [0, 30, 34, 40], [5, 5, 20, 15], [30, 10, 40, 23], [0, 0, 100, 80]]
    sample = sample_of(noise(80, 100), boxes)

    cropped = drawn(sample, {"name": "center_crop", "share_range": 0.5})
    magnified = drawn(sample, {"name": "scales", "scales": [2]})

    # 15 of 20 columns; 8 of 33 are under a quarter, 9 of 34 over it; outside; 3 of 13 rows; a quarter of all
    assert boxes_of(cropped) == [[0, 10, 15, 30], [0, 10, 9, 20], [0, 0, 50, 40]]
    assert cropped.classes is not None
    assert cropped.classes.tolist() == [4, 6, 9]
    assert cropped.is_crowd is not None
    assert cropped.is_crowd.tolist() == [False, False, True]
    assert boxes_of(magnified) == [[2 * side for side in box] for box in boxes_of(cropped)]


def test_sliding_crop_shows_the_truth_of_its_window() -> None:
    sample = sample_of(noise(4, 4), [[0, 0, 2, 2], [1, 1, 3, 4], [2, 2, 4, 4]])

    found = {}
    for variant in augmentation({"name": "sliding_crop", "window": 2}).written_variants(
        sample, np.random.default_rng(0)
    ):
        assert variant.sample.classes is not None
        found[variant.name] = (boxes_of(variant.sample), variant.sample.classes.tolist())

    assert found == {
        "sliding_crop-1": ([[0, 0, 2, 2]], [4]),  # of the second box a sixth is left
        "sliding_crop-2": ([], []),
        "sliding_crop-3": ([[1, 0, 2, 2]], [5]),
        "sliding_crop-4": ([[0, 0, 1, 2], [0, 0, 2, 2]], [5, 6]),
    }


def test_rotation_box_is_the_smallest_around_the_turned_one() -> None:
    sample = sample_of(noise(100, 100), [[30, 40, 70, 60], [0, 0, 20, 20]])

    turned = drawn(sample, {"name": "rotations", "angles": [45]})

    # 40 x 20 turned by 45 degrees is (40 + 20) / sqrt(2) both ways; the corner of the picture leaves it
    half = 30 / np.sqrt(2)
    np.testing.assert_allclose(boxes_of(turned), [[50 - half, 50 - half, 50 + half, 50 + half]], atol=1e-9)


def test_rotation_box_that_is_cut_lies_around_what_is_left() -> None:
    # The lower half of the picture: its upper side becomes the line from bottom left to top right, as long as before.
    sample = sample_of(noise(100, 100), [[0, 50, 100, 100]])

    (box,) = boxes_of(drawn(sample, {"name": "rotations", "angles": [45]}))

    near = 50 - 50 / np.sqrt(2)
    np.testing.assert_allclose(box, [near, near, 100, 100], atol=1e-9)


@pytest.mark.parametrize("border", ["black", "edge", "reflect"])
@pytest.mark.parametrize(
    "entry", [{"name": "rotations", "angles": [30]}, {"name": "scales", "scales": [0.5]}], ids=lambda e: e["name"]
)
def test_mask_is_ignored_where_the_border_is_invented(entry: dict[str, Any], border: str) -> None:
    white = np.full((40, 60, 3), 255, np.uint8)
    shown = drawn(Sample(white), {**entry, "border": "black"}).image[:, :, 0]

    mask = mask_of(drawn(Sample(white, mask=np.zeros((40, 60), np.uint8)), {**entry, "border": border}))

    is_clear = (shown == 0) | (shown == 255)
    assert ((mask == IGNORED) == (shown == 0))[is_clear].all()
    assert 0.1 < (mask == IGNORED).mean() < 0.8


@pytest.mark.parametrize(
    "entry", [{"name": "rotations", "angles": [30]}, {"name": "scales", "scales": [0.5]}], ids=lambda e: e["name"]
)
def test_border_of_a_picture_with_boxes_shows_no_mirror_image(entry: dict[str, Any]) -> None:
    image = noise(30, 40)

    with_boxes = drawn(sample_of(image, []), {**entry, "border": "reflect"}).image

    assert np.array_equal(with_boxes, drawn(Sample(image), {**entry, "border": "edge"}).image)
    assert not np.array_equal(with_boxes, drawn(Sample(image), {**entry, "border": "reflect"}).image)


@pytest.mark.parametrize("seed", range(5))
def test_random_erase_drops_boxes_that_can_hardly_be_seen_and_ignores_their_mask(seed: int) -> None:
    image = np.zeros((40, 60, 3), np.uint8)
    boxes = [[x, y, x + 10, y + 10] for y in range(0, 40, 10) for x in range(0, 60, 10)]
    sample = sample_of(image, boxes, np.zeros((40, 60), np.uint8))

    erased = drawn(sample, {"name": "random_erase", "area_range": 0.4, "aspect_range": 1, "fill": 255}, seed=seed)

    is_erased = erased.image[:, :, 0] == 255
    assert np.array_equal(mask_of(erased) == IGNORED, is_erased)
    seen = [1 - is_erased[y : y + 10, x : x + 10].mean() for x, y, *_ in boxes]
    assert boxes_of(erased) == [box for box, share in zip(boxes, seen, strict=True) if share >= 0.25]
    assert 0 < len(boxes_of(erased)) < len(boxes)


def test_occlusion_drops_boxes_under_its_window() -> None:
    sample = sample_of(noise(4, 8), [[0, 0, 4, 4], [2, 0, 6, 4], [0, 0, 8, 4]], np.zeros((4, 8), np.uint8))

    variants = list(augmentation({"name": "occlusion", "window": 4}).written_variants(sample, np.random.default_rng(0)))

    assert [boxes_of(variant.sample) for variant in variants] == [
        [[2, 0, 6, 4], [0, 0, 8, 4]],
        [[0, 0, 4, 4], [2, 0, 6, 4], [0, 0, 8, 4]],
    ]
    assert [np.unique(mask_of(variant.sample)[:, :4]).tolist() for variant in variants] == [[IGNORED], [0]]


def test_a_whole_list_carries_the_truth_along() -> None:
    sample = red_sample(60, 44, (14, 12, 38, 30))
    entries = [
        {"name": "flip_horizontal"},
        {"name": "rotations", "angles": [90]},
        {"name": "gamma"},
        {"name": "scales", "scale_range": [0.6, 1.4], "border": "black"},
        {"name": "rotations", "angles": [180]},
        {"name": "center_crop", "share_range": [0.8, 1]},
    ]
    for seed in range(10):
        moved = drawn(sample, *entries, seed=seed)
        np.testing.assert_allclose(boxes_of(moved), [red_bounds(moved.image)], atol=1.5)
        assert moved.image.flags.c_contiguous
        assert ((mask_of(moved) == 2).sum() / (moved.image[:, :, 0] > 125).sum()) == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize("entry", MOVES, ids=lambda entry: "-".join(str(part) for part in entry.values()))
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (9, 1)], ids=str)
def test_pictures_of_any_size_without_boxes_stay_without(entry: dict[str, Any], size: tuple[int, int]) -> None:
    sample = sample_of(noise(*size), [], np.zeros(size, np.uint8))

    moved = drawn(sample, entry)

    assert boxes_of(moved) == []
    mask_of(moved)


def test_picture_too_long_to_be_turned_is_made_smaller_with_its_truth() -> None:
    image = noise(2, 40_000)
    sample = sample_of(image, [[10_000, 0, 30_000, 2]], np.zeros((2, 40_000), np.uint8))

    turned = drawn(sample, {"name": "rotations", "angles": [0.00001]})

    np.testing.assert_allclose(boxes_of(turned), [[8_000, 0, 24_000, 2]], atol=0.1)
    assert mask_of(turned).shape == (2, 32_000)


def test_an_operation_that_draws_nothing_gives_the_truth_back() -> None:
    sample = red_sample(20, 15, (3, 4, 9, 12))

    same = drawn(sample, {"name": "rotations", "angles": [45], "probability": 0})

    assert same.boxes is sample.boxes
    assert same.mask is sample.mask
    assert not np.shares_memory(same.image, sample.image)


def test_classified_pictures_are_drawn_as_ever() -> None:
    """Runs are resumed, and repeated, by later versions: the same seed gives the same pixels and uses as many numbers.

    The hash and the numbers are those of the version before pictures had boxes.
    """
    exact = augmentation(
        {"name": "brightness", "factor_range": [0.2, 3]},
        {"name": "flip_horizontal"},
        {"name": "flip_vertical"},
        {"name": "flip_both"},
        {"name": "rotations", "angles": [0, 90, 180, 270]},
        {"name": "center_crop", "share_range": [0.3, 0.9]},
        {"name": "sliding_crop", "window": 3, "stride": 2},
        {"name": "occlusion", "window": [2, 3], "stride": 1, "color": 9},
        {"name": "random_erase", "area_range": [0.1, 0.9]},
    )
    # Their pixels hang on how a processor rounds.
    others = augmentation(
        {"name": "rotations", "angle_range": [-20, 20], "probability": 0.5},
        {"name": "scales", "scale_range": [0.5, 2]},
        {"name": "gaussian_blur"},
        {"name": "contrast"},
        {"name": "color"},
    )
    image, digest, following = noise(23, 31, 5), hashlib.sha256(), []
    for seed in range(8):
        picture = changed(exact, np.random.default_rng(seed), image, "a")
        digest.update(str(picture.shape).encode() + picture.tobytes())
        rng = np.random.default_rng(seed)
        changed(others, rng, image, "a")
        following.append(round(float(rng.random()), 6))
    for name, picture in exact.variants(image, "a", np.random.default_rng(3), 2):
        digest.update(name.encode() + picture.tobytes())

    assert digest.hexdigest().startswith("58a938a7122d8020")
    assert following[:4] == [0.935072, 0.027559, 0.562266, 0.391228]
