"""Retention, now and then: what `keep_days` and `max_disk_mb` ask for, without a thread of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path

from deep_predictor.images.retention import apply_retention

#: (folder, days, 10^6 bytes, now, what stays) -> what was deleted.
Retention = Callable[[Path, float | None, float | None, float, Collection[Path]], list[Path]]

logger = logging.getLogger(__name__)

#: A folder is looked over at most this often.
INTERVAL_SECONDS = 600.0


class Housekeeper:
    """Looks after one folder; whoever finishes a prediction calls `run`."""

    def __init__(
        self,
        folder: Path,
        keep_days: float | None,
        max_disk_mb: float | None,
        retention: Retention = apply_retention,
    ) -> None:
        self._folder, self._keep_days, self._max_disk_mb = folder, keep_days, max_disk_mb
        self._retention = retention
        self._next_run = 0.0
        self._lock = threading.Lock()

    def run(self, keep: Callable[[], Collection[Path]]) -> None:
        """Apply the retention unless that was done lately; files that `keep` names stay. Never raises an OSError."""
        if self._keep_days is None and self._max_disk_mb is None:
            return
        with self._lock:
            if time.monotonic() < self._next_run:
                return
            self._next_run = time.monotonic() + INTERVAL_SECONDS
        try:
            removed = self._retention(self._folder, self._keep_days, self._max_disk_mb, time.time(), keep())
        except OSError as error:
            logger.error("retention of %s: %s", self._folder, error)
        else:
            logger.info("retention of %s: %d deleted", self._folder, len(removed))
