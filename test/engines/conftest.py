"""Model files that several engine tests read; each is made once, and no test changes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from deep_predictor.engines.tensorflow import TensorflowEngine
from test import model_factory


@pytest.fixture(scope="session", autouse=True)
def started_engine() -> None:
    TensorflowEngine.start_in_main_thread()


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def keras_file(model_folder: Path) -> Path:
    return model_factory.brightness_classifier(model_folder / "classifier.keras")


@pytest.fixture(scope="session")
def h5_file(model_folder: Path) -> Path:
    return model_factory.brightness_classifier(model_folder / "classifier.h5")


@pytest.fixture(scope="session")
def yolo_folder(model_folder: Path) -> Path:
    return model_factory.yolo_saved_model(model_folder / "detector")


@pytest.fixture(scope="session")
def legacy_file(model_folder: Path) -> Path:
    pytest.importorskip("tf_keras", reason="tf_keras (other/requirements/legacy.txt) is not installed")
    return model_factory.legacy_h5(model_folder / "legacy.h5")
