"""About how long a training will take: by the speed of earlier ones on this server, else by the doctor's figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal

from deep_predictor.db.training_job_rows import TrainingJob
from deep_predictor.runs.settings import SECTION
from deep_predictor.training.job_files import EVALUATION_FILE, read_metrics, read_object

#: A network that the doctor tells of, and what one picture costs it: multiplications with additions, in millions.
_MEASURED, _MEASURED_MILLIONS = "ResNet50, 224 px", 3900.0


@dataclass(frozen=True)
class Planned:
    """What is to be trained. `width`, `height` None: the architecture's own."""

    architecture: str
    epochs: int
    width: int | None
    height: int | None
    val_share: float
    test_share: float


@dataclass(frozen=True)
class Estimate:
    """`seconds` None: nothing is known. `job_id`: of the earlier training that it is made of."""

    seconds: float | None
    train_count: int
    basis: Literal["earlier_run", "doctor", "unknown"]
    job_id: int | None = None


def train_count_of(planned: Planned, counts: Mapping[tuple[str, str], int]) -> int:
    """How many pictures the training part will have. `counts`: (label, split) -> items."""
    of_split = {
        split: sum(n for (_, own), n in counts.items() if own == split) for split in ("", "train", "val", "test")
    }
    share = 1.0
    if not of_split["val"]:
        share -= planned.val_share
    if not of_split["test"]:
        share -= planned.test_share
    return round((of_split[""] + of_split["train"]) * max(0.0, share))


def estimate(
    planned: Planned,
    train_count: int,
    architectures: Iterable[Mapping[str, Any]],
    earlier: Iterable[TrainingJob],
    findings: Mapping[str, Any],
) -> Estimate:
    """`earlier`: trainings that are done, newest first; `findings`: what the doctor says, {} where it was not asked."""
    known = next((one for one in architectures if planned.architecture in (one["name"], *one["older_names"])), None)
    if known is None:
        return Estimate(None, train_count, "unknown")
    names = {known["name"], *known["older_names"]}
    size = planned.width or known["width"], planned.height or known["height"]
    for job in earlier:
        speed = _speed_of(job, names, size, (known["width"], known["height"]))
        if speed:
            seconds = speed.seconds_per_picture * train_count * planned.epochs + speed.other_seconds
            return Estimate(round(seconds, 1), train_count, "earlier_run", job.id)
    guessed = _by_the_doctor(findings, known, size)
    if guessed is not None:
        return Estimate(round(guessed * train_count * planned.epochs, 1), train_count, "doctor")
    return Estimate(None, train_count, "unknown")


@dataclass(frozen=True)
class _Speed:
    """Of an earlier training. `other_seconds`: to start and compile, to test, to write its model."""

    seconds_per_picture: float
    other_seconds: float


def _speed_of(job: TrainingJob, names: set[str], size: tuple[int, int], own_size: tuple[int, int]) -> _Speed | None:
    """None where this training was of another network or size of pictures, or its figures are gone."""
    section = _object(job.cfg.get(SECTION))
    if _object(section.get("fit_options")).get("architecture") not in names:
        return None
    given = _object(section.get("input_options"))
    sides = tuple(
        given.get(side, given.get("image_size", own)) for side, own in zip(("width", "height"), own_size, strict=True)
    )
    if sides != size:
        return None
    folder = Path(job.run_folder)
    count = _object(read_object(folder / EVALUATION_FILE).get("dataset")).get("train_count")
    epochs = [line["seconds"] for line in read_metrics(folder) if isinstance(line.get("seconds"), float | int)]
    if not epochs or not count:
        return None
    epoch_seconds = median(epochs[1:] or epochs)  # the first one compiles the network
    took = (job.ended_at or 0) - (job.started_at or 0)
    return _Speed(epoch_seconds / count, max(0.0, took - epoch_seconds * len(epochs)))


def _by_the_doctor(findings: Mapping[str, Any], known: Mapping[str, Any], size: tuple[int, int]) -> float | None:
    count, told = findings.get("picture_count"), _object(findings.get("estimate"))
    measured = _object(told.get("training_seconds")).get(_MEASURED)
    if not count or not measured or not known["million_products"]:
        return None
    area = size[0] * size[1] / (known["width"] * known["height"])
    return float(measured / count * known["million_products"] / _MEASURED_MILLIONS * area)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
