"""kill -9 at ten random moments of one training: `make check-slow` runs it; `make test` kills three times."""

from __future__ import annotations

from pathlib import Path

from test.training.test_kills import check_kills


def test_run_killed_ten_times_and_resumed_ends_as_one_never_killed(tmp_path: Path) -> None:
    check_kills(tmp_path, 10, 24)
