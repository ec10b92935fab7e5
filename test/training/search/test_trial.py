"""What a trial's process tells, when it stops, and which epoch's figure counts."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from deep_predictor.errors import TrialOver
from deep_predictor.training.figures import EpochFigures
from deep_predictor.training.search.trial import TrialOrder, _Teller
from test.training.search.fake_trials import STEP

#: val_loss, val_accuracy of three epochs.
FIGURES = [(0.5, 0.6), (0.4, 0.5), (0.6, 0.8)]


@pytest.fixture
def pipe() -> Iterator[tuple[Connection, Connection]]:
    ours, theirs = Pipe()
    yield ours, theirs
    ours.close()
    theirs.close()


def order_of(tmp_path: Path, **changes: Any) -> TrialOrder:
    values: dict[str, Any] = {
        **{"folder": tmp_path, "section": {}, "file": "x.cfg", "root": tmp_path, "metric": "val_accuracy"},
        **{"trainer": "", "allow_python": False, "threads": None, "parent_pid": os.getppid()},
    }
    return TrialOrder(**(values | changes))


def figures(epoch: int) -> EpochFigures:
    val_loss, val_accuracy = FIGURES[epoch - 1]
    return EpochFigures(epoch, 1.0, 0.5, val_loss, val_accuracy)


def take(ours: Connection) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(ours.recv_bytes())
    return message


def fit(teller: _Teller, epochs: int) -> list[int]:
    """Train as far as the trial lets; the epochs after which it went on. Every trial ends by TrialOver."""
    done: list[int] = []
    try:
        with teller.watch(epochs, 1) as watcher:
            for epoch in range(1, epochs + 1):
                watcher.on_step(STEP)
                watcher.on_epoch(figures(epoch))
                done.append(epoch)
    except TrialOver:
        return done
    raise AssertionError("what follows the fitting would be run")


@pytest.mark.parametrize(
    ("keep_best", "metric", "epoch", "value"),
    [
        ("val_loss", "val_loss", 2, 0.4),
        ("val_loss", "val_accuracy", 2, 0.5),
        ("val_accuracy", "val_accuracy", 3, 0.8),
        ("val_accuracy", "val_loss", 3, 0.6),
    ],
)
def test_figure_is_that_of_the_epoch_that_the_run_keeps(
    tmp_path: Path, pipe: tuple[Connection, Connection], keep_best: str, metric: str, epoch: int, value: float
) -> None:
    ours, theirs = pipe
    teller = _Teller(order_of(tmp_path, section={"fit_options": {"keep_best": keep_best}}, metric=metric), theirs)
    for _ in range(3):
        ours.send_bytes(b"false")
    assert fit(teller, 3) == [1, 2, 3]
    teller.send_end()
    for number in (1, 2, 3):
        assert take(ours) == {"what": "epoch", "epoch": number, "value": getattr(figures(number), metric)}
    assert take(ours) == {"what": "end", "epoch": epoch, "value": value}


def test_trial_that_is_not_worth_it_is_over_after_its_epoch(
    tmp_path: Path, pipe: tuple[Connection, Connection]
) -> None:
    ours, theirs = pipe
    ours.send_bytes(b"false")
    ours.send_bytes(b"true")
    assert fit(_Teller(order_of(tmp_path), theirs), 3) == [1]


def test_trial_whose_search_is_gone_is_over_in_its_batch(tmp_path: Path, pipe: tuple[Connection, Connection]) -> None:
    ours, theirs = pipe
    ours.send_bytes(b"false")
    assert fit(_Teller(order_of(tmp_path, parent_pid=-1), theirs), 1) == []
    assert not ours.poll()


def test_trial_whose_search_does_not_answer_any_more_is_over(
    tmp_path: Path, pipe: tuple[Connection, Connection]
) -> None:
    ours, theirs = pipe
    ours.close()
    teller = _Teller(order_of(tmp_path), theirs)
    assert fit(teller, 3) == []
    teller.send_end()
