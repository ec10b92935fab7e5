"""From a detector's rows to boxes on pictures, as the server finds them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from deep_predictor.backends.boxes import boxes_on_picture
from deep_predictor.backends.nms import NmsLimits, find_candidates, suppress
from deep_predictor.images.preprocessing import InputSpec
from deep_predictor.training.detection_matching import FoundBoxes
from deep_predictor.training.tasks.box_cells import BOX_NUMBERS, BoxCells, decoded_boxes

#: What figures are measured with, down to scores that are never served: average precision counts those too.
LIMITS = NmsLimits(iou_threshold=0.6, score_threshold=0.01, max_per_class=100, max_total=300)


class BoxFinder:
    """`spec`: how pictures came to be inputs; None: boxes are told on the input itself."""

    def __init__(self, cells: BoxCells, limits: NmsLimits, spec: InputSpec | None = None) -> None:
        self._cells, self._limits, self._spec = cells, limits, spec

    def found(self, rows: np.ndarray, sizes: Sequence[tuple[int, int]] = ()) -> Iterator[FoundBoxes]:
        """Rows (N, cells, 4 + classes) before `served_network` -> the boxes of each picture, highest score first.

        Corners are shares of the picture. `sizes`: the pictures' (width, height); not asked without a spec.
        """
        boxes = np.asarray(decoded_boxes(rows, self._cells), np.float64)
        boxes /= [self._cells.height, self._cells.width] * 2
        scores = np.exp(-np.logaddexp(0, -rows[:, :, BOX_NUMBERS:]))  # no overflow, however low a logit is
        for index in range(len(rows)):
            candidates = find_candidates(scores[index], self._limits.score_threshold)
            chosen = boxes[index, candidates.rows]
            if self._spec:
                chosen = boxes_on_picture(chosen, self._spec, sizes[index])
            kept = suppress(chosen, candidates, self._limits)
            yield FoundBoxes(kept.boxes[:, [1, 0, 3, 2]], kept.classes, kept.scores)
