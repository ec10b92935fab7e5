"""What viewers of a job are told: events made of the lines and figures that its run writes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from deep_predictor.db.training_job_rows import TrainingJob
from deep_predictor.training.job_files import Progress, RunState

#: batch: how far it is; epoch: one has ended; trial: one of a search has; ended: the job has.
EventName = Literal["batch", "epoch", "trial", "ended"]
#: Figures of an epoch.
FIGURES = ("loss", "accuracy", "val_loss", "val_accuracy")
#: Those that only some tasks have; told where they are.
_TASK_FIGURES = ("val_map50", "val_map50_95", "val_miou")
_SEARCH = "search"


@dataclass(frozen=True)
class Event:
    """`content`: what JSON can say. `seq`: epochs (or trials) that have ended; a viewer comes back with it."""

    name: EventName
    seq: int
    content: Mapping[str, Any]


def line_event(job: TrainingJob, said: RunState, seq: int, line: Mapping[str, Any]) -> Event:
    """Of line number `seq`, from 1, of metrics.jsonl."""
    epochs = said.epochs or job.epochs
    if job.kind == _SEARCH:
        return _event("trial", job, seq, epoch=seq, epochs=epochs, trial=plain(line))
    epoch = line.get("epoch", seq)
    seconds = finite(line.get("seconds"))
    figures = {**_figures(line, FIGURES), "learning_rate": finite(line.get("learning_rate"))}
    is_known = seconds is not None and epochs and type(epoch) is int
    left = round(seconds * max(0, epochs - epoch), 1) if is_known else None
    return _event("epoch", job, seq, epoch=epoch, epochs=epochs, **figures, seconds=seconds, eta_seconds=left)


def batch_event(job: TrainingJob, seq: int, last_line: Mapping[str, Any], progress: Progress) -> Event:
    """`last_line`: of the epoch that ended last, {} before; its validation figures are the newest there are."""
    known = _figures(last_line, ("val_loss", "val_accuracy"))
    counts = {"done": progress.done, "total": progress.total, "unit": progress.unit}
    return _event("batch", job, seq, **{**known, **plain(progress.figures), **counts})


def end_event(job: TrainingJob, said: RunState, seq: int, last_line: Mapping[str, Any]) -> Event:
    figures = {} if job.kind == _SEARCH else _figures(last_line, FIGURES)
    counts = {"epoch": max(said.epoch, job.epoch, seq), "epochs": said.epochs or job.epochs, "eta_seconds": 0.0}
    return _event("ended", job, seq, state=str(job.state), reason=job.reason, **counts, **figures)


def _figures(line: Mapping[str, Any], names: Sequence[str]) -> dict[str, float | None]:
    found = {name: finite(line.get(name)) for name in (*names, *_TASK_FIGURES)}
    return {name: value for name, value in found.items() if name in names or value is not None}


def _event(name: EventName, job: TrainingJob, seq: int, **content: Any) -> Event:
    return Event(name, seq, {**content, "job_id": job.id, "seq": seq})


def plain(value: Any) -> Any:
    """As JSON can say it: a number that is none is None."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def finite(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
