"""The detector of digits that the demo offers, trained in full: `make check-slow` runs it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from deep_predictor.backends.table import create_backend
from deep_predictor.config.predictor_config import load_predictor_config
from deep_predictor.engines.room import EngineRoom
from deep_predictor.training.config import load_training_config
from deep_predictor.training.figures import Watcher
from deep_predictor.training.model_folder import PREDICTOR_FILE
from deep_predictor.training.run import run_training
from deep_predictor.training.scenes import DigitScenes
from deep_predictor.training.tasks.detection_evaluation import DetectionEvaluation

pytestmark = pytest.mark.timeout(3000)

WANTED_MAP50 = 0.8
MOST_SECONDS = 900


@contextmanager
def unwatched(epochs: int, steps: int) -> Iterator[Watcher]:
    yield Watcher()


def test_detector_of_scenes_finds_the_digits_of_unseen_ones_and_serves(project_root: Path, tmp_path: Path) -> None:
    section = json.loads((project_root / "cfg/training/digit_scenes.cfg").read_text(encoding="utf-8"))
    section["training_options"] |= {"run_folder": str(tmp_path / "run"), "output_folder": str(tmp_path / "model")}
    path = tmp_path / "scenes.cfg"
    path.write_text(json.dumps(section), encoding="utf-8")

    started = time.monotonic()
    trained = run_training(load_training_config(path, project_root), unwatched)
    seconds = time.monotonic() - started

    assert isinstance(trained.evaluation, DetectionEvaluation)
    print(f"\nmAP50 {trained.evaluation.test.map50:.4f}, {seconds:.0f} s")
    assert (trained.evaluation.test.map50 or 0) >= WANTED_MAP50
    assert seconds <= MOST_SECONDS
    backend = create_backend(load_predictor_config(tmp_path / "model" / PREDICTOR_FILE, project_root))
    backend.load(lambda request: EngineRoom().open(replace(request, engine="tensorflow")))
    scene = DigitScenes("test", 77).scene(0)
    answer = backend.interpret(backend.run(backend.prepare(scene.pixels)[None])[0], (128, 128))
    found = sorted(item.class_name for item in answer.items)
    wanted = sorted(str(label) for label in scene.classes)
    assert sum(found.count(name) for name in wanted) >= len(wanted) / 2
