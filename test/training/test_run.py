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
from deep_predictor.errors import CheckpointUnusable, ConfigError, TrainingCancelled, TrainingDiverged
from deep_predictor.images.preprocessing import InputSpec
from deep_predictor.training import __main__ as command
from deep_predictor.training import resume_command, tensorboard_log, train_command
from deep_predictor.training.batches import Batch
from deep_predictor.training.config import TrainingConfig, load_training_config
from deep_predictor.training.datasets.table import FORMATS
from deep_predictor.training.exporting import TrainedModel
from deep_predictor.training.figures import StepFigures, Watcher
from deep_predictor.training.job_files import read_progress
from deep_predictor.training.model_folder import is_complete
from deep_predictor.training.run import run_training
from deep_predictor.training.run_folder import CANCEL_FILE
from deep_predictor.training.tasks.classification import predict_probabilities
from deep_predictor.training.trainer import Trainer
from test.training.tiny_dataset import CLASS_NAMES, FORMAT, tiny_dataset

pytestmark = pytest.mark.slow
INPUT = {"width": 20, "height": 14, "color_mode": "rgb", "scale": [0.004, 0.005, 0.006], "mean": 0.5, "std": 0.25}


@contextmanager
def unwatched(epochs: int, steps_per_epoch: int) -> Iterator[Watcher]:
    yield Watcher()


def load_engine(request: NetworkRequest) -> Engine:
    return EngineRoom().open(replace(request, engine="tensorflow"))


