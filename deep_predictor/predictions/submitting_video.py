"""From a valid upload of a video to a queued job: checked as a picture is, in the same order, the file itself last."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from deep_predictor.environment import Environment
from deep_predictor.errors import PredictionIdUsed, QueueFull, VideoSupportMissing
from deep_predictor.images.video import check_video, is_video_supported
from deep_predictor.images.video_pipe import VideoLimits
from deep_predictor.predictions.cancelling import delete_prediction
from deep_predictor.predictions.job import Job
from deep_predictor.predictions.predictor import Predictor
from deep_predictor.predictions.storing import insert_saved
from deep_predictor.predictions.submitting import check_id, extension_of, is_used

#: Videos that are looked at at a time, each by a process of its own, and how long one more waits for its turn.
_CHECKERS = threading.BoundedSemaphore(2)
PATIENCE_SECONDS = 30.0
RETRY_SECONDS = 5


@dataclass(frozen=True)
class VideoUpload:
    """What a client sent, its form and credentials already checked."""

    predictor_name: str
    prediction_id: str
    filename: str
    file: IO[bytes]


def is_video_name(environment: Environment, filename: str) -> bool:
    """Whether a file of this name is taken as a video."""
    return extension_of(filename) in environment.config.upload_options.supported_video_extensions


def submit_video(environment: Environment, upload: VideoUpload) -> Job:
    """Check, keep, insert, queue. Raises, in this order: InvalidPredictionId, UnknownPredictor, VideoSupportMissing,
    PredictionIdUsed, VideoUnreadable, VideoTooLong, VideoFrameTooLarge, QueueFull, ImageNotStored, DatabaseBusy.
    """
    check_id(environment, upload.prediction_id)
    predictor = environment.get_predictor(upload.predictor_name)
    if not is_video_supported():
        raise VideoSupportMissing
    if is_used(environment, upload.prediction_id):
        raise PredictionIdUsed(upload.prediction_id)
    with environment.images.spooled(upload.file) as path:
        extension = _check(environment, path, extension_of(upload.filename))
        environment.videos.reserve(environment.config.upload_options.max_waiting_videos)
        try:
            while not predictor.queue.reserve():  # since it was looked up, another one has taken its place
                predictor = environment.get_predictor(upload.predictor_name)
            try:
                return _accept(environment, predictor, upload.prediction_id, path, extension)
            finally:  # what waits in the queue of videos keeps the predictor from now on
                predictor.queue.release()
        except BaseException:
            environment.videos.release()
            raise


def _check(environment: Environment, path: Path, extension: str) -> str:
    """The extension that the file is kept with. Raises QueueFull, and what `check_video` raises."""
    options = environment.config.upload_options
    if not _CHECKERS.acquire(timeout=PATIENCE_SECONDS):
        raise QueueFull("videos", RETRY_SECONDS)
    try:
        return check_video(path, extension, VideoLimits(options.max_video_seconds, options.max_video_pixels)).extension
    finally:
        _CHECKERS.release()


def _accept(environment: Environment, predictor: Predictor, prediction_id: str, path: Path, extension: str) -> Job:
    job = Job(prediction_id, predictor, environment)
    environment.jobs.add(job)
    try:
        insert_saved(job, environment.images.keep_spooled(path, extension))
        if job.is_claimed:  # deleted by a client before its row was there
            delete_prediction(environment, prediction_id)
        environment.videos.put(job)
    except BaseException:
        environment.jobs.discard(job)
        raise
    return job
