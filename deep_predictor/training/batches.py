"""Pictures to batches: read, augmented and prepared by several threads, always a few batches ahead of the training.

What a picture looks like in an epoch depends on the seed, the epoch and the picture alone, never on threads or on what
was read before: a run that is resumed sees what it would have seen.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from deep_predictor.images.preprocessing import InputSpec
from deep_predictor.training.dataset import Dataset
from deep_predictor.training.sample import Sample

#: Batches that are prepared ahead, beyond those that threads work on.
_AHEAD = 2
#: Streams of random numbers that must not meet.
_ORDER, _PICTURE, _MIX = 0, 1, 2


class Augmenting(Protocol):
    """What changes pictures while a network trains; see `training.augmentation`."""

    def sample(self, rng: np.random.Generator, sample: Sample) -> Sample: ...

    def batch(
        self, rng: np.random.Generator, inputs: np.ndarray, targets: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]: ...


class Targets(Protocol):
    """What a network shall give for a picture: an array of the same shape for each."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> Any: ...

    def encode(self, sample: Sample, label: int) -> np.ndarray:
        """The truth of a picture, as it lies in the network's input. `label`: its class, where it has one."""


@dataclass(frozen=True)
class OneHot:
    """Of classified pictures: (classes,) float32, 1 for the class, 0 for all others."""

    class_count: int
    dtype = np.float32

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.class_count,)

    def encode(self, sample: Sample, label: int) -> np.ndarray:
        target = np.zeros(self.class_count, np.float32)
        target[label] = 1
        return target


@dataclass(frozen=True)
class Pipeline:
    """From a picture of a data set to a network's input and target.

    `smallest`: (width, height) that JPEGs may be decoded down to, None: in full. It is the serving predictor's too.
    `targets`: None: those of classified pictures.
    """

    spec: InputSpec
    smallest: tuple[int, int] | None = None
    augmentation: Augmenting | None = None
    targets: Targets | None = None

    @property
    def plain(self) -> Pipeline:
        """Without augmentation: for validation, test and serving."""
        return replace(self, augmentation=None)


@dataclass(frozen=True)
class Batch:
    """inputs: float32 (N, h, w, c); targets: (N, …), for each picture what the run's `Targets` say."""

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
        self._targets = pipeline.targets or OneHot(len(dataset.class_names))
        one = self._empty(1)
        fits = len(indices) * (one.inputs.nbytes + one.targets.nbytes) <= options.cache_bytes
        #: Without augmentation a picture looks the same in each epoch, so it is kept as the network gets it.
        self._kept = self._empty(len(indices)) if fits and pipeline.augmentation is None else None
        self._is_filled = np.zeros(len(indices), bool)
        self._samples: dict[int, Sample] = {}
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
        if self._kept is not None:
            return self._from_kept(self._kept, places)
        batch = self._fresh(places, epoch)
        if not self._pipeline.augmentation:
            return batch
        rng = np.random.default_rng([self._options.seed, _MIX, epoch, start])
        return Batch(*self._pipeline.augmentation.batch(rng, batch.inputs, batch.targets))

    def _from_kept(self, kept: Batch, places: np.ndarray) -> Batch:
        for place in places[~self._is_filled[places]]:
            self._fill(kept, int(place), int(place), self._read(int(place)))
            self._is_filled[place] = True
        return Batch(kept.inputs[places], kept.targets[places])

    def _fresh(self, places: np.ndarray, epoch: int) -> Batch:
        batch = self._empty(len(places))
        for row, place in enumerate(places.tolist()):
            sample = self._sample(place)
            if self._pipeline.augmentation:
                rng = np.random.default_rng([self._options.seed, _PICTURE, epoch, int(self._indices[place])])
                sample = self._pipeline.augmentation.sample(rng, sample)
            self._fill(batch, row, place, sample)
        return batch

    def _fill(self, batch: Batch, row: int, place: int, sample: Sample) -> None:
        batch.inputs[row] = self._pipeline.spec.apply(sample.image)
        batch.targets[row] = self._targets.encode(sample, int(self.labels[place]))

    def _empty(self, count: int) -> Batch:
        inputs = np.zeros((count, *self._pipeline.spec.input_shape), np.float32)
        return Batch(inputs, np.zeros((count, *self._targets.shape), self._targets.dtype))

    def _sample(self, place: int) -> Sample:
        """A decoded picture, kept while there is room. Two threads never read the same one in the same epoch."""
        kept = self._samples.get(place)
        if kept is not None:
            return kept
        sample = self._read(place)
        size = sample.image.nbytes + (0 if sample.mask is None else sample.mask.nbytes)
        if size <= self._free_bytes:
            self._free_bytes -= size
            self._samples[place] = sample
        return sample

    def _read(self, place: int) -> Sample:
        return self._dataset.sample(int(self._indices[place]), self._pipeline.smallest)
