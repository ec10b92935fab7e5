"""What an operation of augmentation is. Operations keep no state: several threads may draw at once, each with its rng.

A picture is RGB uint8 (H, W, 3) of any size from 1x1, with its truth: an operation that moves pixels moves boxes and
masks with them. It never writes into arrays that it is given. It may give back the same ones, or views of them:
`pipeline.Augmentation` sees to it that callers get a picture of their own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Generic, Literal, TypeVar

import numpy as np
from pydantic import Field

from deep_predictor.backends.base import Task
from deep_predictor.config.strict import StrictModel
from deep_predictor.training.sample import Sample

Side = Literal["train", "test"]


class OperationOptions(StrictModel):
    """What every operation's entry may say."""

    #: Share of pictures changed in training, and of variants written to disk. None: the operation's usual share in
    #: training, all of them on disk.
    probability: float | None = Field(None, ge=0, le=1)


@dataclass(frozen=True)
class KnownPicture:
    """A picture of the data set that is augmented: the part that it went to, and its source's name."""

    part: str
    source: str


@dataclass(frozen=True)
class Setting:
    """What a list of operations is built for; only operations that read pictures of their own look at it."""

    root: Path
    side: Side = "train"
    #: Divides backgrounds and cut-outs between train and test.
    seed: int = 0
    #: SHA-256 of a picture's file -> where it went: a cut-out made of it, or a copy as a background, goes the same way.
    known: Mapping[str, KnownPicture] = field(default_factory=dict)


@dataclass(frozen=True)
class Variant:
    """One picture for the disk. `source`: whose picture it is; "": the one that it was made from."""

    name: str
    sample: Sample
    source: str = ""

    @property
    def image(self) -> np.ndarray:
        return self.sample.image


Options = TypeVar("Options", bound=OperationOptions)
Choice = TypeVar("Choice")


class Operation(ABC, Generic[Options]):
    """One entry of the list. A subclass names its `options_class`."""

    options_class: type[Options]
    #: In training, where the entry says nothing.
    usual_probability: ClassVar[float] = 1.0
    #: Of the sets whose pictures it can change together with their truth.
    tasks: ClassVar[tuple[Task, ...]] = ("classification", "detection", "segmentation")

    def __init__(self, options: Options, setting: Setting) -> None:
        """May raise ConfigError, naming the key, for what the options point at."""
        self.options = options

    @property
    def probability(self) -> float:
        given = self.options.probability
        return self.usual_probability if given is None else given

    @property
    def probability_on_disk(self) -> float:
        given = self.options.probability
        return 1.0 if given is None else given


class PictureOperation(Operation[Options]):
    """Changes one picture at a time."""

    @abstractmethod
    def draw(self, rng: np.random.Generator, sample: Sample) -> Sample:
        """The picture after one random draw."""

    def draw_with_source(self, rng: np.random.Generator, sample: Sample) -> tuple[Sample, str]:
        """As `draw`; and whose picture it then is, "" where it is still the one that was given."""
        return self.draw(rng, sample), ""

    def variants(self, rng: np.random.Generator, sample: Sample, draws: int) -> Iterator[Variant]:
        """Each picture that the operation makes of one, where they can be listed; else `draws` random ones."""
        for number in range(1, draws + 1):
            yield Variant(str(number), *self.draw_with_source(rng, sample))

    def count(self, width: int, height: int, draws: int) -> int:
        """At most so many variants come of a picture of this size."""
        return draws

    def classes_without_pictures(self, class_names: Sequence[str]) -> list[str]:
        """Classes that the operation can make nothing for."""
        return []


class NumberOperation(PictureOperation[Options]):
    """One number says what happens: drawn evenly from a range, or one of a list."""

    @property
    @abstractmethod
    def range(self) -> tuple[float, float]:
        """(low, high); not looked at where there is a list."""

    @property
    def listed(self) -> tuple[float, ...]:
        return ()

    @abstractmethod
    def apply(self, sample: Sample, number: float) -> Sample: ...

    def draw(self, rng: np.random.Generator, sample: Sample) -> Sample:
        return self.apply(sample, self._number(rng))

    def variants(self, rng: np.random.Generator, sample: Sample, draws: int) -> Iterator[Variant]:
        numbers = self._all_numbers() or tuple(self._number(rng) for _ in range(draws))
        for number in numbers:
            yield Variant(f"{number:.4g}", self.apply(sample, number))

    def count(self, width: int, height: int, draws: int) -> int:
        return len(self._all_numbers()) or draws

    def _all_numbers(self) -> tuple[float, ...]:
        """Empty where there is no end of them."""
        if self.listed:
            return self.listed
        low, high = self.range
        return (low,) if low == high else ()

    def _number(self, rng: np.random.Generator) -> float:
        if self.listed:
            return self.listed[int(rng.integers(len(self.listed)))]
        return float(rng.uniform(*self.range))


class ToneOperation(NumberOperation[Options]):
    """Changes what pixels look like and moves none: the truth stays."""

    @abstractmethod
    def tone(self, image: np.ndarray, number: float) -> np.ndarray: ...

    def apply(self, sample: Sample, number: float) -> Sample:
        return replace(sample, image=self.tone(sample.image, number))


class ChoiceOperation(PictureOperation[Options], Generic[Options, Choice]):
    """A picture of a given size can be changed in so many ways, and they can be listed."""

    @abstractmethod
    def choices(self, width: int, height: int) -> Sequence[Choice]:
        """At least one."""

    @abstractmethod
    def apply(self, sample: Sample, choice: Choice) -> Sample: ...

    def draw(self, rng: np.random.Generator, sample: Sample) -> Sample:
        choices = self.choices(sample.image.shape[1], sample.image.shape[0])
        return self.apply(sample, choices[int(rng.integers(len(choices)))])

    def variants(self, rng: np.random.Generator, sample: Sample, draws: int) -> Iterator[Variant]:
        choices = self.choices(sample.image.shape[1], sample.image.shape[0])
        for number in range(len(choices)):
            yield Variant(str(number + 1), self.apply(sample, choices[number]))

    def count(self, width: int, height: int, draws: int) -> int:
        return len(self.choices(width, height))


class BatchOperation(Operation[Options]):
    """Mixes pictures of a batch with each other, and their targets likewise. In training only."""

    tasks: ClassVar[tuple[Task, ...]] = ("classification",)

    @abstractmethod
    def mix(self, rng: np.random.Generator, inputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """float32 (N, h, w, c) and (N, classes) -> new arrays of these shapes; rows of targets still add up to 1."""
