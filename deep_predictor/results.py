"""What a prediction says: pure data, checked in the constructor. Knows nothing of pixels, databases or HTTP."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

CONFIDENCE_DECIMALS = 5


class PredictionStatus(IntEnum):
    """Status codes of the wire and of the table `predictions`."""

    UNKNOWN = 0
    ACCEPTED = 100
    DONE = 200
    MODEL_RAISED = 500
    IMAGE_UNREADABLE = 510
    RESULT_INVALID = 520
    IMAGE_NOT_STORED = 530
    BACKEND_NOT_READY = 550
    TENSORFLOW_VERSION_UNSUPPORTED = 560
    BACKEND_UNKNOWN = 570


@dataclass(frozen=True, slots=True)
class ClassScore:
    """One class of a classification. Raises ValueError when the confidence is not a finite number."""

    class_index: int
    class_name: str
    confidence: float

    def __post_init__(self) -> None:
        _require_finite(confidence=self.confidence)

    def to_dict(self) -> dict[str, Any]:
        return {
            "class_index": int(self.class_index),
            "class_name": self.class_name,
            "confidence": round(float(self.confidence), CONFIDENCE_DECIMALS),
        }


@dataclass(frozen=True, slots=True)
class Detection:
    """One found object; the box is its centre and size as shares (0..1) of the picture's width and height.

    Raises ValueError when a number is not finite or a size is negative.
    """

    class_index: int
    class_name: str
    confidence: float
    cx_norm: float
    cy_norm: float
    w_norm: float
    h_norm: float

    def __post_init__(self) -> None:
        _require_finite(
            confidence=self.confidence,
            cx_norm=self.cx_norm,
            cy_norm=self.cy_norm,
            w_norm=self.w_norm,
            h_norm=self.h_norm,
        )
        if self.w_norm < 0 or self.h_norm < 0:
            raise ValueError(f"a box cannot have a negative size (got {self.w_norm} x {self.h_norm})")

    def to_dict(self) -> dict[str, Any]:
        box = {"cx": self.cx_norm, "cy": self.cy_norm, "w": self.w_norm, "h": self.h_norm}
        return {
            "bbox": {key: round(float(value), CONFIDENCE_DECIMALS) for key, value in box.items()},
            "class_name": self.class_name,
            "confidence": round(float(self.confidence), CONFIDENCE_DECIMALS),
        }


ResultItem = ClassScore | Detection


@dataclass(frozen=True, slots=True)
class Answer:
    """What a backend made of one network output: the items in the wire's order, and the folder its picture belongs to.

    `folder_name` is the class name as the model has it (not yet safe as a path part), or the not-confident folder.
    """

    items: tuple[ResultItem, ...]
    folder_name: str


def top_label(items: Sequence[Mapping[str, Any]]) -> tuple[str, float | None]:
    """Class and confidence of the most confident of the wire's items, ("", None) when there is none.

    Rows that somebody else wrote may lack either.
    """
    best: tuple[str, float | None] = ("", None)
    for item in items:
        name, confidence = item.get("class_name"), item.get("confidence")
        if not isinstance(name, str) or not name:
            continue
        number = confidence if isinstance(confidence, int | float) and math.isfinite(confidence) else None
        if not best[0] or (number is not None and (best[1] is None or number > best[1])):
            best = name, number
    return best


def _require_finite(**numbers: float) -> None:
    for name, number in numbers.items():
        if not math.isfinite(number):
            raise ValueError(f"{name} must be a finite number (got {number})")
