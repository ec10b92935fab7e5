"""Networks that nobody here made, against what their README lists. The tiny twins: test_served_models.py."""

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
from deep_predictor.engines.room import EngineRoom
from deep_predictor.results import Answer, ClassScore, Detection

pytestmark = pytest.mark.slow

IMAGENET = {"image_w": 224, "image_h": 224, "color_mode": "rgb", "scale": 1 / 127.5, "mean": 1, "return_topN": 3}


def load(name: str, options: dict[str, Any], model: Path, names: Path, engine_room: EngineRoom) -> Backend:
    paths = {"predictions_main_folder": "unused", "model_path": str(model), "names_path": str(names)}
    config = PredictorConfig(Path("x.cfg"), "x.cfg", Path("/"), {}, name, 0, options, paths)
    backend = create_backend(config)
    backend.load(engine_room.open)
    return backend


def answer(backend: Backend, path: Path) -> Answer:
    with Image.open(path) as image:
        picture = np.asarray(image.convert("RGB"))
    return backend.interpret(backend.run(backend.prepare(picture)[np.newaxis])[0], (picture.shape[1], picture.shape[0]))


@pytest.fixture(scope="module", params=[".keras", ".h5"])
def classifier(request: pytest.FixtureRequest, shared_data: Path, engine_room: EngineRoom) -> Iterator[Backend]:
    folder = shared_data / "classification"
    model = folder / f"mobilenet_v1_025_224_imagenet{request.param}"
    options = IMAGENET if request.param == ".keras" else {**IMAGENET, "engine": "tensorflow"}
    backend = load("keras", options, model, folder / "imagenet_1000.names", engine_room)
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def detector(shared_data: Path, engine_room: EngineRoom) -> Iterator[Backend]:
    folder = shared_data / "detection"
    options = {"input_size": 320, "score_threshold": 0.3, "iou_threshold": 0.45}
    backend = load("tf_yolo", options, folder / "yolo-fastest-1.1-xl.savedmodel", folder / "coco.names", engine_room)
    yield backend
    backend.close()


@pytest.mark.parametrize(
    ("photo", "class_name", "confidence"),
    [
        ("hot_dog.jpg", "hotdog", 0.47),
        ("parrot.jpg", "macaw", 0.96),
        ("dragonfly.bmp", "dragonfly", 0.69),
        ("bird.bmp", "chickadee", 0.84),
        ("sunflower.bmp", "daisy", 0.97),
        ("owl.jpg", "ruffed grouse", 0.49),
    ],
)
def test_imagenet_classifier_top_1_is_the_listed_one(
    classifier: Backend, shared_data: Path, photo: str, class_name: str, confidence: float
) -> None:
    first = answer(classifier, shared_data / "classification" / "photos" / photo).items[0]
    assert isinstance(first, ClassScore)
    assert class_name in first.class_name
    assert first.confidence == pytest.approx(confidence, abs=0.02)


@pytest.mark.parametrize(
    ("photo", "wanted"),
    [
        (
            "dog.jpg",
            {
                "dog": (0.96, 0.325, 0.629, 0.354, 0.603),
                "bicycle": (0.89, 0.447, 0.542, 0.600, 0.644),
                "car": (0.84, 0.739, 0.209, 0.306, 0.146),
            },
        ),
        (
            "giraffe.jpg",
            {"giraffe": (0.995, 0.582, 0.446, 0.542, 0.837), "zebra": (0.94, 0.713, 0.652, 0.226, 0.449)},
        ),
    ],
)
def test_coco_detector_boxes_are_the_listed_ones(
    detector: Backend, shared_data: Path, photo: str, wanted: dict[str, tuple[float, ...]]
) -> None:
    items = answer(detector, shared_data / "detection" / "photos" / photo).items
    best: dict[str, Detection] = {}
    for item in items:
        assert isinstance(item, Detection)
        best.setdefault(item.class_name, item)
    for class_name, numbers in wanted.items():
        found = best[class_name]
        assert (found.confidence, found.cx_norm, found.cy_norm, found.w_norm, found.h_norm) == pytest.approx(
            numbers, abs=0.02
        )


def test_coco_detector_folder_is_the_class_of_the_highest_score(detector: Backend, shared_data: Path) -> None:
    photos = shared_data / "detection" / "photos"
    assert answer(detector, photos / "eagle.jpg").folder_name == "bird"
    assert {item.class_name for item in answer(detector, photos / "person.jpg").items} >= {"person", "dog"}
