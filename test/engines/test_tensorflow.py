"""The TensorFlow engine on tiny networks, and on the real ones where they are there."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deep_predictor.engines.base import RunSettings
from deep_predictor.engines.table import ENGINES, get_engine_class
from deep_predictor.engines.tensorflow import TensorflowEngine
from deep_predictor.errors import BackendNotReady, UnsafeModel
from test import model_factory


@pytest.fixture(scope="module")
def classifier(keras_file: Path) -> TensorflowEngine:
    return TensorflowEngine.load(keras_file)


def saved(folder: Path, function: Callable[[Any], Any], shape: tuple[int | None, ...], dtype: str = "float32") -> Path:
    """A SavedModel of one function of pictures."""
    import tensorflow as tf

    module = tf.Module()
    spec = tf.TensorSpec(shape, getattr(tf, dtype), name="picture")
    tf.saved_model.save(module, str(folder), signatures=tf.function(function, input_signature=[spec]))
    return folder


def test_run_classifier_gives_one_row_a_picture(classifier: TensorflowEngine) -> None:
    assert classifier.input_shape == (None, 8, 6, 3)
    assert classifier.output_shape == (3,)
    batch = np.stack([np.full((8, 6, 3), value, np.float32) for value in (0, 255, 10)])
    output = classifier.run(batch)
    assert output.dtype == np.float32
    assert output.argmax(axis=1).tolist() == [0, 1, 0]
    assert output.sum(axis=1) == pytest.approx([1, 1, 1], abs=1e-6)


def test_run_of_each_kind_of_file_gives_what_keras_gives(
    classifier: TensorflowEngine, keras_file: Path, h5_file: Path, tmp_path: Path
) -> None:
    import keras

    model = keras.saving.load_model(keras_file)
    model.export(tmp_path / "exported", verbose=False)
    batch = np.random.default_rng(1).uniform(0, 255, (4, 8, 6, 3)).astype(np.float32)
    wanted = np.asarray(model(batch))
    for engine in (classifier, TensorflowEngine.load(h5_file), TensorflowEngine.load(tmp_path / "exported")):
        np.testing.assert_allclose(engine.run(batch), wanted, atol=1e-6)


def test_run_from_many_threads_gives_each_its_own_answer(classifier: TensorflowEngine) -> None:
    batches = [np.full((1 + index % 3, 8, 6, 3), 255 * (index % 2), np.float32) for index in range(60)]
    with ThreadPoolExecutor(8) as pool:
        outputs = list(pool.map(classifier.run, batches))
    for index, output in enumerate(outputs):
        assert output.argmax(axis=1).tolist() == [index % 2] * (1 + index % 3)


def test_load_of_several_networks_at_once_works(keras_file: Path, h5_file: Path, yolo_folder: Path) -> None:
    with ThreadPoolExecutor(6) as pool:
        engines = list(pool.map(TensorflowEngine.load, [keras_file, h5_file, yolo_folder] * 2))
    assert [engine.output_shape for engine in engines] == [(3,), (3,), (3, 6)] * 2


def test_load_network_of_open_size_is_warmed_up_at_the_size_of_the_cfg(tmp_path: Path) -> None:
    import tensorflow as tf

    def needs_it(batch: Any) -> Any:
        tf.debugging.assert_equal(tf.shape(batch)[1:], (10, 20, 3))
        return tf.reduce_mean(batch, axis=[1, 2])

    folder = saved(tmp_path / "open", needs_it, (None, None, None, 3))
    engine = TensorflowEngine.load(folder, RunSettings(input_size=(20, 10)))
    assert engine.input_shape == (None, None, None, 3)
    assert engine.output_shape == (3,)
    assert engine.run(np.ones((2, 10, 20, 3), np.float32)).shape == (2, 3)


@pytest.mark.parametrize("fixed", [1, 4])
def test_run_network_of_fixed_batch_size_takes_any_number(tmp_path: Path, fixed: int) -> None:
    folder = saved(tmp_path / "fixed", lambda batch: batch[:, 0, 0] * 2, (fixed, 2, 2, 3))
    engine = TensorflowEngine.load(folder)
    batch = np.arange(5, dtype=np.float32)[:, None, None, None] * np.ones((5, 2, 2, 3), np.float32)
    assert engine.run(batch)[:, 0].tolist() == [0, 2, 4, 6, 8]


@pytest.mark.parametrize("dtype", ["uint8", "float16", "int32"])
def test_run_network_of_another_number_type_gets_it_and_gives_float32(tmp_path: Path, dtype: str) -> None:
    import tensorflow as tf

    folder = saved(tmp_path / dtype, lambda batch: tf.cast(batch[:, 0, 0], tf.float16), (None, 2, 2, 3), dtype)
    output = TensorflowEngine.load(folder).run(np.full((1, 2, 2, 3), 7, np.float32))
    assert output.dtype == np.float32
    assert output.tolist() == [[7, 7, 7]]


@pytest.mark.parametrize(
    ("function", "shape", "dtype", "code"),
    [
        (lambda batch: {"a": batch[:, 0, 0], "b": batch[:, 1, 1]}, (None, 2, 2, 3), "float32", "input_mismatch"),
        (lambda batch: batch, (None, 5), "float32", "input_mismatch"),
        (lambda data: data, (None,), "string", "input_mismatch"),
        (lambda batch: batch[0, 0, 0], (None, 2, 2, 3), "float32", "output_mismatch"),
    ],
    ids=["two outputs", "no pictures", "bytes", "no batch"],
)
def test_load_saved_model_of_another_form_is_not_ready(
    tmp_path: Path, function: Callable[[Any], Any], shape: tuple[int | None, ...], dtype: str, code: str
) -> None:
    with pytest.raises(BackendNotReady) as caught:
        TensorflowEngine.load(saved(tmp_path / "model", function, shape, dtype))
    assert caught.value.code == code


def test_load_saved_model_without_serving_default_names_what_is_there(tmp_path: Path) -> None:
    import tensorflow as tf

    spec = tf.TensorSpec((None, 2, 2, 3), tf.float32)
    function = tf.function(lambda batch: batch[:, 0, 0], input_signature=[spec])
    tf.saved_model.save(tf.Module(), str(tmp_path / "m"), signatures={"other": function})
    with pytest.raises(BackendNotReady, match=r"no signature serving_default \(there are: other\)"):
        TensorflowEngine.load(tmp_path / "m")


def test_load_keras_model_of_two_outputs_is_not_ready(tmp_path: Path) -> None:
    import keras

    inputs = keras.Input((2, 2, 3))
    flat = keras.layers.Flatten()(inputs)
    keras.Model(inputs, [keras.layers.Dense(2)(flat), keras.layers.Dense(3)(flat)]).save(tmp_path / "two.keras")
    with pytest.raises(BackendNotReady, match="1 inputs and 2 outputs"):
        TensorflowEngine.load(tmp_path / "two.keras")


def test_load_network_that_cannot_run_is_broken(tmp_path: Path) -> None:
    import tensorflow as tf

    def refuses(batch: Any) -> Any:
        tf.debugging.assert_greater(batch, 1.0)
        return batch[:, 0, 0]

    with pytest.raises(BackendNotReady, match="its first run raised") as caught:
        TensorflowEngine.load(saved(tmp_path / "m", refuses, (None, 2, 2, 3)))
    assert caught.value.code == "model_broken"


def test_load_saved_model_without_its_variables_is_broken(tmp_path: Path) -> None:
    import tensorflow as tf

    module = tf.Module()
    module.weight = tf.Variable(2.0)
    spec = tf.TensorSpec((None, 2, 2, 3), tf.float32)
    signature = tf.function(lambda batch: batch[:, 0, 0] * module.weight, input_signature=[spec])
    tf.saved_model.save(module, str(tmp_path / "m"), signatures=signature)
    for path in (tmp_path / "m" / "variables").iterdir():
        path.unlink()
    with pytest.raises(BackendNotReady, match="cannot be loaded") as caught:
        TensorflowEngine.load(tmp_path / "m")
    assert caught.value.code == "model_broken"


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_load_lambda_layer_is_refused(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(UnsafeModel):
        TensorflowEngine.load(model_factory.lambda_h5(tmp_path / f"lambda{suffix}"))


def test_load_saved_model_that_writes_is_refused_before_it_writes(tmp_path: Path) -> None:
    with pytest.raises(UnsafeModel):
        TensorflowEngine.load(model_factory.writing_saved_model(tmp_path / "m", tmp_path / "written"))
    assert not (tmp_path / "written").exists()


def test_run_after_close_is_not_ready(keras_file: Path) -> None:
    engine = TensorflowEngine.load(keras_file)
    engine.close()
    engine.close()
    with pytest.raises(BackendNotReady, match="closed"):
        engine.run(np.zeros((1, 8, 6, 3), np.float32))


def test_start_without_tensorflow_is_library_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(BackendNotReady, match=r"tensorflow cannot be imported .*requirements\.txt") as caught:
        TensorflowEngine.start_in_main_thread()
    assert caught.value.code == "library_missing"


@pytest.mark.parametrize("name", sorted(ENGINES))
def test_table_of_engines_names_engines(name: str) -> None:
    assert get_engine_class(name).name == name


def test_table_of_engines_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(BackendNotReady, match=r"no engine 'caffe'; known are: .*tensorflow"):
        get_engine_class("caffe")
