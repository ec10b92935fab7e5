"""A detector and a segmenter, run by each engine that can: all boxes lie within a pixel, all masks are alike."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from deep_predictor.backends.base import Backend
from deep_predictor.backends.table import create_backend
from deep_predictor.config.predictor_config import PredictorConfig
from deep_predictor.engines.base import Engine
from deep_predictor.engines.table import get_engine_class
from deep_predictor.engines.tensorflow import TensorflowEngine
from deep_predictor.results import Detection
from test import model_factory

OTHERS = ("openvino", "litert", "onnxruntime")


def engines_of(model: Path, input_shape: tuple[int, int, int], folder: Path) -> Iterator[Engine]:
    """TensorFlow first, then each that converts the model."""
    reference = TensorflowEngine.load(model)
    frozen = reference.freeze(input_shape)
    yield reference
    for name in OTHERS:
        engine_class = get_engine_class(name)
        engine_class.start_in_main_thread()
        (folder / name).mkdir()
        yield engine_class.load(engine_class.convert(frozen, folder / name))


def loaded(name: str, options: dict[str, Any], model: Path, names: Path, engine: Engine) -> Backend:
    paths = {"predictions_main_folder": "unused", "model_path": str(model), "names_path": str(names)}
    backend = create_backend(PredictorConfig(Path("x.cfg"), "x.cfg", Path("/"), {}, name, 0, options, paths))
    backend.load(lambda network: engine)
    return backend


def detector(model: Path, names: Path, size: int, engine: Engine) -> Backend:
    return loaded("tf_yolo", {"input_size": size, "score_threshold": 0.3}, model, names, engine)


def boxes_of(backend: Backend, picture: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Class and left, top, right, bottom in pixels of the picture."""
    height, width = picture.shape[:2]
    found = backend.interpret(backend.run(backend.prepare(picture)[np.newaxis])[0], (width, height)).items
    boxes = []
    for item in found:
        assert isinstance(item, Detection)
        half = np.array([item.w_norm, item.h_norm]) / 2
        centre = np.array([item.cx_norm, item.cy_norm])
        boxes.append((item.class_name, np.concatenate([centre - half, centre + half]) * ([width, height] * 2)))
    return boxes


def check_alike(wanted: list[tuple[str, np.ndarray]], given: list[tuple[str, np.ndarray]]) -> None:
    assert [name for name, _ in given] == [name for name, _ in wanted]
    for (_, box), (_, other) in zip(wanted, given, strict=True):
        assert np.abs(box - other).max() <= 1


def test_every_engine_finds_a_painted_square_where_it_is(tmp_path: Path) -> None:
    pytest.importorskip("tf2onnx")
    model = model_factory.square_finder(tmp_path / "model", 64)
    names = model_factory.write_names(tmp_path / "names.txt", 1)
    picture = np.zeros((300, 400, 3), np.uint8)
    picture[60:120, 200:280] = 255
    wanted = np.array([200, 60, 280, 120])
    for engine in engines_of(model, (64, 64, 3), tmp_path):
        ((_, box),) = boxes_of(detector(model, names, 64, engine), picture)
        assert np.abs(box - wanted).max() <= 4, engine.name  # the input has a pixel for five or six of the picture's
        if engine.name == "tensorflow":
            reference = box
        assert np.abs(box - reference).max() <= 1, engine.name
        engine.close()


def test_every_engine_masks_what_is_painted(tmp_path: Path) -> None:
    pytest.importorskip("tf2onnx")
    model = model_factory.colour_segmenter(tmp_path / "model.keras", (32, 24))
    names = model_factory.write_names(tmp_path / "names.txt", 3)
    picture = np.zeros((91, 137, 3), np.uint8)
    picture[20:70, :60] = (255, 0, 0)
    picture[:, 100:] = (0, 0, 255)
    wanted = (picture[:, :, 0] > 0) * 1 + (picture[:, :, 2] > 0) * 2
    for engine in engines_of(model, (24, 32, 3), tmp_path):
        backend = loaded("segmentation", {"image_w": 32, "image_h": 24}, model, names, engine)
        mask = backend.interpret(backend.run(backend.prepare(picture)[np.newaxis])[0], (137, 91)).mask
        assert mask is not None
        for index in (1, 2):
            found, true = mask == index, wanted == index
            assert (found & true).sum() / (found | true).sum() > 0.9, engine.name
        engine.close()


@pytest.mark.slow
def test_every_engine_finds_the_coco_detectors_boxes(shared_data: Path, tmp_path: Path) -> None:
    pytest.importorskip("tf2onnx")
    folder = shared_data / "detection"
    model, names = folder / "yolo-fastest-1.1-xl.savedmodel", folder / "coco.names"
    pictures = [np.asarray(Image.open(folder / "photos" / name).convert("RGB")) for name in ("dog.jpg", "giraffe.jpg")]
    wanted: list[list[tuple[str, np.ndarray]]] = []
    for engine in engines_of(model, (320, 320, 3), tmp_path):
        backend = detector(model, names, 320, engine)
        given = [boxes_of(backend, picture) for picture in pictures]
        wanted = wanted or given
        for one, other in zip(wanted, given, strict=True):
            check_alike(one, other)
        engine.close()
    assert {"dog", "bicycle", "car"} <= {name for name, _ in wanted[0]}
