"""From a trained network to a model folder that the server serves as it stands."""

from __future__ import annotations

import platform
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from deep_predictor.backends.table import create_backend
from deep_predictor.config.predictor_config import load_predictor_config
from deep_predictor.engines.base import RunSettings
from deep_predictor.engines.model_inspection import inspect_model
from deep_predictor.engines.probes import GOLDEN_FOLDER
from deep_predictor.engines.table import REFERENCE, get_engine_class
from deep_predictor.errors import ModelNotServable, PredictionError, UnsafeModel
from deep_predictor.training.config import TrainingConfig
from deep_predictor.training.figures import EpochFigures
from deep_predictor.training.golden import GoldenPicture, write_golden
from deep_predictor.training.model_folder import (
    METRICS_FILE,
    MODEL_FILE,
    NAMES_FILE,
    PREDICTOR_FILE,
    write_json,
    write_manifest,
    written_beside,
)
from deep_predictor.training.tasks.base import TaskEvaluation, TrainingTask

if TYPE_CHECKING:
    import keras

#: Packages whose versions can change what a run makes.
_PACKAGES = ("keras", "tensorflow", "numpy", "opencv-python-headless", "pillow", "scikit-learn")


@dataclass(frozen=True)
class DatasetFacts:
    """What a run was trained on: the set's hash, and the pictures in each part of the split."""

    name: str
    sha256: str
    train_count: int
    val_count: int
    test_count: int


@dataclass(frozen=True)
class TrainedModel:
    """What a run made, before it is written. `best` is the epoch whose weights `network`, the served one, has."""

    task: TrainingTask
    network: keras.Model
    dataset: DatasetFacts
    history: list[EpochFigures]
    best: EpochFigures
    evaluation: TaskEvaluation
    golden: list[GoldenPicture]

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.task.class_names


def export(trained: TrainedModel) -> None:
    """Write the model folder of the run's cfg: all of it, or, whatever happens, nothing.

    Before it takes its place it is loaded as the server loads it, and must reproduce the golden set. Raises
    ModelFolderUnwritable or ModelNotServable.
    """
    config = trained.task.config
    metrics = {
        "best_epoch": trained.best.epoch,
        **trained.evaluation.to_dict(),
        "epochs": [figures.to_dict() for figures in trained.history],
    }
    with written_beside(config.model_folder) as folder:
        cfg = predictor_cfg(trained, trained.task.save(trained.network, folder))
        (folder / NAMES_FILE).write_text("".join(f"{name}\n" for name in trained.class_names), encoding="utf-8")
        golden = trained.golden
        write_golden(
            folder / GOLDEN_FOLDER, [(g.data, g.extension) for g in golden], np.stack([g.output for g in golden])
        )
        write_json(folder / METRICS_FILE, metrics)
        write_json(folder / PREDICTOR_FILE, cfg)
        write_manifest(folder, _manifest(trained))
        _check_served(folder, config)


def check_servable(network: keras.Model) -> None:
    """Whether the server would load a network of these layers, to be asked before hours of training.

    Raises ModelNotServable.
    """
    with TemporaryDirectory(prefix="deep-predictor-") as folder:
        path = Path(folder) / MODEL_FILE
        network.save(path)
        try:
            inspect_model(path)
        except (PredictionError, UnsafeModel) as error:
            raise ModelNotServable(path, str(error)) from error


def predictor_cfg(trained: TrainedModel, model_file: str = MODEL_FILE) -> dict[str, Any]:
    """The predictor cfg that serves a run's model folder with the preprocessing of its training.

    Thresholds are the training cfg's; where that leaves them open, those that were chosen on the validation part.
    `model_file`: what of the folder is loaded.
    """
    task, config = trained.task, trained.task.config
    serving, folder = config.options.serving_options, config.model_folder
    return {
        "predictor_options": {
            "model_info": {
                "predictor_backend": task.backend_name,
                "method": serving.method,
                "model_id": serving.model_id,
            },
            "model_options": {
                **task.input_options(),
                **task.model_options(),
                **trained.evaluation.model_options(),
                "predicted_image_action": serving.predicted_image_action,
                "strip_metadata": int(serving.strip_metadata),
            },
            "model_paths": {
                "predictions_main_folder": _written_path(serving.predictions_main_folder, config.root),
                "model_path": _written_path(folder / model_file, config.root),
                "names_path": _written_path(folder / NAMES_FILE, config.root),
            },
        }
    }


def _check_served(folder: Path, config: TrainingConfig) -> None:
    """Load the folder as the server will, with TensorFlow. Raises ModelNotServable."""
    written = load_predictor_config(folder / PREDICTOR_FILE, config.root)
    paths = {key: str(folder / Path(path).name) for key, path in written.model_paths.items()}
    backend = create_backend(replace(written, model_paths={**paths, "predictions_main_folder": str(folder)}))
    engine_class = get_engine_class(REFERENCE)
    try:
        backend.load(lambda request: engine_class.load(request.model_path, RunSettings(input_size=backend.input_size)))
    except (PredictionError, UnsafeModel) as error:
        raise ModelNotServable(config.model_folder, str(error)) from error
    finally:
        if backend.engine:
            backend.engine.close()


def _manifest(trained: TrainedModel) -> dict[str, Any]:
    config, evaluation = trained.task.config, trained.evaluation
    return {
        "task": trained.task.name,
        "architecture": config.options.fit_options.architecture,
        "input_spec": config.options.input_options.to_spec().to_dict(),
        "scaled_decoding": config.options.input_options.scaled_decoding,
        **evaluation.manifest(),
        "metrics": {"best_epoch": trained.best.to_dict(), "test": evaluation.to_dict()["test"]},
        "dataset": asdict(trained.dataset),
        "training_cfg": config.as_written,
        "versions": {"python": platform.python_version()} | {name: _version_of(name) for name in _PACKAGES},
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _written_path(path: Path, root: Path) -> str:
    """Relative to the project where it lies inside: the project may move, with its models."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _version_of(package: str) -> str | None:
    """None where it is not installed; TensorFlow's package for the CPU alone has a name of its own."""
    for name in (package, f"{package}-cpu"):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return None
