"""What a report is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from deep_predictor.training.evaluation import Evaluation
from deep_predictor.training.exporting import DatasetFacts
from deep_predictor.training.trainer import EpochFigures


@dataclass(frozen=True)
class ReportFacts:
    """`picture`: place in the test part, as in `Mistake.index` -> RGB uint8 (H, W, 3); may raise ImageUnreadable."""

    title: str
    class_names: tuple[str, ...]
    dataset: DatasetFacts
    history: Sequence[EpochFigures]
    best: EpochFigures
    evaluation: Evaluation
    picture: Callable[[int], np.ndarray]
    #: What else is told, name -> value: the architecture, seconds, where the model folder is.
    settings: Mapping[str, Any] = field(default_factory=dict)
