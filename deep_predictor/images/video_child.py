"""Looks at one video, or decodes and encodes it, as a process: `python -m deep_predictor.images.video_child`.

FFmpeg is large, in C, and made to read anything; a process can be limited, watched and ended. What is to be done comes
as the first message on standard input (see `video_pipe.py`), answers go to standard output.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO, Any

from deep_predictor.images.video_pipe import Refusal, VideoLimits, read_message, write_message
from deep_predictor.images.video_reading import VideoSource
from deep_predictor.os_limits import die_with_parent

#: Address space; a film of 4K takes a third of it.
MAX_MEMORY_BYTES = 4 * 1024**3
NICENESS = 10


def main() -> None:
    """One answer of kind `facts` or `end`, or `refused`; frames before it."""
    die_with_parent()
    _limit()
    outbox = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing that a library prints may get between the messages
    inbox = sys.stdin.buffer
    wanted, _ = read_message(inbox, 0)
    try:
        answer = _answer(wanted, inbox, outbox)
    except Refusal as refusal:
        answer = {"kind": "refused", "code": refusal.code, "detail": str(refusal)}
    except MemoryError:
        answer = {"kind": "refused", "code": "video_unreadable", "detail": "it takes too much memory"}
    write_message(outbox, answer)


def _answer(wanted: dict[str, Any], inbox: IO[bytes], outbox: IO[bytes]) -> dict[str, Any]:
    """Raises Refusal."""
    source = VideoSource(Path(wanted["path"]), VideoLimits(wanted["seconds"], wanted["pixels"]))
    if wanted["kind"] == "check":
        return _facts(source)
    from deep_predictor.images.video_run import VideoJob, VideoRun  # takes as long to import as looking at a video

    return VideoRun(VideoJob.of(wanted), source, inbox, outbox).run()


def _facts(source: VideoSource) -> dict[str, Any]:
    """Raises Refusal when the file says that it is longer than what is taken."""
    claimed = source.claimed_seconds
    if claimed is not None and claimed > source.limits.seconds:
        raise Refusal("video_too_long", f"it is {claimed:.0f} s long")
    width, height = source.size
    return {"kind": "facts", "family": source.family, "width": width, "height": height, "seconds": claimed}


def _limit() -> None:
    """Where the system has such limits; elsewhere the parent's watch is what ends it."""
    try:
        import resource
    except ImportError:
        return
    os.nice(NICENESS)
    for kind, wanted in ((resource.RLIMIT_AS, MAX_MEMORY_BYTES), (resource.RLIMIT_CORE, 0)):
        _, allowed = resource.getrlimit(kind)  # the server may run under stricter limits, which cannot be raised
        limit = wanted if allowed == resource.RLIM_INFINITY else min(wanted, allowed)
        resource.setrlimit(kind, (limit, limit))


if __name__ == "__main__":
    main()
