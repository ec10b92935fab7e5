"""What a segmenter is fitted to: cross-entropy of its pixels, and soft Dice, which small things count in too.

Both are worked out picture by picture, so that they do not hang on which pictures share a batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from deep_predictor.training.annotations.picture_masks import IGNORE_INDEX

if TYPE_CHECKING:
    import keras

#: Keeps the share of a class of a few pixels from jumping between 0 and 1.
_DICE_PIXELS = 1.0


def pixel_loss(class_weights: np.ndarray | None = None, label_smoothing: float = 0.0) -> keras.losses.Loss:
    """Of masks (N, h, w) and logits (N, h, w, classes): (N,). Pixels of IGNORE_INDEX count for nothing.

    Cross-entropy in nats, each pixel times the weight of its class, divided by the number of pixels; and 1 - the mean
    Dice coefficient of the classes that are in the picture. `class_weights`: (classes,), None: all the same;
    `label_smoothing`: the share of each pixel that all classes divide, in the cross-entropy.
    """
    import keras
    from keras import ops

    class PixelLoss(keras.losses.Loss):
        """As `pixel_loss`."""

        def call(self, y_true: Any, y_pred: Any) -> Any:
            is_known = ops.not_equal(y_true, IGNORE_INDEX)
            # A class that does not exist has zeros alone.
            truth = ops.one_hot(ops.cast(y_true, "int32"), y_pred.shape[-1], dtype=y_pred.dtype)
            known = ops.cast(is_known, y_pred.dtype)
            entropy = _cross_entropy(truth, ops.log_softmax(y_pred), class_weights, label_smoothing)
            mean = ops.sum(entropy * known, axis=(1, 2)) / ops.maximum(ops.sum(known, axis=(1, 2)), 1.0)
            return mean + 1.0 - dice(truth, ops.softmax(y_pred) * known[..., None])

    return PixelLoss(name="pixels")


def _cross_entropy(truth: Any, logarithms: Any, class_weights: np.ndarray | None, smoothing: float) -> Any:
    """(N, h, w), 0 where no class is true."""
    from keras import ops

    weighted = truth if class_weights is None else truth * class_weights.astype(np.float32)
    entropy = -ops.sum(weighted * logarithms, axis=-1)
    if not smoothing:
        return entropy
    evenly = -ops.mean(logarithms, axis=-1) * ops.sum(weighted, axis=-1)
    return (1.0 - smoothing) * entropy + smoothing * evenly


def dice(truth: Any, probabilities: Any) -> Any:
    """One-hot truth and probabilities (N, h, w, classes), 0 where a pixel does not count -> (N,), 1 where they agree.

    2 |A and B| / (|A| + |B|), the mean over the classes that are in the picture: section 3 of Milletari, Navab, Ahmadi,
    "V-Net" (2016), https://arxiv.org/abs/1606.04797, with plain sums below, as in Sudre et al. (2017),
    https://arxiv.org/abs/1707.03237. A picture without any counted pixel has 1.
    """
    from keras import ops

    both = ops.sum(truth * probabilities, axis=(1, 2))
    true = ops.sum(truth, axis=(1, 2))
    share = (2.0 * both + _DICE_PIXELS) / (true + ops.sum(probabilities, axis=(1, 2)) + _DICE_PIXELS)
    is_there = ops.cast(true > 0, share.dtype)
    count = ops.sum(is_there, axis=-1)
    mean = ops.sum(share * is_there, axis=-1) / ops.maximum(count, 1.0)
    return ops.where(count > 0, mean, 1.0)


def pixel_accuracy() -> keras.metrics.Metric:
    """Of masks and logits: the mean over pictures of the share of right pixels; IGNORE_INDEX does not count."""
    import keras
    from keras import ops

    def shares(y_true: Any, y_pred: Any) -> Any:
        known = ops.cast(ops.not_equal(y_true, IGNORE_INDEX), "float32")
        right = ops.cast(
            ops.equal(ops.cast(y_true, "int32"), ops.cast(ops.argmax(y_pred, axis=-1), "int32")), "float32"
        )
        return ops.sum(right * known, axis=(1, 2)) / ops.maximum(ops.sum(known, axis=(1, 2)), 1.0)

    return keras.metrics.MeanMetricWrapper(shares, name="accuracy")


def balanced_weights(pixels: np.ndarray) -> np.ndarray:
    """(classes,) counted pixels -> (classes,) weights, 1 on average over the pixels; the rarer the more, up to a bound.

    1 / log(1.02 + share of the pixels): Paszke et al., "ENet" (2016), https://arxiv.org/abs/1606.02147
    """
    shares = pixels / max(1, pixels.sum())
    weights = 1 / np.log(1.02 + shares)
    average = float((weights * shares).sum())
    return (weights / average if average else np.ones(len(pixels))).astype(np.float32)
