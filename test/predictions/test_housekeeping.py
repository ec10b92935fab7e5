"""A housekeeper applies its folder's retention now and then, whichever it is."""

from __future__ import annotations

import logging
from collections.abc import Collection
from pathlib import Path

import pytest

from deep_predictor.predictions.housekeeping import Housekeeper


def test_housekeeper_applies_its_retention_at_most_every_ten_minutes() -> None:
    asked: list[tuple[object, ...]] = []

    def retention(
        folder: Path, days: float | None, megabytes: float | None, now: float, keep: Collection[Path]
    ) -> list[Path]:
        asked.append((folder, days, megabytes, keep))
        return []

    housekeeper = Housekeeper(Path("results"), 3.0, None, retention)
    for _ in range(2):
        housekeeper.run(lambda: {Path("kept")})
    assert asked == [(Path("results"), 3.0, None, {Path("kept")})]


def test_housekeeper_without_limits_looks_at_nothing() -> None:
    Housekeeper(Path("results"), None, None).run(lambda: pytest.fail("asked what stays"))


def test_housekeeper_logs_what_the_disk_refuses(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(*_: object) -> list[Path]:
        raise PermissionError(13, "no entry")

    with caplog.at_level(logging.ERROR):
        Housekeeper(Path("results"), 1.0, None, refuse).run(set)
    assert "no entry" in caplog.text
