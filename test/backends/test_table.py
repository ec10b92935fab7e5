"""From a cfg to a backend, and every way that this goes wrong."""

from __future__ import annotations

from typing import Any

import pytest

from deep_predictor.backends.base import Backend
from deep_predictor.backends.table import backend_classes, create_backend
from deep_predictor.errors import ConfigError, UnknownBackend, UnsupportedTensorflowVersion
from deep_predictor.results import PredictionStatus
from test.backends.conftest import ConfigMaker


def test_table_entries_name_backends() -> None:
    assert all(issubclass(backend_class, Backend) for _, backend_class in backend_classes())


def test_create_backend_unknown_name_lists_the_known_ones(make_config: ConfigMaker) -> None:
    with pytest.raises(UnknownBackend, match=r"'caffe' is unknown; known are: .*dummy, .*keras.*tf_yolo") as caught:
        create_backend(make_config("caffe", {}))
    assert caught.value.status == PredictionStatus.BACKEND_UNKNOWN == 570


@pytest.mark.parametrize("version", [1, 2, 2.0])
def test_create_backend_tensorflow_1_and_2_are_alike(make_config: ConfigMaker, version: object) -> None:
    backend = create_backend(make_config("dummy", {"simulate": "keras", "tensorflow_version": version}))
    assert backend.task == "classification"


@pytest.mark.parametrize("version", [0, 3, 1.15, "2", True, None, [2]])
def test_create_backend_another_tensorflow_version_is_560(make_config: ConfigMaker, version: object) -> None:
    with pytest.raises(UnsupportedTensorflowVersion, match="must be 1 or 2") as caught:
        create_backend(make_config("dummy", {"simulate": "keras", "tensorflow_version": version}))
    assert caught.value.status == PredictionStatus.TENSORFLOW_VERSION_UNSUPPORTED == 560


def test_create_backend_wrong_sections_reports_all_problems(make_config: ConfigMaker) -> None:
    config = make_config("keras", {"image_w": -1, "image_h": 4, "grayscal": 1}, {"names_paht": "x"})
    with pytest.raises(ConfigError) as caught:
        create_backend(config)
    text = str(caught.value)
    assert "x.cfg: model_options.image_w: must be >= 1 (got -1)" in text
    assert "x.cfg: model_options.grayscal: unknown key; did you mean 'grayscale'?" in text
    assert "model_paths.names_paht" in text


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("keras", {"image_w": 4, "image_h": 4, "std": 0}, "std must not be 0"),
        ("keras", {"image_w": 4, "image_h": 4, "mean": [1, 2]}, "3 numbers"),
        ("keras", {"image_w": 4, "image_h": 4, "grayscale": 1, "scale": [1, 1, 1]}, "1 numbers"),
        ("keras", {"image_w": 4, "image_h": 4, "grayscale": 1, "color_mode": "bgr"}, "grayscale is 1"),
        ("keras", {"image_w": 4, "image_h": 4, "return_topN": 0}, "return_topN: must be >= 1"),
        ("keras", {"image_w": 4, "image_h": 4, "confidence_threshold": 70}, "confidence_threshold: must be <= 1"),
        ("tf_yolo", {"input_size": 416, "iou_threshold": 1.5}, "iou_threshold: must be <= 1"),
        ("tf_yolo", {"input_size": 416, "resize_mode": "center_crop"}, "resize_mode"),
        ("tf_yolo", {"input_size": 416, "color_mode": "grayscale"}, "color_mode"),
        ("tf_yolo", {"input_size": 416, "max_total_size": 0}, "max_total_size: must be >= 1"),
        ("dummy", {"simulate": "darknet"}, "simulate"),
        ("dummy", {"simulate": "keras", "sleep": -1}, "sleep: must be >= 0"),
    ],
)
def test_create_backend_wrong_value_names_its_key(
    make_config: ConfigMaker, name: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        create_backend(make_config(name, options))


def test_create_backend_misspelt_old_key_is_understood(make_config: ConfigMaker) -> None:
    paths = {"not_confiedent_folder_name": "unsure"}
    backend = create_backend(make_config("tf_yolo", {"input_size": 416}, paths))
    assert backend.paths.not_confident_folder_name == "unsure"
