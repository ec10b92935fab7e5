"""A bar on a terminal, a line an epoch elsewhere, nothing when quiet; and a file for the server."""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path

import pytest

from deep_predictor.training.figures import EpochFigures, StepFigures
from deep_predictor.training.job_files import Progress, read_progress, write_progress
from deep_predictor.training.progress import ProgressFile, watch_on_stderr

FIGURES = EpochFigures(epoch=2, loss=0.5, accuracy=0.75, val_loss=0.25, val_accuracy=1.0)
STEP = StepFigures(epoch=2, step=1, steps=10, images=8, loss=0.5, accuracy=0.75)
LINE = "epoch 2/3  loss 0.5000  accuracy 0.7500  val_loss 0.2500  val_accuracy 1.0000"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_watch_on_stderr_elsewhere_prints_a_line_an_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    with watch_on_stderr(3, 10) as watcher:
        watcher.on_step(STEP)
        watcher.on_epoch(FIGURES)

    assert capsys.readouterr().err == f"{LINE}\n"


def test_watch_on_stderr_quiet_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with watch_on_stderr(3, 10, quiet=True) as watcher:
        watcher.on_step(STEP)
        watcher.on_epoch(FIGURES)

    assert capsys.readouterr() == ("", "")


def test_watch_on_stderr_terminal_draws_a_bar_of_all_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with watch_on_stderr(3, 10) as watcher:
        for _ in range(30):
            watcher.on_step(STEP)
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


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def step(epoch: int, number: int) -> StepFigures:
    return StepFigures(epoch, number, steps=4, images=8 * number, loss=1 / number, accuracy=0.5)


def test_progress_file_says_how_far_how_fast_and_how_long(tmp_path: Path) -> None:
    clock = Clock()
    progress = ProgressFile(tmp_path, epochs=2, clock=clock)
    progress.note(step(1, 1))
    first = read_progress(tmp_path)
    for number in (2, 3, 4):
        clock.now += 1.0
        progress.note(step(1, number))
    clock.now += 5.0
    progress.note(step(2, 1))
    found = read_progress(tmp_path)

    assert (first.done, first.total, first.unit) == (1, 8, "step")
    assert first.figures["images_per_second"] is None
    assert first.figures["eta_seconds"] is None
    assert (found.done, found.total) == (5, 8)
    assert found.figures == {
        **{"epoch": 2, "epochs": 2, "step": 1, "steps": 4, "loss": 1.0, "accuracy": 0.5},
        **{"images_per_second": 1.6, "eta_seconds": 6.0},  # 8 pictures in 5 s; 4 steps took 8 s, 3 are left
    }


def test_progress_file_is_written_twice_a_second_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, written = Clock(), []
    monkeypatch.setattr("deep_predictor.training.progress.write_progress", lambda folder, said: written.append(said))
    progress = ProgressFile(tmp_path, epochs=1000, clock=clock)
    for epoch in range(1, 101):
        for number in (1, 2, 3, 4):
            clock.now += 0.0625
            progress.note(step(epoch, number))

    assert len(written) == 400 // 8
    assert written[-1].figures["images_per_second"] == 128.0


def test_progress_file_of_an_earlier_run_goes(tmp_path: Path) -> None:
    write_progress(tmp_path, Progress(5, 8, "step"))
    ProgressFile(tmp_path, epochs=2)
    assert read_progress(tmp_path) == Progress()


def test_progress_file_that_cannot_be_written_does_not_end_the_training(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file where the folder should be")
    ProgressFile(tmp_path / "run", epochs=2).note(step(1, 1))
    assert (tmp_path / "run").is_file()


def test_progress_file_costs_less_than_a_hundredth_of_a_short_step(tmp_path: Path) -> None:
    progress = ProgressFile(tmp_path, epochs=2000)
    seconds = []
    for epoch in range(1, 1001):
        begun = time.process_time()
        for number in (1, 2, 3, 4):
            progress.note(step(epoch, number))
        seconds.append((time.process_time() - begun) / 4)

    assert sorted(seconds)[500] < 0.00005  # of a step of 5 ms
