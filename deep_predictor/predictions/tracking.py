"""Which box of a frame is the same thing as one of the frame before: numbers that things keep through a video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deep_predictor.results import Detection

#: Boxes of one class that overlap at least so much may be the same thing.
MIN_IOU = 0.3
#: A thing that was not seen for so long is another one when it comes back.
MEMORY_SECONDS = 1.0
#: At least so many frames are remembered, where few of a video are looked at.
MEMORY_FRAMES = 3


@dataclass(slots=True)
class _Track:
    number: int
    box: Detection
    second: float
    frame: int


class Tracker:
    """Matches the boxes of each class by their overlap with where things were seen last, the largest overlap first.

    No more is remembered than what was seen lately, however long the video.
    """

    def __init__(self) -> None:
        self._tracks: list[_Track] = []
        self._count, self._frame = 0, -1

    def follow(self, boxes: Sequence[Detection], second: float) -> list[int]:
        """The numbers, from 1 on, of a frame's things; frames come in order."""
        self._frame += 1
        self._tracks = [track for track in self._tracks if self._is_remembered(track, second)]
        numbers: list[int | None] = [None] * len(boxes)
        taken: set[int] = set()
        for _, box_index, track_index in self._pairs(boxes):
            if numbers[box_index] is None and track_index not in taken:
                taken.add(track_index)
                track = self._tracks[track_index]
                numbers[box_index] = track.number
                track.box, track.second, track.frame = boxes[box_index], second, self._frame
        return [self._begin(box, second) if known is None else known for known, box in zip(numbers, boxes, strict=True)]

    def _pairs(self, boxes: Sequence[Detection]) -> list[tuple[float, int, int]]:
        """(overlap below zero, box, track), the largest overlap first; of equal ones the first box and oldest track."""
        return sorted(
            (-overlap, box_index, track_index)
            for box_index, box in enumerate(boxes)
            for track_index, track in enumerate(self._tracks)
            if box.class_index == track.box.class_index and (overlap := iou(box, track.box)) >= MIN_IOU
        )

    def _begin(self, box: Detection, second: float) -> int:
        self._count += 1
        self._tracks.append(_Track(self._count, box, second, self._frame))
        return self._count

    def _is_remembered(self, track: _Track, second: float) -> bool:
        return second - track.second <= MEMORY_SECONDS or self._frame - track.frame <= MEMORY_FRAMES


def iou(one: Detection, other: Detection) -> float:
    """Intersection over union of two boxes, 0 for two without an area."""
    width = _overlap(one.cx_norm, one.w_norm, other.cx_norm, other.w_norm)
    height = _overlap(one.cy_norm, one.h_norm, other.cy_norm, other.h_norm)
    both = width * height
    union = one.w_norm * one.h_norm + other.w_norm * other.h_norm - both
    return both / union if union > 0 else 0.0


def _overlap(centre: float, size: float, other_centre: float, other_size: float) -> float:
    low = max(centre - size / 2, other_centre - other_size / 2)
    high = min(centre + size / 2, other_centre + other_size / 2)
    return max(0.0, high - low)
