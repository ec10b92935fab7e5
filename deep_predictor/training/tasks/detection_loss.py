"""What a detector is trained with: scores, names and places of boxes.

As in Feng et al., "TOOD" (2021), https://arxiv.org/abs/2108.07755, the score that a cell should give is how well its
box fits (Li et al., "Generalized Focal Loss", 2020, https://arxiv.org/abs/2006.04388, equation 1), and cells that fit
well count more for the place too. Boxes: Zheng et al., "Distance-IoU Loss" (2020), https://arxiv.org/abs/1911.08287,
equation 7.

Our own addition is the cross-entropy between the classes, in the cells that learn a box. Scores alone teach the names
slowly, since what is nearly right hardly counts there: digits on clutter come to a mAP50 of 0.8 with it, and of 0.3
without, after the same 3,200 pictures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from deep_predictor.training.tasks.box_assignment import CROWD, assign, is_in
from deep_predictor.training.tasks.box_cells import BOX_NUMBERS, BoxCells, decoded_boxes

if TYPE_CHECKING:
    import keras

#: What names and boxes count beside the scores.
_NAME_WEIGHT = 1.0
_BOX_WEIGHT = 2.5
_EPSILON = 1e-7


class LossParts(NamedTuple):
    """(N,) each: a picture's share of the batch's loss; their mean is the batch's."""

    #: Whether there is something, of which class, and how well its box fits.
    scores: Any
    #: Which class it is, where there is something.
    names: Any
    boxes: Any


def detection_loss(cells: BoxCells, class_weights: Any = None) -> keras.losses.Loss:
    """Of (targets (N, M, 6), rows (N, cells, 4 + classes)). `class_weights`: (classes,), None: all count the same."""
    import keras

    class DetectionLoss(keras.losses.Loss):
        """As `loss_parts`."""

        def call(self, y_true: Any, y_pred: Any) -> Any:
            parts = loss_parts(y_true, y_pred, cells, class_weights)
            return parts.scores + _NAME_WEIGHT * parts.names + _BOX_WEIGHT * parts.boxes

    return DetectionLoss(name="detection")


def loss_parts(targets: Any, rows: Any, cells: BoxCells, class_weights: Any = None) -> LossParts:
    """All are divided by the sum of the batch's qualities: the number of boxes, each as good as it can be."""
    from keras import ops

    logits, boxes = rows[:, :, BOX_NUMBERS:], decoded_boxes(rows, cells)
    scores = ops.stop_gradient(ops.sigmoid(logits))
    assigned = assign(targets, ops.stop_gradient(boxes), scores, cells)
    taught = ops.stop_gradient(assigned.qualities)
    wanted = ops.take_along_axis(targets, ops.expand_dims(assigned.places, 2), axis=1)
    of_class = ops.one_hot(ops.cast(wanted[:, :, 4], "int32"), logits.shape[-1], dtype="float32")
    qualities = ops.expand_dims(taught, 2) * of_class
    weights = 1.0 if class_weights is None else class_weights
    counted = _counted(targets, logits.shape[-1], qualities, cells) * weights
    by_score = counted * ops.square(scores - qualities) * _cross_entropy(qualities, logits)
    by_name = -weights * qualities * ops.log_softmax(logits, axis=-1)
    by_box = taught * box_distances(wanted[:, :, :4], boxes)
    count = ops.maximum(ops.sum(taught), 1.0) / ops.cast(ops.shape(targets)[0], "float32")
    return LossParts(
        ops.sum(by_score, axis=(1, 2)) / count, ops.sum(by_name, axis=(1, 2)) / count, ops.sum(by_box, axis=1) / count
    )


def box_distances(one: Any, other: Any) -> Any:
    """y1, x1, y2, x2 of (…, 4) and (…, 4) -> (…,): 1 - IoU + (distance of middles / diagonal around both)^2."""
    from keras import ops

    sides = ops.maximum(ops.minimum(one[..., 2:], other[..., 2:]) - ops.maximum(one[..., :2], other[..., :2]), 0.0)
    around = ops.maximum(one[..., 2:], other[..., 2:]) - ops.minimum(one[..., :2], other[..., :2])
    apart = (one[..., :2] + one[..., 2:] - other[..., :2] - other[..., 2:]) / 2
    shared = sides[..., 0] * sides[..., 1]
    areas = [(box[..., 2] - box[..., 0]) * (box[..., 3] - box[..., 1]) for box in (one, other)]
    overlap = shared / ops.maximum(areas[0] + areas[1] - shared, _EPSILON)
    far = ops.sum(ops.square(apart), axis=-1) / ops.maximum(ops.sum(ops.square(around), axis=-1), _EPSILON)
    return 1 - overlap + far


def _cross_entropy(wanted: Any, logits: Any) -> Any:
    """Of shares 0..1, in nats, without an overflow: max(x, 0) - x z + log(1 + exp(-|x|))."""
    from keras import ops

    return ops.maximum(logits, 0.0) - logits * wanted + ops.log1p(ops.exp(-ops.abs(logits)))


def _counted(targets: Any, class_count: int, qualities: Any, cells: BoxCells) -> Any:
    """(N, cells, classes): 0 where a cell lies in a crowd of the class and shows no thing of it, else 1."""
    from keras import ops

    crowds = ops.cast(targets[:, :, 5:6] == CROWD, "float32") * ops.cast(is_in(targets[:, :, :4], cells), "float32")
    of_class = ops.one_hot(ops.cast(targets[:, :, 4], "int32"), class_count, dtype="float32")
    in_crowd = ops.matmul(ops.transpose(crowds, (0, 2, 1)), of_class)
    return ops.cast(ops.logical_or(in_crowd == 0, qualities > 0), "float32")
