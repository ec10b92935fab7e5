"""What a report is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deep_predictor.training.exporting import DatasetFacts
from deep_predictor.training.figures import EpochFigures
from deep_predictor.training.sample import Sample
from deep_predictor.training.tasks.base import TaskEvaluation


@dataclass(frozen=True)
class ReportFacts:
    """`sample`: place in the test part -> the picture with its truth; may raise ImageUnreadable.

    `evaluation`: an `Evaluation`, a `DetectionEvaluation` or a `SegmentationEvaluation`; the report is of its task.
    """

    title: str
    class_names: tuple[str, ...]
    dataset: DatasetFacts
    history: Sequence[EpochFigures]
    best: EpochFigures
    evaluation: TaskEvaluation
    sample: Callable[[int], Sample]
    #: What else is told, name -> value: the architecture, seconds, where the model folder is.
    settings: Mapping[str, Any] = field(default_factory=dict)
