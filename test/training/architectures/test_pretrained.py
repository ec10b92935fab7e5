"""Weights from files: whole models whose head is cut off, weights alone, and files that do not fit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from deep_predictor.errors import ArchitectureUnusable, BackendNotReady, UnsafeModel
from test.model_factory import lambda_h5, small_convolution
from test.training.architectures.networks import build, noise

if TYPE_CHECKING:
    import keras

SHAPE = (32, 32, 3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("weights")


@pytest.fixture(scope="module")
def mobilenet(folder: Path) -> keras.Model:
    """As keras.applications makes it, with its own head of nine classes, at another picture size; and its files."""
    import keras

    keras.utils.set_random_seed(11)
    model = keras.applications.MobileNet((64, 64, 3), alpha=0.25, weights=None, classes=9)
    model.save(folder / "mobilenet.keras")
    return model


def body_output(model: keras.Model, inputs: np.ndarray) -> np.ndarray:
    """What the body gives, averaged over the picture: the input of the last layer."""
    import keras

    return np.asarray(keras.Model(model.input, model.get_layer("predictions").input)(inputs))


def wanted_output(model: keras.Model, inputs: np.ndarray) -> np.ndarray:
    import keras

    body = keras.applications.MobileNet(SHAPE, alpha=0.25, weights=None, include_top=False, pooling="avg")
    body.set_weights(model.get_weights()[: len(body.get_weights())])
    return np.asarray(body(inputs))


@pytest.mark.parametrize("name", ["pretrained", "mobilenet"])
def test_whole_model_gives_its_body_at_another_picture_size(folder: Path, mobilenet: keras.Model, name: str) -> None:
    options = {"alpha": 0.25} if name == "mobilenet" else {}
    network = build(name, SHAPE, 4, weights_file=folder / "mobilenet.keras", dropout=0, **options)
    inputs = noise(SHAPE)

    assert network.output_shape == (None, 4)
    assert body_output(network, inputs) == pytest.approx(wanted_output(mobilenet, inputs), abs=1e-5)
    assert [layer for layer in network.layers if layer.weights][-1].name == "predictions"


def test_weights_of_keras_2_are_loaded_into_the_body(folder: Path) -> None:
    import h5py
    import keras
    from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group

    first = build("convnet_small", (8, 8, 3), 3)
    with h5py.File(folder / "older.h5", "w") as file:
        save_weights_to_hdf5_group(file, keras.Model(first.input, first.get_layer("predictions").input))

    second = build("convnet_small", (8, 8, 3), 5, weights_file=folder / "older.h5")

    for one, other in zip(first.get_weights()[:-2], second.get_weights()[:-2], strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(ArchitectureUnusable, match="does not fit the body"):
        build("lenet5", (32, 32, 3), weights_file=folder / "older.h5")
    with pytest.raises(ArchitectureUnusable, match="leave out a part of this network's preprocessing"):
        build("efficientnetb0", SHAPE, weights_file=folder / "older.h5")


def test_own_network_goes_on_with_other_classes(folder: Path) -> None:
    first = build("lenet5", (16, 16, 1), 3)
    first.save(folder / "lenet5.keras")
    first.save_weights(folder / "lenet5.weights.h5")

    for file in ("lenet5.keras", "lenet5.weights.h5"):
        second = build("lenet5", (16, 16, 1), 5, weights_file=folder / file)
        for one, other in zip(first.get_weights()[:-2], second.get_weights()[:-2], strict=True):
            np.testing.assert_array_equal(one, other)
        assert second.output_shape == (None, 5)


def test_dense_layers_behind_a_flatten_are_part_of_the_head(folder: Path) -> None:
    build("five_blocks", (94, 94, 1), 3).save(folder / "five.keras")

    network = build("pretrained", (100, 120, 1), 2, weights_file=folder / "five.keras")

    assert network.output_shape == (None, 2)
    assert len([layer for layer in network.layers if type(layer).__name__ == "Dense"]) == 1


def test_body_whose_layers_have_the_names_of_a_head_is_taken_too(folder: Path) -> None:
    import keras
    from keras import layers

    first = build("convnet_medium", (8, 8, 3))
    keras.Model(first.input, layers.Dense(2)(first.output)).save(folder / "longer.keras")

    network = build("pretrained", (8, 8, 3), 5, weights_file=folder / "longer.keras")

    names = [layer.name for layer in network.layers]
    assert names[-4:] == ["body_head_dropout", "body_predictions", "head_dropout", "predictions"]


def test_model_with_its_own_rescaling_keeps_it(folder: Path) -> None:
    path = small_convolution(folder / "small.keras")

    network = build("pretrained", (40, 36, 3), 2, weights_file=path)

    assert [type(layer).__name__ for layer in network.layers][1] == "Rescaling"


def test_weights_of_another_architecture_are_refused_by_layer(folder: Path) -> None:
    other = build("convnet_small", (16, 16, 1))
    other.save(folder / "other.keras")
    other.save_weights(folder / "other.weights.h5")

    wish = r"layer 0 with weights is Conv2D .* where Conv2D 'conv2d.*' .* belongs; the architecture \"pretrained\""
    with pytest.raises(ArchitectureUnusable, match=wish):
        build("lenet5", (16, 16, 1), weights_file=folder / "other.keras")
    with pytest.raises(ArchitectureUnusable, match=r"no fitting weights for \d+ of \d+ kernels"):
        build("lenet5", (16, 16, 1), weights_file=folder / "other.weights.h5")


def test_model_that_rescales_otherwise_is_refused(folder: Path) -> None:
    import keras
    from keras import layers

    network = build("convnet_small", (8, 8, 3))
    inputs = keras.Input((8, 8, 3))
    keras.Model(inputs, network(layers.Rescaling(2.0)(inputs))).save(folder / "nested.keras")
    with pytest.raises(ArchitectureUnusable, match="layer 0 with weights is Functional"):
        build("convnet_small", (8, 8, 3), weights_file=folder / "nested.keras")

    x = layers.Rescaling(2.0)(inputs)
    for layer in network.layers[1:]:
        x = layer(x)
    keras.Model(inputs, x).save(folder / "rescaled.keras")
    with pytest.raises(ArchitectureUnusable, match="rescales its input in another way"):
        build("convnet_small", (8, 8, 3), weights_file=folder / "rescaled.keras")


def test_gray_pictures_for_a_colour_body_are_refused(folder: Path, mobilenet: keras.Model) -> None:
    with pytest.raises(ArchitectureUnusable, match=r"takes 3 channels, the run's pictures have 1; see .*color_mode"):
        build("pretrained", (32, 32, 1), 4, weights_file=folder / "mobilenet.keras")


def test_model_without_a_known_head_is_refused(folder: Path) -> None:
    build("capsnet", (17, 17, 1)).save(folder / "capsnet.keras")

    with pytest.raises(ArchitectureUnusable, match="so its head cannot be found"):
        build("pretrained", (20, 20, 1), weights_file=folder / "capsnet.keras")


@pytest.mark.parametrize("name", ["pretrained", "lenet5"])
def test_model_with_code_is_refused_before_it_is_loaded(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnsafeModel, match="Lambda"):
        build(name, (32, 32, 3), weights_file=lambda_h5(tmp_path / "code.h5"))


def test_weights_that_are_absent_or_broken_say_so(tmp_path: Path) -> None:
    (tmp_path / "broken.weights.h5").write_bytes(b"no HDF5")
    (tmp_path / "broken.keras").write_bytes(b"no zip")

    with pytest.raises(BackendNotReady, match="no such model"):
        build("pretrained", SHAPE, weights_file=tmp_path / "absent.keras")
    with pytest.raises(BackendNotReady):
        build("pretrained", SHAPE, weights_file=tmp_path / "broken.keras")
    with pytest.raises(ArchitectureUnusable, match="cannot be read as HDF5"):
        build("lenet5", SHAPE, weights_file=tmp_path / "broken.weights.h5")


def test_weights_that_link_to_another_file_are_refused(tmp_path: Path) -> None:
    import h5py

    with h5py.File(tmp_path / "linked.weights.h5", "w") as file:
        file["layers"] = h5py.ExternalLink("/etc/passwd", "/")

    with pytest.raises(UnsafeModel, match="/etc/passwd"):
        build("lenet5", SHAPE, weights_file=tmp_path / "linked.weights.h5")


@pytest.mark.slow
def test_shared_mobilenet_gives_its_features(shared_data: Path) -> None:
    """Its twin on made weights stands above."""
    import keras

    path = shared_data / "classification/mobilenet_v1_025_224_imagenet.keras"
    inputs = noise((224, 224, 3), 1) * 2 - 1
    model = keras.saving.load_model(path, compile=False)
    wanted = np.asarray(keras.Model(model.input, model.get_layer("conv_pw_13_relu").output)(inputs)).mean((1, 2))

    for name, options in (("pretrained", {}), ("mobilenet", {"alpha": 0.25})):
        network = build(name, (224, 224, 3), 10, weights_file=path, dropout=0, **options)
        assert body_output(network, inputs) == pytest.approx(wanted, abs=1e-4)
    assert build("pretrained", (96, 96, 3), 10, weights_file=path).output_shape == (None, 10)
