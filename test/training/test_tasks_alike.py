"""What every task's run has to do, asked of each of them in the same words: be served, be converted, stop and go on.

kill -9 and equal seeds: test_kills.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from deep_predictor.backends.golden import read_golden
from deep_predictor.backends.network import NetworkBackend
from deep_predictor.backends.table import create_backend
from deep_predictor.config.predictor_config import load_predictor_config
from deep_predictor.engines.base import RunSettings
from deep_predictor.engines.comparing import TOLERANCE, table_difference, top1_agreement
from deep_predictor.engines.room import EngineRoom
from deep_predictor.engines.table import get_engine_class
from deep_predictor.engines.tensorflow import TensorflowEngine
from deep_predictor.errors import TrainingCancelled
from deep_predictor.images.decoding import decode_image
from deep_predictor.training.config import TrainingConfig, load_training_config
from deep_predictor.training.conversion_child import write_saved_model
from deep_predictor.training.figures import StepFigures, Watcher
from deep_predictor.training.model_folder import MODEL_FILE, is_complete
from deep_predictor.training.run import run_training
from deep_predictor.training.run_folder import CANCEL_FILE
from deep_predictor.training.tasks.table import TASKS
from test.training.task_runs import task_section, write_task_cfg

pytestmark = pytest.mark.slow

EPOCHS = 2


@contextmanager
def unwatched(epochs: int, steps: int) -> Iterator[Watcher]:
    yield Watcher()


def config_of(root: Path, task: Any, run_folder: str) -> TrainingConfig:
    section = {**task_section(task, EPOCHS), "run_folder": run_folder}
    if task == "classification":
        write_pictures(root / "pictures")
    return load_training_config(write_task_cfg(root / f"{task}.cfg", section), root)


def write_pictures(folder: Path) -> None:
    """48 pictures, dark or bright."""
    rng = np.random.default_rng(5)
    for index in range(48):
        picture = rng.integers(0, 100, (16, 16, 3), np.uint8) + np.uint8(120 * (index % 2))
        (folder / ("dark", "bright")[index % 2]).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / ("dark", "bright")[index % 2] / f"{index}.png"), picture)


@pytest.fixture(scope="module", params=TASKS)
def cancelled_and_resumed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TrainingConfig:
    """A run that was cancelled in its second epoch, and resumed. Read by several tests; none changes its folder."""
    root = tmp_path_factory.mktemp(request.param)
    config = config_of(root, request.param, "run")
    told: list[StepFigures] = []

    @contextmanager
    def cancelling(epochs: int, steps: int) -> Iterator[Watcher]:
        def end_step(step: StepFigures) -> None:
            told.append(step)
            if step.epoch == EPOCHS:
                (config.run_folder / CANCEL_FILE).touch()

        yield Watcher(on_step=end_step)

    with pytest.raises(TrainingCancelled):
        run_training(config, cancelling)
    assert [step.epoch for step in told].count(EPOCHS) == 1  # it ended after that batch
    assert json.loads((config.run_folder / "state.json").read_bytes())["state"] == "cancelled"
    assert not is_complete(config.model_folder)
    run_training(config, unwatched, resume=True)
    return config


def backend_of(config: TrainingConfig) -> NetworkBackend:
    backend = create_backend(load_predictor_config(config.model_folder / "predictor.cfg", config.root))
    assert isinstance(backend, NetworkBackend)
    return backend


def test_run_of_each_task_cancelled_ends_whole_when_resumed(cancelled_and_resumed: TrainingConfig) -> None:
    run = cancelled_and_resumed.run_folder

    assert is_complete(cancelled_and_resumed.model_folder)
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["epoch"] for line in lines] == list(range(1, EPOCHS + 1))
    assert all(line[cancelled_and_resumed.options.fit_options.judgement] >= 0 for line in lines)
    assert json.loads((run / "state.json").read_bytes())["state"] == "done"
    assert (run / "report.html").is_file()
    assert json.loads((run / "evaluation.json").read_bytes())["class_names"]


def test_run_of_each_task_is_served_with_its_golden_set(cancelled_and_resumed: TrainingConfig) -> None:
    backend = backend_of(cancelled_and_resumed)
    golden = read_golden(cancelled_and_resumed.model_folder / "golden")
    assert golden
    room = EngineRoom()

    backend.load(lambda request: room.open(replace(request, engine="tensorflow")))  # compares the golden set

    image = decode_image(golden.files[0].read_bytes(), ("png",), 10**8).pixels
    size = image.shape[1], image.shape[0]
    answer = backend.interpret(backend.run(backend.prepare(image)[np.newaxis])[0], size)
    manifest = json.loads((cancelled_and_resumed.model_folder / "manifest.json").read_bytes())
    assert manifest["task"] == backend.task
    assert all(item.class_name in backend.class_names for item in answer.items)
    if backend.task == "segmentation":
        assert answer.mask is not None
        assert answer.mask.shape == image.shape[:2]


def test_run_of_each_task_gives_its_golden_answers_in_every_format(
    cancelled_and_resumed: TrainingConfig, tmp_path: Path
) -> None:
    import keras

    backend = backend_of(cancelled_and_resumed)
    golden = read_golden(cancelled_and_resumed.model_folder / "golden")
    assert golden
    assert backend.request
    pictures = [decode_image(file.read_bytes(), ("png",), 10**8).pixels for file in golden.files]
    inputs = np.stack([backend.prepare(pixels) for pixels in pictures])
    network = keras.saving.load_model(cancelled_and_resumed.model_folder / MODEL_FILE, compile=False, safe_mode=True)
    saved = TensorflowEngine.load(write_saved_model(network, tmp_path))
    frozen = saved.freeze(inputs.shape[1:])
    engines = {"savedmodel": saved}
    for name in ("openvino", "litert"):
        engine_class: Any = get_engine_class(name)
        engine_class.start_in_main_thread()
        engines[name] = engine_class.load(engine_class.convert(frozen, tmp_path), RunSettings())

    place = backend.request.numbers_before_scores, backend.request.scores_axis
    for name, engine in engines.items():
        given = np.concatenate([engine.run(one[np.newaxis]) for one in inputs])
        engine.close()
        assert table_difference(given, golden.outputs, *place) <= TOLERANCE, name
        assert top1_agreement(given, golden.outputs, *place) == 1.0, name
