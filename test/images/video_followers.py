"""Plays the server's part for the process that decodes and encodes a video, with answers that a test chooses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from deep_predictor.images.video import VideoProcess

#: A frame's number and pixels -> the wire's items, and a mask or none.
See = Callable[[int, np.ndarray], tuple[list[dict[str, Any]], np.ndarray | None]]
PIXELS = 9_000_000


@dataclass
class Followed:
    """What came of a video."""

    end: dict[str, Any] = field(default_factory=dict)
    size: tuple[int, int] = (0, 0)
    #: (number, second, pixels) of each frame that was sent.
    frames: list[tuple[int, float, np.ndarray]] = field(default_factory=list)
    #: (frames that were read, share of the file) by each message.
    progress: list[tuple[int, float]] = field(default_factory=list)
    #: How many frames came together.
    batches: list[int] = field(default_factory=list)


def see_nothing(index: int, pixels: np.ndarray) -> tuple[list[dict[str, Any]], np.ndarray | None]:
    return [], None


def follow(path: Path, result: Path, see: See = see_nothing, **changes: Any) -> Followed:
    """Run a video through its process. `changes`: to what is asked of it, and `timeout_seconds`, `give_up`."""
    timeout_seconds, give_up = changes.pop("timeout_seconds", 20.0), changes.pop("give_up", lambda: False)
    job = {
        "path": str(path),
        "result": str(result),
        "original": None,
        "seconds": 600.0,
        "pixels": PIXELS,
        "class_names": ["square"],
        "background_index": None,
        "every_nth": 1,
        "batch_size": 1,
        **changes,
    }
    followed = Followed()
    process = VideoProcess(job, timeout_seconds, give_up)
    try:
        begin, _ = process.receive(0)
        followed.size = begin["width"], begin["height"]
        while not followed.end:
            head, payload = process.receive(PIXELS * 3)
            if head["kind"] == "end":
                followed.end = head
            elif head["frames"]:
                pictures = payload.reshape(len(head["frames"]), begin["height"], begin["width"], 3)
                process.send(*_answers(followed, head, pictures, see))
            if head.get("frames_read") is not None:
                followed.progress.append((head["frames_read"], head["share"]))
    finally:
        process.close()
    return followed


def _answers(
    followed: Followed, head: dict[str, Any], pictures: np.ndarray, see: See
) -> tuple[dict[str, Any], list[np.ndarray]]:
    results, masks = [], []
    for told, pixels in zip(head["frames"], pictures, strict=True):
        followed.frames.append((told["index"], told["second"], pixels.copy()))
        items, mask = see(told["index"], pixels)
        results.append({"items": items, "has_mask": mask is not None})
        masks += [mask] if mask is not None else []
    followed.batches.append(len(results))
    return {"results": results}, masks
