"""A whole run on a tiny data set: the folder it writes, served at once, and what stays when it fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deep_predictor.backends.table import create_backend
from deep_predictor.config.predictor_config import load_predictor_config
from deep_predictor.engines.base import Engine
from deep_predictor.engines.request import NetworkRequest
from deep_predictor.engines.room import EngineRoom
from deep_predictor.errors import TrainingDiverged
from deep_predictor.images.preprocessing import InputSpec
from deep_predictor.training import __main__ as command
from deep_predictor.training import datasets, run
from deep_predictor.training.config import TrainingConfig, load_training_config
from deep_predictor.training.exporting import TrainedModel
from deep_predictor.training.model_folder import is_complete
from deep_predictor.training.run import run_training
from deep_predictor.training.trainer import Watcher, predict_probabilities
from test.training.tiny_dataset import CLASS_NAMES, tiny_dataset

INPUT = {"width": 20, "height": 14, "color_mode": "rgb", "scale": [0.004, 0.005, 0.006], "mean": 0.5, "std": 0.25}


@contextmanager
def unwatched(epochs: int, steps_per_epoch: int) -> Iterator[Watcher]:
    yield Watcher()


def load_engine(request: NetworkRequest) -> Engine:
    return EngineRoom().open(replace(request, engine="tensorflow"))


def write_cfg(root: Path, **fit_changes: Any) -> Path:
    section = {
        "output_folder": "models/tiny",
        "seed": 4,
        "dataset_options": {"name": "tiny"},
        "input_options": INPUT,
        "fit_options": {"architecture": "convnet_small", "epochs": 6, "batch_size": 8, "learning_rate": 0.01}
        | fit_changes,
        "serving_options": {"method": "tiny", "predictions_main_folder": "predictions", "return_topN": 2},
    }
    path = root / "tiny.cfg"
    path.write_text(json.dumps({"training_options": section}), encoding="utf-8")
    return path


@pytest.fixture(autouse=True, scope="module")
def _tiny_dataset() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(datasets.DATASETS, "tiny", tiny_dataset)
        yield


@dataclass(frozen=True)
class FinishedRun:
    root: Path
    folder: Path
    config: TrainingConfig
    trained: TrainedModel


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """One run, read by several tests; none may change its folder."""
    root = tmp_path_factory.mktemp("project")
    config = load_training_config(write_cfg(root), root)
    return FinishedRun(root, root / "models" / "tiny", config, run_training(config, unwatched))


@pytest.fixture
def config(tmp_path: Path) -> TrainingConfig:
    return load_training_config(write_cfg(tmp_path, epochs=1), tmp_path)


@pytest.fixture
def command_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project's root for `main`, which leaves this process's TensorFlow as it is."""
    monkeypatch.setattr(command, "PROJECT_ROOT", tmp_path)
    monkeypatch.setattr(command, "_prepare_tensorflow", lambda: None)
    return tmp_path


def test_run_training_writes_a_folder_that_is_served_as_it_stands(finished: FinishedRun) -> None:
    assert is_complete(finished.folder)
    assert finished.trained.test_metrics.accuracy == 1.0

    backend = create_backend(load_predictor_config(finished.folder / "predictor.cfg", finished.root))
    backend.load(load_engine)

    assert backend.class_names == CLASS_NAMES
    assert backend.input_size == (20, 14)
    dataset = tiny_dataset()
    spec = InputSpec.from_dict(manifest_of(finished.folder)["input_spec"])
    for index in range(8):
        image = dataset.images[index]
        batch = backend.prepare(image)[np.newaxis]
        np.testing.assert_array_equal(batch[0], spec.apply(image))
        served = backend.run(batch)
        np.testing.assert_allclose(served, predict_probabilities(finished.trained.network, batch), atol=1e-5)
        assert backend.interpret(served[0], (24, 16)).items[0].class_name == CLASS_NAMES[index % 2]


def test_run_training_manifest_says_what_was_done(finished: FinishedRun) -> None:
    manifest = manifest_of(finished.folder)

    assert manifest["task"] == "classification"
    assert manifest["architecture"] == "convnet_small"
    assert InputSpec.from_dict(manifest["input_spec"]) == finished.config.options.input_options.to_spec()
    assert manifest["dataset"] == {
        "name": "tiny",
        "sha256": tiny_dataset().sha256,
        "train_count": 42,
        "val_count": 6,
        "test_count": 12,
    }
    assert manifest["training_cfg"] == finished.config.as_written
    assert manifest["metrics"]["test"] == finished.trained.test_metrics.to_dict()
    assert set(manifest["files"]) == {"model.keras", "names.txt", "metrics.json", "predictor.cfg"}
    assert manifest["versions"]["keras"]
    assert manifest["versions"]["tensorflow"]
    assert [e["epoch"] for e in json.loads((finished.folder / "metrics.json").read_bytes())["epochs"]] == list(
        range(1, 7)
    )
    assert (finished.folder / "names.txt").read_text(encoding="utf-8") == "dark left\ndark right\n"


def test_run_training_predictor_cfg_has_paths_relative_to_the_project(finished: FinishedRun) -> None:
    options = json.loads((finished.folder / "predictor.cfg").read_bytes())["predictor_options"]

    assert options["model_paths"] == {
        "predictions_main_folder": "predictions",
        "model_path": "models/tiny/model.keras",
        "names_path": "models/tiny/names.txt",
    }
    assert options["model_options"]["scale"] == [0.004, 0.005, 0.006]


def test_run_training_that_diverges_leaves_the_old_model(
    config: TrainingConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_training(config, unwatched)
    folder = config.options.output_folder
    before = manifest_of(folder)

    def diverge(*arguments: object) -> None:
        raise TrainingDiverged(2, float("nan"), 0.01)

    monkeypatch.setattr(run, "fit", diverge)
    with pytest.raises(TrainingDiverged):
        run_training(config, unwatched)

    assert is_complete(folder)
    assert manifest_of(folder) == before


def test_main_trains_once_then_finds_the_model(command_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cfg = str(write_cfg(command_root))

    assert command.main([cfg]) == 0
    captured = capsys.readouterr()
    assert "test accuracy 1.0000 on 12 pictures" in captured.out
    assert "predictor cfg models/tiny/predictor.cfg" in captured.out
    assert "epoch 6/6" in captured.err

    assert command.main([cfg, "--if-missing"]) == 0
    assert "the model is there, nothing to train" in capsys.readouterr().out

    (command_root / "models/tiny/model.keras").write_bytes(b"broken")
    assert command.main([cfg, "--if-missing", "--quiet"]) == 0
    assert is_complete(command_root / "models/tiny")
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_main_wrong_cfg_is_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([str(write_cfg(tmp_path, epochs=0, batch_size=0))]) == 2

    error = capsys.readouterr().err
    assert "fit_options.epochs: must be > 0 (got 0)" in error
    assert "fit_options.batch_size: must be > 0 (got 0)" in error


def test_main_folder_of_somebody_else_is_exit_code_1(command_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (command_root / "models/tiny").mkdir(parents=True)
    (command_root / "models/tiny/thesis.txt").write_bytes(b"")

    assert command.main([str(write_cfg(command_root))]) == 1
    assert "thesis.txt" in capsys.readouterr().err


def test_main_interrupted_is_exit_code_130(
    command_root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "fit", interrupt)

    assert command.main([str(write_cfg(command_root))]) == 130
    assert not (command_root / "models/tiny").exists()
    assert "Interrupted" in capsys.readouterr().err


def manifest_of(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((folder / "manifest.json").read_bytes())
    return loaded
