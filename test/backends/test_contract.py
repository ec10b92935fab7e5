"""What every backend keeps, whatever its family: the same checks on each, with an engine that gives likely numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from deep_predictor.backends.base import Backend, Task
from deep_predictor.backends.table import BACKENDS, create_backend
from deep_predictor.config.predictor_config import PredictorOptions, PredictorPaths
from deep_predictor.engines.table import ENGINES
from deep_predictor.errors import BackendNotReady
from deep_predictor.results import Answer, ClassInVideo, ClassShare
from test.backends.conftest import ConfigMaker, FakeEngine, write_darknet_meta, write_names


@dataclass(frozen=True)
class Case:
    """A cfg of a backend, and the network that it gets."""

    name: str
    options: dict[str, Any]
    input_shape: tuple[int | None, ...] = ()
    output: Callable[[np.ndarray], np.ndarray] = lambda batch: batch


def _scores(batch: np.ndarray) -> np.ndarray:
    bright = batch.mean(axis=(1, 2, 3)) / 255
    return np.stack([1 - bright, bright], axis=1).astype(np.float32)


def _boxes(batch: np.ndarray) -> np.ndarray:
    bright = batch.mean(axis=(1, 2, 3))
    rows = [[0.1, 0.2, 0.5, 0.6, value, 0.3] for value in bright]
    return np.array(rows, np.float32)[:, np.newaxis]


def _pixels(batch: np.ndarray) -> np.ndarray:
    """Two scores a pixel: bright ones are of the second class."""
    bright = batch.mean(axis=3) / 255
    return np.stack([1 - bright, bright], axis=3).astype(np.float32)


#: What says the layout of a detector.
LAYOUT = {"box_format": "y1x1y2x2", "box_units": "share", "scores": "per_class"}
PIXELS = {"image_w": 6, "image_h": 8, "color_mode": "rgb"}
CASES = [
    Case("dummy", {"simulate": "keras"}),
    Case("dummy", {"simulate": "tf_yolo"}),
    Case("keras", {"image_w": 6, "image_h": 8}, (None, 8, 6, 3), _scores),
    Case("keras", {"image_w": 6, "image_h": 8, "grayscale": 1}, (None, 8, 6, 1), _scores),
    Case("tf_yolo", {"input_size": 32}, (None, 32, 32, 3), _boxes),
    Case("tf_yolo", {"input_size": 32, "resize_mode": "letterbox"}, (None, 32, 32, 3), _boxes),
    Case("segmentation", PIXELS, (None, 8, 6, 3), _pixels),
    Case("segmentation", {**PIXELS, "resize_mode": "center_crop"}, (None, 8, 6, 3), _pixels),
    Case("onnx", {"task": "classification", "image_w": 6, "image_h": 8}, (None, 8, 6, 3), _scores),
    Case("onnx", {"task": "detection", "input_size": 32, **LAYOUT}, (None, 32, 32, 3), _boxes),
    Case("onnx", {"task": "segmentation", **PIXELS}, (None, 8, 6, 3), _pixels),
    Case("torch", {"task": "classification", "image_w": 6, "image_h": 8}, (None, 8, 6, 3), _scores),
    Case("torch", {"task": "detection", "input_size": 32, **LAYOUT}, (None, 32, 32, 3), _boxes),
    Case("torch", {"task": "segmentation", **PIXELS}, (None, 8, 6, 3), _pixels),
    Case("darknet", {"image_w": 32, "image_h": 32, "resize_mode": "letterbox"}, (None, 32, 32, 3), _boxes),
]
PICTURES = [
    np.zeros((1, 1, 3), np.uint8),
    np.full((480, 640, 3), 255, np.uint8),
    np.random.default_rng(1).integers(0, 256, (50, 7, 3), np.uint8),
]


@pytest.fixture(params=CASES, ids=lambda case: f"{case.name}-{len(case.options)}")
def backend(
    request: pytest.FixtureRequest, make_config: ConfigMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Backend:
    case: Case = request.param
    write_names(tmp_path, "dark", "traffic light")
    write_darknet_meta(tmp_path, "names.txt")
    monkeypatch.setattr("deep_predictor.backends.darknet.convert_darknet", lambda cfg, weights, size: weights)
    backend = create_backend(make_config(case.name, case.options))
    backend.load(lambda network: FakeEngine(case.input_shape, case.output))
    return backend


def answer(backend: Backend, picture: np.ndarray) -> Answer:
    output = backend.run(backend.prepare(picture)[np.newaxis])
    return backend.interpret(output[0], (picture.shape[1], picture.shape[0]))


def test_contract_every_backend_of_the_table_has_a_case() -> None:
    assert {case.name for case in CASES} == {name for name in BACKENDS if name != "fault"}


def test_contract_class_says_what_it_needs(backend: Backend) -> None:
    assert issubclass(backend.Options, PredictorOptions)
    assert issubclass(backend.Paths, PredictorPaths)
    assert backend.request is None or backend.request.spec.input_shape
    assert backend.task in get_args(Task)
    assert backend.class_names
    assert all(isinstance(name, str) for name in backend.class_names)
    assert backend.input_size is None or all(side > 0 for side in backend.input_size)


@pytest.mark.parametrize("picture", PICTURES, ids=["one pixel", "white", "noise"])
def test_contract_answer_is_json_with_known_classes_highest_first(backend: Backend, picture: np.ndarray) -> None:
    before = picture.copy()
    given = answer(backend, picture)
    json.dumps([item.to_dict() for item in given.items], allow_nan=False)
    items = [item for item in given.items if not isinstance(item, ClassInVideo)]
    assert len(items) == len(given.items)
    numbers = [item.share if isinstance(item, ClassShare) else item.confidence for item in items]
    assert numbers == sorted(numbers, reverse=True)
    assert (given.mask is None) == (backend.task != "segmentation")
    assert given.mask is None or (given.mask.shape, given.mask.dtype) == (picture.shape[:2], np.uint8)
    assert all(backend.class_names[item.class_index] == item.class_name for item in items)
    assert given.folder_name
    np.testing.assert_array_equal(picture, before)


def test_contract_prepared_pictures_make_a_batch_whose_rows_belong_to_them(backend: Backend) -> None:
    prepared = [backend.prepare(picture) for picture in PICTURES]
    assert all(array.dtype == np.float32 and array.ndim == 3 for array in prepared)
    if backend.input_size:
        assert {array.shape[:2] for array in prepared} == {backend.input_size[::-1]}
    output = backend.run(np.stack(prepared))
    assert len(output) == len(PICTURES)
    for row, picture in zip(output, PICTURES, strict=True):
        assert backend.interpret(row, (picture.shape[1], picture.shape[0])) == answer(backend, picture)


def test_contract_threads_do_not_mix_their_pictures(backend: Backend) -> None:
    wanted = [answer(backend, picture) for picture in PICTURES]
    with ThreadPoolExecutor(4) as pool:
        given = list(pool.map(lambda picture: answer(backend, picture), PICTURES * 10))
    assert given == wanted * 10


def test_contract_a_closed_backend_with_a_network_is_not_ready(backend: Backend) -> None:
    backend.close()
    backend.close()
    if backend.request:
        with pytest.raises(BackendNotReady):
            backend.run(np.zeros((1, 1, 1, 3), np.float32))


def test_contract_documents_name_every_backend_and_engine(project_root: Path) -> None:
    document = (project_root / "docs" / "adding_a_backend.md").read_text(encoding="utf-8")
    assert not [name for name in (*BACKENDS, *ENGINES) if name != "fault" and f"`{name}`" not in document]
