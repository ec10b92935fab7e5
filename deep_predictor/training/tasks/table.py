"""The table of tasks: what a data set's pictures say -> how a network is trained on them. Imported when it is used."""

from __future__ import annotations

from importlib import import_module

from deep_predictor.backends.base import Task
from deep_predictor.errors import ConfigError, ConfigProblem
from deep_predictor.training.config import SECTION, TrainingConfig
from deep_predictor.training.dataset import Dataset
from deep_predictor.training.tasks.base import TrainingTask
from deep_predictor.training.tasks.fitting import task_problem

_HERE = "deep_predictor.training.tasks"
TASKS: dict[Task, str] = {
    "classification": f"{_HERE}.classification:ClassificationTask",
    "detection": f"{_HERE}.detection:DetectionTask",
    "segmentation": f"{_HERE}.segmentation:SegmentationTask",
}


def make_task(config: TrainingConfig, dataset: Dataset) -> TrainingTask:
    """The task of a data set. Raises ConfigError where the architecture is made for another one."""
    if message := task_problem(config.options.fit_options.architecture, dataset.task, dataset.name):
        raise ConfigError([ConfigProblem(config.file, f"{SECTION}.fit_options.architecture", message)])
    module_name, class_name = TASKS[dataset.task].split(":")
    task_class: type[TrainingTask] = getattr(import_module(module_name), class_name)
    return task_class(config, dataset.class_names)
