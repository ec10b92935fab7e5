"""Converted networks against darknet's formulas written out slowly, on random weights and pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deep_predictor.engines.darknet_cfg import parse_cfg
from deep_predictor.engines.darknet_graph import write_saved_model
from deep_predictor.engines.darknet_layers import plan_network
from deep_predictor.engines.darknet_weights import read_weights
from deep_predictor.engines.model_inspection import inspect_model
from deep_predictor.engines.tensorflow import TensorflowEngine
from test.engines import slow_darknet
from test.engines.darknet_networks import NETWORKS, V3_TINY


def converted(text: str, weights_path: Path, folder: Path) -> TensorflowEngine:
    network = plan_network(parse_cfg(text))
    write_saved_model(network, dict(read_weights(weights_path, network)), folder)
    return TensorflowEngine.load(folder)


@pytest.mark.parametrize("name", NETWORKS)
def test_converted_network_gives_what_darknets_formulas_give(name: str, tmp_path: Path) -> None:
    text = NETWORKS[name]
    numbers = slow_darknet.write_weights(tmp_path / "x.weights", text)
    engine = converted(text, tmp_path / "x.weights", tmp_path / "model")
    assert inspect_model(tmp_path / "model").kind == "saved_model"
    shape = [size or 2 for size in engine.input_shape]
    batch = np.random.default_rng(2).uniform(0, 1, shape).astype(np.float32)
    wanted = np.stack([slow_darknet.predict(text, numbers, picture.transpose(2, 0, 1)) for picture in batch])
    np.testing.assert_allclose(engine.run(batch), wanted, rtol=2e-4, atol=2e-5)


def test_slow_darknet_itself_gives_hand_values() -> None:
    """One cell, one anchor: everything is a logistic of 0, so the box is the anchor in the middle."""
    text = "[net] width=8 height=8 channels=1 [avgpool] [convolutional] filters=6 size=1 activation=linear"
    text = f"{text} [yolo] anchors=4,2 classes=1 num=1"
    rows = slow_darknet.predict(text, np.zeros(12), np.ones((1, 8, 8)))
    assert rows == pytest.approx(np.array([[0.375, 0.25, 0.625, 0.75, 0.25]]))


def test_converted_network_of_another_size_has_more_boxes(tmp_path: Path) -> None:
    slow_darknet.write_weights(tmp_path / "x.weights", V3_TINY)
    network = plan_network(parse_cfg(V3_TINY), (96, 64))
    write_saved_model(network, dict(read_weights(tmp_path / "x.weights", network)), tmp_path / "model")
    engine = TensorflowEngine.load(tmp_path / "model")
    assert engine.input_shape == (None, 64, 96, 3)
    assert engine.output_shape == (2 * (12 * 8 + 24 * 16), 7)
