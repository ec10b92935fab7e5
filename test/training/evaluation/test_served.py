"""A model folder in the server: ready after its golden set, else failed alone; its answers are those of `evaluate`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from deep_predictor.training.evaluating import open_predictor
from deep_predictor.training.evaluating_classes import evaluate_pictures
from deep_predictor.training.exporting import export
from test.app_builder import DUMMY, PRODUCTION_KEY, build_app, write_config
from test.training.evaluation.made import CLASS_NAMES, colour_dataset, make_config, make_trained


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder whose predictor cfg names the TensorFlow engine."""
    config = make_config(tmp_path_factory.mktemp("project"))
    export(make_trained(config))
    return config.model_folder


@pytest.fixture(scope="module")
def app(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    site = tmp_path_factory.mktemp("site")
    broken = shutil.copytree(model_folder, site / "broken")
    (broken / "golden" / "outputs.npy").write_bytes(b"")
    bare = shutil.copytree(model_folder, site / "bare")
    shutil.rmtree(bare / "golden")
    predictors = {
        "dummy": DUMMY,
        "good": served(model_folder),
        "mismatch": served(model_folder, color_mode="bgr", required=0),
        "broken": served(broken, required=0),
        "bare": served(bare, color_mode="bgr"),
    }
    app = build_app(write_config(site, predictors))
    yield app
    app.extensions["deep_predictor"].close()


def served(folder: Path, **changes: Any) -> dict[str, Any]:
    """The predictor that the folder's cfg describes, with changes to its options."""
    options = json.loads((folder / "predictor.cfg").read_bytes())["predictor_options"]["model_options"]
    return {
        "predictor_backend": "keras",
        "options": {**options, "engine": "tensorflow", **changes},
        "paths": {"model_path": str(folder / "model.keras"), "names_path": str(folder / "names.txt")},
    }


@pytest.mark.parametrize(
    ("name", "state", "reason"),
    [
        ("dummy", "ready", None),
        ("good", "ready", None),
        ("mismatch", "failed", "golden_mismatch"),
        ("broken", "failed", "golden_broken"),
        ("bare", "ready", None),
    ],
)
def test_served_predictor_is_ready_only_if_its_golden_set_is_reproduced(
    app: Flask, name: str, state: str, reason: str | None
) -> None:
    predictor = app.extensions["deep_predictor"].production.predictors[name]

    assert (predictor.state, predictor.reason_code) == (state, reason)
    assert app.test_client().get("/health/ready").status_code == 200


def test_served_confidences_are_those_of_evaluate(app: Flask, model_folder: Path) -> None:
    dataset, client = colour_dataset(), app.test_client()
    backend = open_predictor(model_folder / "predictor.cfg", model_folder.parents[1], "tensorflow")
    found = evaluate_pictures(backend, dataset, range(30, 60))

    for index, row in zip(found.indices, found.probabilities, strict=True):
        data, _ = dataset.read_file(index)
        headers = {"X-API-Key": PRODUCTION_KEY, "Content-Type": "image/png"}
        answer = client.post("/api/v1/predict?store=0&model_name=good", data=data, headers=headers).get_json()
        assert answer["prediction_status"] == 200
        assert answer["predictions"][0]["class_name"] == CLASS_NAMES[row.argmax()]
        for item in answer["predictions"]:
            assert item["confidence"] == pytest.approx(row[item["class_index"]], abs=1e-5)
