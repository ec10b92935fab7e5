"""sliding_crop and occlusion on pixels."""

from __future__ import annotations

import numpy as np

from deep_predictor.training.augmentation.windows import Window, WindowOptions
from test.training.augmentation.pictures import all_variants, augmentation, gray, once

IMAGE = gray(np.arange(20).reshape(4, 5).tolist())


def windows(width: int, height: int, **options: object) -> list[tuple[int, int, int, int]]:
    found = WindowOptions.model_validate(options).windows(width, height)
    return [(w.left, w.top, w.width, w.height) for w in found]


def test_windows_go_by_the_stride_and_end_at_the_border() -> None:
    assert windows(5, 4, window=2, stride=2) == [
        *((0, 0, 2, 2), (2, 0, 2, 2), (3, 0, 2, 2)),
        *((0, 2, 2, 2), (2, 2, 2, 2), (3, 2, 2, 2)),
    ]
    assert windows(5, 1, window=[3, 1], stride=1) == [(0, 0, 3, 1), (1, 0, 3, 1), (2, 0, 3, 1)]
    assert windows(6, 3, window=3) == [(0, 0, 3, 3), (3, 0, 3, 3)]


def test_windows_larger_than_the_picture_are_cut_to_it() -> None:
    assert windows(5, 4, window=100, stride=3) == [(0, 0, 5, 4)]
    assert windows(1, 1, window=[7, 0.5]) == [(0, 0, 1, 1)]


def test_windows_as_shares_follow_the_pictures_size() -> None:
    assert windows(10, 20, window=0.5, stride=0.5) == [(0, 0, 5, 10), (5, 0, 5, 10), (0, 10, 5, 10), (5, 10, 5, 10)]
    assert windows(10, 20, window=1.0) == [(0, 0, 10, 20)]


def test_windows_of_a_huge_picture_are_counted_without_being_made() -> None:
    found = WindowOptions(window=1, stride=1).windows(60_000, 60_000)

    assert len(found) == 3_600_000_000
    assert found[-1] == Window(59_999, 59_999, 1, 1)
    assert found[1:3] == [Window(1, 0, 1, 1), Window(2, 0, 1, 1)]


def test_sliding_crop_gives_what_each_window_shows() -> None:
    found = all_variants(IMAGE, {"name": "sliding_crop", "window": [3, 2], "stride": 2})

    assert {name: picture[:, :, 0].tolist() for name, picture in found.items()} == {
        "sliding_crop-1": [[0, 1, 2], [5, 6, 7]],
        "sliding_crop-2": [[2, 3, 4], [7, 8, 9]],
        "sliding_crop-3": [[10, 11, 12], [15, 16, 17]],
        "sliding_crop-4": [[12, 13, 14], [17, 18, 19]],
    }


def test_sliding_crop_in_training_takes_any_of_the_windows() -> None:
    firsts = {int(once(IMAGE, "sliding_crop", seed, window=[3, 2], stride=2)[0, 0, 0]) for seed in range(60)}

    assert firsts == {0, 2, 10, 12}


def test_occlusion_covers_what_each_window_shows() -> None:
    found = all_variants(IMAGE, {"name": "occlusion", "window": 3, "stride": [2, 3], "color": [9, 8, 7]})

    assert len(found) == 4
    first = found["occlusion-1"]
    assert first[:3, :3].tolist() == [[[9, 8, 7]] * 3] * 3
    assert np.array_equal(first[3:], IMAGE[3:])
    assert np.array_equal(first[:, 3:], IMAGE[:, 3:])
    last = found["occlusion-4"]
    assert last[1:, 2:].tolist() == [[[9, 8, 7]] * 3] * 3
    assert np.array_equal(last[0], IMAGE[0])


def test_occlusion_is_black_where_nothing_is_said() -> None:
    assert once(IMAGE, "occlusion", window=1.0).max() == 0


def test_window_operations_say_how_many_pictures_they_make() -> None:
    both = augmentation({"name": "sliding_crop", "window": 2}, {"name": "occlusion", "window": 2, "stride": 1})

    assert both.variant_count(5, 4) == 6 + 12
