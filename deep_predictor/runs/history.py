"""What a run wrote of itself, for people who look at it: its figures by epoch, its log, how long it will take."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deep_predictor.db.training_job_rows import JobState, TrainingJob
from deep_predictor.training.job_files import (
    JOB_FOLDER,
    JOB_LOG_FILE,
    RUN_LOG_FILE,
    Progress,
    last_lines,
    read_metrics,
    read_progress,
)

#: So many of the last epochs say how long one takes.
_TIMED_EPOCHS = 10
_LONGEST_LINE = 2000


@dataclass(frozen=True)
class History:
    """A figure an epoch; None where the epoch has none, or one that is no number. All lists are of one length."""

    training_loss: Sequence[float | None]
    testing_loss: Sequence[float | None]
    training_accuracy: Sequence[float | None]
    testing_accuracy: Sequence[float | None]
    val_map50: Sequence[float | None]
    val_map50_95: Sequence[float | None]
    val_miou: Sequence[float | None]


def history_of(job: TrainingJob) -> History:
    """`testing` is what older tools call validation: the part that the kept epoch is chosen on."""
    lines = read_metrics(Path(job.run_folder)) if job.kind == "train" else []
    return History(
        training_loss=[_finite(line.get("loss")) for line in lines],
        testing_loss=[_finite(line.get("val_loss")) for line in lines],
        training_accuracy=[_finite(line.get("accuracy")) for line in lines],
        testing_accuracy=[_finite(line.get("val_accuracy")) for line in lines],
        val_map50=[_finite(line.get("val_map50")) for line in lines],
        val_map50_95=[_finite(line.get("val_map50_95")) for line in lines],
        val_miou=[_finite(line.get("val_miou")) for line in lines],
    )


def trials_of(job: TrainingJob) -> list[dict[str, Any]]:
    """A line of a search each; numbers that are none are None."""
    return [plain(line) for line in read_metrics(Path(job.run_folder))]


def progress_of(job: TrainingJob) -> Progress:
    found = read_progress(Path(job.run_folder))
    return Progress(found.done, found.total, found.unit, plain(found.figures))


def eta_seconds_of(job: TrainingJob, progress: Progress) -> float | None:
    """Until its last epoch ends; None where nothing is known of that."""
    if job.state != JobState.RUNNING:
        return None
    told = _finite(progress.figures.get("eta_seconds"))
    if told is not None or job.kind != "train":
        return told
    lines = read_metrics(Path(job.run_folder))
    seconds = [found for line in lines[-_TIMED_EPOCHS:] if (found := _finite(line.get("seconds"))) is not None]
    return sum(seconds) / len(seconds) * max(0, job.epochs - len(lines)) if seconds else None


def log_of(job: TrainingJob, line_count: int) -> str:
    """The last lines of what its process printed, and after that of what the run itself noted."""
    folder = Path(job.run_folder)
    noted = last_lines(folder / RUN_LOG_FILE, line_count)
    printed = last_lines(folder / JOB_FOLDER / JOB_LOG_FILE, line_count)
    lines = [*printed, *noted][-line_count:]
    return "".join(f"{_printable(line[:_LONGEST_LINE])}\n" for line in lines)


def plain(value: Any) -> Any:
    """As JSON can say it: a number that is none is None."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _finite(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _printable(line: str) -> str:
    return "".join(character if character.isprintable() or character == "\t" else " " for character in line)
