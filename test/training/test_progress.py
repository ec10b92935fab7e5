"""A bar on a terminal, a line an epoch elsewhere, nothing when quiet."""

from __future__ import annotations

import io
import sys

import pytest

from deep_predictor.training.progress import watch_on_stderr
from deep_predictor.training.trainer import EpochFigures

FIGURES = EpochFigures(epoch=2, loss=0.5, accuracy=0.75, val_loss=0.25, val_accuracy=1.0)
LINE = "epoch 2/3  loss 0.5000  accuracy 0.7500  val_loss 0.2500  val_accuracy 1.0000"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_watch_on_stderr_elsewhere_prints_a_line_an_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    with watch_on_stderr(3, 10) as watcher:
        watcher.on_step()
        watcher.on_epoch(FIGURES)

    assert capsys.readouterr().err == f"{LINE}\n"


def test_watch_on_stderr_quiet_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with watch_on_stderr(3, 10, quiet=True) as watcher:
        watcher.on_step()
        watcher.on_epoch(FIGURES)

    assert capsys.readouterr() == ("", "")


def test_watch_on_stderr_terminal_draws_a_bar_of_all_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with watch_on_stderr(3, 10) as watcher:
        for _ in range(30):
            watcher.on_step()
        watcher.on_epoch(FIGURES)

    assert "training: 100%" in terminal.getvalue()
    assert "30/30" in terminal.getvalue()
    assert LINE in terminal.getvalue()


def test_watch_on_stderr_run_that_fails_closes_its_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with pytest.raises(ZeroDivisionError), watch_on_stderr(3, 10):
        raise ZeroDivisionError

    assert terminal.getvalue().endswith("\n")
