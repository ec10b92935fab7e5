"""The error tree: drawn as it is, and every class met by a test."""

from __future__ import annotations

import inspect
from pathlib import Path

from deep_predictor import errors
from deep_predictor.errors import DeepPredictorError, PredictionError
from deep_predictor.results import PredictionStatus

CLASSES = {
    name: found
    for name, found in vars(errors).items()
    if inspect.isclass(found) and issubclass(found, DeepPredictorError)
}
#: Never raised as they are: their subclasses are.
ROOTS = {"DeepPredictorError", "DatabaseError", "SubmissionError", "PredictionError"}


def test_error_tree_in_the_docstring_names_every_class() -> None:
    assert errors.__doc__
    drawn = {line.strip("│├└─ ").split(" ")[0] for line in errors.__doc__.splitlines()}
    assert set(CLASSES) <= drawn


def test_every_error_class_is_met_by_a_test() -> None:
    own = Path(__file__)
    texts = "\n".join(p.read_text(encoding="utf-8") for p in own.parent.rglob("*.py") if p != own)
    unmet = {name for name in set(CLASSES) - ROOTS if name not in texts and f'"{CLASSES[name].code}"' not in texts}
    assert not unmet, "by its name, or by the code that an answer carries"


def test_prediction_errors_carry_a_final_status() -> None:
    for name, found in CLASSES.items():
        if issubclass(found, PredictionError):
            assert found.status in set(PredictionStatus) - {0, 100, 200}, name
