"""What a prediction says: pure data, checked in the constructor. Knows nothing of pixels, databases or HTTP."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np

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


@dataclass(frozen=True, slots=True)
class ClassShare:
    """One class of a segmentation; `share` is its part (0..1) of the picture's pixels.

    Raises ValueError when the share is not a finite number.
    """

    class_index: int
    class_name: str
    share: float

    def __post_init__(self) -> None:
        _require_finite(share=self.share)

    def to_dict(self) -> dict[str, Any]:
        return {
            "class_index": int(self.class_index),
            "class_name": self.class_name,
            "share": round(float(self.share), CONFIDENCE_DECIMALS),
        }


@dataclass(frozen=True, slots=True)
class ClassInVideo:
    """One class of a video: on how many of the predicted frames it was seen, and from when to when.

    Raises ValueError when a time is not a finite number.
    """

    class_name: str
    frames: int
    first_second: float
    last_second: float

    def __post_init__(self) -> None:
        _require_finite(first_second=self.first_second, last_second=self.last_second)

    def to_dict(self) -> dict[str, Any]:
        return {
            "class_name": self.class_name,
            "frames": int(self.frames),
            "first_second": round(float(self.first_second), CONFIDENCE_DECIMALS),
            "last_second": round(float(self.last_second), CONFIDENCE_DECIMALS),
        }


ResultItem = ClassScore | Detection | ClassShare | ClassInVideo

#: What a prediction has beside its answer. Of a truncated video, only a part could be read.
ResultKind = Literal["mask", "video", "truncated_video"]
VIDEO_KINDS: tuple[ResultKind, ...] = ("video", "truncated_video")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a backend made of one network output: the items in the wire's order, and the folder its picture belongs to.

    `folder_name` is the class name as the model has it (not yet safe as a path part), or the not-confident folder.
    `mask`: of a segmentation, uint8 (H, W): the class index of each pixel of the picture.
    """

    items: tuple[ResultItem, ...]
    folder_name: str
    mask: np.ndarray | None = field(default=None, compare=False)
    #: Of a whole video.
    video_kind: ResultKind | None = None


def top_label(items: Sequence[Mapping[str, Any]], background_index: int | None = None) -> tuple[str, float | None]:
    """Class and confidence of the most confident of the wire's items, ("", None) when there is none.

    Of items without a confidence the first one counts, but for the class `background_index` of a segmentation.
    Rows that somebody else wrote may lack either.
    """
    best: tuple[str, float | None] = ("", None)
    for item in items:
        name, confidence = item.get("class_name"), item.get("confidence")
        if not isinstance(name, str) or not name:
            continue
        if background_index is not None and "share" in item and item.get("class_index") == background_index:
            continue
        number = confidence if isinstance(confidence, int | float) and math.isfinite(confidence) else None
        if not best[0] or (number is not None and (best[1] is None or number > best[1])):
            best = name, number
    return best


def _require_finite(**numbers: float) -> None:
    for name, number in numbers.items():
        if not math.isfinite(number):
            raise ValueError(f"{name} must be a finite number (got {number})")
