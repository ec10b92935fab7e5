"""What training knows of a data set: labelled pictures, read one at a time, so that no set need fit in memory."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from deep_predictor.errors import DatasetUnusable

Part = Literal["train", "val", "test"]


@dataclass(frozen=True)
class Item:
    """One labelled picture."""

    #: Unique in its data set; for files the POSIX path below the set's folder.
    name: str
    label: int
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

    #: For messages and the manifest.
    name: str
    class_names: tuple[str, ...]
    items: Sequence[Item]
    skipped: tuple[SkippedFile, ...] = ()

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

    def check(self) -> None:
        """Raise DatasetUnusable for class names and labels that no model could be trained on."""
        names = self.class_names
        if len(names) < 2 or len(set(names)) != len(names):
            raise DatasetUnusable(
                f"at least two classes of different names are needed (got {', '.join(names) or 'none'})"
            )
        for name in names:
            if not name or name != name.strip() or len(name.splitlines()) != 1:
                raise DatasetUnusable(f"the class name {name!r} is not one line without white space around it")
            if any(0xD800 <= ord(character) <= 0xDFFF for character in name):
                raise DatasetUnusable(f"the class name {name!r} is not UTF-8")
        if any(not 0 <= item.label < len(names) for item in self.items):
            raise DatasetUnusable(f"a label lies outside 0..{len(names) - 1}")


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
