"""What is kept of an upload: its picture and its row.

Who knows the prediction's id may ask for it at once, so both are stored while the upload is accepted. Where the server
made the id and somebody waits for the answer, nobody knows it before: then they are stored with the answer, once.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from deep_predictor.db.prediction_rows import NewPrediction
from deep_predictor.errors import ImageNotStored, ImageUnreadable
from deep_predictor.images.decoding import DecodedImage, canonical_extension, decode_image
from deep_predictor.images.metadata import strip_metadata
from deep_predictor.os_limits import usable_cores
from deep_predictor.predictions.job import Job

if TYPE_CHECKING:
    from deep_predictor.environment import Environment
    from deep_predictor.predictions.predictor import Predictor

_DECODERS = threading.BoundedSemaphore(max(2, usable_cores()))


def decode_upload(environment: Environment, predictor: Predictor, data: bytes) -> DecodedImage:
    """Decode by the environment's settings, and no larger than the predictor needs.

    As many pictures at a time as there are cores: one may take 860 MB.

    Raises ImageUnreadable.
    """
    with _DECODERS:
        supported = environment.config.upload_options.supported_extensions
        return decode_image(data, supported, environment.max_image_pixels, predictor.smallest_decoded)


def store_accepted(job: Job) -> None:
    """Store one that waits or runs as accepted, so that who is told its id finds it; not one that ends at this moment.

    Raises ImageUnreadable, ImageNotStored, DatabaseBusy; then nothing is left of it.
    """
    with job.storing:
        if job.is_claimed or job.keep_as is None or job.image_bytes is None:
            return
        job.keep_as = stored_extension(decode_upload(job.environment, job.predictor, job.image_bytes), job.keep_as)
        insert_saved(job, save_picture(job))


def insert_saved(job: Job, path: Path) -> None:
    """Insert the row of a job whose picture was saved; when it cannot be written, the picture goes again.

    Only then the job has the picture: a worker that takes it before would look for its row.
    """
    try:
        job.environment.rows.insert(new_row(job, path))
    except BaseException:
        job.environment.images.remove(path)
        raise
    job.image_path = path
    job.image_bytes = job.keep_as = None


def save_picture(job: Job, class_name: str | None = None) -> Path:
    """Save a job's upload: into the folder of this class, or where uploads lie.

    Raises ImageUnreadable for one whose metadata cannot be taken out, ImageNotStored.
    """
    data, extension = job.image_bytes or b"", job.keep_as or ""
    if job.predictor.options.strip_metadata:
        try:
            data = strip_metadata(data, canonical_extension(extension) or extension)
        except ImageNotStored as error:
            raise ImageUnreadable(str(error)) from error
    images, main_folder = job.environment.images, job.predictor.main_folder
    if class_name is None:
        return images.save_upload(data, extension)
    if main_folder is None:
        raise ImageNotStored("the predictor's cfg names no folder for pictures")
    return images.save_to_class(data, extension, main_folder, class_name)


def stored_extension(image: DecodedImage, extension: str) -> str:
    """The client's spelling where it fits what the file is (`jpeg` for a JPEG), else the decoded type's own."""
    return extension if canonical_extension(extension) == image.extension else image.extension


def new_row(job: Job, path: Path | None, starts: int = 0) -> NewPrediction:
    """`path`: where its picture lies; `starts`: how often it was started."""
    return NewPrediction(
        prediction_id=job.prediction_id,
        predictor_name=job.predictor.name,
        image_path=str(path or ""),
        model_info=job.predictor.model_info,
        model_id=job.predictor.model_id,
        attempts=starts,
        accepted_time=job.accepted_time,
    )
