"""What an operation of augmentation is. Operations keep no state: several threads may draw at once, each with its rng.

A picture is RGB uint8 (H, W, 3) of any size from 1x1. An operation never writes into a picture that it is given. It may
give back the same array, or a view of it: `pipeline.Augmentation` sees to it that callers get an array of their own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Generic, Literal, TypeVar

import numpy as np
from pydantic import Field

from deep_predictor.config.strict import StrictModel

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
    image: np.ndarray
    source: str = ""


Options = TypeVar("Options", bound=OperationOptions)
Choice = TypeVar("Choice")


class Operation(ABC, Generic[Options]):
    """One entry of the list. A subclass names its `options_class`."""

    options_class: type[Options]
    #: In training, where the entry says nothing.
    usual_probability: ClassVar[float] = 1.0

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
    def draw(self, rng: np.random.Generator, image: np.ndarray, class_name: str) -> np.ndarray:
        """The picture after one random draw."""

    def draw_with_source(self, rng: np.random.Generator, image: np.ndarray, class_name: str) -> tuple[np.ndarray, str]:
        """As `draw`; and whose picture it then is, "" where it is still the one that was given."""
        return self.draw(rng, image, class_name), ""

    def variants(self, rng: np.random.Generator, image: np.ndarray, class_name: str, draws: int) -> Iterator[Variant]:
        """Each picture that the operation makes of one, where they can be listed; else `draws` random ones."""
        for number in range(1, draws + 1):
            yield Variant(str(number), *self.draw_with_source(rng, image, class_name))

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
    def apply(self, image: np.ndarray, number: float) -> np.ndarray: ...

    def draw(self, rng: np.random.Generator, image: np.ndarray, class_name: str) -> np.ndarray:
        return self.apply(image, self._number(rng))

    def variants(self, rng: np.random.Generator, image: np.ndarray, class_name: str, draws: int) -> Iterator[Variant]:
        numbers = self._all_numbers() or tuple(self._number(rng) for _ in range(draws))
        for number in numbers:
            yield Variant(f"{number:.4g}", self.apply(image, number))

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


class ChoiceOperation(PictureOperation[Options], Generic[Options, Choice]):
    """A picture of a given size can be changed in so many ways, and they can be listed."""

    @abstractmethod
    def choices(self, width: int, height: int) -> Sequence[Choice]:
        """At least one."""

    @abstractmethod
    def apply(self, image: np.ndarray, choice: Choice) -> np.ndarray: ...

    def draw(self, rng: np.random.Generator, image: np.ndarray, class_name: str) -> np.ndarray:
        choices = self.choices(image.shape[1], image.shape[0])
        return self.apply(image, choices[int(rng.integers(len(choices)))])

    def variants(self, rng: np.random.Generator, image: np.ndarray, class_name: str, draws: int) -> Iterator[Variant]:
        choices = self.choices(image.shape[1], image.shape[0])
        for number in range(len(choices)):
            yield Variant(str(number + 1), self.apply(image, choices[number]))

    def count(self, width: int, height: int, draws: int) -> int:
        return len(self.choices(width, height))


class BatchOperation(Operation[Options]):
    """Mixes pictures of a batch with each other, and their targets likewise. In training only."""

    @abstractmethod
    def mix(self, rng: np.random.Generator, inputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """float32 (N, h, w, c) and (N, classes) -> new arrays of these shapes; rows of targets still add up to 1."""
