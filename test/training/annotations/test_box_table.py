"""Boxes of many pictures: as they were taken, and small."""

from __future__ import annotations

import tracemalloc

import numpy as np

from deep_predictor.training.annotations.box_table import BoxTable
from deep_predictor.training.annotations.picture_boxes import PictureBoxes


def boxes(count: int, seed: int = 0) -> PictureBoxes:
    rng = np.random.default_rng(seed)
    sides = rng.uniform(0.1, 0.2, (count, 2))
    norm = np.concatenate([rng.uniform(0.2, 0.8, (count, 2)), sides], axis=1)
    return PictureBoxes("x", 10 + seed, 20, norm, rng.integers(0, 9, count).astype(np.int32), rng.random(count) < 0.5)


def test_box_table_gives_what_it_took() -> None:
    given = [boxes(count, seed) for seed, count in enumerate((3, 0, 5))]
    table = BoxTable()
    for one in given:
        table.append(one)

    assert len(table) == 3
    for index, one in enumerate(given):
        found = table.picture(index, f"picture {index}")
        assert (found.name, found.width, found.height) == (f"picture {index}", one.width, one.height)
        np.testing.assert_array_equal(found.boxes_norm, one.boxes_norm)
        np.testing.assert_array_equal(found.classes, one.classes)
        np.testing.assert_array_equal(found.is_crowd, one.is_crowd)
        assert (found.classes.dtype, found.is_crowd.dtype) == (np.int32, np.bool_)


def test_box_table_of_many_pictures_is_small() -> None:
    one, table = boxes(8), BoxTable()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(2000):
        table.append(one)
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()

    # 16 bytes a picture and 37 a box; arrays keep some room to grow.
    assert held < 2000 * (16 + 8 * 37) * 1.3
