"""train → waitress_server.py with the written cfg → upload: the right class, with the probabilities of `evaluate`."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import requests

from test.app_builder import PRODUCTION_KEY, write_config
from test.server_process import ServerProcess, new_id

pytestmark = pytest.mark.slow

CLASSES = ("disc", "plain", "stripes")


def draw(class_name: str, rng: np.random.Generator) -> np.ndarray:
    """BGR uint8 (240, 300, 3): large enough to be decoded at a smaller scale."""
    picture = np.full((240, 300, 3), rng.integers(90, 200, 3), np.uint8)
    ink = tuple(int(value) for value in rng.integers(0, 80, 3))
    if class_name == "disc":
        cv2.circle(picture, tuple(rng.integers(80, 160, 2).tolist()), int(rng.integers(40, 70)), ink, -1)
    elif class_name == "stripes":
        for left in range(int(rng.integers(0, 30)), 300, 40):
            cv2.rectangle(picture, (left, 0), (left + 15, 240), ink, -1)
    return cv2.add(picture, rng.integers(0, 20, picture.shape, np.uint8))


@dataclass(frozen=True)
class Trained:
    folder: Path
    model: Path
    pictures: Path


def command(*words: str) -> str:
    run = [sys.executable, "-m", "deep_predictor.training", *words]
    finished = subprocess.run(run, capture_output=True, text=True, timeout=250)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("end_to_end")
    rng = np.random.default_rng(7)
    for part, count in (("train", 30), ("test", 6)):
        for name in CLASSES:
            (folder / "pictures" / part / name).mkdir(parents=True)
            for index in range(count):
                path = folder / "pictures" / part / name / f"{index}.jpg"
                assert cv2.imwrite(str(path), draw(name, rng))
    section = {
        "seed": 2,
        "dataset_options": {"name": "folder", "path": str(folder / "pictures"), "val_share": 0.2},
        "input_options": {"image_size": 32, "scale": 1 / 127.5, "mean": 1},
        "fit_options": {"architecture": "convnet_small", "num_epochs": 8, "batch_size": 8, "learning_rate": 0.003},
        "augmentation": [{"name": "flip_horizontal"}],
        "serving_options": {
            "method": "shapes",
            "predictions_main_folder": str(folder / "predictions"),
            "return_topN": len(CLASSES),
        },
    }
    cfg = folder / "shapes.cfg"
    cfg.write_text(json.dumps({"training_options": section}), encoding="utf-8")
    command("train", str(cfg), "--run-folder", str(folder / "run"), "--quiet")
    return Trained(folder, folder / "run" / "model", folder / "pictures")


def written_beside(trained: Trained, name: str, **changes: Any) -> Path:
    """The written predictor cfg, with other `model_options`."""
    whole = json.loads((trained.model / "predictor.cfg").read_bytes())
    whole["predictor_options"]["model_options"] |= changes
    path = trained.folder / f"{name}.cfg"
    path.write_text(json.dumps(whole), encoding="utf-8")
    return path


def test_model_is_served_with_the_probabilities_that_evaluate_says(trained: Trained) -> None:
    exact = written_beside(trained, "exact", engine="tensorflow", scaled_decoding=0)
    written = trained.model / "predictor.cfg"
    said = {}
    for name, cfg in (("exact", exact), ("auto", written)):
        found = json.loads(command("evaluate", str(cfg), str(trained.pictures), "--json", "--pictures"))
        said[name] = {row["name"]: row for row in found["pictures"]}
        assert len(said[name]) == 18
        assert found["accuracy"] >= 0.9
    config = write_config(
        trained.folder / "server", extra_production={"exact": str(exact), "auto": str(written)}, production={}
    )
    with ServerProcess(config, module=None).start() as server:
        uploaded = trained.pictures / "test" / "stripes" / "0.jpg"
        prediction_id = new_id()
        assert server.upload(uploaded.read_bytes(), prediction_id, "auto").status_code == 201
        assert server.final_answer(prediction_id)["predictions"][0]["class_name"] == "stripes"
        for name, tolerance in (("exact", 1e-5), ("auto", 1e-4)):
            compared = 0
            for path in sorted((trained.pictures / "test").rglob("*.jpg")):
                row = said[name][path.relative_to(trained.pictures).as_posix()]
                expected = dict(zip(CLASSES, row["probabilities"], strict=True))
                served = ask(server, name, path)
                largest = max(expected.values())
                assert max(served, key=served.__getitem__) == max(expected, key=expected.__getitem__)
                for class_name, probability in expected.items():
                    # answers have five decimals
                    assert served[class_name] == pytest.approx(probability, abs=tolerance * max(1, largest) + 5e-6)
                compared += 1
            assert compared == 18


def ask(server: ServerProcess, model_name: str, path: Path) -> dict[str, float]:
    """class name -> confidence."""
    response = requests.post(
        f"{server.url}/api/v1/predict",
        params={"model_name": model_name, "store": "0"},
        headers={"X-API-Key": PRODUCTION_KEY, "Content-Type": "image/jpeg"},
        data=path.read_bytes(),
        timeout=60,
    )
    answer = response.json()
    assert answer["prediction_status"] == 200, answer
    return {item["class_name"]: item["confidence"] for item in answer["predictions"]}
