"""The run of cfg/training/digit_masks.cfg: its U-Net is good on unseen scenes of digits, and is served."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from deep_predictor.backends.table import create_backend
from deep_predictor.config.predictor_config import load_predictor_config
from deep_predictor.engines.room import EngineRoom
from deep_predictor.training.config import TrainingConfig, load_training_config
from deep_predictor.training.datasets.digit_scenes import MASK_SCENES
from deep_predictor.training.figures import Watcher
from deep_predictor.training.run import run_training
from deep_predictor.training.segmentation_metrics import count_pixels, measure_segmentation
from deep_predictor.training.tasks.segmentation_evaluation import SegmentationEvaluation

#: Without the background, of unseen scenes.
LEAST_MIOU = 0.85


@contextmanager
def unwatched(epochs: int, steps: int) -> Iterator[Watcher]:
    yield Watcher()


def config_in(folder: Path, project_root: Path) -> TrainingConfig:
    config = load_training_config(project_root / "cfg/training/digit_masks.cfg", project_root)
    folders = {"run_folder": folder / "run", "output_folder": folder / "model"}
    return replace(config, options=config.options.model_copy(update=folders))


def test_unet_of_the_cfg_knows_unseen_scenes_and_is_served(project_root: Path, tmp_path: Path) -> None:
    config = config_in(tmp_path, project_root)

    evaluation = run_training(config, unwatched).evaluation

    assert isinstance(evaluation, SegmentationEvaluation)
    assert (evaluation.test.miou_without_background or 0) >= LEAST_MIOU
    backend = create_backend(load_predictor_config(tmp_path / "model/predictor.cfg", project_root))
    backend.load(lambda request: EngineRoom().open(replace(request, engine="tensorflow")))
    confusion = np.zeros((len(backend.class_names),) * 2, np.int64)
    wanted = config.options.dataset_options.scene_options
    scenes = MASK_SCENES[wanted.mask_classes]({"test": 50}, 77, wanted.scene_options())
    for index in range(len(scenes.items)):
        pixels, truth = scenes.read(index), scenes.mask(index)
        output = backend.run(backend.prepare(pixels)[np.newaxis])[0]
        answer = backend.interpret(output, (pixels.shape[1], pixels.shape[0]))
        assert answer.mask is not None
        confusion += count_pixels(truth, answer.mask, len(backend.class_names))
    assert (measure_segmentation(confusion, backend.class_names).miou_without_background or 0) >= LEAST_MIOU
