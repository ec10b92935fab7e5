"""What every operation promises, tried on all of them: any size, input unchanged, neutral settings, seeds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from deep_predictor.training.augmentation.base import BatchOperation
from deep_predictor.training.augmentation.table import OPERATIONS, get_operation_class
from test.training.augmentation.pictures import (
    all_variants,
    augmentation,
    changed,
    gray,
    noise,
    rgba,
    write_cutout,
    write_png,
)

#: Operation -> settings that change pictures. Each operation of the table on pictures stands here.
STRONG: dict[str, dict[str, Any]] = {
    "gaussian_blur": {"sigma_range": [0.5, 3]},
    "brightness": {"factor_range": [0.2, 3]},
    "contrast": {"factor_range": [0, 3]},
    "color": {"factor_range": [0, 3]},
    "gamma": {"gamma_range": [0.3, 3]},
    "flip_horizontal": {"probability": 1},
    "flip_vertical": {"probability": 1},
    "flip_both": {"probability": 1},
    "rotations": {"angle_range": [-180, 180]},
    "scales": {"scale_range": [0.2, 4]},
    "center_crop": {"share_range": [0.1, 0.9]},
    "sliding_crop": {"window": 3, "stride": 2},
    "occlusion": {"window": [2, 3], "stride": 1, "color": 9},
    "random_erase": {"area_range": [0.1, 0.9]},
    "synthetic_background": {"cutouts": "cutouts", "backgrounds": "backgrounds"},
}
#: Settings that leave a picture as it is.
NEUTRAL: dict[str, dict[str, Any]] = {
    "gaussian_blur": {"sigma_range": 0},
    "brightness": {"factor_range": 1},
    "contrast": {"factor_range": 1},
    "color": {"factor_range": 1},
    "gamma": {"gamma_range": 1},
    "rotations": {"angles": [0, 360]},
    "scales": {"scales": [1]},
    "center_crop": {"share_range": 1},
    "sliding_crop": {"window": 1.0},
    "random_erase": {"area_range": 0},
}
SIZES = [(1, 1), (1, 7), (9, 1), (2, 2), (5, 4), (40, 33)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    root = tmp_path_factory.mktemp("synthetic")
    write_cutout(root / "cutouts/a/1.png", rgba((255, 0, 0), 4, 5))
    write_png(root / "backgrounds/1.png", noise(20, 30))
    write_png(root / "backgrounds/2.png", noise(30, 20, 2))
    return root


def built(name: str, folder: Any, **options: Any) -> Any:
    entry = {"name": name, **STRONG.get(name, {}), **options}
    for key in ("cutouts", "backgrounds"):
        if key in entry:
            entry[key] = str(folder / entry[key])
    return augmentation(entry)


def test_every_operation_is_tried_here() -> None:
    on_pictures = {name for name in OPERATIONS if not issubclass(get_operation_class(name), BatchOperation)}

    assert set(STRONG) == on_pictures
    assert set(OPERATIONS) - on_pictures == {"mixup", "cutmix"}


@pytest.mark.parametrize("name", STRONG)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_operation_of_any_size_gives_an_own_picture_and_leaves_its_input(
    name: str, size: tuple[int, int], folder: Any
) -> None:
    image = noise(*size)
    image.flags.writeable = False
    before = image.tobytes()
    operation = built(name, folder)

    made = [changed(operation, np.random.default_rng(seed), image, "a") for seed in range(5)]
    made += [picture for _, picture in operation.variants(image, "a", np.random.default_rng(0), 2)]

    for picture in made:
        assert picture.dtype == np.uint8
        assert picture.ndim == 3
        assert picture.shape[2] == 3
        assert 0 not in picture.shape
        assert picture.flags.c_contiguous
        assert picture.flags.writeable
        assert not np.shares_memory(picture, image)
    assert image.tobytes() == before


@pytest.mark.parametrize("name", STRONG)
def test_operation_repeats_by_its_rng_and_changes_something(name: str, folder: Any) -> None:
    image = noise(40, 33)
    operation = built(name, folder)

    one, same = (
        [changed(operation, np.random.default_rng(seed), image, "a").tobytes() for seed in range(5)] for _ in range(2)
    )
    variants, same_variants = (
        [(n, p.tobytes()) for n, p in operation.variants(image, "a", np.random.default_rng(7), 2)] for _ in range(2)
    )

    assert one == same
    assert variants == same_variants
    assert all(picture != image.tobytes() for picture in one)


@pytest.mark.parametrize("name", NEUTRAL)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_neutral_settings_leave_the_picture_byte_by_byte(name: str, size: tuple[int, int]) -> None:
    image = noise(*size)
    entry = {"name": name, **NEUTRAL[name]}

    drawn = changed(augmentation(entry), np.random.default_rng(0), image, "a")

    assert drawn.shape == image.shape
    assert drawn.tobytes() == image.tobytes()
    assert all(picture.tobytes() == image.tobytes() for picture in all_variants(image, entry).values())


@pytest.mark.parametrize("name", STRONG)
def test_probability_zero_leaves_the_picture_and_writes_nothing(name: str, folder: Any) -> None:
    image = noise(6, 7)
    operation = built(name, folder, probability=0)

    assert changed(operation, np.random.default_rng(0), image, "a").tobytes() == image.tobytes()
    assert list(operation.variants(image, "a", np.random.default_rng(0), 3)) == []


def test_operations_are_applied_in_their_order() -> None:
    image = gray([[10, 20]])
    bright = {"name": "brightness", "factor_range": 10}
    dark = {"name": "brightness", "factor_range": 0.1}

    assert changed(augmentation(bright, dark), np.random.default_rng(0), image, "a")[0, :, 0].tolist() == [10, 20]
    assert changed(augmentation(bright, bright, dark), np.random.default_rng(0), image, "a")[0, :, 0].tolist() == [
        26,
        26,
    ]


def test_probability_is_the_share_of_pictures_that_change() -> None:
    image = gray([[10]])
    half = augmentation({"name": "brightness", "factor_range": 2, "probability": 0.3})
    rng = np.random.default_rng(2)

    assert 250 < sum(int(changed(half, rng, image, "a")[0, 0, 0]) == 20 for _ in range(1000)) < 350


def test_variants_are_those_of_each_operation_by_itself() -> None:
    image = gray([[10, 20]])
    entries = [
        {"name": "brightness", "factor_range": 2},
        {"name": "flip_horizontal"},
        {"name": "rotations", "angles": [90]},
    ]

    found = all_variants(image, *entries)

    assert {name: picture[:, :, 0].tolist() for name, picture in found.items()} == {
        "brightness-2": [[20, 40]],
        "flip_horizontal-1": [[20, 10]],
        "rotations-90": [[20], [10]],
    }
    assert augmentation(*entries).variant_count(2, 1) == 3


def test_picture_operations_leave_batches_alone() -> None:
    inputs, targets = np.ones((2, 3, 3, 3), np.float32), np.eye(2, dtype=np.float32)

    mixed, mixed_targets = augmentation({"name": "gamma"}).batch(np.random.default_rng(0), inputs, targets)

    assert mixed is inputs
    assert mixed_targets is targets


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)],
    ids=["gray", "rgba", "float", "empty"],
)
def test_what_is_no_rgb_picture_is_refused(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"a picture must be RGB uint8 \(H, W, 3\)"):
        changed(augmentation({"name": "gamma"}), np.random.default_rng(0), image, "a")
    with pytest.raises(ValueError, match="a picture must be RGB uint8"):
        list(augmentation({"name": "gamma"}).variants(image, "a", np.random.default_rng(0)))
