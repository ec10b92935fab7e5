"""Short commands in processes of their own: how they end, and how many run at a time."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from deep_predictor.errors import TooManyWaiting
from deep_predictor.runs.children import NICENESS, TIMED_OUT, Children, Finished
from deep_predictor.training.job_run import JobSettings


def children(code: str, **limits: float) -> Children:
    settings = JobSettings(program=(sys.executable, "-c", code), environ={"PATH": "/bin", "API_KEY": "x"})
    return Children(settings, at_once=1, **limits)


def test_child_tells_its_status_and_words_and_sees_no_secret() -> None:
    code = "import os, sys; print(sys.argv[1], 'API_KEY' in os.environ); print('oh', file=sys.stderr); sys.exit(3)"
    assert children(code).run(["猫"], 20) == Finished(3, "猫 False\n", "oh\n")


def test_child_that_takes_too_long_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
    assert children(code).run([], 0.3).status == TIMED_OUT


def test_child_runs_after_the_server(tmp_path: Path) -> None:
    code = "import os, sys; sys.stdin.read()\nwhile os.getpriority(os.PRIO_PROCESS, 0) < %d: pass"
    assert children(code % NICENESS).run([], 20).status == 0


def test_no_more_run_at_a_time_than_there_are_places(tmp_path: Path) -> None:
    begun, go = tmp_path / "begun", tmp_path / "go"
    code = f"import pathlib\npathlib.Path({str(begun)!r}).touch()\nwhile not pathlib.Path({str(go)!r}).exists(): pass"
    one = children(code, patience_seconds=0.01)
    thread = threading.Thread(target=one.run, args=([], 30))
    thread.start()
    while not begun.exists():
        threading.Event().wait(0.01)
    with pytest.raises(TooManyWaiting):
        one.run([], 30)
    go.touch()
    thread.join()
    assert one.run([], 30).status == 0
