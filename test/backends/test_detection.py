"""Detectors of any layout, on engines that give chosen numbers. What tf_yolo keeps: test_tf_yolo.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deep_predictor.backends.base import Backend
from deep_predictor.backends.detection import DetectionBackend, DetectionOptions
from deep_predictor.backends.input_options import NetworkPaths
from deep_predictor.config.strict import parse
from deep_predictor.errors import BackendNotReady, ConfigError, NamesDoNotFit, ResultInvalid
from test.backends.conftest import FakeEngine, write_names

#: v5/v8 and torchvision style.
DENSE = {"input_size": 64, "box_format": "cxcywh", "box_units": "pixels", "scores": "per_class"}
FINISHED = {"input_size": 64, "box_format": "x1y1x2y2", "box_units": "pixels", "scores": "label_score"}


@pytest.fixture(autouse=True)
def names(tmp_path: Path) -> None:
    write_names(tmp_path, "dog", "traffic light")


def made(folder: Path, **options: Any) -> DetectionBackend:
    paths = {"predictions_main_folder": "p", "model_path": "m", "names_path": "names.txt"}
    return DetectionBackend(
        parse(DetectionOptions, options, "x.cfg", "model_options", folder),
        parse(NetworkPaths, paths, "x.cfg", "model_paths", folder),
    )


def loaded(folder: Path, rows: Any, **options: Any) -> Backend:
    """A detector whose network answers these rows for every picture."""
    backend = made(folder, **options)
    width, height = backend.input_size or (0, 0)
    output = np.array(rows, np.float32)
    backend.load(lambda network: FakeEngine((None, height, width, 3), lambda batch: np.stack([output] * len(batch))))
    return backend


def boxes_of(backend: Backend, image_size: tuple[int, int] = (640, 480)) -> list[dict[str, Any]]:
    side = backend.input_size or (0, 0)
    output = backend.run(np.zeros((1, side[1], side[0], 3), np.float32))[0]
    return [item.to_dict() for item in backend.interpret(output, image_size).items]


def test_detection_of_numbers_first_with_pixels_answers_shares_of_the_picture(tmp_path: Path) -> None:
    rows = [[32, 16, 32, 16, 0.1, 0.9], [31, 16, 32, 16, 0.1, 0.8], [8, 8, 8, 8, 0.2, 0.2]]
    backend = loaded(tmp_path, np.array(rows).T, **DENSE, output_axes="numbers_boxes")
    box = {"cx": 0.5, "cy": 0.25, "w": 0.5, "h": 0.25}
    assert boxes_of(backend) == [{"bbox": box, "class_name": "traffic light", "confidence": 0.9}]
    assert backend.request
    assert (backend.request.numbers_before_scores, backend.request.scores_axis) == (4, -2)


def test_detection_with_objectness_multiplies_it(tmp_path: Path) -> None:
    rows = [[32, 16, 32, 16, 0.5, 0.9, 0.1], [8, 8, 8, 8, 0.2, 1.0, 1.0]]
    backend = loaded(tmp_path, rows, **{**DENSE, "scores": "objectness"})
    assert [item["confidence"] for item in boxes_of(backend)] == [0.45]


def test_detection_of_yolox_reads_its_grids(tmp_path: Path) -> None:
    rows = np.zeros((8 * 8 + 4 * 4 + 2 * 2, 7), np.float32)
    rows[9] = [0, 0, 0, np.log(2), 0.9, 1.0, 0.0]
    options = {**DENSE, "box_format": "yolox_grid", "scores": "objectness"}
    (item,) = boxes_of(loaded(tmp_path, rows, **options))
    assert item["bbox"] == {"cx": 0.125, "cy": 0.125, "w": 0.125, "h": 0.25}
    with pytest.raises(BackendNotReady, match="YOLOX has 84 boxes"):
        loaded(tmp_path, rows[1:], **options)


def test_detection_of_a_network_with_its_own_suppression_keeps_overlaps_and_drops_fillers(tmp_path: Path) -> None:
    rows = [
        [0, 0, 32, 32, 1, 0.9],
        [0, 0, 32, 31, 1, 0.8],
        [0, 0, 64, 64, 0, 0.99],
        [0, 0, 0, 0, -1, 0.95],
        [0, 0, 0, 0, 2, 0.0],
        [0, 0, 64, 32, 2, 0.5],
    ]
    backend = loaded(tmp_path, rows, **FINISHED, first_label=1)
    found = [(item["class_name"], item["confidence"]) for item in boxes_of(backend)]
    assert found == [("dog", 0.9), ("dog", 0.8), ("traffic light", 0.5)]
    again = loaded(tmp_path, rows, **FINISHED, first_label=1, iou_threshold=0.5, score_threshold=0.6)
    assert [item["confidence"] for item in boxes_of(again)] == [0.9]


def test_detection_of_a_threshold_of_zero_drops_fillers_too(tmp_path: Path) -> None:
    rows = [[0, 0, 32, 32, 0, 0.1], [0, 0, 0, 0, 0, 0.0], [0, 0, 0, 0, 0, -1.0]]
    assert len(boxes_of(loaded(tmp_path, rows, **FINISHED, score_threshold=0))) == 1


def test_detection_of_a_label_without_a_name_is_520(tmp_path: Path) -> None:
    with pytest.raises(ResultInvalid, match="the label 2 for 2 names"):
        boxes_of(loaded(tmp_path, [[0, 0, 1, 1, 2, 0.9]], **FINISHED))
    with pytest.raises(ResultInvalid, match="for 2 names"):
        boxes_of(loaded(tmp_path, [[0, 0, 1, 1, 1e30, 0.9]], **FINISHED))


def test_detection_without_any_row_finds_nothing(tmp_path: Path) -> None:
    backend = loaded(tmp_path, np.zeros((0, 6)), **FINISHED)
    assert boxes_of(backend) == []
    assert backend.interpret(np.zeros((0, 6), np.float32), (1, 1)).folder_name == "not-confident"


def test_detection_run_of_pictures_with_other_counts_fills_them_up(tmp_path: Path) -> None:
    def output(batch: np.ndarray) -> np.ndarray:
        assert len(batch) == 1
        return np.ones((1, int(batch.max()), 6), np.float32)

    backend = made(tmp_path, **FINISHED)
    backend.load(lambda network: FakeEngine((None, 64, 64, 3), output))
    batch = np.zeros((2, 64, 64, 3), np.float32)
    batch[1] = 3
    given = backend.run(batch)
    assert given.shape == (2, 3, 6)
    assert not given[0].any()


def test_detection_of_a_dense_network_runs_the_batch_at_once(tmp_path: Path) -> None:
    sizes: list[int] = []

    def output(batch: np.ndarray) -> np.ndarray:
        sizes.append(len(batch))
        return np.zeros((len(batch), 3, 6), np.float32)

    backend = made(tmp_path, **DENSE)
    backend.load(lambda network: FakeEngine((None, 64, 64, 3), output))
    backend.run(np.zeros((4, 64, 64, 3), np.float32))
    assert sizes[-1] == 4


@pytest.mark.parametrize(
    ("image_size", "wanted"),
    [
        # 200 x 100 in a square of 64: 64 x 32, 16 gray lines above and below
        ((200, 100), {"cx": 0.5, "cy": 0.5, "w": 0.5, "h": 1.0}),
        # 100 x 200: 32 x 64, 16 gray columns left and right; half of the box lies on them
        ((100, 200), {"cx": 0.5, "cy": 0.5, "w": 1.0, "h": 0.5}),
        ((10, 10), {"cx": 0.5, "cy": 0.5, "w": 0.5, "h": 0.5}),
    ],
)
def test_detection_letterboxed_boxes_lie_on_the_picture(
    tmp_path: Path, image_size: tuple[int, int], wanted: dict[str, float]
) -> None:
    backend = loaded(tmp_path, [[32, 32, 32, 32, 0.9, 0]], **DENSE, resize_mode="letterbox")
    assert boxes_of(backend, image_size)[0]["bbox"] == wanted


def test_detection_of_an_input_that_is_no_square_keeps_its_sides(tmp_path: Path) -> None:
    options = {name: value for name, value in DENSE.items() if name != "input_size"}
    backend = loaded(tmp_path, [[64, 16, 32, 16, 0.9, 0]], **options, image_w=128, image_h=32)
    assert backend.input_size == (128, 32)
    assert boxes_of(backend)[0]["bbox"] == {"cx": 0.5, "cy": 0.5, "w": 0.25, "h": 0.5}


@pytest.mark.parametrize("place", [0, 4])
@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_detection_number_that_is_not_finite_is_520(tmp_path: Path, place: int, number: float) -> None:
    row = [32.0, 16, 32, 16, 0.9, 0]
    row[place] = number
    with pytest.raises(ResultInvalid, match="not finite"):
        boxes_of(loaded(tmp_path, [row], **DENSE))


def test_detection_of_an_endless_yolox_box_is_520(tmp_path: Path) -> None:
    rows = np.zeros((84, 7), np.float32)
    rows[0] = [0, 0, 1e4, 0, 1, 1, 1]
    with pytest.raises(ResultInvalid, match="a box of the model is not finite"):
        boxes_of(loaded(tmp_path, rows, **{**DENSE, "box_format": "yolox_grid", "scores": "objectness"}))


def test_detection_of_rows_of_another_width_than_at_the_load_is_520(tmp_path: Path) -> None:
    backend = loaded(tmp_path, [[32, 16, 32, 16, 0.9, 0]], **DENSE)
    with pytest.raises(ResultInvalid, match="for 2 classes"):
        backend.interpret(np.zeros((3, 7), np.float32), (10, 10))


def test_detection_of_axes_the_other_way_round_is_found_at_the_load(tmp_path: Path) -> None:
    rows = np.zeros((6, 8400), np.float32)
    with pytest.raises(NamesDoNotFit, match="the model has 8396 outputs"):
        loaded(tmp_path, rows, **DENSE)


@pytest.mark.parametrize("rows", [np.zeros(6), np.zeros((3, 5)), np.zeros((1, 3, 6))])
def test_detection_of_another_shape_than_the_cfg_says_is_not_ready(tmp_path: Path, rows: np.ndarray) -> None:
    with pytest.raises(BackendNotReady, match="not boxes x") as caught:
        loaded(tmp_path, rows, **FINISHED)
    assert "output_axes boxes_numbers, scores label_score" in str(caught.value)
    assert caught.value.code == "output_mismatch"


def test_detection_of_an_empty_names_file_is_not_ready(tmp_path: Path) -> None:
    write_names(tmp_path, "")
    with pytest.raises(BackendNotReady, match="holds no name") as caught:
        loaded(tmp_path, [[0, 0, 1, 1, 0, 0.9]], **FINISHED)
    assert caught.value.code == "names_broken"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"box_format": None}, "box_format"),
        ({"box_units": None}, "box_units"),
        ({"scores": None}, "scores"),
        ({"input_size": None}, "give input_size, or image_w and image_h"),
        ({"image_w": 64}, "give input_size, or image_w and image_h"),
        ({"image_w": 64, "image_h": 64}, "give input_size, or image_w and image_h"),
        ({"box_format": "yolox_grid", "box_units": "share"}, "box_units must be pixels"),
        ({"first_label": 1}, "first_label is for networks that give labels"),
        ({"box_format": "corners"}, "box_format"),
    ],
)
def test_detection_cfg_that_leaves_the_layout_open_is_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    options = {name: value for name, value in {**DENSE, **changes}.items() if value is not None}
    with pytest.raises(ConfigError, match=message):
        made(tmp_path, **options)
