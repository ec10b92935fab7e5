"""kill -9 at ten random moments of a training of each task: `make check-slow`. `make test-slow` kills a few times."""

from __future__ import annotations

from pathlib import Path

import pytest

from deep_predictor.backends.base import Task
from deep_predictor.training.tasks.table import TASKS
from test.training.test_kills import check_kills


@pytest.mark.parametrize("task", TASKS)
def test_run_killed_ten_times_and_resumed_ends_as_one_never_killed(task: Task, tmp_path: Path) -> None:
    check_kills(tmp_path, task, 10, 24)
