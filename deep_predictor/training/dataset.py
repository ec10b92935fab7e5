"""What training knows of a data set: pictures and their truth, read one at a time: no set need fit in memory."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from deep_predictor.backends.base import Task
from deep_predictor.errors import DatasetUnusable, ImageUnreadable
from deep_predictor.training.annotations.picture_boxes import PictureBoxes
from deep_predictor.training.annotations.picture_masks import IGNORE_INDEX
from deep_predictor.training.annotations.problems import Problem
from deep_predictor.training.sample import Sample

Part = Literal["train", "val", "test"]

#: Of pictures that have no class of their own: boxes or a mask say what is on them.
NO_LABEL = -1


@dataclass(frozen=True)
class Item:
    """One picture of a set."""

    #: Unique in its data set; for files the POSIX path below the set's folder.
    name: str
    #: Index of its class, or NO_LABEL.
    label: int = NO_LABEL
    #: Where the set's own folders put it; None: the split decides.
    part: Part | None = None
    #: Pictures made from one original (crops, augmentations) carry its name here; "": an original.
    source: str = ""
    #: Its number in a data set of the server; None elsewhere.
    item_id: int | None = None


@dataclass(frozen=True)
class SkippedFile:
    """A file that is no picture of the set, and why."""

    name: str
    reason: str


class Dataset(ABC):
    """Pictures with their classes. The class of item i is `class_names[items[i].label]`.

    `read` may be called by several threads at once. Raises DatasetUnusable where the parts do not fit each other.
    """

    #: What a network that is trained on it does.
    task: ClassVar[Task] = "classification"
    fewest_classes: ClassVar[int] = 2
    #: For messages and the manifest.
    name: str
    class_names: tuple[str, ...]
    items: Sequence[Item]
    skipped: tuple[SkippedFile, ...] = ()
    #: What is wrong with boxes and masks, by file and line: the first of it, and how much there is.
    problems: tuple[Problem, ...] = ()
    problem_count: int = 0

    @abstractmethod
    def read(self, index: int, smallest: tuple[int, int] | None = None) -> np.ndarray:
        """RGB uint8 (H, W, 3) of a picture, turned by its EXIF orientation, as serving decodes it.

        `smallest`: (width, height) that a JPEG may be decoded down to, as in `images.decoding.decode_image`.
        Raises ImageUnreadable.
        """

    @abstractmethod
    def read_file(self, index: int) -> tuple[bytes, str]:
        """The picture as a file: its bytes and its extension without the dot; lossless where it was none."""

    @abstractmethod
    def content_hash(self, index: int) -> str:
        """SHA-256 of the file, or of the pixels where there is none: equal for copies, whatever they are called."""

    def sample(self, index: int, smallest: tuple[int, int] | None = None) -> Sample:
        """A picture with its truth. `smallest`: as for `read`. Raises ImageUnreadable."""
        return Sample(self.read(index, smallest), self.class_names[self.items[index].label])

    def classes_of(self, index: int) -> tuple[int, ...]:
        """The classes that are in a picture, ascending."""
        return (self.items[index].label,)

    def truth_key(self, index: int) -> str:
        """One line; equal where the truth of two pictures is."""
        return self.class_names[self.items[index].label]

    def check(self) -> None:
        """Raise DatasetUnusable for class names and labels that no model could be trained on."""
        names = self.class_names
        if len(names) < self.fewest_classes or len(set(names)) != len(names):
            least = "at least two classes" if self.fewest_classes == 2 else "classes"
            raise DatasetUnusable(f"{least} of different names are needed (got {', '.join(names) or 'none'})")
        for name in names:
            if not name or name != name.strip() or len(name.splitlines()) != 1:
                raise DatasetUnusable(f"the class name {name!r} is not one line without white space around it")
            if any(0xD800 <= ord(character) <= 0xDFFF for character in name):
                raise DatasetUnusable(f"the class name {name!r} is not UTF-8")
        self._check_labels()

    def _check_labels(self) -> None:
        if any(not 0 <= item.label < len(self.class_names) for item in self.items):
            raise DatasetUnusable(f"a label lies outside 0..{len(self.class_names) - 1}")


class BoxDataset(Dataset):
    """Pictures with boxes, each of a class."""

    task = "detection"
    fewest_classes = 1

    @abstractmethod
    def boxes(self, index: int) -> PictureBoxes:
        """The boxes of a picture. Their classes are indices into `class_names`."""

    def sample(self, index: int, smallest: tuple[int, int] | None = None) -> Sample:
        image = self.read(index, smallest)
        boxes = self.boxes(index)
        height, width = image.shape[:2]
        shrunk = np.array([width / boxes.width, height / boxes.height] * 2)
        return Sample(image, boxes=boxes.corners() * shrunk, classes=boxes.classes, is_crowd=boxes.is_crowd)

    def classes_of(self, index: int) -> tuple[int, ...]:
        return tuple(np.unique(self.boxes(index).classes).tolist())

    def truth_key(self, index: int) -> str:
        boxes = self.boxes(index)
        rows = zip(boxes.classes.tolist(), boxes.is_crowd.tolist(), boxes.boxes_norm.round(6).tolist(), strict=True)
        written = sorted(f"{self.class_names[label]} {is_crowd} {box}" for label, is_crowd, box in rows)
        return hashlib.sha256("\n".join(written).encode()).hexdigest()

    def _check_labels(self) -> None:
        pass


class MaskDataset(Dataset):
    """Pictures with a mask: a class for each pixel."""

    task = "segmentation"

    @abstractmethod
    def mask(self, index: int) -> np.ndarray:
        """uint8 (H, W) of the picture's own size: indices into `class_names`, or IGNORE_INDEX.

        Raises ImageUnreadable.
        """

    def sample(self, index: int, smallest: tuple[int, int] | None = None) -> Sample:
        """In full size, whatever `smallest` says: a mask fits no other."""
        image, mask = self.read(index), self.mask(index)
        if mask.shape != image.shape[:2]:
            raise ImageUnreadable(other_size(mask, image.shape[1], image.shape[0]))
        return Sample(image, mask=mask)

    def classes_of(self, index: int) -> tuple[int, ...]:
        return tuple(label for label in np.unique(self.mask(index)).tolist() if label != IGNORE_INDEX)

    def truth_key(self, index: int) -> str:
        return pixel_hash(self.mask(index))

    def _check_labels(self) -> None:
        pass


class ArrayDataset(Dataset):
    """Pictures that lie in memory, each RGB uint8 (H, W, 3)."""

    def __init__(
        self,
        images: Sequence[np.ndarray],
        labels: Sequence[int] | np.ndarray,
        class_names: Sequence[str],
        name: str = "arrays",
        parts: Sequence[Part | None] | None = None,
    ) -> None:
        if not len(images) or len(images) != len(labels):
            raise DatasetUnusable(f"{len(images)} pictures and {len(labels)} labels")
        for index, image in enumerate(images):
            if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
                raise DatasetUnusable(f"picture {index} is not RGB uint8 (got {image.dtype} {image.shape})")
        self.name, self.class_names, self._images = name, tuple(class_names), images
        width = len(str(len(images) - 1))
        self.items = tuple(
            Item(f"{index:0{width}d}", int(label), parts[index] if parts else None)
            for index, label in enumerate(labels)
        )
        self.check()

    def read(self, index: int, smallest: tuple[int, int] | None = None) -> np.ndarray:
        return self._images[index]

    def read_file(self, index: int) -> tuple[bytes, str]:
        return encode_png(self.read(index)), "png"

    def content_hash(self, index: int) -> str:
        return pixel_hash(self.read(index))


def other_size(mask: np.ndarray, width: int, height: int) -> str:
    """The reason that is told of a mask (H, W) that does not fit a picture."""
    return f"its mask has {mask.shape[1]} x {mask.shape[0]} pixels, the picture {width} x {height}"


def pixel_hash(image: np.ndarray) -> str:
    """SHA-256 of a picture's shape and pixels."""
    return hashlib.sha256(f"{image.shape}".encode() + np.ascontiguousarray(image).tobytes()).hexdigest()


def encode_png(image: np.ndarray) -> bytes:
    """RGB uint8 (H, W, 3), or RGBA (H, W, 4), as a PNG file."""
    import cv2

    order = cv2.COLOR_RGBA2BGRA if image.shape[2] == 4 else cv2.COLOR_RGB2BGR
    done, encoded = cv2.imencode(".png", cv2.cvtColor(np.ascontiguousarray(image), order))
    if not done:
        raise ValueError(f"a picture {image.shape} cannot be written as PNG")
    return encoded.tobytes()
