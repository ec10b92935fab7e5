"""Training in two phases: first the new head alone, then the top of the body too.

Both functions count from the next `compile`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

#: Names of layers that are the head of a network whose head is more than its last layer.
DECODER_PREFIX = "decoder_"


def head_of(model: keras.Model) -> tuple[list[keras.Layer], list[keras.Layer]]:
    """(head, body): the head begins with the last layer that has weights; the body is all before it.

    Where layers are named as a decoder's, they are the head, and all others the body.
    """
    layers = list(model.layers)
    if head := [layer for layer in layers if layer.name.startswith(DECODER_PREFIX)]:
        return head, [layer for layer in layers if layer not in head]
    start = max((index for index, layer in enumerate(layers) if layer.weights), default=len(layers))
    return layers[start:], layers[:start]


def freeze_body(model: keras.Model) -> None:
    """Only the head is trained; batch normalisation in the body keeps its averages, and uses them."""
    head, body = head_of(model)
    for layer in body:
        layer.trainable = False
    for layer in head:
        layer.trainable = True


def unfreeze_top(model: keras.Model, share: float) -> None:
    """Also train the last `share` (0..1) of the body's layers with weights, rounded up.

    Batch normalisation stays frozen: with the few pictures of a batch its averages would drift from what the weights
    were trained with.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share must be from 0 to 1 (got {share})")
    freeze_body(model)
    weighted = [layer for layer in head_of(model)[1] if layer.weights]
    count = math.ceil(len(weighted) * share)
    for layer in weighted[len(weighted) - count :]:
        layer.trainable = True
        _freeze_normalisation(layer)


def _freeze_normalisation(layer: keras.Layer) -> None:
    import keras

    if isinstance(layer, keras.layers.BatchNormalization):
        layer.trainable = False
    for inner in getattr(layer, "layers", []):
        _freeze_normalisation(inner)
