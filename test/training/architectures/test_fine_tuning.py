"""What is frozen, and what moves, in each of the two phases."""

from __future__ import annotations

import numpy as np
import pytest

from deep_predictor.training.architectures.fine_tuning import freeze_body, head_of, unfreeze_top
from test.training.architectures.networks import build, noise

SHAPE = (8, 8, 3)


def moved(network: object) -> set[str]:
    """The layers whose weights one training step changed."""
    import keras

    assert isinstance(network, keras.Model)
    network.compile(keras.optimizers.SGD(1.0), "categorical_crossentropy")
    before = {layer.name: layer.get_weights() for layer in network.layers}
    network.train_on_batch(noise(SHAPE), np.eye(4, dtype=np.float32)[:2])
    after = {layer.name: layer.get_weights() for layer in network.layers}
    return {
        name
        for name, old in before.items()
        if any(not np.array_equal(a, b) for a, b in zip(old, after[name], strict=True))
    }


def test_freeze_body_trains_the_last_layer_alone() -> None:
    network = build("convnet_small", SHAPE)
    head, body = head_of(network)

    freeze_body(network)

    assert [layer.name for layer in head] == ["predictions"]
    assert len(head) + len(body) == len(network.layers)
    assert moved(network) == {"predictions"}


def test_unfreeze_top_trains_that_share_and_leaves_normalisation_as_it_is() -> None:
    network = build("convnet_small", SHAPE)
    convolutions = [layer.name for layer in network.layers if layer.name.startswith("conv2d")]
    freeze_body(network)

    unfreeze_top(network, 0.5)  # of conv, norm, conv, norm, conv, norm: the last three

    assert moved(network) == {convolutions[-1], "predictions"}


def test_unfreeze_top_of_all_and_of_nothing() -> None:
    network = build("convnet_small", SHAPE)

    unfreeze_top(network, 1.0)
    assert len(moved(network)) == 4
    unfreeze_top(network, 0.0)
    assert moved(network) == {"predictions"}


def test_unfreeze_top_reaches_into_nested_networks() -> None:
    import keras
    from keras import layers

    inner = keras.Sequential([keras.Input(SHAPE), layers.Conv2D(4, 3), layers.BatchNormalization()])
    network = keras.Sequential([inner, layers.GlobalAveragePooling2D(), layers.Dense(4, activation="softmax")])
    network.build((None, *SHAPE))

    unfreeze_top(network, 1.0)

    assert inner.layers[0].trainable
    assert not inner.layers[1].trainable


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_unfreeze_top_of_an_impossible_share_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="share must be from 0 to 1"):
        unfreeze_top(build("convnet_small", SHAPE), share)
