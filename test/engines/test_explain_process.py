"""The process that explains, from outside: it stays, and whatever becomes of it, the next question is answered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from deep_predictor.engines.explain_process import ExplainProcess
from deep_predictor.errors import NotExplainable
from test.engines import faulty_explain_child as faulty

PICTURE = np.zeros((4, 4, 3), np.float32)
MODEL = Path("model.keras")


@pytest.fixture(scope="module")
def process() -> Iterator[ExplainProcess]:
    process = ExplainProcess(1, 500_000_000, 60.0, "test.engines.faulty_explain_child")
    yield process
    process.close()


def test_process_answers_the_next_question_too(process: ExplainProcess) -> None:
    first = process.heat_map(MODEL, PICTURE, 0)
    assert first.shape == (1, 1)
    assert process.heat_map(MODEL, PICTURE + 2, 0) == first + 2


def test_process_that_refuses_says_why_and_stays(process: ExplainProcess) -> None:
    first = process.heat_map(MODEL, PICTURE, 0)
    with pytest.raises(NotExplainable, match="no feature maps") as raised:
        process.heat_map(MODEL, PICTURE, faulty.REFUSES)
    assert raised.value.code == "not_explainable"
    assert process.heat_map(MODEL, PICTURE, 0) == first


@pytest.mark.parametrize("fault", [faulty.CRASHES, faulty.HANGS, faulty.EATS, faulty.BABBLES])
def test_process_that_fails_is_ended_and_the_next_one_answers(
    process: ExplainProcess, fault: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = process.heat_map(MODEL, PICTURE, 0)
    if fault == faulty.HANGS:
        monkeypatch.setattr(process, "_seconds", 0.2)
    with pytest.raises(NotExplainable) as raised:
        process.heat_map(MODEL, PICTURE, fault)
    monkeypatch.undo()
    assert raised.value.code == NotExplainable.FAILED
    assert process.heat_map(MODEL, PICTURE, 0) != first


def test_closed_process_starts_again_when_it_is_asked(process: ExplainProcess) -> None:
    first = process.heat_map(MODEL, PICTURE, 0)
    process.close()
    process.close()
    assert process.heat_map(MODEL, PICTURE, 0) != first
