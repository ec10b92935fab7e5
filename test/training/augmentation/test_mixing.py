"""mixup and cutmix on numbers: inputs and targets are mixed by the same shares."""

from __future__ import annotations

import numpy as np
import pytest

from deep_predictor.training.augmentation.mixing import _box
from test.training.augmentation.pictures import augmentation


def batch_of(count: int, height: int = 6, width: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Picture i has the value i everywhere, and its class is i."""
    inputs = np.broadcast_to(np.arange(count, dtype=np.float32)[:, None, None, None], (count, height, width, 3)).copy()
    return inputs, np.eye(count, dtype=np.float32)


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_mixing_changes_pictures_and_targets_alike(name: str) -> None:
    inputs, targets = batch_of(16)

    mixed, mixed_targets = augmentation({"name": name}).batch(np.random.default_rng(1), inputs, targets)

    # The mean of a mixed picture is the mean of the values of its classes, by their shares.
    assert mixed.mean(axis=(1, 2, 3)) == pytest.approx(mixed_targets @ np.arange(16), abs=1e-4)
    assert mixed_targets.sum(axis=1) == pytest.approx(np.ones(16), abs=1e-6)
    assert mixed.dtype == mixed_targets.dtype == np.float32
    assert np.count_nonzero((mixed_targets != targets).any(axis=1)) > 8
    assert (np.count_nonzero(mixed_targets, axis=1) <= 2).all()


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_mixing_leaves_what_it_is_given_and_repeats_by_its_rng(name: str) -> None:
    inputs, targets = batch_of(8)
    kept = inputs.copy(), targets.copy()
    operation = augmentation({"name": name})

    one = operation.batch(np.random.default_rng(4), inputs, targets)
    other = operation.batch(np.random.default_rng(4), inputs, targets)

    assert np.array_equal(inputs, kept[0])
    assert np.array_equal(targets, kept[1])
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_mixing_with_probability_zero_changes_nothing(name: str) -> None:
    inputs, targets = batch_of(8)

    mixed, mixed_targets = augmentation({"name": name, "probability": 0}).batch(
        np.random.default_rng(0), inputs, targets
    )

    assert mixed.tobytes() == inputs.tobytes()
    assert mixed_targets.tobytes() == targets.tobytes()


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_mixing_takes_the_share_of_pictures_that_the_probability_says(name: str) -> None:
    inputs, targets = batch_of(1000, 2, 2)

    _, mixed_targets = augmentation({"name": name, "probability": 0.3, "alpha": 50}).batch(
        np.random.default_rng(0), inputs, targets
    )

    changed = np.count_nonzero((mixed_targets != targets).any(axis=1))
    assert changed <= 360
    # A box of cutmix may cover nothing of a picture of 2 x 2.
    assert changed >= (240 if name == "mixup" else 100)


def test_mixup_by_hand() -> None:
    inputs, targets = batch_of(2)
    rng = np.random.default_rng(5)
    rng.random(2)
    partners, shares = rng.permutation(2), rng.beta(2, 2, 2).astype(np.float32)

    mixed, mixed_targets = augmentation({"name": "mixup", "alpha": 2}).batch(np.random.default_rng(5), inputs, targets)

    for index in range(2):
        expected = shares[index] * index + (1 - shares[index]) * partners[index]
        assert mixed[index] == pytest.approx(np.full((6, 5, 3), expected), abs=1e-6)
        assert mixed_targets[index, index] >= shares[index] - 1e-6


def test_cutmix_lays_one_rectangle_of_its_partner_over_a_picture() -> None:
    inputs, targets = batch_of(12, 20, 30)

    mixed, mixed_targets = augmentation({"name": "cutmix"}).batch(np.random.default_rng(3), inputs, targets)

    for index in range(12):
        foreign = mixed[index, :, :, 0] != index
        assert mixed_targets[index, index] == pytest.approx(1 - foreign.mean(), abs=1e-6)
        rows, columns = np.flatnonzero(foreign.any(axis=1)), np.flatnonzero(foreign.any(axis=0))
        assert foreign.sum() == len(rows) * len(columns)


def test_cutmix_box_by_hand() -> None:
    class Always:
        """The middle pixel, then the corner."""

        def __init__(self, *numbers: int) -> None:
            self.numbers = list(numbers)

        def integers(self, _: int) -> int:
            return self.numbers.pop(0)

    # share 0.25 of 8 x 12: sides of 4 x 6
    assert _box(Always(4, 6), 8, 12, 0.25) == (slice(2, 6), slice(3, 9))  # type: ignore[arg-type]
    assert _box(Always(0, 11), 8, 12, 0.25) == (slice(0, 2), slice(8, 12))  # type: ignore[arg-type]
    assert _box(Always(4, 6), 8, 12, 0.0) == (slice(4, 4), slice(6, 6))  # type: ignore[arg-type]


def test_batch_of_parts_that_do_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="a batch is"):
        augmentation({"name": "mixup"}).batch(
            np.random.default_rng(0), np.zeros((2, 4, 4, 3), np.float32), np.zeros((3, 2), np.float32)
        )
