"""The boxes of many pictures as columns: 16 bytes a picture and 37 a box."""

from __future__ import annotations

from array import array

import numpy as np

from deep_predictor.training.annotations.picture_boxes import PictureBoxes


class BoxTable:
    """Grows while a set is read; afterwards several threads may ask."""

    def __init__(self) -> None:
        self._sizes = array("i")
        #: Where the boxes of each picture begin, and where those of the last one end.
        self._starts = array("q", [0])
        self._boxes = array("d")
        self._classes = array("i")
        self._crowds = bytearray()

    def __len__(self) -> int:
        return len(self._starts) - 1

    def append(self, picture: PictureBoxes) -> None:
        self._sizes.extend((picture.width, picture.height))
        self._boxes.frombytes(np.ascontiguousarray(picture.boxes_norm, np.float64).tobytes())
        self._classes.frombytes(picture.classes.astype(np.intc).tobytes())
        self._crowds += picture.is_crowd.astype(np.uint8).tobytes()
        self._starts.append(len(self._classes))

    def picture(self, index: int, name: str) -> PictureBoxes:
        """The boxes of the picture that was taken as number `index`, under that name."""
        start, end = self._starts[index], self._starts[index + 1]
        width, height = self._sizes[2 * index], self._sizes[2 * index + 1]
        boxes = np.array(self._boxes[4 * start : 4 * end], np.float64).reshape(-1, 4)
        classes = np.array(self._classes[start:end], np.int32)
        return PictureBoxes(name, width, height, boxes, classes, np.array(self._crowds[start:end], bool))
