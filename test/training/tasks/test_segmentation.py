"""The task of masks: targets as the network sees them, figures, and what the cfg may not say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deep_predictor.backends.segmentation import SegmentationBackend
from deep_predictor.backends.table import create_backend
from deep_predictor.config.predictor_config import PredictorConfig
from deep_predictor.errors import ConfigError
from deep_predictor.images.preprocessing import InputSpec
from deep_predictor.training.annotations.picture_masks import IGNORE_INDEX
from deep_predictor.training.batches import Batches, BatchOptions, Pipeline
from deep_predictor.training.config import TrainingConfig, training_config
from deep_predictor.training.sample import Sample
from deep_predictor.training.segmentation_metrics import count_pixels, measure_segmentation
from deep_predictor.training.tasks.base import MeasuredPart
from deep_predictor.training.tasks.pixel_loss import pixel_loss
from deep_predictor.training.tasks.segmentation import MaskTargets, SegmentationObjective, SegmentationTask
from deep_predictor.training.tasks.segmentation_evaluation import LISTED_WORST, evaluate_segmenter
from test.training.mask_pictures import CLASS_NAMES, MaskPictures

INPUT = {"width": 64, "height": 32}


def make_config(fit: dict[str, Any] | None = None, **input_changes: Any) -> TrainingConfig:
    section = {
        "dataset_options": {"name": "sklearn_digits"},
        "input_options": INPUT | input_changes,
        "fit_options": {"architecture": "unet", "epochs": 2} | (fit or {}),
        "serving_options": {"method": "squares", "predictions_main_folder": "predictions"},
    }
    return training_config(section, "squares.cfg", Path("project"), Path("project/runs/squares"))


def make_task(fit: dict[str, Any] | None = None, **input_changes: Any) -> SegmentationTask:
    return SegmentationTask(make_config(fit, **input_changes), CLASS_NAMES)


def colour_network(task: SegmentationTask) -> Any:
    """Logits: red and green by how much they stand out, the background by a constant."""
    import keras

    inputs = keras.Input(task.spec.input_shape)
    kernel = np.array([[0, 4, -4], [0, -4, 4], [0, 0, 0]], np.float32)[None, None]
    scores = keras.layers.Conv2D(3, 1)
    network = keras.Model(inputs, scores(inputs))
    scores.set_weights([kernel, np.array([2, 0, 0], np.float32)])
    return network


@pytest.fixture(scope="module")
def dataset() -> MaskPictures:
    return MaskPictures(20)


@pytest.fixture
def part(dataset: MaskPictures) -> Iterator[MeasuredPart]:
    task = make_task()
    indices = np.arange(2, 20)
    pipeline = Pipeline(task.spec, None, None, task.targets)
    with Batches(dataset, indices, pipeline, BatchOptions(5, 2, 1, 10**7)) as batches:
        yield MeasuredPart(dataset, indices, batches)


def test_mask_targets_of_a_letterboxed_picture_ignore_the_bars() -> None:
    targets = MaskTargets(InputSpec(8, 8, "rgb", resize_mode="letterbox"))
    mask = np.repeat(np.array([[1, 1, 2, 2]], np.uint8), 2, axis=0)

    encoded = targets.encode(Sample(np.zeros((2, 4, 3), np.uint8), mask=mask), -1)

    assert encoded.shape == targets.shape == (8, 8)
    assert encoded.dtype == targets.dtype
    assert (encoded[[0, 1, 6, 7]] == IGNORE_INDEX).all()
    assert encoded[2:6].tolist() == [[1, 1, 1, 1, 2, 2, 2, 2]] * 4


def test_mask_targets_of_a_picture_without_a_mask_are_refused() -> None:
    with pytest.raises(ValueError, match="without a mask"):
        MaskTargets(InputSpec(8, 8, "rgb")).encode(Sample(np.zeros((2, 4, 3), np.uint8), "cat"), 0)


def test_validate_counts_the_pixels_of_all_batches(part: MeasuredPart) -> None:
    task = make_task()
    network = colour_network(task)
    batches = list(part.batches.in_order())
    masks = np.concatenate([batch.targets for batch in batches])
    logits = np.concatenate([np.asarray(network(batch.inputs)) for batch in batches])
    found = logits.argmax(-1).astype(np.uint8)
    wanted = measure_segmentation(count_pixels(masks.reshape(-1, 64), found.reshape(-1, 64), 3), CLASS_NAMES)

    figures = SegmentationObjective(CLASS_NAMES, np.array([1.0, 5.0, 9.0]), 0.1).validate(network, part.batches)

    assert figures.loss == pytest.approx(float(pixel_loss()(masks, logits)), rel=1e-5)
    assert (figures.accuracy, figures.miou) == (wanted.accuracy, wanted.miou)
    assert wanted.miou is not None
    assert 0.5 < wanted.miou < 1


@pytest.mark.parametrize("mode", ["stretch", "letterbox", "center_crop"])
def test_evaluation_counts_what_the_server_would_answer(dataset: MaskPictures, tmp_path: Path, mode: str) -> None:
    task = make_task(resize_mode=mode)
    served = task.served(colour_network(task))
    backend = served_by(task, tmp_path)
    indices = np.arange(3, 7)
    confusion = np.zeros((3, 3), np.int64)
    for index in indices:
        picture = dataset.read(int(index))
        scores = np.asarray(served(backend.prepare(picture)[None]))[0]
        answer = backend.interpret(scores, (picture.shape[1], picture.shape[0]))
        assert answer.mask is not None
        confusion += count_pixels(dataset.mask(int(index)), answer.mask, 3)

    with Batches(
        dataset, indices, Pipeline(task.spec, None, None, task.targets), BatchOptions(3, 2, 1, 10**7)
    ) as batches:
        one = MeasuredPart(dataset, indices, batches)
        evaluation = evaluate_segmenter(served, task.spec, task.background_index, one, one)

    assert evaluation.test.confusion.tolist() == evaluation.val.confusion.tolist() == confusion.tolist()


def served_by(task: SegmentationTask, folder: Path) -> SegmentationBackend:
    options = task.input_options() | task.model_options()
    paths = {"model_path": "model.keras", "names_path": "names.txt", "predictions_main_folder": "predictions"}
    backend = create_backend(
        PredictorConfig(folder / "p.cfg", "p.cfg", folder, {}, task.backend_name, 0, options, paths)
    )
    assert isinstance(backend, SegmentationBackend)
    backend.class_names = CLASS_NAMES
    return backend


def test_evaluation_keeps_the_worst_pictures_with_what_was_found(part: MeasuredPart) -> None:
    task = make_task()

    evaluation = task.evaluate(colour_network(task), part, part)

    assert [one.index for one in evaluation.pictures] == list(range(18))
    assert [one.item_name for one in evaluation.pictures] == [f"{index:03d}" for index in range(2, 20)]
    lowest = sorted(evaluation.pictures, key=lambda one: (one.iou, one.accuracy, one.index))[:LISTED_WORST]
    assert [one.picture for one in evaluation.worst] == lowest
    worst = evaluation.worst[0]
    assert isinstance(part.dataset, MaskPictures)
    counts = count_pixels(part.dataset.mask(worst.picture.index + 2), worst.found(), 3)
    assert measure_segmentation(counts, CLASS_NAMES).miou_without_background == pytest.approx(worst.picture.iou)
    assert evaluation.to_dict()["test"]["count"] == 18
    assert evaluation.manifest()["test_miou"] == pytest.approx(evaluation.test.miou, abs=1e-5)
    assert "mIoU" in evaluation.summary()
    assert evaluation.model_options() == {}


def test_picture_without_any_thing_counts_as_right_where_nothing_was_found(part: MeasuredPart) -> None:
    class Empty(MaskPictures):
        def mask(self, index: int) -> np.ndarray:
            return np.full((40, 48), 0 if index == 2 else IGNORE_INDEX, np.uint8)

        def read(self, index: int, smallest: tuple[int, int] | None = None) -> np.ndarray:
            return np.full((40, 48, 3), 90, np.uint8)

    task, dataset = make_task(), Empty(20)
    with Batches(
        dataset, np.array([2, 3]), Pipeline(task.spec, None, None, task.targets), BatchOptions(2, 1, 1, 0)
    ) as batches:
        empty = MeasuredPart(dataset, np.array([2, 3]), batches)
        evaluation = task.evaluate(colour_network(task), empty, empty)

    assert [(one.iou, one.accuracy) for one in evaluation.pictures] == [(1, 1), (1, 1)]
    assert evaluation.test.miou_without_background is None
    assert evaluation.manifest()["test_miou_without_background"] is None
    assert "—" in evaluation.summary()


def test_served_network_gives_probabilities() -> None:
    task = make_task()
    network = colour_network(task)
    picture = np.random.default_rng(1).random((1, 32, 64, 3), np.float32)

    given = np.asarray(task.served(network)(picture))

    scores = np.exp(np.asarray(network(picture)))
    assert given == pytest.approx(scores / scores.sum(-1, keepdims=True), abs=1e-6)


@pytest.mark.parametrize(("weights", "wanted"), [(None, None), ({"green": 4}, [1, 1, 4]), ("balanced", "rare")])
def test_objective_takes_the_class_weights_of_the_cfg(part: MeasuredPart, weights: Any, wanted: Any) -> None:
    objective = make_task({"class_weights": weights}).objective(part.batches)

    given = objective._weights
    if wanted == "rare":
        assert given is not None
        assert given[0] < 1 < given[1]
    else:
        assert (given if given is None else given.tolist()) == wanted
    assert objective.weights_of(np.zeros((2, 32, 64), np.uint8)) is None


def test_class_weight_of_an_unknown_class_is_refused(part: MeasuredPart) -> None:
    with pytest.raises(ConfigError, match=r"class_weights\.blue: is no class; there are: background, red, green"):
        make_task({"class_weights": {"blue": 2}}).objective(part.batches)


def test_background_is_the_class_of_that_name_or_none() -> None:
    assert make_task().model_options() == {"background_index": 0}
    assert SegmentationTask(make_config(), ("sky", "background")).model_options() == {"background_index": 1}
    assert SegmentationTask(make_config(), ("sky", "sea")).model_options() == {"background_index": None}


def test_center_crop_without_a_background_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"resize_mode: center_crop .* needs a class named 'background'"):
        SegmentationTask(make_config(resize_mode="center_crop"), ("sky", "sea"))


def test_answers_that_no_golden_set_could_hold_are_refused() -> None:
    names = tuple(f"class {index}" for index in range(20))

    with pytest.raises(ConfigError, match=r"input_options\.width: 1024 x 1024 and 20 classes"):
        SegmentationTask(make_config(width=1024, height=1024), names)


def test_scaled_decoding_is_off_and_cannot_be_switched_on() -> None:
    assert make_config().options.input_options.scaled_decoding is False
    with pytest.raises(ConfigError, match="scaled_decoding must be 0: a mask has the size of the whole picture"):
        make_config(scaled_decoding=1)
