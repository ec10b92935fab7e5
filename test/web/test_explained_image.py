"""GET /api/v1/predictions/ID/image?explain=1, with a real network in a real child process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from deep_predictor.engines.explain_process import ExplainProcess
from deep_predictor.errors import NotExplainable
from deep_predictor.predictions.explanations import Explanations
from test.app_builder import DUMMY, DUMMY_YOLO
from test.model_factory import write_names
from test.web.conftest import MakeSite
from test.web.sites import Site, Transport

SIDE = 40
GRAY = 60


def keras_cfg(folder: Path, **options: Any) -> dict[str, Any]:
    """A classifier whose class 0 is bright and 1 is dark: one convolution that passes on what is brighter than gray."""
    import keras

    model_path = folder / "corner.keras"
    if not model_path.exists():
        layers = [
            keras.Input((10, 10, 3)),
            keras.layers.Conv2D(
                1, 1, activation="relu", kernel_initializer="ones", bias_initializer=keras.initializers.Constant(-300.0)
            ),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2, activation="softmax", kernel_initializer=keras.initializers.Constant([[1.0, -1.0]])),
        ]
        keras.Sequential(layers).save(model_path)
    names_path = write_names(folder / "two.names", 2)
    return {
        "predictor_backend": "keras",
        "options": {"tensorflow_version": 2, "image_w": 10, "image_h": 10, "engine": "tensorflow", **options},
        "paths": {
            "model_path": str(model_path),
            "names_path": str(names_path),
            "not_confiedent_folder_name": "not confident",
        },
    }


def lit_corner() -> bytes:
    """Gray, but for the lower right quarter."""
    pixels = np.full((SIDE, SIDE, 3), GRAY, np.uint8)
    pixels[SIDE // 2 :, SIDE // 2 :] = 250
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def process() -> Iterator[ExplainProcess]:
    """One for all sites: starting it takes seconds."""
    process = ExplainProcess()
    yield process
    process.close()


@pytest.fixture(scope="module")
def explaining(
    make_site: MakeSite, transport: Transport, process: ExplainProcess, tmp_path_factory: pytest.TempPathFactory
) -> Site:
    folder = tmp_path_factory.mktemp("model")
    predictors = {
        "corners": keras_cfg(folder, predicted_image_action="nothing"),
        "removing": keras_cfg(folder, predicted_image_action="remove"),
        "dummy": DUMMY,
        "ms coco": DUMMY_YOLO,
    }
    site = make_site(transport, production=predictors)
    site.application.explanations = Explanations(process)
    return site


@pytest.fixture(scope="module")
def prediction_id(explaining: Site) -> str:
    prediction_id = explaining.upload_id("corners", image=lit_corner())
    assert explaining.final(prediction_id)["predictions"][0]["class_index"] == 0
    return prediction_id


def explained(site: Site, prediction_id: str, **query: str) -> np.ndarray:
    for _ in range(6):
        answer = site.get(f"/api/v1/predictions/{prediction_id}/image", params={"explain": "1", **query})
        if answer.status != 503:  # of a busy machine, whose child process is not there yet
            break
    assert answer.status == 200, answer.text
    assert answer.media_type == "image/png"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    return np.asarray(Image.open(BytesIO(answer.body)))


def problem(site: Site, prediction_id: str, **query: str) -> tuple[int, dict[str, Any]]:
    answer = site.get(f"/api/v1/predictions/{prediction_id}/image", params={"explain": "1", **query})
    return answer.status, answer.json


def test_explained_image_is_coloured_where_the_class_was_seen(explaining: Site, prediction_id: str) -> None:
    pixels = explained(explaining, prediction_id)
    assert pixels.shape == (SIDE, SIDE, 3)
    np.testing.assert_array_equal(pixels[:15, :15], GRAY)
    assert (np.ptp(pixels[30:, 30:], axis=2) > 50).all()
    assert explaining.production.results.find(prediction_id, "heat-0.png")


def test_explained_image_takes_another_class_and_opacity(explaining: Site, prediction_id: str) -> None:
    plain = explained(explaining, prediction_id, opacity="0")
    np.testing.assert_array_equal(plain, np.asarray(Image.open(BytesIO(lit_corner()))))
    stronger = explained(explaining, prediction_id, opacity="1")
    assert np.abs(stronger[35, 35].astype(int) - plain[35, 35]).max() > 100
    np.testing.assert_array_equal(explained(explaining, prediction_id, class_index="1"), plain)


@pytest.mark.parametrize("class_index", ["2", "-1", "x", "9" * 30])
def test_explained_image_of_an_unknown_class_is_422(explaining: Site, prediction_id: str, class_index: str) -> None:
    status, body = problem(explaining, prediction_id, class_index=class_index)
    assert (status, body["problems"][0]["where"]) == (422, "class_index")


@pytest.mark.parametrize("opacity", ["-0.1", "1.1", "nan", "x"])
def test_explained_image_of_an_impossible_opacity_is_422(explaining: Site, prediction_id: str, opacity: str) -> None:
    status, body = problem(explaining, prediction_id, opacity=opacity)
    assert (status, body["problems"][0]["where"]) == (422, "opacity")


@pytest.mark.parametrize(("name", "reason"), [("dummy", "no network"), ("ms coco", "detection")])
def test_explained_image_of_what_cannot_be_explained_is_409_and_says_why(
    explaining: Site, name: str, reason: str
) -> None:
    prediction_id = explaining.upload_id(name)
    explaining.final(prediction_id)
    status, body = problem(explaining, prediction_id)
    assert (status, body["code"]) == (409, "not_explainable")
    assert reason in body["detail"]


def test_explained_image_of_a_removed_picture_is_404(explaining: Site) -> None:
    prediction_id = explaining.upload_id("removing", image=lit_corner())
    explaining.final(prediction_id)
    assert problem(explaining, prediction_id)[0] == 404


def test_explained_image_of_a_damaged_picture_is_409(explaining: Site) -> None:
    prediction_id = explaining.upload_id("corners", image=lit_corner())
    explaining.final(prediction_id)
    record = explaining.production.rows.get(prediction_id)
    (explaining.production.root / str(record.image_path)).write_bytes(b"no picture")
    status, body = problem(explaining, prediction_id)
    assert (status, body["code"]) == (409, "file_damaged")


def test_explained_image_of_an_unknown_prediction_is_404(explaining: Site) -> None:
    assert problem(explaining, "nobody")[0] == 404


def test_explained_image_while_the_server_stops_is_503(explaining: Site, prediction_id: str) -> None:
    other = explaining.upload_id("corners", image=lit_corner())
    explaining.final(other)
    running = explaining.application.explanations
    explaining.application.explanations = closed = Explanations(ExplainProcess())
    closed.close()
    answer = explaining.get(f"/api/v1/predictions/{other}/image", params={"explain": "1"})
    explaining.application.explanations = running
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")


class HangingProcess(ExplainProcess):
    """Answers only when it is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.closed = threading.Event(), threading.Event()

    def heat_map(self, model_path: Path, picture: np.ndarray, class_index: int) -> np.ndarray:
        self.asked.set()
        assert self.closed.wait(20)
        raise NotExplainable("it was ended", NotExplainable.FAILED)

    def close(self) -> None:
        self.closed.set()


def test_who_waits_for_an_explanation_when_the_server_stops_gets_503(explaining: Site, prediction_id: str) -> None:
    running, process = explaining.application.explanations, HangingProcess()
    other = explaining.upload_id("corners", image=lit_corner())
    explaining.final(other)
    explaining.application.explanations = Explanations(process)
    answers: list[int] = []
    waiting = threading.Thread(target=lambda: answers.append(problem(explaining, other)[0]))
    waiting.start()
    assert process.asked.wait(20)
    assert not answers
    explaining.application.explanations.close()
    waiting.join(20)
    explaining.application.explanations = running
    assert answers == [503]
