"""A capsule network with dynamic routing, of Keras' own layers and operations.

Sabour, Frosst, Hinton, "Dynamic Routing Between Capsules" (2017), https://arxiv.org/abs/1710.09829
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deep_predictor.errors import ArchitectureUnusable
from deep_predictor.training.architectures.architecture import Wanted

if TYPE_CHECKING:
    import keras

#: Values of a capsule of the first and of the second layer.
FIRST_SIZE, SECOND_SIZE = 8, 16
ROUTINGS = 3
#: Each first capsule has a matrix for each class: more weights than this are no network that can be trained here.
MAX_ROUTING_WEIGHTS = 100_000_000
_TINY = 1e-7


def capsnet(wanted: Wanted) -> keras.Model:
    """Outputs (N, classes): the length of each class' capsule, 0..1, the probability that its thing is there.

    They do not sum to 1. Trained with `losses.margin_loss`; without the original's reconstruction network.
    """
    from keras import Input, Model, initializers, layers, ops

    inputs = Input(wanted.input_shape)
    x = layers.Conv2D(256, 9, activation="relu")(inputs)
    x = layers.Conv2D(32 * FIRST_SIZE, 9, strides=2)(x)
    first = squash(layers.Reshape((-1, FIRST_SIZE))(x))
    _check_size(first.shape[1], wanted)
    # The usual start would count all matrices as one layer's and make each far too small.
    start = initializers.RandomNormal(stddev=0.1)
    shape = (first.shape[1], wanted.class_count, SECOND_SIZE)
    votes = layers.EinsumDense("nid,ijde->nije", output_shape=shape, kernel_initializer=start)(first)
    lengths = ops.sqrt(ops.sum(ops.square(route(votes)), axis=-1) + _TINY)
    return Model(inputs, layers.Activation("linear", dtype="float32", name="predictions")(lengths), name="capsnet")


def route(votes: Any) -> Any:
    """Votes (N, first, second, size) -> second capsules (N, second, size).

    Each first capsule turns to those of the second layer that it agrees with.
    """
    from keras import ops

    second = squash(ops.sum(votes, axis=1) * (1.0 / votes.shape[2]))
    logits: Any = 0.0
    for _ in range(ROUTINGS - 1):
        agreement = ops.sum(votes * ops.expand_dims(second, 1), axis=-1)
        logits = agreement + logits
        shares = ops.expand_dims(ops.softmax(logits, axis=2), -1)
        second = squash(ops.sum(votes * shares, axis=1))
    return second


def squash(capsules: Any) -> Any:
    """The same directions, lengths s -> s^2 / (1 + s^2): equation 1."""
    from keras import ops

    squared = ops.sum(ops.square(capsules), axis=-1, keepdims=True)
    return capsules * (squared / (1.0 + squared) / ops.sqrt(squared + _TINY))


def _check_size(first_count: int, wanted: Wanted) -> None:
    weights = first_count * wanted.class_count * FIRST_SIZE * SECOND_SIZE
    if weights > MAX_ROUTING_WEIGHTS:
        height, width, _ = wanted.input_shape
        raise ArchitectureUnusable(
            wanted.name,
            f"pictures of {width} x {height} and {wanted.class_count} classes would need {weights / 1e6:.0f} million "
            f"weights between its capsules, {MAX_ROUTING_WEIGHTS / 1e6:.0f} million are allowed; take smaller pictures",
        )
