"""A list of operations at work: on pictures and batches while a network trains, or as many pictures for the disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from deep_predictor.training.augmentation.base import BatchOperation, Operation, PictureOperation, Variant
from deep_predictor.training.sample import Sample


@dataclass(frozen=True)
class Step:
    """An entry of the list: the operation's name, and what it does."""

    name: str
    operation: Operation[Any]


class Augmentation:
    """Deterministic by the rng that is given; may be used by several threads at once, each with its own rng."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = tuple(steps)
        self._picture_steps = [(s.name, s.operation) for s in steps if isinstance(s.operation, PictureOperation)]
        self._batch_operations = [s.operation for s in steps if isinstance(s.operation, BatchOperation)]

    def sample(self, rng: np.random.Generator, sample: Sample) -> Sample:
        """One random draw: each operation in turn changes the picture, or passes it over by its probability.

        The new picture is an array of the caller's own, C-contiguous, perhaps of another size; boxes and masks lie on
        it as the things do that it shows.
        """
        return self.draw(rng, sample).sample

    def draw(self, rng: np.random.Generator, sample: Sample) -> Variant:
        """As `sample`, with the source of what came out."""
        _check(sample.image)
        drawn, source = sample, ""
        for _, operation in self._picture_steps:
            if rng.random() < operation.probability:
                drawn, other = operation.draw_with_source(rng, drawn)
                drawn, source = _contiguous(drawn), other or source
        return Variant("combined", _owned(drawn, sample), source)

    def batch(self, rng: np.random.Generator, inputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """float32 inputs (N, h, w, c) and targets (N, classes), mixed; those that are given are not changed.

        Where no operation mixes, targets may be anything.
        """
        if not self._batch_operations:
            return inputs, targets
        if inputs.ndim != 4 or targets.ndim != 2 or len(inputs) != len(targets):
            raise ValueError(f"a batch is (N, h, w, c) with (N, classes) (got {inputs.shape} with {targets.shape})")
        for operation in self._batch_operations:
            inputs, targets = operation.mix(rng, inputs, targets)
        return inputs, targets

    def variants(
        self, image: np.ndarray, class_name: str, rng: np.random.Generator, draws: int = 1
    ) -> Iterator[tuple[str, np.ndarray]]:
        """(name, picture) of all that the operations, each by itself, make of a picture; see `written_variants`."""
        for variant in self.written_variants(Sample(image, class_name), rng, draws):
            yield variant.name, variant.image

    def written_variants(self, sample: Sample, rng: np.random.Generator, draws: int = 1) -> Iterator[Variant]:
        """What can be listed (flips, angles, windows) is made once each, what is drawn from a range `draws` times."""
        _check(sample.image)
        for name, operation in self._picture_steps:
            for variant in operation.variants(rng, sample, draws):
                if rng.random() < operation.probability_on_disk:
                    yield Variant(f"{name}-{variant.name}", _owned(variant.sample, sample), variant.source)

    def variant_count(self, width: int, height: int, draws: int = 1) -> int:
        """At most so many variants come of a picture of this size."""
        return sum(operation.count(width, height, draws) for _, operation in self._picture_steps)


def _check(image: np.ndarray) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(f"a picture must be RGB uint8 (H, W, 3) (got {image.dtype} {image.shape})")


def _contiguous(sample: Sample) -> Sample:
    return sample if sample.image.flags.c_contiguous else replace(sample, image=np.ascontiguousarray(sample.image))


def _owned(drawn: Sample, given: Sample) -> Sample:
    """Its picture is C-contiguous, and nothing of the given one."""
    if np.may_share_memory(drawn.image, given.image):
        return replace(drawn, image=np.array(drawn.image, order="C"))
    return _contiguous(drawn)
