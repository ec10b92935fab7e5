"""What a task has to offer to a training run. One more task: a class like this, and one line in `table.py`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from deep_predictor.backends.base import Task
from deep_predictor.errors import ConfigError, ConfigProblem
from deep_predictor.training.batches import Batches, Targets
from deep_predictor.training.config import SECTION, TrainingConfig
from deep_predictor.training.dataset import Dataset
from deep_predictor.training.model_folder import MODEL_FILE
from deep_predictor.training.trainer import Objective

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class MeasuredPart:
    """A part of a set that a trained network is measured on: `batches` of the pictures `indices`, in their order."""

    dataset: Dataset
    indices: np.ndarray
    batches: Batches


class TaskEvaluation(ABC):
    """How good a run's network is. Every choice was made on val, the test part was read once."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """All figures with JSON types, for metrics.json. `test` holds those of the test part."""

    @abstractmethod
    def manifest(self) -> dict[str, Any]:
        """What model.json says of it."""

    @abstractmethod
    def model_options(self) -> dict[str, Any]:
        """What of a predictor cfg's `model_options` was chosen by it."""

    @abstractmethod
    def summary(self) -> str:
        """A few lines for people."""


class TrainingTask(ABC):
    """One run's task. Made when the data set is open, before the network is."""

    name: ClassVar[Task]
    #: The backend that serves such a network.
    backend_name: ClassVar[str]

    def __init__(self, config: TrainingConfig, class_names: tuple[str, ...]) -> None:
        """May raise ConfigError for what the cfg says that the task does not have."""
        self.config, self.class_names = config, class_names
        self.options = config.options
        self.spec = config.options.input_options.to_spec()

    @property
    @abstractmethod
    def targets(self) -> Targets:
        """What the network shall give for a picture."""

    @abstractmethod
    def objective(self, train: Batches) -> Objective:
        """What it is fitted to. `train`: what it is trained on, for weights of classes. May raise ConfigError."""

    @abstractmethod
    def evaluate(self, network: keras.Model, val: MeasuredPart, test: MeasuredPart) -> TaskEvaluation:
        """How good a fitted network is, before `served`. Raises ImageUnreadable."""

    def served(self, network: keras.Model) -> keras.Model:
        """The network whose outputs the backend reads, with the weights of the fitted one."""
        return network

    def save(self, network: keras.Model, folder: Path) -> str:
        """Write what `served` gave into a model folder; the name of the file or folder that the server loads.

        MODEL_FILE is always among it: other formats are made of that one.
        """
        network.save(folder / MODEL_FILE)
        return MODEL_FILE

    @abstractmethod
    def model_options(self) -> dict[str, Any]:
        """Of a predictor cfg, beside those of the input: what the backend must know of the network."""

    def weights_by_name(self, wanted: Mapping[str, float]) -> np.ndarray:
        """float32 (classes,): 1 where the cfg says nothing. Raises ConfigError for a class that is not there."""
        if unknown := sorted(set(wanted) - set(self.class_names)):
            key = f"{SECTION}.fit_options.class_weights.{unknown[0]}"
            message = f"is no class; there are: {', '.join(self.class_names)}"
            raise ConfigError([ConfigProblem(self.config.file, key, message)])
        return np.array([wanted.get(name, 1.0) for name in self.class_names], np.float32)

    def input_options(self) -> dict[str, Any]:
        """Of a predictor cfg: the preprocessing of the training."""
        spec = self.options.input_options
        return {
            "image_w": spec.width,
            "image_h": spec.height,
            "color_mode": spec.color_mode,
            "scale": spec.scale,
            "mean": spec.mean,
            "std": spec.std,
            "resize_mode": spec.resize_mode,
            "resize_filter": spec.resize_filter,
            "scaled_decoding": int(spec.scaled_decoding),
        }


def item_names(part: MeasuredPart) -> Sequence[str]:
    """Of its pictures, in their order."""
    return [part.dataset.items[index].name for index in part.indices]
