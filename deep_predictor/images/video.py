"""Videos, from the server's side: whether one is accepted, and the process that decodes and encodes it."""

from __future__ import annotations

import importlib.util
import os
import select
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np

from deep_predictor.errors import (
    BackendNotReady,
    ImageNotStored,
    PredictionError,
    PredictionTimedOut,
    VideoFrameTooLarge,
    VideoSupportMissing,
    VideoTooLong,
    VideoUnreadable,
)
from deep_predictor.images.video_container import EXTENSIONS, kept_extension
from deep_predictor.images.video_pipe import (
    LENGTHS,
    BrokenMessage,
    VideoLimits,
    message_start,
    read_head,
    read_lengths,
    read_message,
)

PROJECT_ROOT = Path(__file__).resolve().parents[2]
CHILD_MODULE = "deep_predictor.images.video_child"
#: Looking at a video before it is accepted.
CHECK_SECONDS = 20.0
#: Starting the process, on a busy machine.
START_SECONDS = 60.0
#: How often is looked whether anybody still wants the result.
POLL_SECONDS = 0.2
_LAST_WORDS = 500


@dataclass(frozen=True)
class VideoFacts:
    """`extension`: what the file is kept as. `seconds`: what it says of itself."""

    extension: str
    width: int
    height: int
    seconds: float | None


def is_video_supported() -> bool:
    """Whether the library that reads videos is installed."""
    return importlib.util.find_spec("av") is not None


def check_video(path: Path, extension: str, limits: VideoLimits) -> VideoFacts:
    """Open a video and decode its first frame, in a process of its own.

    Raises VideoSupportMissing, VideoUnreadable, VideoTooLong, VideoFrameTooLarge.
    """
    if not is_video_supported():
        raise VideoSupportMissing
    head = {"kind": "check", "path": str(path), "seconds": limits.seconds, "pixels": limits.pixels}
    try:
        done = subprocess.run(
            _command(),
            input=message_start(head, 0),
            capture_output=True,
            timeout=CHECK_SECONDS,
            check=False,
            cwd=PROJECT_ROOT,
            env=_child_environment(),
        )
    except subprocess.TimeoutExpired:
        raise VideoUnreadable(f"looking at it took more than {CHECK_SECONDS:g} seconds") from None
    try:
        answer, _ = read_message(BytesIO(done.stdout), 0)
    except (EOFError, BrokenMessage):
        raise VideoUnreadable(_end_of(done.returncode, done.stderr)) from None
    if answer.get("kind") == "refused":
        raise _refusal(answer, limits)
    return _facts(answer, extension)


def _facts(answer: dict[str, Any], extension: str) -> VideoFacts:
    family, width, height, seconds = (answer.get(key) for key in ("family", "width", "height", "seconds"))
    is_sound = isinstance(width, int) and isinstance(height, int) and isinstance(seconds, int | float | None)
    if family not in EXTENSIONS or not is_sound:
        raise VideoUnreadable("the decoder answered nonsense")
    return VideoFacts(kept_extension(family, extension), width, height, seconds)  # type: ignore[arg-type]


def _refusal(answer: dict[str, Any], limits: VideoLimits) -> Exception:
    code, detail = str(answer.get("code")), str(answer.get("detail"))[:_LAST_WORDS]
    if code == VideoTooLong.code:
        return VideoTooLong(limits.seconds)
    if code == VideoFrameTooLarge.code:
        return VideoFrameTooLarge(limits.pixels)
    return VideoUnreadable(detail)


class NobodyWantsIt(Exception):
    """The prediction was deleted, or the server stops."""


