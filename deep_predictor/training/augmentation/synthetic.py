"""synthetic_background: a cut-out of the picture's class, pasted at a random place and scale on another picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, ClassVar

import cv2
import numpy as np
from pydantic import AfterValidator, Field

from deep_predictor.backends.base import Task
from deep_predictor.config.strict import ProjectPath
from deep_predictor.errors import ConfigError, ConfigProblem
from deep_predictor.training.augmentation.base import OperationOptions, PictureOperation, Setting, Variant
from deep_predictor.training.augmentation.shelves import (
    decode_background,
    read_backgrounds,
    read_cutout,
    read_cutouts,
)
from deep_predictor.training.augmentation.sides import ShelfPicture, divide
from deep_predictor.training.augmentation.written import SharesOfSide
from deep_predictor.training.dataset import SkippedFile
from deep_predictor.training.sample import Sample


def _is_folder(path: Path) -> Path:
    if not path.is_dir():
        raise ValueError("is no folder")
    return path


_Folder = Annotated[ProjectPath, AfterValidator(_is_folder)]


class SyntheticBackgroundOptions(OperationOptions):
    #: `<cutouts>/<class>/*.png`, each with transparency.
    cutouts: _Folder
    #: Pictures, also in folders below.
    backgrounds: _Folder
    #: The cut-out's size: 1 is the largest that the picture can hold.
    scale_range: SharesOfSide = (0.3, 0.9)
    #: Share of the backgrounds, and of each class's cut-outs, that only test pictures are made of.
    test_share: float = Field(0.3, ge=0, lt=1)


class SyntheticBackground(PictureOperation[SyntheticBackgroundOptions]):
    """The new picture has the old one's size, and nothing else of it. A class without cut-outs stays as it is."""

    options_class = SyntheticBackgroundOptions
    #: A cut-out is of one class, and a picture with boxes or a mask is not.
    tasks: ClassVar[tuple[Task, ...]] = ("classification",)

    def __init__(self, options: SyntheticBackgroundOptions, setting: Setting) -> None:
        """Reads every background, to know which can be read; raises ConfigError where this side has none."""
        super().__init__(options, setting)
        self._setting = setting
        self._cutouts: dict[str, tuple[ShelfPicture, ...]] = {}
        shelf = read_backgrounds(options.backgrounds)
        self._backgrounds = divide(shelf.pictures, options.test_share, setting.seed, setting.known)[setting.side]
        self.skipped_backgrounds = shelf.skipped
        if not self._backgrounds:
            need = "no picture" if setting.side == "train" else "fewer than two different pictures, or no test_share"
            problem = f"holds {need}; train and test each need backgrounds of their own"
            raise ConfigError([ConfigProblem("", "backgrounds", problem)])
        if not any(True for _ in options.cutouts.glob("*/*.[pP][nN][gG]")):
            raise ConfigError([ConfigProblem("", "cutouts", "holds no <class>/*.png")])

    @property
    def backgrounds(self) -> Sequence[ShelfPicture]:
        """Those of this side."""
        return self._backgrounds

    def cutouts_of(self, class_name: str) -> tuple[ShelfPicture, ...]:
        """Those of this side: what was cut from a picture of the set goes with it, the rest is divided."""
        if class_name not in self._cutouts:
            shelf, setting = read_cutouts(self.options.cutouts, class_name), self._setting
            sides = divide(shelf.pictures, self.options.test_share, setting.seed, setting.known)
            self._cutouts[class_name] = tuple(sides[setting.side])
        return self._cutouts[class_name]

    def skipped_files(self, class_names: Sequence[str]) -> list[SkippedFile]:
        """Backgrounds and cut-outs that cannot be used."""
        shelves = [read_cutouts(self.options.cutouts, name) for name in class_names]
        return [*self.skipped_backgrounds, *(skipped for shelf in shelves for skipped in shelf.skipped)]

    def classes_without_pictures(self, class_names: Sequence[str]) -> list[str]:
        return [name for name in class_names if not self.cutouts_of(name)]

    def draw(self, rng: np.random.Generator, sample: Sample) -> Sample:
        return self.draw_with_source(rng, sample)[0]

    def draw_with_source(self, rng: np.random.Generator, sample: Sample) -> tuple[Sample, str]:
        cutouts = self.cutouts_of(sample.class_name)
        if not cutouts:
            return sample, ""
        cutout = cutouts[int(rng.integers(len(cutouts)))]
        return replace(sample, image=self._make(rng, sample.image, cutout)), self._source_of(cutout)

    def variants(self, rng: np.random.Generator, sample: Sample, draws: int) -> Iterator[Variant]:
        if self.cutouts_of(sample.class_name):
            yield from super().variants(rng, sample, draws)

    def _source_of(self, cutout: ShelfPicture) -> str:
        """Cut-outs of one picture have one source."""
        known = cutout.find_in(self._setting.known)
        return known.source if known else f"cutouts/{cutout.content}"

    def _make(self, rng: np.random.Generator, image: np.ndarray, cutout: ShelfPicture) -> np.ndarray:
        height, width = image.shape[:2]
        background = self._backgrounds[int(rng.integers(len(self._backgrounds)))]
        canvas = _part_of(rng, decode_background(background.path, (width, height)), width, height)
        pasted = read_cutout(cutout.path)
        ratio = float(rng.uniform(*self.options.scale_range)) * min(width / pasted.shape[1], height / pasted.shape[0])
        new_width = min(width, max(1, round(pasted.shape[1] * ratio)))
        new_height = min(height, max(1, round(pasted.shape[0] * ratio)))
        left, top = int(rng.integers(width - new_width + 1)), int(rng.integers(height - new_height + 1))
        return paste(canvas, pasted, (left, top, new_width, new_height))


def paste(canvas: np.ndarray, cutout: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """Lay an RGBA cut-out over an RGB picture at (left, top, width, height); the picture itself is not changed."""
    left, top, width, height = box
    alpha = cutout[:, :, 3:].astype(np.float32) / 255
    # Colour is resized times its alpha: what transparent pixels hold must not come into view at the edge.
    layers = np.concatenate([cutout[:, :, :3] * alpha, alpha], axis=2)
    layers = _resized(layers, width, height)
    pasted = canvas.copy()
    under = pasted[top : top + height, left : left + width]
    under[:] = np.clip(np.rint(under * (1 - layers[:, :, 3:]) + layers[:, :, :3]), 0, 255)
    return pasted


def _part_of(rng: np.random.Generator, background: np.ndarray, width: int, height: int) -> np.ndarray:
    """The largest part of the shape width x height, at a random place, in that size."""
    full_height, full_width = background.shape[:2]
    ratio = min(full_width / width, full_height / height)
    part_width = min(full_width, max(1, round(width * ratio)))
    part_height = min(full_height, max(1, round(height * ratio)))
    left = int(rng.integers(full_width - part_width + 1))
    top = int(rng.integers(full_height - part_height + 1))
    return _resized(background[top : top + part_height, left : left + part_width], width, height)


def _resized(image: np.ndarray, width: int, height: int) -> np.ndarray:
    if (image.shape[1], image.shape[0]) == (width, height):
        return image
    shrinks = width <= image.shape[1] and height <= image.shape[0]
    return cv2.resize(
        np.ascontiguousarray(image), (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