def write_cfg(root: Path, **fit_changes: Any) -> Path:
    section = {
        "run_folder": "runs/tiny",
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
        patch.setitem(FORMATS, "tiny", FORMAT)
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
    for module in (train_command, resume_command):
        monkeypatch.setattr(module, "PROJECT_ROOT", tmp_path)
    monkeypatch.setattr(train_command, "prepare_tensorflow", lambda deterministic: None)
    return tmp_path


def test_run_training_tells_what_it_said_of_each_test_picture(finished: FinishedRun) -> None:
    found = json.loads((finished.root / "runs" / "tiny" / "evaluation.json").read_text())
    assert found["test"] == finished.trained.evaluation.test.to_dict()
    names = {item.name: CLASS_NAMES[item.label] for item in tiny_dataset().items}
    assert len(found["pictures"]) == found["test"]["count"]
    assert all(names[one["name"]] == one["label"] == one["predicted"] for one in found["pictures"])
    assert {one["item_id"] for one in found["pictures"]} == {None}


def test_run_training_writes_a_folder_that_is_served_as_it_stands(finished: FinishedRun) -> None:
    assert is_complete(finished.folder)
    assert finished.trained.evaluation.test.accuracy == 1.0

    backend = create_backend(load_predictor_config(finished.folder / "predictor.cfg", finished.root))
    backend.load(load_engine)

    assert backend.class_names == CLASS_NAMES
    assert backend.input_size == (20, 14)
    dataset = tiny_dataset()
    spec = InputSpec.from_dict(manifest_of(finished.folder)["input_spec"])
    for index in range(8):
        image = dataset.read(index)
        batch = backend.prepare(image)[np.newaxis]
        np.testing.assert_array_equal(batch[0], spec.apply(image))
        served = backend.run(batch)
        expected = predict_probabilities(finished.trained.network, [Batch(batch, np.zeros((1, 2), np.float32))])
        np.testing.assert_allclose(served, expected, atol=1e-5)
        assert backend.interpret(served[0], (24, 16)).items[0].class_name == CLASS_NAMES[index % 2]


def test_run_training_manifest_says_what_was_done(finished: FinishedRun) -> None:
    manifest = manifest_of(finished.folder)

    assert manifest["task"] == "classification"
    assert manifest["architecture"] == "convnet_small"
    assert InputSpec.from_dict(manifest["input_spec"]) == finished.config.options.input_options.to_spec()
    counts = {name: manifest["dataset"][name] for name in ("name", "train_count", "val_count", "test_count")}
    assert counts == {"name": "tiny", "train_count": 42, "val_count": 6, "test_count": 12}
    assert len(manifest["dataset"]["sha256"]) == 64
    assert manifest["training_cfg"] == finished.config.as_written
    assert manifest["metrics"]["test"] == finished.trained.evaluation.test.to_dict()
    plain = {name for name in manifest["files"] if not name.startswith("golden/")}
    assert plain == {"model.keras", "names.txt", "metrics.json", "predictor.cfg"}
    assert len(manifest["files"]) == len(plain) + 12 + 2
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


def test_run_folder_tells_the_whole_run(finished: FinishedRun) -> None:
    folder = finished.root / "runs/tiny"
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    state = json.loads((folder / "state.json").read_bytes())

    assert [line["epoch"] for line in lines] == list(range(1, 7))
    assert (state["state"], state["epoch"], state["epochs"]) == ("done", 6, 6)
    assert "42 pictures to train on, 6 to choose by, 12 to test" in (folder / "log.txt").read_text(encoding="utf-8")
    assert (folder / "report.html").stat().st_size > 10_000
    assert json.loads((folder / "cfg.json").read_bytes())["training_options"] == finished.config.as_written


def test_run_training_that_diverges_leaves_the_old_model_and_says_why(
    config: TrainingConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_training(config, unwatched)
    before = manifest_of(config.model_folder)

    def diverge(*arguments: object) -> None:
        raise TrainingDiverged(2, float("nan"), 0.01)

    monkeypatch.setattr(Trainer, "fit", diverge)
    with pytest.raises(TrainingDiverged):
        run_training(config, unwatched)

    assert is_complete(config.model_folder)
    assert manifest_of(config.model_folder) == before
    state = json.loads((config.run_folder / "state.json").read_bytes())
    assert state["state"] == "failed"
    assert "the loss became nan in epoch 2" in state["reason"]


def test_run_cancelled_within_a_batch_goes_on_when_resumed(command_root: Path) -> None:
    config = load_training_config(write_cfg(command_root), command_root)
    steps = [0]

    @contextmanager
    def cancelling(epochs: int, steps_per_epoch: int) -> Iterator[Watcher]:
        def end_step(step: StepFigures) -> None:
            steps[0] += 1
            if steps[0] == 15:  # six steps an epoch
                (config.run_folder / CANCEL_FILE).touch()

        yield Watcher(on_step=end_step)

    with pytest.raises(TrainingCancelled):
        run_training(config, cancelling)
    assert steps == [15]
    figures = read_progress(config.run_folder).figures
    assert (figures["epochs"], figures["steps"]) == (6, 6)
    assert 1 <= figures["epoch"] <= 3
    assert json.loads((config.run_folder / "state.json").read_bytes())["state"] == "cancelled"
    assert not is_complete(config.model_folder)

    assert command.main(["resume", "runs/tiny", "--quiet"]) == 0
    assert is_complete(config.model_folder)
    lines = (config.run_folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2, 3, 4, 5, 6]


def test_resume_of_other_pictures_is_refused(config: TrainingConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    run_training(config, unwatched)
    images = [picture if index else 255 - picture for index, picture in enumerate(tiny_dataset()._images)]
    other = tiny_dataset()
    other._images = images
    monkeypatch.setattr("test.training.tiny_dataset.tiny_dataset", lambda: other)

    with pytest.raises(CheckpointUnusable, match="other pictures"):
        run_training(config, unwatched, resume=True)


def test_main_resume_of_a_run_that_is_done_has_nothing_to_do(
    command_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["train", str(write_cfg(command_root, epochs=1)), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["test"]["count"] == 12
    assert figures["model_folder"] == str(command_root / "models/tiny")

    assert command.main(["resume", "runs/tiny"]) == 0
    assert "there is nothing to go on with" in capsys.readouterr().out


def test_main_trains_once_then_finds_the_model(command_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cfg = str(write_cfg(command_root))

    assert command.main(["train", cfg]) == 0
    captured = capsys.readouterr()
    assert "test accuracy 1.0000 on 12 pictures" in captured.out
    assert "predictor cfg models/tiny/predictor.cfg" in captured.out
    assert "epoch 6/6" in captured.err

    assert command.main(["train", cfg, "--if-missing"]) == 0
    assert "the model is there, nothing to train" in capsys.readouterr().out

    (command_root / "models/tiny/model.keras").write_bytes(b"broken")
    assert command.main(["train", cfg, "--if-missing", "--quiet"]) == 0
    assert is_complete(command_root / "models/tiny")
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_main_wrong_cfg_is_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["train", str(write_cfg(tmp_path, epochs=0, batch_size=0))]) == 2

    error = capsys.readouterr().err
    assert "fit_options.epochs: must be > 0 (got 0)" in error
    assert "fit_options.batch_size: must be > 0 (got 0)" in error


def test_main_folder_of_somebody_else_is_exit_code_1(command_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (command_root / "models/tiny").mkdir(parents=True)
    (command_root / "models/tiny/thesis.txt").write_bytes(b"")

    assert command.main(["train", str(write_cfg(command_root))]) == 1
    assert "thesis.txt" in capsys.readouterr().err


def test_main_interrupted_is_exit_code_130(
    command_root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "fit", interrupt)

    assert command.main(["train", str(write_cfg(command_root))]) == 130
    assert not (command_root / "models/tiny").exists()
    assert "Interrupted" in capsys.readouterr().err


def manifest_of(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((folder / "manifest.json").read_bytes())
    return loaded


def test_run_with_tensorboard_writes_its_logs_and_without_the_package_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cfg = write_cfg(tmp_path, epochs=1)
    whole = json.loads(cfg.read_text(encoding="utf-8"))
    whole["training_options"]["report_options"] = {"tensorboard": True}
    cfg.write_text(json.dumps(whole), encoding="utf-8")
    config = load_training_config(cfg, tmp_path)

    run_training(config, unwatched)
    assert list((config.run_folder / "tensorboard").glob("events.out.tfevents.*"))

    monkeypatch.setattr(tensorboard_log, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"tensorboard\.txt"):
        run_training(config, unwatched)
