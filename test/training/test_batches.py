"""Batches: order, contents, what augmentation gets, and that threads and caches change nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deep_predictor.errors import ImageUnreadable
from deep_predictor.images.preprocessing import InputSpec
from deep_predictor.training.batches import Batch, Batches, BatchOptions, Pipeline
from deep_predictor.training.dataset import ArrayDataset
from deep_predictor.training.sample import Sample

SPEC = InputSpec(width=6, height=4, color_mode="rgb", scale=0.5)
OPTIONS = BatchOptions(batch_size=4, workers=3, seed=7, cache_bytes=10**6)


class CountingDataset(ArrayDataset):
    reads = 0

    def read(self, index: int, smallest: tuple[int, int] | None = None) -> np.ndarray:
        self.reads += 1
        return super().read(index, smallest)


class Noise:
    """Adds a random number to the whole picture, and to the batch."""

    def sample(self, rng: np.random.Generator, sample: Sample) -> Sample:
        assert sample.class_name in ("a", "b", "c")
        return replace(sample, image=sample.image + np.uint8(rng.integers(0, 50)))

    def batch(self, rng: np.random.Generator, inputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return inputs + rng.integers(0, 9), targets


def dataset(count: int = 10) -> CountingDataset:
    images = [np.full((8, 9, 3), index, np.uint8) for index in range(count)]
    return CountingDataset(images, [index % 3 for index in range(count)], ("a", "b", "c"))


def whole(batches: list[Batch]) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate([b.inputs for b in batches]), np.concatenate([b.targets for b in batches])


def test_in_order_gives_all_pictures_once_with_one_hot_targets() -> None:
    indices = np.array([9, 2, 5, 7, 1])
    with Batches(dataset(), indices, Pipeline(SPEC), OPTIONS) as batches:
        found = list(batches.in_order())

        assert len(batches) == len(found) == 2
        assert [len(batch.inputs) for batch in found] == [4, 1]
        inputs, targets = whole(found)
        assert inputs.shape == (5, 4, 6, 3)
        np.testing.assert_array_equal(inputs[:, 0, 0, 0], indices / 2)
        np.testing.assert_array_equal(targets.argmax(1), indices % 3)
        np.testing.assert_array_equal(targets.sum(1), 1)
        np.testing.assert_array_equal(batches.labels, indices % 3)


def test_shuffled_holds_each_picture_once_and_differs_by_epoch() -> None:
    with Batches(dataset(40), np.arange(40), Pipeline(SPEC), OPTIONS) as batches:
        orders = [whole(list(batches.shuffled(epoch)))[0][:, 0, 0, 0] * 2 for epoch in (1, 2, 1)]

    assert sorted(orders[0]) == sorted(orders[1]) == list(range(40))
    assert orders[0].tolist() == orders[2].tolist() != orders[1].tolist()


@pytest.mark.parametrize("augmentation", [None, Noise()])
@pytest.mark.parametrize("change", [{"workers": 1}, {"cache_bytes": 0}, {"cache_bytes": 700}])
def test_shuffled_is_the_same_whatever_the_threads_and_the_cache(
    augmentation: Noise | None, change: dict[str, int]
) -> None:
    pipeline = Pipeline(SPEC, None, augmentation)
    found = []
    for options in (OPTIONS, replace(OPTIONS, **change)):
        with Batches(dataset(30), np.arange(30), pipeline, options) as batches:
            list(batches.shuffled(1))  # fills the cache
            found.append(whole(list(batches.shuffled(2))))

    np.testing.assert_array_equal(found[0][0], found[1][0])
    np.testing.assert_array_equal(found[0][1], found[1][1])


def test_epoch_looks_the_same_when_the_epochs_before_were_not_made() -> None:
    pipeline = Pipeline(SPEC, None, Noise())
    with Batches(dataset(), np.arange(10), pipeline, OPTIONS) as one:
        for epoch in (1, 2, 3):
            expected = whole(list(one.shuffled(epoch)))
    with Batches(dataset(), np.arange(10), pipeline, OPTIONS) as other:
        found = whole(list(other.shuffled(3)))

    np.testing.assert_array_equal(found[0], expected[0])


def test_pictures_are_read_once_where_there_is_room_and_again_where_not() -> None:
    reads = []
    for cache_bytes in (10**6, 0):
        for augmentation in (None, Noise()):
            source = dataset()
            options = replace(OPTIONS, cache_bytes=cache_bytes)
            with Batches(source, np.arange(10), Pipeline(SPEC, None, augmentation), options) as batches:
                for epoch in (1, 2, 3):
                    list(batches.shuffled(epoch))
            reads.append(source.reads)

    assert reads == [10, 10, 30, 30]


def test_plain_pipeline_is_without_augmentation() -> None:
    pipeline = Pipeline(SPEC, (12, 8), Noise())

    assert pipeline.plain == Pipeline(SPEC, (12, 8))


def test_picture_that_cannot_be_read_ends_the_epoch_with_its_error() -> None:
    class Broken(CountingDataset):
        def read(self, index: int, smallest: tuple[int, int] | None = None) -> np.ndarray:
            if index == 6:
                raise ImageUnreadable("broken.jpg")
            return super().read(index, smallest)

    images = [np.zeros((8, 9, 3), np.uint8)] * 10
    with (
        Batches(Broken(images, [0, 1] * 5, ("a", "b")), np.arange(10), Pipeline(SPEC), OPTIONS) as batches,
        pytest.raises(ImageUnreadable),
    ):
        list(batches.in_order())


def test_epoch_that_is_left_early_leaves_nothing_running() -> None:
    with Batches(dataset(40), np.arange(40), Pipeline(SPEC), replace(OPTIONS, batch_size=1)) as batches:
        for _, _batch in zip(range(2), batches.shuffled(1), strict=False):
            pass
        assert len(list(batches.in_order())) == 40
