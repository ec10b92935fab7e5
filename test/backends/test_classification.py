"""The keras backend on engines that give chosen numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deep_predictor.backends.base import Backend
from deep_predictor.backends.table import create_backend
from deep_predictor.errors import BackendNotReady, ConfigError, NamesDoNotFit, ResultInvalid
from test.backends.conftest import ConfigMaker, FakeEngine, write_names

SIZES = {"image_w": 6, "image_h": 8}


def scores_engine(*scores: float, shape: tuple[int | None, ...] = (None, 8, 6, 3)) -> FakeEngine:
    return FakeEngine(shape, lambda batch: np.tile(np.array(scores, np.float32), (len(batch), 1)))


def loaded(make_config: ConfigMaker, engine: FakeEngine, **options: Any) -> Backend:
    backend = create_backend(make_config("keras", {**SIZES, **options}))
    backend.load(lambda network: engine)
    return backend


def predicted(backend: Backend) -> Any:
    output = backend.run(backend.prepare(np.zeros((4, 4, 3), np.uint8))[np.newaxis])
    return backend.interpret(output[0], (4, 4))


def test_keras_answer_is_the_best_classes_highest_first(make_config: ConfigMaker, tmp_path: Path) -> None:
    write_names(tmp_path, "red soup", "tea", "bread", "rice")
    answer = predicted(loaded(make_config, scores_engine(0.1, 0.6, 0.05, 0.25), return_topN=3))
    assert [(item.class_index, item.class_name) for item in answer.items] == [(1, "tea"), (3, "rice"), (0, "red soup")]
    assert answer.items[0].to_dict() == {"class_index": 1, "class_name": "tea", "confidence": 0.6}
    assert answer.folder_name == "tea"


def test_keras_more_classes_asked_than_there_are_answers_all(make_config: ConfigMaker, tmp_path: Path) -> None:
    write_names(tmp_path, "a", "b")
    assert len(predicted(loaded(make_config, scores_engine(0.1, 0.9), return_topN=10)).items) == 2


def test_keras_equal_scores_come_in_the_order_of_their_index(make_config: ConfigMaker, tmp_path: Path) -> None:
    write_names(tmp_path, "a", "b", "c")
    answer = predicted(loaded(make_config, scores_engine(0.2, 0.4, 0.4)))
    assert [item.class_index for item in answer.items] == [1, 2, 0]


@pytest.mark.parametrize(
    ("score", "folder"), [(0.7, "a"), (0.699996, "a"), (0.699994, "not-confident"), (0.1, "not-confident")]
)
def test_keras_confidence_is_rounded_before_it_meets_the_threshold(
    make_config: ConfigMaker, tmp_path: Path, score: float, folder: str
) -> None:
    write_names(tmp_path, "a", "b")
    answer = predicted(loaded(make_config, scores_engine(score, 0.0), confidence_threshold=0.7))
    assert answer.folder_name == folder
    assert answer.items[0].class_name == "a"


@pytest.mark.parametrize("score", [np.nan, np.inf, -np.inf])
def test_keras_score_that_is_not_finite_is_520(make_config: ConfigMaker, tmp_path: Path, score: float) -> None:
    write_names(tmp_path, "a", "b")
    backend = loaded(make_config, scores_engine(0.5, 0.5))
    with pytest.raises(ResultInvalid, match="not a finite number"):
        backend.interpret(np.array([0.5, score], np.float32), (4, 4))


def test_keras_output_of_another_size_is_520(make_config: ConfigMaker, tmp_path: Path) -> None:
    write_names(tmp_path, "a", "b")
    with pytest.raises(ResultInvalid, match="for 2 classes"):
        loaded(make_config, scores_engine(0.5, 0.5)).interpret(np.zeros(3, np.float32), (4, 4))


def test_keras_names_of_another_count_raise_at_load(make_config: ConfigMaker, tmp_path: Path) -> None:
    write_names(tmp_path, "a", "b", "c d")
    with pytest.raises(NamesDoNotFit, match="3 names by line, 4 by white space, but the model has 2 outputs"):
        loaded(make_config, scores_engine(0.5, 0.5))


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((None, 6, 8, 3), {}),
        ((None, 8, 6, 1), {}),
        ((None, 8, 6, 3), {"grayscale": 1}),
        ((None, 8, 6), {}),
    ],
    ids=["width and height swapped", "gray model", "gray cfg", "no channels"],
)
def test_keras_network_of_another_input_names_both_shapes(
    make_config: ConfigMaker, tmp_path: Path, shape: tuple[int | None, ...], options: dict[str, Any]
) -> None:
    write_names(tmp_path, "a", "b")
    with pytest.raises(BackendNotReady, match=r"takes .* but the cfg says 8 x 6 x [13]") as caught:
        loaded(make_config, scores_engine(0.5, 0.5, shape=shape), **options)
    assert caught.value.code == "input_mismatch"


def test_keras_network_of_open_size_fits_any_cfg(make_config: ConfigMaker, tmp_path: Path) -> None:
    write_names(tmp_path, "a", "b")
    assert loaded(make_config, scores_engine(1, 0, shape=(None, None, None, 3))).input_size == (6, 8)


def test_keras_network_that_gives_maps_is_not_ready(make_config: ConfigMaker, tmp_path: Path) -> None:
    engine = FakeEngine((None, 8, 6, 3), lambda batch: np.zeros((len(batch), 4, 4, 21), np.float32))
    with pytest.raises(BackendNotReady, match="not one score a class") as caught:
        loaded(make_config, engine)
    assert caught.value.code == "output_mismatch"


def test_keras_before_load_and_after_close_is_not_ready(make_config: ConfigMaker, tmp_path: Path) -> None:
    write_names(tmp_path, "a", "b")
    backend = loaded(make_config, scores_engine(1, 0))
    backend.close()
    with pytest.raises(BackendNotReady, match="not loaded"):
        backend.run(np.zeros((1, 8, 6, 3), np.float32))


@pytest.mark.parametrize(
    ("options", "pixel"),
    [
        ({}, [30, 20, 10]),
        ({"color_mode": "rgb"}, [10, 20, 30]),
        ({"color_mode": "rgb", "scale": 0.1, "mean": 1, "std": [1, 2, 4]}, [0, 0.5, 0.5]),
        ({"grayscale": 1}, [18]),
        ({"color_mode": "grayscale"}, [18]),
    ],
)
def test_keras_prepare_gives_the_pixels_that_the_cfg_says(
    make_config: ConfigMaker, options: dict[str, Any], pixel: list[float]
) -> None:
    backend = create_backend(make_config("keras", {**SIZES, **options}))
    picture = np.full((16, 12, 3), (10, 20, 30), np.uint8)
    prepared = backend.prepare(picture)
    assert prepared.shape == (8, 6, len(pixel))
    assert prepared.dtype == np.float32
    assert prepared[0, 0] == pytest.approx(pixel, abs=1e-5)


def test_keras_temperature_is_applied_before_the_threshold(make_config: ConfigMaker, tmp_path: Path) -> None:
    write_names(tmp_path, "a", "b")
    # 0.8^(1/2) : 0.2^(1/2) = 2 : 1
    answer = predicted(loaded(make_config, scores_engine(0.2, 0.8), temperature=2, confidence_threshold=0.7))
    assert [item.to_dict()["confidence"] for item in answer.items] == [0.66667, 0.33333]
    assert answer.items[0].class_name == "b"
    assert answer.folder_name == "not-confident"
    answer = predicted(loaded(make_config, scores_engine(0.2, 0.8), temperature=0.5, confidence_threshold=0.9))
    assert answer.items[0].confidence == pytest.approx(16 / 17)
    assert answer.folder_name == "b"


def test_keras_without_temperature_answers_are_as_the_network_gave_them(
    make_config: ConfigMaker, tmp_path: Path
) -> None:
    write_names(tmp_path, "a", "b")
    answer = predicted(loaded(make_config, scores_engine(7.5, -3.0)))
    assert [item.confidence for item in answer.items] == [7.5, -3.0]


def test_keras_temperature_on_what_is_no_probability_is_520(make_config: ConfigMaker, tmp_path: Path) -> None:
    write_names(tmp_path, "a", "b")
    with pytest.raises(ResultInvalid, match="temperature does not fit this model"):
        predicted(loaded(make_config, scores_engine(7.5, -3.0), temperature=1.5))


@pytest.mark.parametrize("temperature", [0, -1, "warm", 1e9])
def test_keras_temperature_out_of_range_is_a_config_error(make_config: ConfigMaker, temperature: object) -> None:
    with pytest.raises(ConfigError, match=r"model_options\.temperature"):
        create_backend(make_config("keras", {**SIZES, "temperature": temperature}))
