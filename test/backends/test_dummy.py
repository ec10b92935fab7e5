"""The answers of the dummy, as the contract has them."""

from __future__ import annotations

import time

import numpy as np
import pytest

from deep_predictor.backends.table import create_backend
from test.backends.conftest import ConfigMaker

PICTURE = np.zeros((4, 6, 3), np.uint8)


def test_dummy_simulating_keras_answers_three_foods(make_config: ConfigMaker) -> None:
    backend = create_backend(make_config("dummy", {"simulate": "keras", "image_class": "adanaKenap", "sleep": 0}))
    answer = backend.interpret(backend.run(backend.prepare(PICTURE)[np.newaxis])[0], (6, 4))
    assert answer.folder_name == "adanaKenap"
    assert [item.to_dict() for item in answer.items] == [
        {"class_index": 0, "class_name": "adanaKenap", "confidence": 0.72227},
        {"class_index": 1, "class_name": "akcaabatKofte", "confidence": 0.17435},
        {"class_index": 2, "class_name": "bulgurPilavi", "confidence": 0.06662},
    ]


def test_dummy_simulating_tf_yolo_answers_three_boxes(make_config: ConfigMaker) -> None:
    backend = create_backend(make_config("dummy", {"simulate": "tf_yolo", "image_class": "i_dont_know"}))
    answer = backend.interpret(np.zeros(0), (6, 4))
    items = [item.to_dict() for item in answer.items]
    assert answer.folder_name == "i_dont_know"
    assert [item["class_name"] for item in items] == ["person", "dog", "horse"]
    for item in items:
        assert set(item["bbox"]) == {"cx", "cy", "w", "h"}
        assert 0 <= item["bbox"]["cx"] - item["bbox"]["w"] / 2 < item["bbox"]["cx"] + item["bbox"]["w"] / 2 <= 1
        assert 0 <= item["bbox"]["cy"] - item["bbox"]["h"] / 2 < item["bbox"]["cy"] + item["bbox"]["h"] / 2 <= 1


def test_dummy_sleep_is_slept_in_run(make_config: ConfigMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    create_backend(make_config("dummy", {"simulate": "keras", "sleep": 2})).run(np.zeros((1, 1, 1, 3), np.float32))
    assert slept == [2.0]
