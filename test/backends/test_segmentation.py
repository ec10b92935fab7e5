"""The segmentation backend on engines that give chosen pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deep_predictor.backends.base import Backend
from deep_predictor.backends.table import create_backend
from deep_predictor.errors import BackendNotReady, ConfigError, NamesDoNotFit, ResultInvalid
from test.backends.conftest import ConfigMaker, FakeEngine, write_names

SIZE = {"image_w": 4, "image_h": 2}
#: A network's classes on its grid of 2 x 4.
GRID = np.array([[0, 0, 1, 1], [0, 2, 2, 2]])


@pytest.fixture(autouse=True)
def names(tmp_path: Path) -> None:
    write_names(tmp_path, "nothing", "dog", "traffic light")


def loaded(make_config: ConfigMaker, output: Any, **options: Any) -> Backend:
    given = np.array(output, np.float32)
    backend = create_backend(make_config("segmentation", {**SIZE, **options}))
    backend.load(lambda network: FakeEngine((None, 2, 4, 3), lambda batch: np.stack([given] * len(batch))))
    return backend


def scores_of(classes: np.ndarray, count: int = 3) -> np.ndarray:
    return np.eye(count, dtype=np.float32)[classes]


def test_segmentation_answer_is_shares_largest_first_and_a_mask(make_config: ConfigMaker) -> None:
    scores = scores_of(GRID)
    answer = loaded(make_config, scores).interpret(scores, (4, 2))
    assert [item.to_dict() for item in answer.items] == [
        {"class_index": 0, "class_name": "nothing", "share": 0.375},
        {"class_index": 2, "class_name": "traffic light", "share": 0.375},
        {"class_index": 1, "class_name": "dog", "share": 0.25},
    ]
    assert answer.mask is not None
    assert answer.mask.tolist() == GRID.tolist()
    assert answer.folder_name == "traffic light"


def test_segmentation_of_classes_first_is_the_same(make_config: ConfigMaker) -> None:
    scores = np.moveaxis(scores_of(GRID), -1, 0)
    answer = loaded(make_config, scores, output_axes="classes_first").interpret(scores, (4, 2))
    assert answer.mask is not None
    assert answer.mask.tolist() == GRID.tolist()


@pytest.mark.parametrize("resampling", ["bilinear", "nearest"])
def test_segmentation_mask_has_the_size_of_the_picture(make_config: ConfigMaker, resampling: str) -> None:
    scores = scores_of(GRID)
    backend = loaded(make_config, scores, mask_resampling=resampling)
    for size in ((1, 1), (400, 3), (17, 31)):
        mask = backend.interpret(scores, size).mask
        assert mask is not None
        assert mask.shape == size[::-1]


def test_segmentation_of_nothing_but_background_goes_to_the_not_confident_folder(make_config: ConfigMaker) -> None:
    scores = scores_of(np.zeros((2, 4), int))
    answer = loaded(make_config, scores).interpret(scores, (4, 2))
    assert (answer.folder_name, len(answer.items)) == ("not-confident", 1)


def test_segmentation_without_a_background_names_the_largest_class(make_config: ConfigMaker) -> None:
    scores = scores_of(np.zeros((2, 4), int))
    assert loaded(make_config, scores, background_index=None).interpret(scores, (4, 2)).folder_name == "nothing"


@pytest.mark.parametrize("shape", [(2, 4), (2, 4, 1)])
def test_segmentation_of_class_numbers_takes_them_as_they_are(make_config: ConfigMaker, shape: tuple[int, ...]) -> None:
    output = GRID.reshape(shape).astype(np.float32)
    output[0, 0] -= 0.25  # as a network may say it that adds up shares
    answer = loaded(make_config, output, pixel_values="class_number").interpret(output, (4, 2))
    assert answer.mask is not None
    assert answer.mask.tolist() == GRID.tolist()


@pytest.mark.parametrize("number", [3.0, 255.7, 300.0, -1.0, np.nan])
def test_segmentation_of_a_class_number_without_a_name_is_520(make_config: ConfigMaker, number: float) -> None:
    output = GRID.astype(np.float32)
    backend = loaded(make_config, output, pixel_values="class_number")
    output[0, 0] = number
    with pytest.raises(ResultInvalid):
        backend.interpret(output, (4, 2))


@pytest.mark.parametrize(("threshold", "resampling"), [(0.5, "bilinear"), (0.5, "nearest"), (-1.0, "bilinear")])
def test_segmentation_of_one_score_compares_it(
    make_config: ConfigMaker, tmp_path: Path, threshold: float, resampling: str
) -> None:
    write_names(tmp_path, "nothing", "vessel")
    output = np.where(GRID == 1, threshold + 0.1, threshold - 0.1)[:, :, np.newaxis].astype(np.float32)
    options = {"pixel_values": "one_score", "mask_threshold": threshold, "mask_resampling": resampling}
    answer = loaded(make_config, output, **options).interpret(output, (4, 2))
    assert answer.mask is not None
    assert answer.mask.tolist() == (GRID == 1).astype(int).tolist()
    assert answer.folder_name == "vessel"


def test_segmentation_center_crop_leaves_the_rest_background(make_config: ConfigMaker) -> None:
    scores = scores_of(np.ones((2, 4), int))
    answer = loaded(make_config, scores, resize_mode="center_crop").interpret(scores, (4, 6))
    assert answer.mask is not None
    assert answer.mask[:, 0].tolist() == [0, 0, 1, 1, 0, 0]


def test_segmentation_letterbox_leaves_the_bars_out(make_config: ConfigMaker) -> None:
    scores = scores_of(np.array([[2, 1, 0, 2]] * 2))
    answer = loaded(make_config, scores, resize_mode="letterbox").interpret(scores, (4, 4))
    assert answer.mask is not None
    assert answer.mask.tolist() == [[1, 1, 0, 0]] * 4


def test_segmentation_prepare_gives_rgb_from_0_to_255(make_config: ConfigMaker) -> None:
    backend = create_backend(make_config("segmentation", SIZE))
    prepared = backend.prepare(np.full((9, 9, 3), (255, 51, 0), np.uint8))
    assert prepared.shape == (2, 4, 3)
    assert prepared[0, 0].tolist() == [255, 51, 0]


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_segmentation_score_that_is_not_finite_is_520(make_config: ConfigMaker, number: float) -> None:
    scores = scores_of(GRID)
    backend = loaded(make_config, scores)
    scores[1, 1, 0] = number
    with pytest.raises(ResultInvalid, match="finite"):
        backend.interpret(scores, (4, 2))


@pytest.mark.parametrize(
    ("output", "options", "message"),
    [
        (np.zeros((2, 4)), {}, "pixel_values must say"),
        (np.zeros((2, 4, 1)), {}, "pixel_values must say"),
        (np.zeros((2, 4, 3)), {"pixel_values": "one_score"}, "several numbers a pixel"),
        (np.zeros((2, 4, 3)), {"pixel_values": "class_number"}, "several numbers a pixel"),
        (np.zeros(3), {}, "for each pixel"),
        (np.zeros((2, 4, 257)), {}, "no more than 256"),
        (np.zeros((2, 4, 3)), {"background_index": 3}, "background_index is 3"),
    ],
)
def test_segmentation_of_another_shape_than_the_cfg_says_is_not_ready(
    make_config: ConfigMaker, output: np.ndarray, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(BackendNotReady, match=message) as caught:
        loaded(make_config, output, **options)
    assert caught.value.code == "output_mismatch"


def test_segmentation_names_of_another_count_raise_at_load(make_config: ConfigMaker) -> None:
    with pytest.raises(NamesDoNotFit, match="the model has 5 outputs"):
        loaded(make_config, np.zeros((2, 4, 5)))


def test_segmentation_names_may_be_followed_by_remarks(make_config: ConfigMaker, tmp_path: Path) -> None:
    write_names(tmp_path, "nothing", "dog", "traffic light", "", "and 255 is ignored")
    assert loaded(make_config, np.zeros((2, 4, 3))).class_names == ("nothing", "dog", "traffic light")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"resize_mode": "center_crop", "background_index": None}, "background_index"),
        ({"scaled_decoding": 1}, "scaled_decoding must be 0"),
        ({"background_index": 256}, "background_index: must be < 256"),
        ({"mask_resampling": "cubic"}, "mask_resampling"),
        ({"pixel_values": "logits"}, "pixel_values"),
    ],
)
def test_segmentation_wrong_value_names_its_key(
    make_config: ConfigMaker, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        create_backend(make_config("segmentation", {**SIZE, **options}))
