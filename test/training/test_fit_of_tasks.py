"""The training loop on what each task asks of it: killed at any step and resumed, it ends as if it never had been."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deep_predictor.backends.base import Task
from deep_predictor.images.preprocessing import InputSpec
from deep_predictor.training.batches import Batches, BatchOptions, OneHot, Pipeline, Targets
from deep_predictor.training.checkpoint import Checkpoints, Identity
from deep_predictor.training.dataset import Dataset
from deep_predictor.training.datasets.digit_scenes import BoxScenes, MaskScenes
from deep_predictor.training.datasets.options import DatasetOptions
from deep_predictor.training.datasets.sklearn_digits import SklearnDigitsFormat
from deep_predictor.training.figures import StepFigures, Watcher
from deep_predictor.training.fit_options import FitOptions
from deep_predictor.training.tasks.box_cells import box_cells
from deep_predictor.training.tasks.classification import ClassificationObjective
from deep_predictor.training.tasks.detection import BoxTargets, DetectionObjective
from deep_predictor.training.tasks.segmentation import MaskTargets, SegmentationObjective
from deep_predictor.training.trainer import Objective, Trainer

pytestmark = pytest.mark.slow
SPEC = InputSpec(width=32, height=32, color_mode="rgb", scale=1 / 255)
IDENTITY = Identity("run", "cfg", "data")
PICTURES, VAL_PICTURES, BATCH_SIZE = 16, 4, 8
STEPS = PICTURES // BATCH_SIZE
ARCHITECTURES: dict[Task, str] = {"classification": "convnet_small", "detection": "yolo_small", "segmentation": "unet"}


class Killed(Exception):
    pass


@dataclass(frozen=True)
class Work:
    """What one task trains: `values` numbers come out of the network for each picture, in the shape `output`."""

    dataset: Dataset
    targets: Targets
    objective: Objective
    output: tuple[int, ...]


def work_of(task: Task) -> Work:
    parts: Any = {"train": PICTURES, "val": VAL_PICTURES}
    if task == "detection":
        boxes, cells = BoxScenes(parts, seed=1), box_cells(32, 32, (8,))
        objective = DetectionObjective(boxes.class_names, cells)
        return Work(boxes, BoxTargets(SPEC), objective, (len(cells.centres), 4 + len(boxes.class_names)))
    if task == "segmentation":
        masks = MaskScenes(parts, seed=1)
        count = len(masks.class_names)
        return Work(masks, MaskTargets(SPEC), SegmentationObjective(masks.class_names), (32, 32, count))
    digits = SklearnDigitsFormat.open(DatasetOptions(name="sklearn_digits"), Path("unused"))
    return Work(digits, OneHot(10), ClassificationObjective("cross_entropy"), (10,))


def network(work: Work, seed: int = 3) -> Any:
    """One convolution with batch normalisation, which has a state, and dropout, which has a random one."""
    import keras

    keras.utils.set_random_seed(seed)
    inputs = keras.Input(SPEC.input_shape)
    hidden = keras.layers.Conv2D(4, 3, strides=4)(inputs)
    hidden = keras.layers.Flatten()(keras.layers.BatchNormalization()(hidden))
    outputs = keras.layers.Dense(int(np.prod(work.output)))(keras.layers.Dropout(0.5)(hidden))
    outputs = keras.layers.Reshape(work.output)(outputs)
    if len(work.output) == 1:
        outputs = keras.layers.Softmax()(outputs)
    return keras.Model(inputs, outputs)


@contextmanager
def parts(work: Work) -> Iterator[tuple[Batches, Batches]]:
    pipeline, sizes = Pipeline(SPEC, targets=work.targets), BatchOptions(BATCH_SIZE, 2, 5, 10**7)
    val = np.arange(PICTURES, PICTURES + VAL_PICTURES)
    with (
        Batches(work.dataset, np.arange(PICTURES), pipeline, sizes) as train,
        Batches(work.dataset, val, pipeline, sizes) as chosen_by,
    ):
        yield train, chosen_by


@pytest.mark.parametrize(
    ("task", "kill_at"),
    [("classification", STEPS + 1), ("detection", 1), ("detection", STEPS + 1), ("segmentation", 2 * STEPS)],
)
def test_fit_of_each_task_killed_at_any_step_and_resumed_ends_as_if_never_killed(
    task: Task, kill_at: int, tmp_path: Path
) -> None:
    work = work_of(task)
    values = {"architecture": ARCHITECTURES[task], "epochs": 3, "batch_size": BATCH_SIZE, "learning_rate": 0.01}
    options = FitOptions.model_validate(values)
    steps = [0]

    def die(step: StepFigures) -> None:
        steps[0] += 1
        if steps[0] == kill_at:
            raise Killed

    def fit(model: Any, folder: str, watcher: Watcher | None = None) -> Any:
        with parts(work) as (train, val):
            return Trainer(model, options, work.objective).fit(
                train, val, watcher, Checkpoints(tmp_path / folder, IDENTITY)
            )

    whole = network(work)
    expected = fit(whole, "whole")
    with pytest.raises(Killed):
        fit(network(work), "killed", Watcher(die))
    resumed = network(work, seed=99 if kill_at > STEPS else 3)  # after an epoch the weights come from the checkpoint
    found = fit(resumed, "killed")

    assert len(found) == 3
    assert [replace(one, seconds=0) for one in expected] == [replace(one, seconds=0) for one in found]
    for one, other in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
