"""/api/v1/models: versions, uploads and downloads; publishing stands beside."""

from __future__ import annotations

from typing import Any, Literal

from flask import Blueprint, Response, request, send_file, url_for
from pydantic import Field

from deep_predictor.db.model_rows import ModelRecord, ModelState
from deep_predictor.db.training_job_rows import TrainingJob
from deep_predictor.publishing.exports import Download, ExportFormat
from deep_predictor.publishing.zipping import zip_folder
from deep_predictor.web.access import TRAIN, VIEW, register
from deep_predictor.web.authentication import current_principal
from deep_predictor.web.current import current_management
from deep_predictor.web.management.job_answers import JobAnswer, accepted
from deep_predictor.web.management.model_forms import ModelForm, upload_of
from deep_predictor.web.management.model_trying_api import register_trying
from deep_predictor.web.management.publications_api import ModelName, Place, register_publications
from deep_predictor.web.operations import (
    Answer,
    AnswerModel,
    Operation,
    Page,
    PageQuery,
    RequestModel,
    page_of,
    read_form,
    read_query,
    respond,
)
from deep_predictor.web.stored_files import store_file

TAG = "Models"
PATH = "/api/v1/models"
#: A report is somebody's page: as one of ours it can do nothing at all.
REPORT_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
_ZIP, _BYTES = "application/zip", "application/octet-stream"


class ModelsQuery(PageQuery):
    name: ModelName | None = None
    dataset_id: int | None = Field(None, ge=1, le=999_999_999)


class DownloadQuery(RequestModel):
    format: ExportFormat = "folder"


class ModelAnswer(AnswerModel):
    """`name` is what versions have in common. `metrics`: of a model that was trained here."""

    id: int
    name: str
    version: int
    task: str
    state: ModelState
    reason: str | None = Field(description="Why it was refused: a word, and a sentence.")
    origin: Literal["trained", "uploaded"]
    job_id: int | None = Field(description="The training, or the job that looks at an upload.")
    dataset_id: int | None
    created_by: int | None
    created_at: float
    class_names: list[str]
    metrics: dict[str, Any]
    has_report: bool
    published: list[Place]


def create_models_api() -> Blueprint:
    """The blueprint `models_api`."""
    blueprint = Blueprint("models_api", __name__)
    one = f"{PATH}/<id:model_id>"
    listed = {200: Answer("Some of the models, newest first", Page[ModelAnswer])}
    taken = {202: Answer("The model, in the state checking; a job looks at it", ModelAnswer)}
    sent = {
        200: Answer("A file, or a zip of several", None, _BYTES, also=(_ZIP,)),
        202: Answer("The job that converts it; ask again when it is done", JobAnswer),
    }
    listing = Operation("List the models", listed, TAG, query=ModelsQuery)
    upload = Operation(
        "Add a model that was trained elsewhere: .keras, .h5, .onnx or a zipped SavedModel",
        taken,
        TAG,
        form=ModelForm,
        files=("model",),
    )
    show = Operation("Show a model", {200: Answer("The model", ModelAnswer)}, TAG)
    gone = {204: Answer("It is gone", media_type=None)}
    page = {200: Answer("The report of its training", None, "text/html")}
    register(blueprint, PATH, upload_model, ["POST"], TRAIN, upload)
    register(blueprint, PATH, list_models, ["GET"], VIEW, listing)
    register(blueprint, one, show_model, ["GET"], VIEW, show)
    register(blueprint, one, delete_model, ["DELETE"], TRAIN, Operation("Delete a model", gone, TAG))
    register(blueprint, f"{one}/report", show_report, ["GET"], VIEW, Operation("A model's report", page, TAG))
    download = Operation("Download a model", sent, TAG, query=DownloadQuery)
    register(blueprint, f"{one}/download", download_model, ["GET"], VIEW, download)
    register_trying(blueprint, one)
    register_publications(blueprint, one)
    return blueprint


def upload_model() -> Response:
    models = current_management().models
    with models.uploads.receiving() as folder:
        path = store_file(request, folder, "model", (), models.max_model_bytes)
        model = models.uploads.check(path, upload_of(read_form(ModelForm)))
    response = respond(_answer(model), 202)
    response.headers["Location"] = url_for("models_api.show_model", model_id=model.id)
    return response


def list_models() -> Response:
    query = read_query(ModelsQuery)
    count, models = current_management().models.page(query.limit, query.offset, query.name, query.dataset_id)
    return respond(Page[ModelAnswer](**page_of(_answers(models), count, query)))


def show_model(model_id: int) -> Response:
    return respond(_answer(current_management().models.get(model_id)))


def delete_model(model_id: int) -> Response:
    current_management().models.delete(model_id)
    return Response(status=204)


def show_report(model_id: int) -> Response:
    response = send_file(current_management().models.report(model_id), mimetype="text/html", conditional=True)
    response.headers["Content-Security-Policy"] = REPORT_POLICY
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def download_model(model_id: int) -> Response:
    query, models = read_query(DownloadQuery), current_management().models
    found = models.exports.get(models.get(model_id), query.format, current_principal().user_id)
    return accepted(found) if isinstance(found, TrainingJob) else _sent(found)


def _sent(found: Download) -> Response:
    if not found.is_folder:
        return send_file(found.path, mimetype=_BYTES, as_attachment=True, download_name=found.file_name, max_age=0)
    response = Response(zip_folder(found.path, found.without), mimetype=_ZIP)
    response.headers.set("Content-Disposition", "attachment", filename=found.file_name)
    return response


def _answer(model: ModelRecord) -> ModelAnswer:
    return _answers([model])[0]


def _answers(models: list[ModelRecord]) -> list[ModelAnswer]:
    library = current_management().models
    places: dict[int | None, list[Place]] = {}
    for publication in library.publisher.published():
        place = Place(environment=publication.environment, predictor_name=publication.predictor_name)
        places.setdefault(publication.model_id, []).append(place)
    names = set(ModelAnswer.model_fields) - {"has_report", "published"}
    return [
        ModelAnswer(
            **{name: getattr(model, name) for name in names},
            has_report=library.has_report(model),
            published=places.get(model.id, []),
        )
        for model in models
    ]
