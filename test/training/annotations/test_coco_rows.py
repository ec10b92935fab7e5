"""Look-ups by id, many at once, against slow versions."""

from __future__ import annotations

import numpy as np

from deep_predictor.training.annotations import coco_rows


def test_positions_in_and_is_repeated_equal_the_slow_versions() -> None:
    rng = np.random.default_rng(2)
    known = rng.permutation(60)[:40].tolist()
    wanted = rng.integers(0, 60, 200)

    assert coco_rows.positions_in(known, wanted).tolist() == [
        known.index(number) if number in known else -1 for number in wanted.tolist()
    ]
    assert coco_rows.positions_in([], wanted).tolist() == [-1] * 200
    listed = wanted.tolist()
    assert coco_rows.is_repeated(wanted).tolist() == [number in listed[:at] for at, number in enumerate(listed)]
