"""Scenes of digits on clutter, drawn when they are asked for: boxes for a detector, or masks for a segmenter."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from deep_predictor.training.annotations.picture_boxes import PictureBoxes
from deep_predictor.training.dataset import BoxDataset, Dataset, Item, MaskDataset, Part, encode_png, pixel_hash
from deep_predictor.training.datasets.format import DatasetFormat
from deep_predictor.training.scenes import CLASS_NAMES, MASK_CLASS_NAMES, DigitScenes, Scene, SceneOptions

if TYPE_CHECKING:
    from deep_predictor.training.datasets.options import DatasetOptions

_PARTS: tuple[Part, ...] = ("train", "val", "test")
#: Scenes that are kept: what is asked of one is asked at once.
_KEPT = 64


class DigitScenesFormat(DatasetFormat):
    """Nothing is read from a path or downloaded. The shares of val and test are those of the options."""

    needs_path = False

    @staticmethod
    def open(options: DatasetOptions, cache_folder: Path) -> Dataset:
        scenes = options.scene_options
        kind = BoxScenes if scenes.task == "detection" else MASK_SCENES[scenes.mask_classes]
        val, test = (max(1, round(scenes.count * share)) for share in (options.val_share, options.test_share))
        counts: dict[Part, int] = {"train": max(1, scenes.count - val - test), "val": val, "test": test}
        return kind(counts, scenes.seed, scenes.scene_options())


class _Scenes(Dataset):
    """The digits of the parts are disjoint, so each scene belongs to the part that it was drawn for."""

    name = "digit_scenes"

    def __init__(self, counts: Mapping[Part, int], seed: int, options: SceneOptions | None = None) -> None:
        """`counts`: how many scenes of each part."""
        parts = [part for part in _PARTS for _ in range(counts.get(part, 0))]
        self._numbers = [number for part in _PARTS for number in range(counts.get(part, 0))]
        self.items = tuple(
            Item(f"{part}/{number:05d}", part=part) for part, number in zip(parts, self._numbers, strict=True)
        )
        self._of_part = {part: DigitScenes(part, seed, options) for part in sorted(set(parts))}
        self._scene = lru_cache(maxsize=_KEPT)(self._draw)

    def read(self, index: int, smallest: tuple[int, int] | None = None) -> np.ndarray:
        return self._scene(index).pixels

    def read_file(self, index: int) -> tuple[bytes, str]:
        return encode_png(self.read(index)), "png"

    def content_hash(self, index: int) -> str:
        return pixel_hash(self.read(index))

    def _draw(self, index: int) -> Scene:
        part = self.items[index].part
        assert part
        return self._of_part[part].scene(self._numbers[index])


class BoxScenes(_Scenes, BoxDataset):
    """Scenes with a box for each digit."""

    class_names = CLASS_NAMES

    def boxes(self, index: int) -> PictureBoxes:
        return self._scene(index).picture_boxes(self.items[index].name)


class MaskScenes(_Scenes, MaskDataset):
    """Scenes with a mask: the background, and the digits."""

    class_names = MASK_CLASS_NAMES

    def mask(self, index: int) -> np.ndarray:
        return self._scene(index).mask


class DigitOrNot(MaskScenes):
    """Scenes with a mask of one thing: whatever is a digit."""

    class_names = ("background", "digit")

    def mask(self, index: int) -> np.ndarray:
        return (super().mask(index) > 0).astype(np.uint8)


MASK_SCENES: Mapping[str, type[MaskScenes]] = {"digits": MaskScenes, "digit": DigitOrNot}
