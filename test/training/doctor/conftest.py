"""The doctor measures this machine each time: here only a little."""

from __future__ import annotations

import pytest

from deep_predictor.training.doctor import estimating


@pytest.fixture(autouse=True)
def _brief_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimating, "_MATRIX_SIDE", 64)
    monkeypatch.setattr(estimating, "_MATRIX_REPEATS", 1)
