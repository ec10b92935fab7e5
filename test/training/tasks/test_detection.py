"""The task of boxes: targets, figures, what the cfg may not say, and that a network learns by it."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deep_predictor.backends.detection import DetectionBackend
from deep_predictor.backends.table import create_backend
from deep_predictor.config.predictor_config import PredictorConfig
from deep_predictor.errors import ConfigError
from deep_predictor.images.preprocessing import InputSpec
from deep_predictor.results import Detection
from deep_predictor.training.annotations.picture_boxes import PictureBoxes
from deep_predictor.training.batches import Batches, BatchOptions, Pipeline
from deep_predictor.training.config import TrainingConfig, training_config
from deep_predictor.training.sample import Sample
from deep_predictor.training.tasks.base import MeasuredPart
from deep_predictor.training.tasks.box_assignment import CROWD, NOTHING, THING
from deep_predictor.training.tasks.detection import MOST_BOXES, BoxTargets, DetectionTask
from deep_predictor.training.tasks.detection_evaluation import compared_boxes
from deep_predictor.training.tasks.found_boxes import LIMITS, BoxFinder
from deep_predictor.training.trainer import Trainer
from test.training.box_pictures import CLASS_NAMES, HEIGHT, WIDTH, BoxPictures

INPUT = {"width": 64, "height": 32}


def make_config(
    fit: dict[str, Any] | None = None, serving: dict[str, Any] | None = None, **changes: Any
) -> TrainingConfig:
    section = {
        "dataset_options": {"name": "sklearn_digits"},
        "input_options": INPUT | changes,
        "fit_options": {"architecture": "yolo_small_fine", "epochs": 2} | (fit or {}),
        "serving_options": {"method": "squares", "predictions_main_folder": "predictions"} | (serving or {}),
    }
    return training_config(section, "squares.cfg", Path("project"), Path("project/runs/squares"))


def make_task(fit: dict[str, Any] | None = None, **changes: Any) -> DetectionTask:
    return DetectionTask(make_config(fit, **changes), CLASS_NAMES)


def batches_of(task: DetectionTask, dataset: BoxPictures, indices: np.ndarray, size: int = 5) -> Batches:
    pipeline = Pipeline(task.spec, None, None, task.targets)
    return Batches(dataset, indices, pipeline, BatchOptions(size, 2, 1, 10**7))


@pytest.fixture(scope="module")
def dataset() -> BoxPictures:
    return BoxPictures(20)


def sample_of(boxes: Any, classes: Any, crowds: Any, width: int = 40, height: int = 20) -> Sample:
    return Sample(
        np.zeros((height, width, 3), np.uint8),
        boxes=np.array(boxes, np.float64).reshape(-1, 4),
        classes=np.array(classes, np.int32),
        is_crowd=np.array(crowds, bool),
    )


def test_box_targets_lie_on_the_input_with_their_kind_the_largest_first() -> None:
    targets = BoxTargets(InputSpec(80, 80, "rgb", resize_mode="letterbox"))
    sample = sample_of([(0, 0, 10, 5), (4, 4, 8, 8), (10, 0, 40, 20)], [1, 0, 1], [False, False, True])

    encoded = targets.encode(sample, -1)

    assert encoded.shape == targets.shape == (MOST_BOXES, 6)
    assert encoded.dtype == targets.dtype
    # Twice as large, and 20 pixels further down, below a bar.
    assert encoded[:3].tolist() == [
        [20, 0, 30, 20, 1, THING],
        [28, 8, 36, 16, 0, THING],
        [20, 20, 60, 80, 1, CROWD],
    ]
    assert (encoded[3:] == NOTHING).all()


def test_box_targets_of_more_boxes_than_there_is_room_for_keep_the_largest_and_say_so_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []
    run_log = logging.getLogger("deep_predictor.training.run")
    monkeypatch.setattr(run_log, "warning", lambda text, *words: told.append(text % words))
    targets = BoxTargets(InputSpec(40, 20, "rgb"))
    sides = np.linspace(1, 9, MOST_BOXES + 5)
    boxes = np.stack([np.zeros_like(sides), np.zeros_like(sides), sides, sides], axis=1)
    sample = sample_of(boxes, np.zeros(len(sides)), np.zeros(len(sides)))

    encoded, _ = (targets.encode(sample, -1) for _ in range(2))

    assert (encoded[:, 5] == THING).all()
    assert encoded[:, 2] == pytest.approx(sides[5:][::-1], rel=1e-6)
    assert told == ["a picture has 105 boxes: of each picture the largest 100 are taught"]


def test_box_targets_of_a_picture_without_boxes_are_refused() -> None:
    with pytest.raises(ValueError, match="without boxes"):
        BoxTargets(InputSpec(8, 8, "rgb")).encode(Sample(np.zeros((2, 4, 3), np.uint8), "cat"), 0)


class KnowingNetwork:
    """In place of a network: for each picture of a set the rows that say its true boxes, in their order."""

    def __init__(self, task: DetectionTask, dataset: BoxPictures, indices: np.ndarray, scores: Any = (0.9,)) -> None:
        self._rows = iter([self._of(task, dataset.sample(int(index)), scores) for index in indices])

    def predict_on_batch(self, inputs: np.ndarray) -> np.ndarray:
        return np.stack([next(self._rows) for _ in inputs])

    def _of(self, task: DetectionTask, sample: Sample, scores: Any) -> np.ndarray:
        cells, target = task.cells, task.targets.encode(sample, -1)
        rows = np.full((len(cells.centres), 4 + len(task.class_names)), -9, np.float32)
        for place, box in enumerate(target[target[:, 5] == THING]):
            middle, side = (box[:2] + box[2:4]) / 2, box[2:4] - box[:2]
            cell = np.abs(cells.centres - middle).sum(axis=1).argmin()
            rows[cell, :2] = (middle - cells.centres[cell]) / cells.strides[cell]
            rows[cell, 2:4] = np.log(side / cells.strides[cell] / 2)
            score = scores[place % len(scores)]
            rows[cell, 4 + int(box[4])] = np.log(score / (1 - score))
        return rows


@pytest.mark.parametrize("mode", ["stretch", "letterbox"])
def test_validate_of_a_network_that_knows_all_boxes_finds_them_all(dataset: BoxPictures, mode: str) -> None:
    task, indices = make_task(resize_mode=mode), np.arange(2, 14)
    with batches_of(task, dataset, indices) as val:
        figures = task.objective(val).validate(KnowingNetwork(task, dataset, indices), val)  # type: ignore[arg-type]

    assert figures.map50 == figures.map50_95 == 1
    assert 0 < figures.loss < 1
    assert figures.accuracy is figures.miou is None


def test_validate_of_a_network_that_has_no_numbers_left_says_so(dataset: BoxPictures) -> None:
    task, indices = make_task(), np.arange(2)

    class Broken(KnowingNetwork):
        def predict_on_batch(self, inputs: np.ndarray) -> np.ndarray:
            return super().predict_on_batch(inputs) * np.nan

    with batches_of(task, dataset, indices) as val:
        assert np.isnan(task.objective(val).validate(Broken(task, dataset, indices), val).loss)  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["stretch", "letterbox"])
def test_boxes_are_compared_as_the_server_would_answer_them(dataset: BoxPictures, tmp_path: Path, mode: str) -> None:
    task, indices = make_task(resize_mode=mode), np.arange(4)
    network: Any = KnowingNetwork(task, dataset, indices, (0.9, 0.3, 0.02))
    finder = BoxFinder(task.cells, LIMITS, task.spec)
    with batches_of(task, dataset, indices) as batches:
        part = MeasuredPart(dataset, indices, batches)
        compared = list(compared_boxes(network, finder, part))

    backend = served_by(task, tmp_path)
    rows = KnowingNetwork(task, dataset, indices, (0.9, 0.3, 0.02)).predict_on_batch(np.zeros(4))
    for index, (truth, found) in enumerate(compared):
        assert found.corners == pytest.approx(
            truth.corners[np.argsort(-found.scores)[np.argsort(found.classes)]], abs=0.9
        )
        output = served_numbers(task, rows[index])
        items = [item for item in backend.interpret(output, (WIDTH, HEIGHT)).items if isinstance(item, Detection)]
        assert [item.confidence for item in items] == pytest.approx(found.scores, abs=1e-5)
        given = np.array([[i.cx_norm - i.w_norm / 2, i.cy_norm - i.h_norm / 2] for i in items])
        assert given == pytest.approx(found.corners[:, :2], abs=1e-4)


def served_numbers(task: DetectionTask, rows: np.ndarray) -> np.ndarray:
    from deep_predictor.training.tasks.box_cells import decoded_boxes

    boxes = np.asarray(decoded_boxes(rows[None], task.cells))[0] / ([task.spec.height, task.spec.width] * 2)
    return np.concatenate([boxes, 1 / (1 + np.exp(-rows[:, 4:]))], axis=1).astype(np.float32)


def served_by(task: DetectionTask, folder: Path) -> DetectionBackend:
    options = task.input_options() | task.model_options() | {"score_threshold": LIMITS.score_threshold}
    paths = {"model_path": "saved_model", "names_path": "names.txt", "predictions_main_folder": "predictions"}
    backend = create_backend(
        PredictorConfig(folder / "p.cfg", "p.cfg", folder, {}, task.backend_name, 0, options, paths)
    )
    assert isinstance(backend, DetectionBackend)
    backend.class_names = CLASS_NAMES
    return backend


@pytest.mark.slow
def test_network_learns_to_find_the_squares() -> None:
    import keras

    from deep_predictor.training.architectures.options import ArchitectureOptions
    from deep_predictor.training.architectures.table import build_architecture

    fit = {"epochs": 6, "learning_rate": 0.02}
    task, dataset = make_task(fit, height=32, width=32), BoxPictures(56)
    keras.utils.set_random_seed(1)
    network = build_architecture("yolo_small_fine", (32, 32, 3), 2, ArchitectureOptions(alpha=0.35))
    # All batches are of one size: for another one the step would be traced again, which takes the longest.
    train, val = (batches_of(task, dataset, indices, 8) for indices in (np.arange(48), np.arange(48, 56)))
    with train, val:
        history = Trainer(network, task.options.fit_options, task.objective(train)).fit(train, val)

    assert history[-1].loss < history[0].loss / 2
    best = max(figures.val_map50 or 0 for figures in history)
    assert best > 0.8


@pytest.mark.parametrize(("weights", "wanted"), [(None, None), ({"green": 4}, [1, 4]), ("balanced", [1, 1])])
def test_objective_takes_the_class_weights_of_the_cfg(dataset: BoxPictures, weights: Any, wanted: Any) -> None:
    task = make_task({"class_weights": weights})
    with batches_of(task, dataset, np.arange(6)) as train:
        objective = task.objective(train)

    given = objective._weights
    assert (given if given is None else given.tolist()) == wanted
    assert objective.weights_of(np.zeros((2, MOST_BOXES, 6), np.float32)) is None
    assert objective.metrics() == []


def test_balanced_weights_count_the_boxes_of_rare_classes_more(dataset: BoxPictures) -> None:
    class Reds(BoxPictures):
        def boxes(self, index: int) -> PictureBoxes:
            boxes = super().boxes(index)
            kept = np.arange(2) < (2 if index == 0 else 1)
            return replace(
                boxes,
                boxes_norm=boxes.boxes_norm[kept],
                classes=boxes.classes[kept],
                is_crowd=boxes.is_crowd[kept],
            )

    task = make_task({"class_weights": "balanced"})
    with batches_of(task, Reds(9), np.arange(9)) as train:
        objective = task.objective(train)

    assert objective._weights is not None
    assert objective._weights == pytest.approx(np.array([10 / 18, 5]))


def test_class_weight_of_an_unknown_class_is_refused(dataset: BoxPictures) -> None:
    task = make_task({"class_weights": {"blue": 2}})
    with (
        batches_of(task, dataset, np.arange(2)) as train,
        pytest.raises(ConfigError, match=r"class_weights\.blue: is no class; there are: red, green"),
    ):
        task.objective(train)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"resize_mode": "center_crop"}, "input_options.resize_mode: center_crop hides a part"),
        (
            {"color_mode": "grayscale", "scale": 1, "mean": 0},
            "input_options.color_mode: detectors are served in colour",
        ),
        ({"fit": {"label_smoothing": 0.1}}, "fit_options.label_smoothing: a detector's scores"),
        ({"fit": {"fine_tuning": {"head_epochs": 1}}}, "fit_options.fine_tuning: a detector begins without weights"),
    ],
)
def test_cfg_that_a_detector_cannot_be_trained_by_is_refused(changes: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        make_task(**changes)


def test_predictor_cfg_suppresses_as_the_figures_were_measured() -> None:
    assert make_task().model_options() == {
        "iou_threshold": LIMITS.iou_threshold,
        "max_output_size_per_class": LIMITS.max_per_class,
        "max_total_size": LIMITS.max_total,
    }
