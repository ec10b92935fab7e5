"""What comes into a data set, or goes out of it, by the hundred; and what the doctor says of it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, request
from pydantic import Field

from deep_predictor.datasets.imports import PredictorFolder, ZipFormat
from deep_predictor.datasets.zipping import DownloadFormat
from deep_predictor.errors import StateConflict, TooManyWaiting
from deep_predictor.images.folder_names import safe_folder_name
from deep_predictor.predictions.predictor import Predictor
from deep_predictor.web.access import TRAIN, VIEW, register
from deep_predictor.web.authentication import current_principal
from deep_predictor.web.current import current_application, current_management, production_environment
from deep_predictor.web.management.job_answers import JobAnswer, accepted
from deep_predictor.web.operations import (
    Answer,
    AnswerModel,
    Line,
    Operation,
    RequestModel,
    read_json,
    read_query,
    respond,
)
from deep_predictor.web.stored_files import store_file

TAG = "Data sets"
ZIP_TYPES = ("application/zip", "application/x-zip-compressed", "application/octet-stream")
#: A download holds one of the places of requests that wait: a slow client must not keep the others out.
_SLOT_NAME = "downloads of data sets"


class ZipQuery(RequestModel):
    label: Line | None = Field(None, description="Of every picture; absent: a folder a label.")
    format: ZipFormat = Field("auto", description="How boxes or masks are written; auto: by what is in the zip.")


class DownloadQuery(RequestModel):
    format: DownloadFormat | None = Field(
        None, description="Absent: folders for labels, coco for boxes, masks for masks."
    )
    pictures: bool = Field(True, description="0: what is written of the pictures, without them.")


class ZipForm(RequestModel):
    """The file `zip` and nothing else."""


class PredictionsBody(RequestModel):
    predictor_name: str = Field(min_length=1, max_length=200)
    with_not_confident: bool = Field(False, description="Whether the folder of pictures it was not sure of comes too.")


class DoctorAnswer(AnswerModel):
    job_id: int
    written_at: float = Field(description="Seconds since 1970.")
    is_current: bool = Field(description="Whether the data set is still as it was looked at.")
    findings: dict[str, Any] = Field(description="As `doctor --json` prints them; names are pictures/<item id>.<ext>.")


def register_dataset_jobs(blueprint: Blueprint, dataset_path: str) -> None:
    queued = {202: Answer("The job", JobAnswer)}
    zipped = {200: Answer("Pictures, and what is true of them", media_type="application/zip")}
    report = {200: Answer("The newest report", DoctorAnswer)}
    add_zip = Operation(
        "Add the pictures of a zip", queued, TAG, query=ZipQuery, form=ZipForm, files=("zip",), raw=ZIP_TYPES
    )
    imports = Operation("Add the pictures that a predictor has sorted", queued, TAG, body=PredictionsBody)
    download = Operation("Download a data set", zipped, TAG, query=DownloadQuery)
    examine = Operation("Have the doctor look at it", queued, TAG)
    show = Operation("What the doctor said last", report, TAG)
    register(blueprint, f"{dataset_path}/zips", add_dataset_zip, ["POST"], TRAIN, add_zip)
    register(blueprint, f"{dataset_path}/import-predictions", import_predictions, ["POST"], TRAIN, imports)
    register(blueprint, f"{dataset_path}/download", download_dataset, ["GET"], VIEW, download)
    register(blueprint, f"{dataset_path}/doctor", examine_dataset, ["POST"], TRAIN, examine)
    register(blueprint, f"{dataset_path}/doctor", show_report, ["GET"], VIEW, show)


def add_dataset_zip(dataset_id: int) -> Response:
    management, query = current_management(), read_query(ZipQuery)
    management.datasets.get(dataset_id)
    most_bytes = management.library_options.max_dataset_zip_bytes
    path = store_file(request, management.datasets.imports.incoming(), "zip", ZIP_TYPES, most_bytes)
    job_id = management.datasets.imports.start_zip(
        dataset_id, path, query.label, current_principal().user_id, query.format
    )
    return accepted(management.jobs.get(job_id))


def import_predictions(dataset_id: int) -> Response:
    management, body = current_management(), read_json(PredictionsBody)
    source = _folder_of(production_environment().get_predictor(body.predictor_name))
    user_id = current_principal().user_id
    job_id = management.datasets.imports.start_predictor(dataset_id, source, body.with_not_confident, user_id)
    return accepted(management.jobs.get(job_id))


def download_dataset(dataset_id: int) -> Response:
    query = read_query(DownloadQuery)
    with ExitStack() as stack:
        if not stack.enter_context(current_application().wait_slots.hold(_SLOT_NAME)):
            raise TooManyWaiting
        chunks = current_management().datasets.zip_chunks(dataset_id, query.format, query.pictures)
        response = Response(chunks, mimetype="application/zip")
        response.call_on_close(stack.pop_all().close)
    response.headers["Content-Disposition"] = f'attachment; filename="dataset-{dataset_id}.zip"'
    response.headers["Cache-Control"] = "no-store"
    return response


def examine_dataset(dataset_id: int) -> Response:
    management = current_management()
    job_id = management.datasets.doctor.start(dataset_id, current_principal().user_id)
    return accepted(management.jobs.get(job_id))


def show_report(dataset_id: int) -> Response:
    return respond(DoctorAnswer(**asdict(current_management().datasets.doctor.newest(dataset_id))))


def _folder_of(predictor: Predictor) -> PredictorFolder:
    """Raises StateConflict for a predictor whose cfg names no folder."""
    if predictor.main_folder is None or not predictor.is_configured:
        raise StateConflict("no_pictures", f"the predictor {predictor.name!r} keeps no pictures")
    backend = predictor.backend
    labels = {safe_folder_name(name): name for name in backend.class_names}
    not_confident = safe_folder_name(backend.paths.not_confident_folder_name)
    return PredictorFolder(predictor.name, predictor.main_folder, not_confident, labels)
