"""Real networks behind HTTP: good ones beside every kind of bad one, and the real material where it is there."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from test import model_factory
from test.app_builder import PRODUCTION_KEY, build_app, write_config

pytestmark = pytest.mark.slow

CONTENT_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".bmp": "image/bmp"}
GOOD = {"classifier", "classifier h5", "detector", "legacy"}
#: name of a bad predictor -> (status of its predictions, reason code)
BAD = {
    "lambda": (550, "model_unsafe"),
    "writes a file": (550, "model_unsafe"),
    "wrong names": (520, "names_do_not_fit"),
    "typo": (550, "config"),
    "missing": (550, "model_missing"),
    "not a model": (550, "model_broken"),
    "wrong size": (550, "input_mismatch"),
}


def keras(folder: Path, model: Path, names: Path, **options: Any) -> dict[str, Any]:
    sizes = {"image_w": 6, "image_h": 8, "color_mode": "rgb", "return_topN": 2, "confidence_threshold": 0.6}
    return {
        "predictor_backend": "keras",
        "options": {**sizes, **options},
        "paths": {"model_path": str(model), "names_path": str(names)},
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def app(folder: Path) -> Iterator[Flask]:
    three, two = model_factory.write_names(folder / "3.txt", 3), model_factory.write_names(folder / "2.txt", 2)
    good = model_factory.brightness_classifier(folder / "good.keras")
    (folder / "text.h5").write_text("no model", encoding="utf-8")
    detector = model_factory.yolo_saved_model(folder / "detector")
    predictors = {
        "classifier": keras(folder, good, three),
        "classifier h5": keras(
            folder, model_factory.brightness_classifier(folder / "good.h5"), three, engine="tensorflow"
        ),
        "detector": {
            "predictor_backend": "tf_yolo",
            "options": {"input_size": 32, "score_threshold": 0.3, "iou_threshold": 0.45, "engine": "tensorflow"},
            "paths": {"model_path": str(detector), "names_path": str(two)},
        },
        "legacy": keras(folder, model_factory.legacy_h5(folder / "legacy.h5"), three, image_w=8, engine="tensorflow"),
        "lambda": keras(folder, model_factory.lambda_h5(folder / "lambda.h5"), three),
        "writes a file": keras(folder, model_factory.writing_saved_model(folder / "w", folder / "written"), three),
        "wrong names": keras(folder, good, two),
        "typo": keras(folder, good, three, imagew=3),
        "missing": keras(folder, folder / "none.keras", three),
        "not a model": keras(folder, folder / "text.h5", three),
        "wrong size": keras(folder, good, three, image_w=8, image_h=6, engine="tensorflow"),
    }
    app = build_app(write_config(folder / "site", predictors), wait=False)
    assert app.extensions["deep_predictor"].registry.wait_until_loaded(240)
    yield app
    app.extensions["deep_predictor"].close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def predict(client: FlaskClient, model_name: str, image: bytes, filename: str = "picture.png") -> dict[str, Any]:
    query = {"store": "0", "model_name": model_name}
    headers = {"X-API-Key": PRODUCTION_KEY, "Content-Type": CONTENT_TYPES[Path(filename).suffix]}
    response = client.post("/api/v1/predict", query_string=query, data=image, headers=headers)
    assert response.status_code == 200, response.get_data(as_text=True)
    answer: dict[str, Any] = response.get_json()
    return answer


def coloured(colour: tuple[int, int, int], size: tuple[int, int] = (40, 30)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("name", ["classifier", "classifier h5"])
@pytest.mark.parametrize(("colour", "class_name"), [((10, 10, 10), "class 0"), ((245, 245, 245), "class 1")])
def test_classifier_answers_its_class(
    client: FlaskClient, name: str, colour: tuple[int, int, int], class_name: str
) -> None:
    answer = predict(client, name, coloured(colour))
    assert answer["prediction_status"] == 200
    assert answer["predictions"][0]["class_name"] == class_name
    assert len(answer["predictions"]) == 2
    logits = np.array([-0.06, 0.06, 0]) * colour[0] + np.array([7.65, -7.65, -9])
    expected = np.exp(logits) / np.exp(logits).sum()
    assert answer["predictions"][0]["confidence"] == pytest.approx(expected.max(), abs=2e-5)


def test_detector_answers_boxes_of_the_picture(client: FlaskClient) -> None:
    answer = predict(client, "detector", coloured((255, 0, 255)))
    first, second = answer["predictions"]
    assert (first["class_name"], first["confidence"]) == ("class 0", pytest.approx(0.9, abs=1e-4))
    assert first["bbox"] == {"cx": 0.4, "cy": 0.3, "w": 0.4, "h": 0.4}
    assert (second["class_name"], second["bbox"]["h"]) == ("class 1", 0.3)
    assert predict(client, "detector", coloured((0, 255, 0)))["predictions"] == []


def test_keras_2_file_is_converted_and_answers(client: FlaskClient) -> None:
    assert predict(client, "legacy", coloured((50, 60, 70)))["prediction_status"] == 200


@pytest.mark.parametrize("name", sorted(BAD))
def test_bad_model_ends_with_its_status_while_the_others_serve(client: FlaskClient, folder: Path, name: str) -> None:
    status, reason_code = BAD[name]
    answer = predict(client, name, coloured((10, 10, 10)))
    assert (answer["prediction_status"], answer["reason_code"]) == (status, reason_code)
    assert str(folder) not in str(answer), "public answers name no paths"
    assert predict(client, "classifier", coloured((10, 10, 10)))["prediction_status"] == 200
    assert not (folder / "written").exists()


def test_health_names_every_state_and_reason(client: FlaskClient) -> None:
    response = client.get("/health/ready")
    states = response.get_json()["predictors"]
    assert response.status_code == 503
    assert {name for name, state in states.items() if state["state"] == "ready"} == GOOD
    assert {name: state["reason_code"] for name, state in states.items() if state["state"] == "failed"} == {
        name: code for name, (_, code) in BAD.items()
    }


IMAGENET_TOP_1 = [
    ("hot_dog.jpg", "hotdog", 0.47),
    ("parrot.jpg", "macaw", 0.96),
    ("dragonfly.bmp", "dragonfly", 0.69),
    ("bird.bmp", "chickadee", 0.84),
]
YOLO_BOXES = [
    ("dog.jpg", "dog", 0.96, (0.325, 0.629, 0.354, 0.603)),
    ("dog.jpg", "bicycle", 0.89, (0.447, 0.542, 0.600, 0.644)),
    ("dog.jpg", "car", 0.84, (0.739, 0.209, 0.306, 0.146)),
    ("giraffe.jpg", "giraffe", 0.995, (0.582, 0.446, 0.542, 0.837)),
    ("giraffe.jpg", "zebra", 0.94, (0.713, 0.652, 0.226, 0.449)),
]


@pytest.fixture(scope="module")
def real_client(shared_data: Path, folder: Path, digits_cfg: Path) -> Iterator[FlaskClient]:
    """The ImageNet classifier, in two file formats, and the COCO detector beside the digits model."""
    imagenet = {"image_w": 224, "image_h": 224, "scale": 1 / 127.5, "mean": 1.0, "return_topN": 5}
    names = shared_data / "classification" / "imagenet_1000.names"
    models = shared_data / "classification"
    detector = shared_data / "detection"
    segmenter = shared_data / "segmentation"
    predictors = {
        "imagenet": keras(folder, models / "mobilenet_v1_025_224_imagenet.keras", names, **imagenet),
        "imagenet h5": keras(
            folder, models / "mobilenet_v1_025_224_imagenet.h5", names, engine="tensorflow", **imagenet
        ),
        "coco": {
            "predictor_backend": "tf_yolo",
            # what `auto` makes of it is looked at in test/backends/test_real_networks.py
            "options": {"input_size": 320, "iou_threshold": 0.45, "score_threshold": 0.3, "engine": "tensorflow"},
            "paths": {
                "model_path": str(detector / "yolo-fastest-1.1-xl.savedmodel"),
                "names_path": str(detector / "coco.names"),
            },
        },
        # its tiny twin: test/engines/test_task_engines.py
        "deeplab": {
            "predictor_backend": "segmentation",
            "options": {"image_w": 513, "image_h": 513, "scale": 1 / 127.5, "mean": 1, "engine": "tensorflow"},
            "paths": {
                "model_path": str(segmenter / "deeplabv3_mnv2_pascal_dequant.h5"),
                "names_path": str(segmenter / "pascal_voc_segmentation_labels.txt"),
            },
        },
    }
    config = write_config(folder / "real", predictors, extra_production={"digits": str(digits_cfg)})
    app = build_app(config, wait=False)
    assert app.extensions["deep_predictor"].registry.wait_until_loaded(240)
    assert app.test_client().get("/health/ready").status_code == 200
    yield app.test_client()
    app.extensions["deep_predictor"].close()


def test_deeplab_masks_the_bird_as_its_readme_says(real_client: FlaskClient, shared_data: Path) -> None:
    folder = shared_data / "segmentation"
    answer = real_client.post(
        "/api/v1/predict",
        query_string={"model_name": "deeplab"},
        data=(folder / "bird_segmentation.bmp").read_bytes(),
        headers={"X-API-Key": PRODUCTION_KEY, "Content-Type": "image/bmp"},
    ).get_json()
    with real_client.get(answer["mask_url"]) as response, Image.open(io.BytesIO(response.get_data())) as picture:
        mask = np.asarray(picture)
    with Image.open(folder / "bird_segmentation_mask.bmp") as picture:
        truth = np.asarray(picture)
    found, wanted = (mask == 3) & (truth != 255), truth == 3
    assert (found & wanted).sum() / (found | wanted).sum() >= 0.906 - 0.01
    assert answer["results"] == "bird"


@pytest.mark.parametrize("model_name", ["imagenet", "imagenet h5"])
@pytest.mark.parametrize(("photo", "name", "confidence"), IMAGENET_TOP_1)
def test_imagenet_model_says_what_its_readme_lists(
    real_client: FlaskClient, shared_data: Path, model_name: str, photo: str, name: str, confidence: float
) -> None:
    image = (shared_data / "classification" / "photos" / photo).read_bytes()
    best = predict(real_client, model_name, image, photo)["predictions"][0]
    assert name in best["class_name"]
    assert best["confidence"] == pytest.approx(confidence, abs=0.02)


@pytest.mark.parametrize("photo", ["cat.bmp", "cat_720p.jpg"])
def test_imagenet_model_sees_a_cat_of_three_kinds(real_client: FlaskClient, shared_data: Path, photo: str) -> None:
    image = (shared_data / "classification" / "photos" / photo).read_bytes()
    best = predict(real_client, "imagenet", image, photo)["predictions"][0]
    assert best["class_name"].split(",")[0] in ("tabby", "tiger cat", "Egyptian cat")
    assert 0.28 <= best["confidence"] <= 0.4


@pytest.mark.parametrize(
    ("photo", "places"),
    [
        ("grace_hopper.bmp", {0: ("bow tie", None), 1: ("military uniform", 0.19)}),
        ("sunflower.bmp", {0: ("daisy", 0.97)}),
        ("owl.jpg", {0: ("ruffed grouse", 0.49)}),
    ],
)
def test_imagenet_model_says_of_the_others_what_its_readme_lists(
    real_client: FlaskClient, shared_data: Path, photo: str, places: dict[int, tuple[str, float | None]]
) -> None:
    image = (shared_data / "classification" / "photos" / photo).read_bytes()
    items = predict(real_client, "imagenet", image, photo)["predictions"]
    for place, (name, confidence) in places.items():
        assert name in items[place]["class_name"]
        if confidence is not None:
            assert items[place]["confidence"] == pytest.approx(confidence, abs=0.02)


@pytest.mark.parametrize(("photo", "names"), [("person.jpg", {"person", "dog"}), ("eagle.jpg", {"bird"})])
def test_yolo_model_finds_the_classes_its_readme_lists(
    real_client: FlaskClient, shared_data: Path, photo: str, names: set[str]
) -> None:
    image = (shared_data / "detection" / "photos" / photo).read_bytes()
    assert names <= {item["class_name"] for item in predict(real_client, "coco", image, photo)["predictions"]}


@pytest.mark.parametrize(("photo", "name", "confidence", "box"), YOLO_BOXES)
def test_yolo_model_finds_the_boxes_its_readme_lists(
    real_client: FlaskClient, shared_data: Path, photo: str, name: str, confidence: float, box: tuple[float, ...]
) -> None:
    image = (shared_data / "detection" / "photos" / photo).read_bytes()
    found = [item for item in predict(real_client, "coco", image, photo)["predictions"] if item["class_name"] == name]
    assert found, f"no {name} found"
    assert found[0]["confidence"] == pytest.approx(confidence, abs=0.02)
    assert tuple(found[0]["bbox"].values()) == pytest.approx(box, abs=0.02)


def test_digits_model_serves_beside_them(real_client: FlaskClient, project_root: Path) -> None:
    samples = sorted((project_root / "other" / "examples" / "digits").glob("*.png"))
    assert samples
    for sample in samples:
        best = predict(real_client, "digits", sample.read_bytes())["predictions"][0]
        assert best["class_name"] == sample.stem.split("_")[1]
