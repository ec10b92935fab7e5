"""What was seen on a video's frames: a line for each, and at the end which class was seen how often and when."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import IO, Any

from deep_predictor.errors import ImageNotStored, ResultInvalid
from deep_predictor.predictions.tracking import Tracker
from deep_predictor.results import CONFIDENCE_DECIMALS, Answer, ClassInVideo, Detection, ResultKind

#: Boxes of one frame that are kept; a frame's line and its drawing must stay small.
MOST_ITEMS = 1000


@dataclass(slots=True)
class _Seen:
    frames: int
    first_second: float
    last_second: float


class VideoSummary:
    """Of one video; frames come in order. `lines` gets one JSON object a frame that was predicted."""

    def __init__(self, lines: IO[str], background_index: int | None) -> None:
        self._lines, self._background_index = lines, background_index
        self._tracker = Tracker()
        self._seen: dict[str, _Seen] = {}

    def add(self, index: int, second: float, answer: Answer) -> list[dict[str, Any]]:
        """The wire's items of a frame, things with their `track_id`. Raises ResultInvalid, ImageNotStored."""
        items = [item.to_dict() for item in answer.items[:MOST_ITEMS]]
        boxes = [item for item in answer.items[:MOST_ITEMS] if isinstance(item, Detection)]
        if boxes:
            for item, number in zip(items, self._tracker.follow(boxes, second), strict=True):
                item["track_id"] = number
        self._note(answer, second)
        line = {"frame": index, "second": round(second, CONFIDENCE_DECIMALS), "predictions": items}
        try:
            text = json.dumps(line, allow_nan=False, ensure_ascii=False)
            text.encode()
        except (TypeError, ValueError) as error:
            raise ResultInvalid(f"the result cannot be turned into JSON: {error}") from error
        try:
            self._lines.write(text + "\n")
        except OSError as error:
            raise ImageNotStored(f"the frames' results: {error.strerror}") from error
        return items

    def answer(self, kind: ResultKind, nothing_folder: str) -> Answer:
        """Classes that were seen on most frames first; that one's folder, or `nothing_folder`."""
        ordered = sorted(self._seen.items(), key=lambda pair: (-pair[1].frames, pair[1].first_second))
        items = tuple(ClassInVideo(name, one.frames, one.first_second, one.last_second) for name, one in ordered)
        return Answer(items, items[0].class_name if items else nothing_folder, video_kind=kind)

    def _note(self, answer: Answer, second: float) -> None:
        for name in self._names(answer):
            seen = self._seen.setdefault(name, _Seen(0, second, second))
            seen.frames += 1
            seen.last_second = second

    def _names(self, answer: Answer) -> set[str]:
        """Detection: what was found. Segmentation: all but the background. Classification: the top class."""
        if not answer.items:
            return set()
        if isinstance(answer.items[0], Detection):
            return {item.class_name for item in answer.items}
        if answer.mask is not None:
            shares = [item for item in answer.items if getattr(item, "class_index", None) != self._background_index]
            return {item.class_name for item in shares}
        return {answer.items[0].class_name}
