"""What a run's files say, as events: each once, in order, and the same for whoever comes late."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deep_predictor.db.training_job_rows import JobState
from deep_predictor.live.tail import Tail
from deep_predictor.training.job_files import METRICS_FILE, Progress, write_progress
from test.live.runs import WrittenRun, job_of


@pytest.fixture
def run(tmp_path: Path) -> WrittenRun:
    return WrittenRun(tmp_path / "run")


def shown(events: list) -> list[tuple[str, int]]:
    return [(event.name, event.seq) for event in events]


def test_look_at_a_run_tells_each_step_and_epoch_once(run: WrittenRun) -> None:
    tail, job = Tail(), job_of(run)
    assert tail.look(job) == []
    run.end_step(1, 2)
    assert shown(tail.look(job)) == [("batch", 0)]
    assert tail.look(job) == []
    run.end_step(1, 4)
    run.end_epoch(1)
    run.end_step(2, 1)
    assert shown(tail.look(job)) == [("epoch", 1), ("batch", 1)]
    assert tail.look(job) == []


def test_batch_says_how_far_it_is_and_the_newest_validation(run: WrittenRun) -> None:
    tail, job = Tail(), job_of(run)
    run.end_epoch(1)
    run.end_step(2, 2)
    (batch,) = tail.look(job)[1:]
    assert batch.content == {
        **{"job_id": 1, "seq": 1, "epoch": 2, "epochs": 3, "step": 2, "steps": 4, "loss": 0.5, "accuracy": 0.5},
        **{"val_loss": 2.0, "val_accuracy": 0.25, "images_per_second": 80.0, "eta_seconds": 9.5},
        **{"done": 6, "total": 12, "unit": "step"},
    }


def test_epoch_says_its_figures_and_how_long_the_others_take(run: WrittenRun) -> None:
    run.end_epoch(1)
    (epoch,) = Tail().look(job_of(run))
    assert epoch.content == {
        **{"job_id": 1, "seq": 1, "epoch": 1, "epochs": 3, "loss": 1.0, "accuracy": 0.5, "val_loss": 2.0},
        **{"val_accuracy": 0.25, "learning_rate": 0.001, "seconds": 2.0, "eta_seconds": 4.0},
    }


def test_figures_of_a_detector_are_told_and_those_it_has_not_are_null(run: WrittenRun) -> None:
    run.end_epoch(1, accuracy=None, val_accuracy=None, val_map50=0.5, val_map50_95=0.25)
    tail, job = Tail(), job_of(run)
    run.end_step(2, 2)
    for event in tail.look(job):
        figures = event.content
        assert (figures["val_accuracy"], figures["val_map50"], figures["val_map50_95"]) == (None, 0.5, 0.25)
        assert "val_miou" not in figures


def test_end_says_how_and_comes_after_every_epoch(run: WrittenRun) -> None:
    tail, job = Tail(), job_of(run)
    run.end_step(1, 4)
    tail.look(job)
    for epoch in (1, 2, 3):
        run.end_epoch(epoch)
    job = job_of(run, state=JobState.FAILED, reason="the disk is full", epoch=3)
    events = tail.look(job)
    assert shown(events) == [("epoch", 1), ("epoch", 2), ("epoch", 3), ("ended", 3)]
    assert events[-1].content == {
        **{"job_id": 1, "seq": 3, "state": "failed", "reason": "the disk is full", "epoch": 3, "epochs": 3},
        **{"loss": 1 / 3, "accuracy": 0.5, "val_loss": 2 / 3, "val_accuracy": 0.25, "eta_seconds": 0.0},
    }
    assert tail.look(job) == []
    assert shown(tail.since(2)) == [("epoch", 3), ("ended", 3)]


def test_since_gives_what_was_missed_and_the_last_batch(run: WrittenRun) -> None:
    tail, job = Tail(), job_of(run)
    run.end_epoch(1)
    run.end_epoch(2)
    run.end_step(3, 1)
    tail.look(job)
    assert shown(tail.since(0)) == [("epoch", 1), ("epoch", 2), ("batch", 2)]
    assert shown(tail.since(1)) == [("epoch", 2), ("batch", 2)]
    assert shown(tail.since(99)) == [("batch", 2)]
    run.end_epoch(3)
    tail.look(job)
    assert shown(tail.since(2)) == [("epoch", 3)]


def test_batch_of_an_epoch_that_has_ended_is_no_news(run: WrittenRun) -> None:
    run.end_step(1, 4)
    run.end_epoch(1)
    tail = Tail()
    assert shown(tail.look(job_of(run))) == [("epoch", 1)]
    assert shown(tail.since(0)) == [("epoch", 1)]


def test_epochs_trained_again_are_told_again_by_the_same_number(run: WrittenRun) -> None:
    tail, job = Tail(), job_of(run)
    run.end_epoch(1)
    run.end_epoch(2)
    tail.look(job)
    run.cut_to(1)
    assert tail.look(job) == []
    run.end_epoch(2, loss=0.125)
    (again,) = tail.look(job)
    assert (again.seq, again.content["loss"]) == (2, 0.125)
    assert shown(tail.since(0)) == [("epoch", 1), ("epoch", 2)]


def test_job_that_is_resumed_ends_twice(run: WrittenRun) -> None:
    tail = Tail()
    run.end_epoch(1)
    cancelled = job_of(run, state=JobState.CANCELLED)
    assert shown(tail.look(cancelled)) == [("epoch", 1), ("ended", 1)]
    assert tail.look(job_of(run, state=JobState.QUEUED)) == []
    assert shown(tail.since(0)) == [("epoch", 1)]
    run.end_epoch(2)
    assert shown(tail.look(job_of(run, state=JobState.DONE))) == [("epoch", 2), ("ended", 2)]


def test_numbers_that_are_none_are_null(run: WrittenRun) -> None:
    run.end_epoch(1, loss=float("nan"), accuracy=True, val_loss="much", seconds=float("inf"))
    progress = Progress(1, 0, "picture", {"eta_seconds": float("inf"), "parts": [float("nan"), {"a": 1}]})
    write_progress(run.folder, progress)
    epoch, batch = Tail().look(job_of(run))
    assert [epoch.content[name] for name in ("loss", "accuracy", "val_loss", "eta_seconds")] == [None] * 4
    assert (batch.content["eta_seconds"], batch.content["parts"]) == (None, [None, {"a": 1}])
    json.dumps([epoch.content, batch.content], allow_nan=False)


def test_batch_of_a_process_that_is_gone_is_told_to_nobody(run: WrittenRun) -> None:
    tail, job = Tail(), job_of(run)
    run.end_step(1, 3)
    tail.look(job)
    assert shown(tail.since(0)) == [("batch", 0)]
    (run.folder / "progress.json").unlink()
    assert tail.look(job) == []
    assert tail.since(0) == []


def test_search_tells_its_trials(run: WrittenRun) -> None:
    trial = {"number": 0, "state": "done", "value": 0.5, "values": {"a": 1}}
    (run.folder / METRICS_FILE).write_text(json.dumps(trial) + "\n")
    (event,) = Tail().look(job_of(run, kind="search"))
    assert (event.name, event.content) == ("trial", {"job_id": 1, "seq": 1, "epoch": 1, "epochs": 3, "trial": trial})


def test_files_that_are_broken_are_left_out(run: WrittenRun) -> None:
    (run.folder / METRICS_FILE).write_bytes(b'\xff\n{"epoch": 1\n[1]\n{"epoch": 1, "loss": 0.5}\n{"epoch": 2')
    (run.folder / "progress.json").write_bytes(b"{")
    (event,) = Tail().look(job_of(run, epochs=0))
    assert (event.seq, event.content["loss"]) == (1, 0.5)
