"""What one job has said so far, and what it says newly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deep_predictor.db.training_job_rows import TrainingJob
from deep_predictor.live.events import Event, batch_event, end_event, line_event
from deep_predictor.training.job_files import (
    METRICS_FILE,
    PROGRESS_FILE,
    Progress,
    read_metrics,
    read_progress,
    read_state,
)

#: What tells a file from what it was: (inode, nanosecond of its last change, size); None where there is none.
Print = tuple[int, int, int] | None


class Tail:
    """Of one job. Not for several threads at a time."""

    def __init__(self) -> None:
        self._lines: list[Event] = []
        self._last_line: dict[str, Any] = {}
        self._batch: Event | None = None
        self._end: Event | None = None
        self._metrics_print: Print = None
        self._progress_print: Print = None

    def look(self, job: TrainingJob) -> list[Event]:
        """What is new since the last look, in order. `job`: as its row was read just before.

        An epoch that was lost with its process and trained again is told again, by the same number.
        """
        folder = Path(job.run_folder)
        self._end = self._end if job.has_ended else None  # it was resumed
        progress = None if job.has_ended else self._new_progress(folder)  # before the lines: it is never ahead of them
        new = self._new_lines(job, folder)
        if progress == Progress():  # it begins anew
            self._batch = None
        elif progress and (batch := self._new_batch(job, progress)):
            self._batch = batch
            new.append(batch)
        if job.has_ended and self._end is None:
            self._batch = None
            self._end = end_event(job, read_state(folder), len(self._lines), self._last_line)
            new.append(self._end)
        return new

    def since(self, seq: int) -> list[Event]:
        """What a viewer missed that has seen the first `seq` epochs: the others, the last batch, the end."""
        missed = self._lines[seq:]
        return [*missed, *(event for event in (self._batch, self._end) if event)]

    def _new_lines(self, job: TrainingJob, folder: Path) -> list[Event]:
        metrics_print = _print(folder / METRICS_FILE)
        if metrics_print == self._metrics_print:
            return []
        self._metrics_print = metrics_print
        lines, said = read_metrics(folder), read_state(folder)
        events = [line_event(job, said, number, line) for number, line in enumerate(lines, 1)]
        kept = 0
        while kept < min(len(events), len(self._lines)) and _is_same(events[kept], self._lines[kept]):
            kept += 1
        new = events[kept:]
        self._lines = self._lines[:kept] + new
        self._last_line = lines[-1] if lines else {}
        if new:
            self._batch = None  # it was of an epoch that has ended
        return new

    def _new_progress(self, folder: Path) -> Progress | None:
        progress_print = _print(folder / PROGRESS_FILE)
        if progress_print == self._progress_print:
            return None
        self._progress_print = progress_print
        return read_progress(folder)

    def _new_batch(self, job: TrainingJob, progress: Progress) -> Event | None:
        """None where it is no news: of an epoch that has ended, or told already."""
        epoch, ended = progress.figures.get("epoch"), self._last_line.get("epoch")
        if type(epoch) is int and type(ended) is int and epoch <= ended:
            return None
        batch = batch_event(job, len(self._lines), self._last_line, progress)
        return batch if batch != self._batch else None


def _is_same(one: Event, other: Event) -> bool:
    """Whether both tell of the same epoch; how many there will be may have become known in between."""
    left = {key: value for key, value in one.content.items() if key not in ("epochs", "eta_seconds")}
    return left == {key: value for key, value in other.content.items() if key not in ("epochs", "eta_seconds")}


def _print(path: Path) -> Print:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
