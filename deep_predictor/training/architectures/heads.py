"""The last layer, which always fits the labels, and the check of networks that came from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from deep_predictor.errors import ArchitectureUnusable
from deep_predictor.training.architectures.architecture import Wanted

if TYPE_CHECKING:
    import keras


def classify(features: Any, wanted: Wanted, dropout: float) -> Any:
    """Features (N, h, w, c), averaged over the picture, or (N, c) -> probabilities (N, classes).

    The layers have names of their own: Keras' could be those of a body that came from a file or a cfg.
    """
    from keras import layers

    if len(features.shape) == 4:
        features = layers.GlobalAveragePooling2D(name="head_average")(features)
    if wanted.dropout(dropout):
        features = layers.Dropout(wanted.dropout(dropout), name="head_dropout")(features)
    # 32 bits, also where the body computes with 16.
    return layers.Dense(wanted.class_count, activation="softmax", dtype="float32", name="predictions")(features)


def check_network(network: keras.Model, wanted: Wanted) -> None:
    """Raises ArchitectureUnusable unless it takes the run's pictures and gives a probability for each class."""
    if len(network.inputs) != 1 or len(network.outputs) != 1:
        counts = f"{len(network.inputs)} inputs and {len(network.outputs)} outputs"
        raise ArchitectureUnusable(wanted.name, f"it has {counts}, not one of each")
    taken, given = tuple(network.inputs[0].shape[1:]), tuple(network.outputs[0].shape[1:])
    if taken != wanted.input_shape:
        shapes = f"it takes {taken} (height, width, channels), the run's pictures are {wanted.input_shape}"
        raise ArchitectureUnusable(wanted.name, shapes)
    if given != (wanted.class_count,):
        raise ArchitectureUnusable(wanted.name, f"it gives {given} a picture for {wanted.class_count} classes")
    noise = np.random.default_rng(1).random((2, *wanted.input_shape), np.float32)
    outputs = np.asarray(network(noise, training=False))
    is_right = np.isfinite(outputs).all() and outputs.min() >= 0 and np.allclose(outputs.sum(axis=1), 1, atol=1e-3)
    if not is_right:
        raise ArchitectureUnusable(wanted.name, "its outputs are no probabilities: its last layer needs a softmax")
