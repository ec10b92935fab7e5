"""Each of our architectures, and one of keras.applications: one step of training, then to the formats and back.

Larger ones of keras.applications: `make check-slow`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deep_predictor.engines.base import Engine, RunSettings
from deep_predictor.engines.comparing import TOLERANCE, relative_difference, top1_agreement
from deep_predictor.engines.table import get_engine_class
from deep_predictor.engines.tensorflow import TensorflowEngine
from deep_predictor.engines.trial import ONNX_MEMORY_FACTOR
from deep_predictor.training.architectures.losses import loss_named
from deep_predictor.training.architectures.table import ARCHITECTURES
from deep_predictor.training.conversion_child import write_saved_model
from deep_predictor.training.converting import MEMORY_LIMITS
from test.training.architectures.networks import APPLICATIONS, OWN, build, efficient_twin, noise


def train_one_step(network: Any, shape: Any, loss_name: str = "cross_entropy") -> Any:
    """The network, its weights moved."""
    import keras

    before = network.get_weights()
    network.compile(keras.optimizers.Adam(1e-3), loss_named(loss_name), run_eagerly=True)
    loss = network.train_on_batch(noise(shape), np.eye(4, dtype=np.float32)[:2])
    assert np.isfinite(loss)
    moved = [not np.array_equal(old, new) for old, new in zip(before, network.get_weights(), strict=True)]
    assert sum(moved) > len(moved) / 2
    return network


def is_refused_as_onnx(network: Any) -> bool:
    """Whether `export` would not begin it; test_converting.py has the refusal itself."""
    return 4 * network.count_params() * ONNX_MEMORY_FACTOR > MEMORY_LIMITS["onnx"]


def answers(engine: Engine, inputs: np.ndarray) -> np.ndarray:
    try:
        return np.concatenate([engine.run(inputs[index : index + 1]) for index in range(len(inputs))])
    finally:
        engine.close()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "shape"), {**OWN, **APPLICATIONS}.items())
def test_trained_step_round_trips_through_every_format(name: str, shape: Any, tmp_path: Path) -> None:
    check_round_trips(name, shape, tmp_path)


def test_block_of_an_efficientnet_round_trips_through_every_format(tmp_path: Path) -> None:
    shape = (16, 16, 3)
    check_formats(train_one_step(efficient_twin(shape), shape), shape, tmp_path)


def check_round_trips(name: str, shape: Any, folder: Path) -> None:
    import keras

    keras.utils.set_random_seed(5)
    check_formats(train_one_step(build(name, shape, 4), shape, ARCHITECTURES[name].loss), shape, folder)


def check_formats(network: Any, shape: Any, folder: Path) -> None:
    """What each format gives of the network is what it gives itself."""
    inputs = noise(shape, 3)
    wanted = np.asarray(network(inputs, training=False))
    saved = TensorflowEngine.load(write_saved_model(network, folder))
    frozen = saved.freeze(shape)
    given = {"savedmodel": answers(saved, inputs)}
    for engine in ("openvino", "litert", "onnxruntime"):
        if engine != "onnxruntime" or not is_refused_as_onnx(network):
            engine_class = get_engine_class(engine)
            engine_class.start_in_main_thread()
            given[engine] = answers(engine_class.load(engine_class.convert(frozen, folder), RunSettings()), inputs)

    for engine, output in given.items():
        assert relative_difference(output, wanted) <= TOLERANCE, engine
        assert top1_agreement(output, wanted) == 1.0, engine


@pytest.mark.parametrize("name", ["stn_lenet5", "capsnet"])
def test_model_file_of_operations_is_served_as_it_stands(name: str, tmp_path: Path) -> None:
    network = build(name, OWN[name], 4)
    network.save(tmp_path / "model.keras")
    inputs = noise(OWN[name], 2)

    given = answers(TensorflowEngine.load(tmp_path / "model.keras"), inputs)

    assert given == pytest.approx(np.asarray(network(inputs, training=False)), abs=1e-5)
