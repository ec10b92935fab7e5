"""What the rows of a detector of `architectures.yolo` mean, and what is served of them.

A row: the middle of a box from its cell's, y then x, in cells; the logarithms of its height and width, in pairs of
cells; then a logit for each class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras

#: Numbers of a box in a row; the logits of the classes follow.
BOX_NUMBERS = 4
#: Cells that a box is wide and high where the network says 0, as it does before the first step.
_FIRST_SIZE = 2.0
#: A box is e^-4 to e^5 times as large: 0.04 to 297 cells.
_SMALLEST_LOG, _LARGEST_LOG = -4.0, 5.0


@dataclass(frozen=True, eq=False)
class BoxCells:
    """`centres`: float32 (cells, 2), y and x in pixels of the input; `strides`: float32 (cells, 1), pixels a cell."""

    height: int
    width: int
    centres: np.ndarray
    strides: np.ndarray


def box_cells(height: int, width: int, strides: tuple[int, ...]) -> BoxCells:
    """Of an input of so many pixels: line by line, one grid after the other."""
    centres, sizes = [], []
    for stride in strides:
        lines, columns = (np.arange(side // stride, dtype=np.float32) for side in (height, width))
        grid = np.stack(np.meshgrid(lines, columns, indexing="ij"), axis=-1).reshape(-1, 2)
        centres.append((grid + 0.5) * stride)
        sizes.append(np.full((len(grid), 1), stride, np.float32))
    return BoxCells(height, width, np.concatenate(centres), np.concatenate(sizes))


def decoded_boxes(rows: Any, cells: BoxCells) -> Any:
    """Rows (N, cells, 4 + classes) -> y1, x1, y2, x2 in pixels of the input, (N, cells, 4)."""
    from keras import ops

    centres = rows[:, :, :2] * cells.strides + cells.centres
    logarithms = ops.minimum(ops.maximum(rows[:, :, 2:BOX_NUMBERS], _SMALLEST_LOG), _LARGEST_LOG)
    halves = ops.exp(logarithms) * (cells.strides * (_FIRST_SIZE / 2))
    return ops.concatenate([centres - halves, centres + halves], axis=-1)


def served_network(network: keras.Model, cells: BoxCells) -> keras.Model:
    """From pictures to (N, cells, 4 + classes): y1, x1, y2, x2 as shares of the input, then a score for each class.

    The layout of `backends.tf_yolo`; only plain operations, which every engine knows.
    """
    from keras import Model, ops

    rows = network.outputs[0]
    sides = np.array([cells.height, cells.width] * 2, np.float32)
    boxes = decoded_boxes(rows, cells) * (1 / sides)
    return Model(
        network.inputs[0], ops.concatenate([boxes, ops.sigmoid(rows[:, :, BOX_NUMBERS:])], axis=-1), name=network.name
    )
