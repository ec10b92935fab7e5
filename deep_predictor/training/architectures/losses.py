"""The losses that architectures are trained with. Targets are one-hot, or softened: (N, classes) float32."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

#: Capsules of the true class shall be longer than the first, all others shorter than the second.
LONG, SHORT = 0.9, 0.1
#: What the other classes count: without it, all capsules would first shrink to nothing.
OTHERS_WEIGHT = 0.5


def loss_named(name: str, label_smoothing: float = 0.0) -> keras.losses.Loss:
    """The loss of `Architecture.loss`. `label_smoothing`: the share of each target that all classes divide."""
    import keras

    if name == "cross_entropy":
        return keras.losses.CategoricalCrossentropy(label_smoothing=label_smoothing)
    if name != "margin":
        raise ValueError(f"there is no loss {name!r}; known are: cross_entropy, margin")

    class MarginLoss(keras.losses.Loss):
        """As `margin_loss`."""

        def call(self, y_true: Any, y_pred: Any) -> Any:
            smoothed = y_true * (1 - label_smoothing) + label_smoothing / y_true.shape[-1]
            return margin_loss(smoothed if label_smoothing else y_true, y_pred)

    return MarginLoss(name="margin")


def margin_loss(targets: Any, lengths: Any) -> Any:
    """(N, classes) targets and capsule lengths -> (N,).

    Sum over the classes k of T_k max(0, 0.9 - |v_k|)^2 + 0.5 (1 - T_k) max(0, |v_k| - 0.1)^2: equation 4 of Sabour,
    Frosst, Hinton, "Dynamic Routing Between Capsules" (2017), https://arxiv.org/abs/1710.09829
    """
    from keras import ops

    too_short = ops.square(ops.maximum(LONG - lengths, 0.0))
    too_long = ops.square(ops.maximum(lengths - SHORT, 0.0))
    return ops.sum(targets * too_short + OTHERS_WEIGHT * (1.0 - targets) * too_long, axis=-1)
