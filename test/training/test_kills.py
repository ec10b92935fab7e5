"""kill -9 at random moments: the run that is resumed each time ends as one that was never killed.

Three times here, of a classifier; ten times, over more epochs and of each task, by `make check-slow`. That every task's
training goes on from its checkpoint as if it had never ended: test_fit_of_tasks.py.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from deep_predictor.backends.base import Task
from test.training.task_runs import task_section, write_task_cfg

pytestmark = pytest.mark.slow

KILLS = 3
EPOCHS = 10
START_SECONDS = 60.0


def write_pictures(folder: Path) -> None:
    rng = np.random.default_rng(5)
    for index in range(90):
        name = ("dark", "bright", "striped")[index % 3]
        picture = rng.integers(0, 120, (24, 24, 3), np.uint8)
        if name == "bright":
            picture += np.uint8(60)
        if name == "striped":
            picture[::4] = 255
        (folder / name).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / name / f"{index}.png"), picture)


def write_cfg(folder: Path, task: Task, epochs: int) -> Path:
    section = task_section(task, epochs, deterministic=True)
    if task == "classification":
        write_pictures(folder / "pictures")
        section["dataset_options"]["path"] = str(folder / "pictures")
    section["serving_options"]["predictions_main_folder"] = str(folder / "predictions")
    return write_task_cfg(folder / "tiny.cfg", section)


def start(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "deep_predictor.training", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(process: subprocess.Popen[str]) -> None:
    output, _ = process.communicate(timeout=200)
    assert process.returncode == 0, output


def metrics_of(run: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "seconds"} for line in lines]


def kill_somewhere(process: subprocess.Popen[str], run: Path, rng: random.Random) -> bool:
    """SIGKILL a little after the run says that it runs; False when it came to its end before."""
    until = time.monotonic() + START_SECONDS
    started = time.time()
    while process.poll() is None and time.monotonic() < until:
        state = run / "state.json"
        if state.exists() and state.stat().st_mtime > started:
            break
        time.sleep(0.01)
    time.sleep(rng.uniform(0, 2.5))
    if process.poll() is not None:
        return False
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    return True


def test_run_killed_and_resumed_ends_as_one_never_killed(tmp_path: Path) -> None:
    check_kills(tmp_path, "classification", KILLS, EPOCHS)


def check_kills(tmp_path: Path, task: Task, wanted_kills: int, epochs: int) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    rng = random.Random(seed)
    cfg, calm, killed = str(write_cfg(tmp_path, task, epochs)), tmp_path / "calm", tmp_path / "killed"
    finish(start("train", cfg, "--run-folder", str(calm), "--quiet"))

    process, kills = start("train", cfg, "--run-folder", str(killed), "--quiet"), 0
    while kills < wanted_kills and kill_somewhere(process, killed, rng):
        kills += 1
        process = start("resume", str(killed), "--quiet")
    finish(process)

    assert kills >= wanted_kills // 3  # a fast machine may come to the end before the last
    expected, found = metrics_of(calm), metrics_of(killed)
    assert len(found) == epochs
    for one, other in zip(expected, found, strict=True):
        assert one == pytest.approx(other, abs=1e-6)
    figures = [json.loads((run / "model/metrics.json").read_bytes())["test"] for run in (calm, killed)]
    assert figures[0] == figures[1]
    assert json.loads((killed / "state.json").read_bytes())["state"] == "done"
