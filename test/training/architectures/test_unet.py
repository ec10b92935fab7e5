"""U-Net: the shape of its answers, its encoder's weights, what is frozen, and the formats that it is exported to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from deep_predictor.engines.keras_config_rules import config_findings
from deep_predictor.errors import ArchitectureUnusable
from deep_predictor.training.architectures.fine_tuning import freeze_body, head_of, unfreeze_top
from test.training.architectures.networks import build, noise

if TYPE_CHECKING:
    import keras

SHAPE = (32, 64, 3)
CLASS_COUNT = 3


@pytest.fixture(scope="module")
def network() -> keras.Model:
    import keras

    keras.utils.set_random_seed(2)
    return build("unet", SHAPE, CLASS_COUNT, alpha=0.1)


def test_unet_gives_a_number_for_each_class_of_each_pixel(network: keras.Model) -> None:
    outputs = np.asarray(network(noise(SHAPE), training=False))

    assert outputs.shape == (2, 32, 64, CLASS_COUNT)
    assert np.isfinite(outputs).all()


def test_unet_holds_no_code_that_the_server_would_refuse(network: keras.Model) -> None:
    import json

    assert config_findings(json.loads(network.to_json())) == []


def test_unet_has_normalisation_that_follows_within_few_steps(network: keras.Model) -> None:
    import keras

    momenta = {layer.momentum for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)}

    assert momenta == {0.9}


@pytest.mark.parametrize("shape", [(32, 48, 3), (100, 64, 3)])
def test_unet_of_sides_that_32_does_not_divide_is_refused(shape: Any) -> None:
    with pytest.raises(ArchitectureUnusable, match=rf"divisible by 32 \(got {shape[1]} x {shape[0]}\)"):
        build("unet", shape, CLASS_COUNT)


def test_unet_takes_gray_pictures_and_dropout() -> None:
    network = build("unet", (32, 32, 1), CLASS_COUNT, alpha=0.1, dropout=0.3)

    assert network.input_shape == (None, 32, 32, 1)
    assert network.get_layer("decoder_dropout").rate == 0.3


def test_freeze_body_leaves_the_whole_decoder_to_train(network: keras.Model) -> None:
    try:
        freeze_body(network)
        trained = {variable.path.split("/")[0] for variable in network.trainable_variables}
        assert trained
        assert all(name.startswith("decoder_") for name in trained)

        unfreeze_top(network, 0.2)
        more = {variable.path.split("/")[0] for variable in network.trainable_variables}
        assert trained < more
        assert "conv_pw_13" in more
        assert "conv1" not in more
        head, body = head_of(network)
        assert len(head) + len(body) == len(network.layers)
    finally:
        for layer in network.layers:
            layer.trainable = True


def test_unet_takes_the_encoder_of_a_classifiers_file(tmp_path: Path) -> None:
    import keras

    keras.utils.set_random_seed(7)
    classifier = keras.applications.MobileNet((64, 64, 3), alpha=0.1, weights=None, classes=9)
    classifier.save(tmp_path / "mobilenet.keras")

    network = build("unet", SHAPE, CLASS_COUNT, alpha=0.1, weights_file=tmp_path / "mobilenet.keras")

    for name in ("conv1", "conv_dw_3", "conv_pw_13"):
        np.testing.assert_array_equal(
            network.get_layer(name).get_weights()[0], classifier.get_layer(name).get_weights()[0]
        )
    with pytest.raises(ArchitectureUnusable, match=r"mobilenet\.keras: layer 0 with weights is"):
        build("unet", SHAPE, CLASS_COUNT, alpha=0.35, weights_file=tmp_path / "mobilenet.keras")
