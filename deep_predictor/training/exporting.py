"""From a trained network to a model folder that the server serves as it stands."""

from __future__ import annotations

import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from deep_predictor.backends.classification import ClassificationBackend, ClassificationOptions, ClassificationPaths
from deep_predictor.engines.base import RunSettings
from deep_predictor.engines.model_inspection import inspect_model
from deep_predictor.engines.probes import GOLDEN_FOLDER
from deep_predictor.engines.table import REFERENCE, get_engine_class
from deep_predictor.errors import ModelNotServable, PredictionError, UnsafeModel
from deep_predictor.training.config import TrainingConfig
from deep_predictor.training.evaluation import Evaluation
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
    evaluation: Evaluation
    golden: list[GoldenPicture]


def export(trained: TrainedModel, config: TrainingConfig) -> None:
    """Write the model folder of `config`: all of it, or, whatever happens, nothing.

    Before it takes its place it is loaded as the server loads it, and must reproduce the golden set. Raises
    ModelFolderUnwritable or ModelNotServable.
    """
    metrics = {
        "best_epoch": trained.best.epoch,
        **trained.evaluation.to_dict(),
        "epochs": [asdict(figures) for figures in trained.history],
    }
    cfg = predictor_cfg(trained, config)
    with written_beside(config.model_folder) as folder:
        trained.network.save(folder / MODEL_FILE)
        (folder / NAMES_FILE).write_text("".join(f"{name}\n" for name in trained.class_names), encoding="utf-8")
        golden = trained.golden
        write_golden(
            folder / GOLDEN_FOLDER, [(g.data, g.extension) for g in golden], np.stack([g.output for g in golden])
        )
        write_json(folder / METRICS_FILE, metrics)
        write_json(folder / PREDICTOR_FILE, cfg)
        write_manifest(folder, _manifest(trained, config))
        _check_served(folder, config.model_folder, cfg)


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


def predictor_cfg(trained: TrainedModel, config: TrainingConfig) -> dict[str, Any]:
    """The predictor cfg that serves the model folder of `config` with the preprocessing of its training.

    The threshold is the training cfg's; where that leaves it open, the one that was chosen on the validation part.
    """
    serving, folder = config.options.serving_options, config.model_folder
    spec, threshold = config.options.input_options, serving.confidence_threshold
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
                "scaled_decoding": int(spec.scaled_decoding),
                "temperature": trained.evaluation.temperature,
                "return_topN": serving.return_topN,
                "confidence_threshold": trained.evaluation.threshold.threshold if threshold is None else threshold,
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


def _check_served(folder: Path, final_folder: Path, cfg: dict[str, Any]) -> None:
    """Load the folder as the server will, with TensorFlow. Raises ModelNotServable."""
    options = ClassificationOptions.model_validate(cfg["predictor_options"]["model_options"])
    paths = ClassificationPaths(
        predictions_main_folder=folder, model_path=folder / MODEL_FILE, names_path=folder / NAMES_FILE
    )
    backend = ClassificationBackend(options, paths)
    settings = RunSettings(input_size=(options.image_w, options.image_h))
    engine_class = get_engine_class(REFERENCE)
    try:
        backend.load(lambda request: engine_class.load(request.model_path, settings))
    except (PredictionError, UnsafeModel) as error:
        raise ModelNotServable(final_folder, str(error)) from error
    finally:
        if backend.engine:
            backend.engine.close()


def _manifest(trained: TrainedModel, config: TrainingConfig) -> dict[str, Any]:
    evaluation = trained.evaluation
    return {
        "task": "classification",
        "architecture": config.options.fit_options.architecture,
        "input_spec": config.options.input_options.to_spec().to_dict(),
        "scaled_decoding": config.options.input_options.scaled_decoding,
        "test_accuracy": round(evaluation.test.accuracy, 5),
        "temperature": evaluation.temperature,
        "threshold": evaluation.threshold.to_dict(),
        "metrics": {"best_epoch": asdict(trained.best), "test": evaluation.test.to_dict()},
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
