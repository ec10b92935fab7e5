"""Every classifier of keras.applications: built and run once at its smallest size, saved, and let in by the server.

Takes many minutes and up to 8 GB: `make check-slow` runs it, `make test` does not (its name is no test's).
"""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest

from deep_predictor.engines.model_inspection import inspect_model
from deep_predictor.training.architectures.applications import FUNCTIONS
from deep_predictor.training.architectures.table import ARCHITECTURES, build_architecture

#: One of each family: what the others would save is built of the same layers.
SAVED = set(
    """
    convnexttiny densenet121 efficientnetb1 efficientnetv2b0 efficientnetv2s inceptionresnetv2 inceptionv3 mobilenetv2
    mobilenetv3large mobilenetv3small nasnetmobile resnet50v2 vgg16 xception
    """.split()
)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_application_is_built_and_runs_once(name: str, tmp_path: Path) -> None:
    import keras

    side = ARCHITECTURES[name].smallest_side
    network = build_architecture(name, (side, side, 3), 4)
    picture = np.random.default_rng(1).random((1, side, side, 3), np.float32)
    outputs = np.asarray(network(picture, training=False))

    assert outputs.shape == (1, 4)
    assert outputs.sum() == pytest.approx(1, abs=1e-4)
    if name in SAVED:
        network.save(tmp_path / "model.keras")
        inspect_model(tmp_path / "model.keras")
        again = keras.saving.load_model(tmp_path / "model.keras", compile=False)
        assert np.asarray(again(picture, training=False)) == pytest.approx(outputs, abs=1e-5)
    keras.backend.clear_session()
    gc.collect()
