"""evaluation.json says of each test picture what the model's own figures count."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deep_predictor.training.evaluation import Evaluation
from deep_predictor.training.evaluation_file import write_evaluation
from deep_predictor.training.exporting import TrainedModel
from deep_predictor.web.management.evaluation_api import EvaluationAnswer
from test.training.evaluation.made import CLASS_NAMES, colour_dataset, make_trained


@pytest.fixture(scope="module")
def trained() -> TrainedModel:
    return make_trained()


def written(folder: Path, trained: TrainedModel) -> dict[str, Any]:
    items = [replace(item, item_id=100 + place) for place, item in enumerate(colour_dataset().items[30:])]
    write_evaluation(folder, trained, items)
    found: dict[str, Any] = json.loads((folder / "evaluation.json").read_text())
    return found


def test_evaluation_file_has_a_line_a_test_picture_that_adds_up_to_the_figures(
    tmp_path: Path, trained: TrainedModel
) -> None:
    found = written(tmp_path, trained)
    pictures = found["pictures"]
    assert len(pictures) == found["test"]["count"] == found["dataset"]["test_count"] == 30
    assert [picture["item_id"] for picture in pictures[:2]] == [100, 101]
    index = {name: place for place, name in enumerate(CLASS_NAMES)}
    confusion = np.zeros((3, 3), int)
    for picture in pictures:
        confusion[index[picture["label"]], index[picture["predicted"]]] += 1
    assert confusion.tolist() == found["test"]["confusion_matrix"]
    assert all(1 / 3 <= picture["confidence"] <= 1 for picture in pictures)
    mistakes = [picture for picture in pictures if picture["label"] != picture["predicted"]]
    worst = max(mistakes, key=lambda picture: float(picture["confidence"]))
    assert isinstance(trained.evaluation, Evaluation)
    assert worst["name"] == trained.evaluation.mistakes[0].item_name
    assert worst["confidence"] == trained.evaluation.mistakes[0].confidence


def test_evaluation_file_has_the_bins_of_the_calibration(tmp_path: Path, trained: TrainedModel) -> None:
    found = written(tmp_path, trained)
    bins = found["calibration"]
    assert (len(bins), bins[0]["lower"], bins[-1]["upper"]) == (15, 0, 1)
    assert sum(one["count"] for one in bins) == 30
    error = sum(one["count"] * abs(one["right_share"] - one["mean_confidence"]) for one in bins) / 30
    assert error == pytest.approx(found["test"]["ece"], abs=1e-4)
    assert found["class_names"] == list(CLASS_NAMES)
    assert (
        set(found["val"]) == set(found["before_temperature"]) == {"count", "accuracy", "top5_accuracy", "ece", "loss"}
    )


def test_evaluation_file_is_what_the_api_answers(tmp_path: Path, trained: TrainedModel) -> None:
    found = written(tmp_path, trained)
    pictures = found.pop("pictures")
    assert EvaluationAnswer.model_validate(found, extra="forbid").model_dump() == found
    assert set(pictures[0]) == {"name", "item_id", "label", "predicted", "confidence"}
