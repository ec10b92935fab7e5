"""From a video's job to its one final status: frames out of the decoder, through the network, and back to be drawn."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np

from deep_predictor.backends.base import Backend
from deep_predictor.errors import (
    BackendNotReady,
    ImageNotStored,
    ImageUnreadable,
    ModelRaised,
    PredictionError,
    VideoUnreadable,
)
from deep_predictor.images.result_files import FRAMES, ORIGINAL_VIDEO, VIDEO
from deep_predictor.images.storage import disk_errors, draft_of
from deep_predictor.images.video import NobodyWantsIt, VideoProcess, is_video_supported
from deep_predictor.predictions import running
from deep_predictor.predictions.job import Job
from deep_predictor.predictions.network_thread import NetworkThread
from deep_predictor.predictions.run_gate import RunGate
from deep_predictor.predictions.video_summary import VideoSummary
from deep_predictor.results import Answer, PredictionStatus, ResultKind

logger = logging.getLogger(__name__)

#: Frames that go through the network together, at most.
MOST_TOGETHER = 8


def run_video(job: Job, network: NetworkThread, gate: RunGate) -> None:
    """Predict a video and end its job; one that nobody wants any more, or that the server's end cuts short, stays as
    it is. Never raises."""
    files: _Files | None = None
    result: Answer | PredictionError
    try:
        files = _Files(job)
        result = _VideoRun(job, files, network, gate).run()
        files.keep()
    except NobodyWantsIt:
        if files:
            files.discard_drafts()
        return
    except PredictionError as error:
        logger.warning("video %s by %s: %s", job.prediction_id, job.predictor.name, error)
        result = error
    except BaseException as error:  # a job must end in a stored state, whatever a model throws
        logger.exception("video %s by %s: the model raised", job.prediction_id, job.predictor.name)
        result = ModelRaised(type(error).__name__)
    if files and not isinstance(result, Answer):  # before anybody hears that it ended
        files.discard()
    outcome = running.end(job, result)
    if files and (outcome is None or outcome.status != PredictionStatus.DONE):
        files.discard()


class _Files:
    """What a video leaves, under draft names until all of it is whole. Raises ImageNotStored."""

    def __init__(self, job: Job) -> None:
        results, prediction_id = job.environment.results, job.prediction_id
        self._folder = results.folder_of(prediction_id)
        self._paths = {name: results.path_for(prediction_id, name) for name in (VIDEO, ORIGINAL_VIDEO, FRAMES)}

    def draft(self, name: str) -> Path:
        return draft_of(self._paths[name])

    def keep(self) -> None:
        with disk_errors(str(self._folder)):
            for path in self._paths.values():
                with suppress(FileNotFoundError):  # a video that browsers play has no second form
                    draft_of(path).replace(path)
        if not self._paths[VIDEO].is_file():
            raise ImageNotStored(f"{self._folder} was deleted meanwhile")

    def discard_drafts(self) -> None:
        self._unlink([draft_of(path) for path in self._paths.values()])

    def discard(self) -> None:
        self._unlink([name for path in self._paths.values() for name in (path, draft_of(path))])

    def _unlink(self, paths: Sequence[Path]) -> None:
        for path in paths:
            with suppress(OSError):
                path.unlink(missing_ok=True)
        with suppress(OSError):
            self._folder.rmdir()


class _VideoRun:
    """One video on its way."""

    def __init__(self, job: Job, files: _Files, network: NetworkThread, gate: RunGate) -> None:
        self._job, self._files, self._network, self._gate = job, files, network, gate
        self._predictor = job.predictor
        self._size = (0, 0)

    def run(self) -> Answer:
        """Raises PredictionError, and NobodyWantsIt."""
        predictor = self._predictor
        if predictor.failure:
            raise predictor.failure
        if not is_video_supported():
            raise BackendNotReady("PyAV is not installed: other/requirements/video.txt", code="library_missing")
        batch_size = min(MOST_TOGETHER, predictor.queue.settings.max_batch_size)
        with _written(self._files.draft(FRAMES)) as lines:
            summary = VideoSummary(lines, predictor.background_index)
            process = VideoProcess(self._wanted(batch_size), predictor.options.timeout_seconds, self._give_up)
            try:
                end = self._follow(process, summary, batch_size)
            finally:
                process.close()
        kind: ResultKind = "truncated_video" if end.get("truncated") else "video"
        return summary.answer(kind, predictor.backend.paths.not_confident_folder_name)

    def _wanted(self, batch_size: int) -> dict[str, Any]:
        predictor, options = self._predictor, self._job.environment.config.upload_options
        if self._job.image_path is None:
            raise ImageUnreadable("its row names no video")
        is_kept = predictor.options.predicted_image_action != "remove"
        return {
            "path": str(self._job.image_path),
            "result": str(self._files.draft(VIDEO)),
            "original": str(self._files.draft(ORIGINAL_VIDEO)) if is_kept else None,
            "seconds": options.max_video_seconds,
            "pixels": options.max_video_pixels,
            "class_names": list(predictor.class_names),
            "background_index": predictor.background_index,
            "every_nth": predictor.options.video_every_nth_frame,
            "batch_size": batch_size,
        }

    def _give_up(self) -> bool:
        return self._job.is_claimed or self._predictor.stopping.is_set()

    def _follow(self, process: VideoProcess, summary: VideoSummary, batch_size: int) -> dict[str, Any]:
        """Answer frames until the process has written all; its last message."""
        begin, _ = process.receive(0)
        width, height = self._size = _size_of(begin, self._job.environment.config.upload_options.max_video_pixels)
        while True:
            head, payload = process.receive(batch_size * width * height * 3)
            if head.get("kind") == "end":
                return head
            self._note_progress(head)
            frames = _frames_of(head, payload, (height, width))
            if frames:
                self._answer(process, summary, frames)

    def _answer(
        self, process: VideoProcess, summary: VideoSummary, frames: Sequence[tuple[int, float, np.ndarray]]
    ) -> None:
        answers = self._predict([pixels for _, _, pixels in frames])
        results, masks = [], []
        for (index, second, _), answer in zip(frames, answers, strict=True):
            items = summary.add(index, second, answer)
            results.append({"items": items, "has_mask": answer.mask is not None})
            if answer.mask is not None:
                masks.append(answer.mask)
        process.send({"results": results}, masks)

    def _predict(self, frames: Sequence[np.ndarray]) -> list[Answer]:
        """Beside pictures, or alone where this video ran when the process died. Raises PredictionTimedOut, and what
        the backend raises."""
        if self._give_up():
            raise NobodyWantsIt
        gate_pass = self._gate.enter(self._job.alone)
        try:
            answers: list[Answer] = self._network.call(
                partial(_predict, self._predictor.backend, frames), self._predictor.options.timeout_seconds
            )
        finally:
            gate_pass.leave()
        return answers

    def _note_progress(self, head: dict[str, Any]) -> None:
        progress, read, share = self._job.progress, head.get("frames_read"), head.get("share")
        if progress and isinstance(read, int) and isinstance(share, float | int):
            progress.frames_done, progress.share = read, min(1.0, max(0.0, float(share)))


@contextmanager
def _written(path: Path) -> Iterator[IO[str]]:
    """A file for text. Raises ImageNotStored for what the disk refuses, and lets pass what the block raises."""
    with disk_errors(str(path)):
        file = path.open("w", encoding="utf-8")
    try:
        yield file
    except BaseException:
        with suppress(OSError):  # the first error tells more
            file.close()
        raise
    with disk_errors(str(path)):
        file.close()


def _predict(backend: Backend, frames: Sequence[np.ndarray]) -> list[Answer]:
    """An answer for each frame, RGB uint8 (H, W, 3)."""
    rows = backend.run(np.stack([backend.prepare(frame) for frame in frames]))
    size = (frames[0].shape[1], frames[0].shape[0])
    return [backend.interpret(row, size) for row in rows]


def _size_of(begin: dict[str, Any], max_pixels: int) -> tuple[int, int]:
    """(width, height). The process is never believed: what it decodes may have got the better of it."""
    width, height = begin.get("width"), begin.get("height")
    if not isinstance(width, int) or not isinstance(height, int) or not 0 < width * height <= max_pixels or width < 1:
        raise VideoUnreadable("the decoder answered nonsense")
    return width, height


def _frames_of(
    head: dict[str, Any], payload: np.ndarray, shape: tuple[int, int]
) -> list[tuple[int, float, np.ndarray]]:
    """(number, second, pixels) of each frame."""
    try:
        told = [(int(one["index"]), float(one["second"])) for one in head["frames"]]
        pictures = payload.reshape(len(told), *shape, 3)
    except (KeyError, TypeError, ValueError) as error:
        raise VideoUnreadable(f"the decoder answered nonsense: {error}") from error
    return [(index, second, pixels) for (index, second), pixels in zip(told, pictures, strict=True)]
