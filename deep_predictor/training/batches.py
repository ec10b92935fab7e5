"""Pictures to batches: read, augmented and prepared by several threads, always a few batches ahead of the training.

What a picture looks like in an epoch depends on the seed, the epoch and the picture alone, never on threads or on what
was read before: a run that is resumed sees what it would have seen.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from deep_predictor.images.preprocessing import InputSpec
from deep_predictor.training.dataset import Dataset

#: Batches that are prepared ahead, beyond those that threads work on.
_AHEAD = 2
#: Streams of random numbers that must not meet.
_ORDER, _PICTURE, _MIX = 0, 1, 2


class Augmenting(Protocol):
    """What changes pictures while a network trains; see `training.augmentation`."""

    def image(self, rng: np.random.Generator, image: np.ndarray, class_name: str) -> np.ndarray: ...

    def batch(
        self, rng: np.random.Generator, inputs: np.ndarray, targets: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]: ...


@dataclass(frozen=True)
class Pipeline:
    """From a picture of a data set to a network's input.

    `smallest`: (width, height) that JPEGs may be decoded down to, None: in full. It is the serving predictor's too.
    """

    spec: InputSpec
    smallest: tuple[int, int] | None = None
    augmentation: Augmenting | None = None

    @property
    def plain(self) -> Pipeline:
        """Without augmentation: for validation, test and serving."""
        return Pipeline(self.spec, self.smallest)


@dataclass(frozen=True)
class Batch:
    """inputs: float32 (N, h, w, c); targets: float32 (N, classes), each row adds up to 1."""

    inputs: np.ndarray
    targets: np.ndarray


@dataclass(frozen=True)
class BatchOptions:
    batch_size: int
    #: Threads that read and prepare.
    workers: int
    seed: int
    #: Prepared or decoded pictures kept in memory for the next epochs, in bytes.
    cache_bytes: int


class Batches:
    """Some pictures of a data set, epoch by epoch. Close it, or use it with `with`: it holds threads."""

    def __init__(self, dataset: Dataset, indices: np.ndarray, pipeline: Pipeline, options: BatchOptions) -> None:
        self.labels = np.array([dataset.items[index].label for index in indices], np.int64)
        self._dataset, self._indices, self._pipeline, self._options = dataset, indices, pipeline, options
        self._pool = ThreadPoolExecutor(options.workers, thread_name_prefix="batches")
        one_input = 4 * math.prod(pipeline.spec.input_shape)
        fits = len(indices) * one_input <= options.cache_bytes
        #: Without augmentation a picture looks the same in each epoch, so it is kept as the network gets it.
        self._inputs = (
            np.zeros((len(indices), *pipeline.spec.input_shape), np.float32)
            if fits and pipeline.augmentation is None
            else None
        )
        self._is_filled = np.zeros(len(indices), bool)
        self._pictures: dict[int, np.ndarray] = {}
        self._free_bytes = options.cache_bytes if pipeline.augmentation else 0

    def __len__(self) -> int:
        """Batches of one epoch."""
        return math.ceil(len(self._indices) / self._options.batch_size)

    def __enter__(self) -> Batches:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def shuffled(self, epoch: int) -> Iterator[Batch]:
        """The batches of one epoch (from 1) in an order of its own, augmented. Raises ImageUnreadable."""
        order = np.random.default_rng([self._options.seed, _ORDER, epoch]).permutation(len(self._indices))
        return self._batches(order, epoch)

    def in_order(self) -> Iterator[Batch]:
        """All pictures once, in the order of the indices. Raises ImageUnreadable."""
        return self._batches(np.arange(len(self._indices)), 0)

    def _batches(self, order: np.ndarray, epoch: int) -> Iterator[Batch]:
        size = self._options.batch_size
        waiting: deque[Future[Batch]] = deque()
        starts = iter(range(0, len(order), size))
        try:
            for _ in range(self._options.workers + _AHEAD):
                self._begin(waiting, order, starts, epoch)
            while waiting:
                batch = waiting.popleft().result()
                self._begin(waiting, order, starts, epoch)
                yield batch
        finally:
            for future in waiting:
                future.cancel()

    def _begin(self, waiting: deque[Future[Batch]], order: np.ndarray, starts: Iterator[int], epoch: int) -> None:
        start = next(starts, None)
        if start is not None:
            places = order[start : start + self._options.batch_size]
            waiting.append(self._pool.submit(self._make, places, epoch, start))

    def _make(self, places: np.ndarray, epoch: int, start: int) -> Batch:
        inputs = self._kept(places) if self._inputs is not None else self._fresh(places, epoch)
        targets = np.zeros((len(places), len(self._dataset.class_names)), np.float32)
        targets[np.arange(len(places)), self.labels[places]] = 1
        if self._pipeline.augmentation:
            rng = np.random.default_rng([self._options.seed, _MIX, epoch, start])
            inputs, targets = self._pipeline.augmentation.batch(rng, inputs, targets)
        return Batch(inputs, targets)

    def _kept(self, places: np.ndarray) -> np.ndarray:
        assert self._inputs is not None
        for place in places[~self._is_filled[places]]:
            self._inputs[place] = self._pipeline.spec.apply(self._read(place))
            self._is_filled[place] = True
        return self._inputs[places]

    def _fresh(self, places: np.ndarray, epoch: int) -> np.ndarray:
        inputs = np.empty((len(places), *self._pipeline.spec.input_shape), np.float32)
        for row, place in enumerate(places):
            image = self._picture(int(place))
            if self._pipeline.augmentation:
                index = int(self._indices[place])
                rng = np.random.default_rng([self._options.seed, _PICTURE, epoch, index])
                name = self._dataset.class_names[self._dataset.items[index].label]
                image = self._pipeline.augmentation.image(rng, image, name)
            inputs[row] = self._pipeline.spec.apply(image)
        return inputs

    def _picture(self, place: int) -> np.ndarray:
        """A decoded picture, kept while there is room. Two threads never read the same one in the same epoch."""
        kept = self._pictures.get(place)
        if kept is not None:
            return kept
        image = self._read(place)
        if image.nbytes <= self._free_bytes:
            self._free_bytes -= image.nbytes
            self._pictures[place] = image
        return image

    def _read(self, place: int) -> np.ndarray:
        return self._dataset.read(int(self._indices[place]), self._pipeline.smallest)
