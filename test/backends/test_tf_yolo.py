"""The tf_yolo backend on engines that give chosen boxes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deep_predictor.backends.base import Backend
from deep_predictor.backends.table import create_backend
from deep_predictor.errors import BackendNotReady, NamesDoNotFit, ResultInvalid
from test.backends.conftest import ConfigMaker, FakeEngine, write_names

#: y1, x1, y2, x2, then the scores of dog and traffic light.
ROWS = [
    [0.1, 0.2, 0.5, 0.6, 0.9, 0.0],
    [0.1, 0.21, 0.5, 0.6, 0.8, 0.0],
    [0.6, 0.5, 0.9, 1.2, 0.0, 0.95],
    [0.0, 0.0, 0.1, 0.1, 0.2, 0.1],
]


def boxes_engine(rows: list[list[float]], shape: tuple[int | None, ...] = (None, 64, 64, 3)) -> FakeEngine:
    return FakeEngine(shape, lambda batch: np.tile(np.array(rows, np.float32), (len(batch), 1, 1)))


def loaded(make_config: ConfigMaker, engine: FakeEngine, **options: Any) -> Backend:
    backend = create_backend(make_config("tf_yolo", {"input_size": 64, **options}))
    backend.load(lambda network: engine)
    return backend


@pytest.fixture(autouse=True)
def names(tmp_path: Path) -> None:
    write_names(tmp_path, "dog", "traffic light")


def test_tf_yolo_answer_is_boxes_by_score_in_shares_of_the_picture(make_config: ConfigMaker) -> None:
    backend = loaded(make_config, boxes_engine(ROWS))
    answer = backend.interpret(np.array(ROWS, np.float32), (640, 480))
    assert [item.to_dict() for item in answer.items] == [
        {"bbox": {"cx": 0.75, "cy": 0.75, "w": 0.5, "h": 0.3}, "class_name": "traffic light", "confidence": 0.95},
        {"bbox": {"cx": 0.4, "cy": 0.3, "w": 0.4, "h": 0.4}, "class_name": "dog", "confidence": 0.9},
    ]
    assert answer.folder_name == "traffic light"


def test_tf_yolo_nothing_found_is_an_empty_answer_in_the_not_confident_folder(make_config: ConfigMaker) -> None:
    answer = loaded(make_config, boxes_engine(ROWS)).interpret(np.array(ROWS[3:], np.float32), (640, 480))
    assert answer.items == ()
    assert answer.folder_name == "not-confident"


def test_tf_yolo_network_that_gives_no_box_at_all_answers_nothing(make_config: ConfigMaker) -> None:
    engine = FakeEngine((None, 64, 64, 3), lambda batch: np.zeros((len(batch), 0, 6), np.float32))
    backend = loaded(make_config, engine)
    output = backend.run(np.zeros((2, 64, 64, 3), np.float32))
    assert output.shape == (2, 0, 6)
    assert backend.interpret(output[0], (640, 480)).items == ()


def test_tf_yolo_boxes_of_a_letterboxed_input_lie_on_the_picture(make_config: ConfigMaker) -> None:
    backend = loaded(make_config, boxes_engine(ROWS), resize_mode="letterbox")
    whole_picture = np.array([[0.25, 0.0, 0.75, 1.0, 0.9, 0.0]], np.float32)
    (item,) = backend.interpret(whole_picture, (200, 100)).items
    assert item.to_dict()["bbox"] == {"cx": 0.5, "cy": 0.5, "w": 1.0, "h": 1.0}


def test_tf_yolo_prepare_gives_rgb_between_0_and_1(make_config: ConfigMaker) -> None:
    backend = create_backend(make_config("tf_yolo", {"input_size": 64}))
    prepared = backend.prepare(np.full((10, 20, 3), (255, 51, 0), np.uint8))
    assert prepared.shape == (64, 64, 3)
    assert prepared[5, 5] == pytest.approx([1.0, 0.2, 0.0])


def test_tf_yolo_run_fills_pictures_with_fewer_boxes_by_zeros(make_config: ConfigMaker) -> None:
    def output(batch: np.ndarray) -> np.ndarray:
        assert len(batch) == 1
        count = 1 + int(batch[0, 0, 0, 0])
        return np.tile(np.array(ROWS[0], np.float32), (1, count, 1))

    backend = loaded(make_config, FakeEngine((None, 64, 64, 3), output))
    batch = np.zeros((2, 64, 64, 3), np.float32)
    batch[1] = 2
    filled = backend.run(batch)
    assert filled.shape == (2, 3, 6)
    assert np.count_nonzero(filled[0].any(axis=1)) == 1


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_tf_yolo_number_that_is_not_finite_is_520(make_config: ConfigMaker, number: float) -> None:
    backend = loaded(make_config, boxes_engine(ROWS))
    with pytest.raises(ResultInvalid, match="not finite"):
        backend.interpret(np.array([[*ROWS[0][:3], number, 0, 0]], np.float32), (640, 480))


def test_tf_yolo_names_of_another_count_raise_at_load(make_config: ConfigMaker, tmp_path: Path) -> None:
    write_names(tmp_path, "dog")
    with pytest.raises(NamesDoNotFit, match="the model has 2 outputs"):
        loaded(make_config, boxes_engine(ROWS))


def test_tf_yolo_network_of_another_input_is_not_ready(make_config: ConfigMaker) -> None:
    with pytest.raises(BackendNotReady, match=r"takes 32 x 32 x 3 .* but the cfg says 64 x 64 x 3") as caught:
        loaded(make_config, boxes_engine(ROWS, (None, 32, 32, 3)))
    assert caught.value.code == "input_mismatch"


@pytest.mark.parametrize("row", [[[0.0, 0.0, 1.0, 1.0]], [[]]])
def test_tf_yolo_network_without_scores_is_not_ready(make_config: ConfigMaker, row: list[list[float]]) -> None:
    with pytest.raises(BackendNotReady, match="not boxes x") as caught:
        loaded(make_config, boxes_engine(row))
    assert caught.value.code == "output_mismatch"
