"""From a trained network to a model folder that the server serves as it stands."""

from __future__ import annotations

import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deep_predictor.training.config import TrainingConfig
from deep_predictor.training.metrics import ClassificationMetrics
from deep_predictor.training.model_folder import (
    METRICS_FILE,
    MODEL_FILE,
    NAMES_FILE,
    PREDICTOR_FILE,
    write_json,
    write_manifest,
    written_beside,
)
from deep_predictor.training.trainer import EpochFigures

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
    """What a run made, before it is written. `best` is the epoch whose weights `network` has."""

    network: keras.Model
    class_names: tuple[str, ...]
    dataset: DatasetFacts
    history: list[EpochFigures]
    best: EpochFigures
    test_metrics: ClassificationMetrics


def export(trained: TrainedModel, config: TrainingConfig) -> None:
    """Write the model folder of `config`: all of it, or, whatever happens, nothing.

    Raises ModelFolderUnwritable.
    """
    metrics = {
        "best_epoch": trained.best.epoch,
        "test": trained.test_metrics.to_dict(),
        "epochs": [asdict(figures) for figures in trained.history],
    }
    with written_beside(config.options.output_folder) as folder:
        trained.network.save(folder / MODEL_FILE)
        (folder / NAMES_FILE).write_text("".join(f"{name}\n" for name in trained.class_names), encoding="utf-8")
        write_json(folder / METRICS_FILE, metrics)
        write_json(folder / PREDICTOR_FILE, predictor_cfg(config))
        write_manifest(folder, _manifest(trained, config))


def predictor_cfg(config: TrainingConfig) -> dict[str, Any]:
    """The predictor cfg that serves the model folder of `config` with the preprocessing of its training."""
    serving, folder = config.options.serving_options, config.options.output_folder
    spec = config.options.input_options
    return {
        "predictor_options": {
            "model_info": {"predictor_backend": "keras", "method": serving.method, "model_id": serving.model_id},
            "model_options": {
                "tensorflow_version": 2,
                "image_w": spec.width,
                "image_h": spec.height,
                "grayscale": int(spec.color_mode == "grayscale"),
                "color_mode": spec.color_mode,
                "scale": spec.scale,
                "mean": spec.mean,
                "std": spec.std,
                "resize_mode": spec.resize_mode,
                "resize_filter": spec.resize_filter,
                "return_topN": serving.return_topN,
                "confidence_threshold": serving.confidence_threshold,
                "predicted_image_action": serving.predicted_image_action,
                "strip_metadata": int(serving.strip_metadata),
            },
            "model_paths": {
                "predictions_main_folder": _written_path(serving.predictions_main_folder, config.root),
                "model_path": _written_path(folder / MODEL_FILE, config.root),
                "names_path": _written_path(folder / NAMES_FILE, config.root),
            },
        }
    }


def _manifest(trained: TrainedModel, config: TrainingConfig) -> dict[str, Any]:
    return {
        "task": "classification",
        "architecture": config.options.fit_options.architecture,
        "input_spec": config.options.input_options.to_spec().to_dict(),
        "test_accuracy": round(trained.test_metrics.accuracy, 5),
        "metrics": {"best_epoch": asdict(trained.best), "test": trained.test_metrics.to_dict()},
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
