"""A training beside the server on the same cores: what each of them keeps of its own pace.

Windows of serving alone, both, and training alone take turns. The training is stopped (SIGSTOP) where it has no turn;
it runs as a job of the server runs, in a process of its own and of low priority.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deep_predictor.db.training_job_rows import JobState, TrainingJob
from deep_predictor.training.job_files import read_progress
from deep_predictor.training.job_run import JobRun, JobSettings, start_run
from other.benchmarks import ours
from other.benchmarks.pictures import draw, encode_jpeg
from other.benchmarks.processes import ServerProcess, run_client
from other.benchmarks.report import markdown_table
from other.benchmarks.rounds import median

#: Ten windows: three of serving alone, five of both, two of training alone.
WINDOWS = ("serving", "both", "training", "both", "serving", "both", "training", "both", "serving", "both")
CONCURRENCY = 8
BATCH_SIZE = 32
CLASSES, PICTURES = 4, 640
#: From the start of the training to its first steps.
START_SECONDS = 180.0
#: Progress is written twice a second, so the ends of a window are not sharper than that.
SETTLE_SECONDS = 1.0


def measure(model: str, photo: Path, seconds: float) -> tuple[str, dict[str, Any]]:
    """(a table, all figures). `seconds`: of each window."""
    folder = ours.prepare_folder(f"together-{model}")
    with ours.start([model], folder / "server") as server, _training(folder) as run:
        server.wait_for(ours.READY)
        server.wait_for(ours.raw_request(photo))
        windows = [_window(name, server, run, photo, seconds) for name in WINDOWS]
    figures = {
        "throughput": {name: median(_of(windows, name, "throughput")) for name in ("serving", "both")},
        "p99": {name: median(_of(windows, name, "p99")) for name in ("serving", "both")},
        "images": {name: median(_of(windows, name, "images")) for name in ("training", "both")},
    }
    rows = [
        _row("serving, answers/s", figures["throughput"], "serving"),
        _row("serving, p99 ms", figures["p99"], "serving"),
        _row("training, pictures/s", figures["images"], "training"),
    ]
    table = markdown_table([f"{model}, windows of {seconds:g} s", "alone", "together", "ratio"], rows)
    return table, {"windows": windows, **figures}


def _row(title: str, figures: dict[str, float], alone: str) -> list[str]:
    return [title, f"{figures[alone]:.1f}", f"{figures['both']:.1f}", f"{figures['both'] / figures[alone]:.2f}"]


def _of(windows: list[dict[str, Any]], name: str, figure: str) -> list[float]:
    return [window[figure] for window in windows if window["window"] == name]


def _window(name: str, server: ServerProcess, run: JobRun, photo: Path, seconds: float) -> dict[str, Any]:
    measured: dict[str, Any] = {"window": name}
    if name != "serving":
        os.killpg(run.pid, signal.SIGCONT)
        time.sleep(SETTLE_SECONDS)
    images, started = _images(run), time.monotonic()
    if name == "training":
        time.sleep(seconds)
    else:
        answers = run_client(server.url, ours.raw_request(photo), CONCURRENCY, seconds)
        measured |= {"throughput": answers["throughput"], "p99": answers["latency_ms"]["p99"], "client": answers}
    if name != "serving":
        measured["images"] = (_images(run) - images) / (time.monotonic() - started)
        os.killpg(run.pid, signal.SIGSTOP)
    return measured


def _images(run: JobRun) -> int:
    """Pictures that the training has seen since its start."""
    figures = read_progress(run.folder).figures
    return int((figures["epoch"] - 1) * figures["steps"] + figures["step"]) * BATCH_SIZE


@contextmanager
def _training(folder: Path) -> Iterator[JobRun]:
    """A training that has begun and stands still; killed at the end."""
    run = start_run(_job(folder), JobSettings())
    try:
        deadline = time.monotonic() + START_SECONDS
        while "step" not in read_progress(run.folder).figures:
            if run.has_ended() or time.monotonic() > deadline:
                raise RuntimeError(f"the training does not begin: {run.outcome(False)}")
            time.sleep(0.5)
        time.sleep(5)  # its first steps compile
        os.killpg(run.pid, signal.SIGSTOP)
        yield run
    finally:
        os.killpg(run.pid, signal.SIGKILL)
        while not run.has_ended():
            time.sleep(0.1)
        shutil.rmtree(folder / "pictures", ignore_errors=True)


def _job(folder: Path) -> TrainingJob:
    for index in range(PICTURES):
        path = folder / "pictures" / f"class {index % CLASSES}" / f"{index}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_jpeg(draw(index, 400, 300)))
    cfg = {
        "seed": 1,
        "dataset_options": {"name": "folder", "path": str(folder / "pictures"), "val_share": 0.1, "test_share": 0.1},
        "input_options": {"image_size": 96, "scale": 1 / 127.5, "mean": 1},
        "fit_options": {"architecture": "mobilenetv2", "epochs": 10_000, "batch_size": BATCH_SIZE},
        "serving_options": {"method": "benchmark", "predictions_main_folder": str(folder / "predictions")},
    }
    run_folder = folder / "run"
    run_folder.mkdir()
    values = {
        **{"id": 1, "kind": "train", "name": "benchmark", "run_folder": str(run_folder)},
        **{"cfg": {"training_options": cfg}, "state": JobState.RUNNING, "created_at": time.time()},
    }
    rest = dict.fromkeys(("reason", "owner", "pid", "pid_started", "started_at", "cancel_asked_at", "ended_at"))
    return TrainingJob(**values, **rest, priority=0, attempts=1, epoch=0, epochs=0)