class VideoProcess:
    """The process that decodes and encodes one video. To be used by one thread, and closed.

    `give_up` is asked several times a second; when it says True, NobodyWantsIt is raised.
    """

    def __init__(self, job: dict[str, Any], timeout_seconds: float, give_up: Callable[[], bool]) -> None:
        """`job`: its path and limits, and see `video_run.VideoJob`. Raises OSError."""
        self._timeout_seconds, self._give_up = timeout_seconds, give_up
        self._log = TemporaryFile()  # noqa: SIM115 - closed with the process
        self._child = subprocess.Popen(
            _command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            cwd=PROJECT_ROOT,
            env=_child_environment(),
            bufsize=0,
        )
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._to_child, self._from_child = self._child.stdin, self._child.stdout
        os.set_blocking(self._to_child.fileno(), False)
        os.set_blocking(self._from_child.fileno(), False)
        self._unsent: deque[memoryview] = deque()
        self._start_seconds = START_SECONDS
        self.send({"kind": "run", **job})

    def send(self, head: dict[str, Any], payload: Sequence[np.ndarray] = ()) -> None:
        """Arrays are uint8. What the pipe does not take at once goes while `receive` waits."""
        self._unsent.append(memoryview(message_start(head, sum(one.nbytes for one in payload))))
        self._unsent.extend(np.ascontiguousarray(one).data.cast("B") for one in payload if one.nbytes)
        self._write()

    def receive(self, max_payload_bytes: int) -> tuple[dict[str, Any], np.ndarray]:
        """The next message, and its bytes as uint8.

        Raises PredictionTimedOut when it takes too long, NobodyWantsIt, and what a refusal of the process says:
        VideoUnreadable, ImageNotStored, BackendNotReady.
        """
        deadline = time.monotonic() + self._timeout_seconds + self._start_seconds
        self._start_seconds = 0.0
        try:
            sizes = read_lengths(self._read(LENGTHS.size, deadline).tobytes(), max_payload_bytes)
            head = read_head(self._read(sizes[0], deadline).tobytes())
        except BrokenMessage as error:
            raise VideoUnreadable(f"the decoder answered nonsense: {error}") from error
        payload = self._read(sizes[1], deadline)
        if head.get("kind") == "refused":
            raise _error_of(str(head.get("code")), str(head.get("detail"))[:_LAST_WORDS])
        return head, payload

    def close(self) -> None:
        """End the process, if it has not ended by itself."""
        with suppress(OSError):
            self._to_child.close()
        if self._child.poll() is None:
            self._child.kill()
        self._child.wait()
        self._from_child.close()
        self._log.close()

    def _read(self, count: int, deadline: float) -> np.ndarray:
        data = np.empty(count, np.uint8)
        view, done = data.data, 0
        while done < count:
            received = self._from_child.readinto(view[done:])  # type: ignore[attr-defined]
            if received == 0:
                raise self._ended()
            done += received or 0
            if not received:
                self._wait(deadline)
        return data

    def _wait(self, deadline: float) -> None:
        """Until something can be read, or the time is over; meanwhile what is not sent yet is sent."""
        poll = select.poll()
        poll.register(self._from_child, select.POLLIN)
        if self._unsent:
            poll.register(self._to_child, select.POLLOUT)
        poll.poll(POLL_SECONDS * 1000)
        self._write()
        if self._give_up():
            raise NobodyWantsIt
        if time.monotonic() > deadline:
            raise PredictionTimedOut(self._timeout_seconds)

    def _write(self) -> None:
        while self._unsent:
            try:
                written = self._to_child.write(self._unsent[0])
            except OSError:  # it has ended; reading says how
                self._unsent.clear()
                return
            if written is None:
                return
            rest = self._unsent.popleft()[written:]
            if rest:
                self._unsent.appendleft(rest)

    def _ended(self) -> PredictionError:
        """It closed its end: why."""
        try:
            status = self._child.wait(1.0)
        except subprocess.TimeoutExpired:
            self._child.kill()
            status = self._child.wait()
        self._log.seek(max(0, self._log.seek(0, os.SEEK_END) - 4096))
        said = self._log.read()
        if b"No module named 'av'" in said:
            return BackendNotReady("PyAV is not installed: other/requirements/video.txt", code="library_missing")
        return VideoUnreadable(_end_of(status, said))


def _error_of(code: str, detail: str) -> PredictionError:
    if code == "video_not_stored":
        return ImageNotStored(detail)
    return VideoUnreadable(detail)


def _command() -> list[str]:
    return [sys.executable, "-m", CHILD_MODULE]


def _child_environment() -> dict[str, str]:
    """Without the server's secrets, and without threads that are not asked for."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("DEEP_PREDICTOR_")}
    return {**inherited, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}


def _end_of(status: int, said: bytes) -> str:
    lines = said.decode("utf-8", "replace").strip().splitlines()
    how = f"crashed (signal {-status})" if status < 0 else f"ended with status {status}"
    return f"the decoder {how}: {lines[-1][:_LAST_WORDS] if lines else 'it said nothing'}"
