"""Requests of the older automation, as its documents give them; see docs/api.md, "Requests of older systems"."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from deep_predictor.datasets.library import DatasetLibrary
from deep_predictor.db.dataset_records import Dataset
from deep_predictor.db.training_job_rows import TrainingJob
from deep_predictor.errors import MissingField, NameTaken, NotFound, RequestInvalid, StateConflict
from deep_predictor.runs.cutting import source_of
from deep_predictor.runs.starting import RunOrder
from deep_predictor.web.access import PREDICT, TRAIN, register
from deep_predictor.web.authentication import current_principal
from deep_predictor.web.current import current_management
from deep_predictor.web.management.augment_api import picture_body_bytes
from deep_predictor.web.management.older_forms import (
    OlderGenerate,
    OlderJobs,
    OlderSegment,
    OlderSegmentAnswer,
    OlderTest,
    OlderTestAnswer,
    OlderTestForm,
    OlderTrain,
)
from deep_predictor.web.operations import Answer, Operation, read_form, read_json, respond
from deep_predictor.web.predict_body import image_of_text

TAG = "Older automation"
#: The data sets that its requests work on without naming them: cut-outs, and backgrounds.
CUTOUTS, BACKGROUNDS = "custom", "bgs"
#: Its word for a kind of files -> our format.
FILE_FORMATS = {"cifar": "cifar10", "hdf5": "hdf5"}
CIFAR_FOLDER = "cifar-10-batches-py"
#: Where a problem stands in our settings -> the older name of the field.
OLDER_FIELDS = {
    "file": "hdf5_path or trainset_dir",
    "settings.fit_options.architecture": "model_name",
    "settings.fit_options.epochs": "num_epochs",
    "settings.fit_options.workers": "num_workers",
    "settings.fit_options.learning_rate_decay": "lr_decay",
    "settings.fit_options.l2": "l2_reg",
}


def create_older_automation() -> Blueprint:
    """The blueprint `older_automation`."""
    blueprint = Blueprint("older_automation", __name__)
    cut = Operation(
        "Cut out, and keep under its ean", {200: Answer("The cut-out", OlderSegmentAnswer)}, TAG, body=OlderSegment
    )
    register(blueprint, "/api/v1/segment", segment, ["POST"], TRAIN, cut)
    queued = {200: Answer("Queued", OlderJobs)}
    made = Operation("Make an augmented set of the cut-outs", queued, TAG, body=OlderGenerate)
    register(blueprint, "/api/v1/generate", generate, ["POST"], TRAIN, made)
    register(blueprint, "/api/v1/train", train, ["POST"], TRAIN, Operation("Train", queued, TAG, body=OlderTrain))
    tested = Operation(
        "What a data set's newest model says of a picture",
        {200: Answer("The likeliest label", OlderTestAnswer)},
        TAG,
        body=OlderTest,
        form=OlderTestForm,
        files=("image",),
    )
    register(blueprint, "/api/test/", ask_newest_model, ["POST"], PREDICT, tested)
    return blueprint


def segment() -> ResponseReturnValue:
    body = read_json(OlderSegment, picture_body_bytes())
    management = current_management()
    image, _ = image_of_text(body.image)
    cutout = management.runs.cut_out(image, (body.x1, body.y1, body.x2, body.y2))
    dataset = _find_or_create(management.datasets, CUTOUTS)
    item = management.datasets.add_item(dataset.id, cutout, body.ean, source=source_of(image))
    encoded = base64.b64encode(cutout).decode()
    return respond(OlderSegmentAnswer(output_image=encoded, dataset_id=dataset.id, item_id=item.id))


def generate() -> ResponseReturnValue:
    body = read_json(OlderGenerate)
    management = current_management()
    dataset = _get_dataset(management.datasets, CUTOUTS)
    backgrounds = management.datasets.find_by_name(BACKGROUNDS)
    order = body.to_order(backgrounds.id if backgrounds else None)
    return respond(OlderJobs(jobs=management.runs.augment(dataset.id, order, current_principal().user_id).id))


def train() -> ResponseReturnValue:
    with _older_field_names():
        return respond(OlderJobs(jobs=_train(read_json(OlderTrain)).id))


def ask_newest_model() -> ResponseReturnValue:
    image, dataset_name = _picture_and_dataset()
    management = current_management()
    dataset = _get_dataset(management.datasets, dataset_name)
    model = management.models.newest_for_dataset(dataset.id)
    if model is None:
        raise StateConflict("no_model", f"the data set {dataset.name!r} has no model that is ready")
    return respond(OlderTestAnswer(result=management.models.predict_with(model.id, image)))


def _train(body: OlderTrain) -> TrainingJob:
    management = current_management()
    settings, user_id = body.settings(), current_principal().user_id
    if body.dataset not in FILE_FORMATS:
        dataset = _dataset_to_train_on(management.datasets, body.dataset)
        return management.runs.start("train", dataset.id, RunOrder(settings, created_by=user_id))
    file_name = body.hdf5_path if body.dataset == "hdf5" else body.trainset_dir or CIFAR_FOLDER
    order = RunOrder(settings, name=str(body.dataset), created_by=user_id)
    return management.runs.start_on_file(FILE_FORMATS[str(body.dataset)], file_name, order)


def _picture_and_dataset() -> tuple[bytes, str | int]:
    """Raises RequestInvalid, MissingField, InvalidUploadBody, RequestEntityTooLarge."""
    if request.mimetype == "application/json":
        body = read_json(OlderTest, picture_body_bytes())
        return image_of_text(body.image)[0], body.dataset
    request.max_content_length = request.max_form_memory_size = picture_body_bytes()
    form = read_form(OlderTestForm)
    file = request.files.get("image")
    if file is None and form.image is None:
        raise MissingField("image")
    return file.read() if file else image_of_text(form.image or "")[0], form.dataset


def _dataset_to_train_on(datasets: DatasetLibrary, named: str | int) -> Dataset:
    """Of `custom` the augmented set that was made last, once there is one. Raises NotFound."""
    if named != CUTOUTS:
        return _get_dataset(datasets, named)
    found, number, name = [], 1, f"{CUTOUTS} augmented"
    while dataset := datasets.find_by_name(name if number == 1 else f"{name} {number}"):
        found.append(dataset)
        number += 1
    return max(found, key=lambda one: one.id) if found else _get_dataset(datasets, CUTOUTS)


def _get_dataset(datasets: DatasetLibrary, named: str | int) -> Dataset:
    """By its name, else by its number. Raises NotFound."""
    found = datasets.find_by_name(str(named))
    if found:
        return found
    if isinstance(named, int) or (named.isascii() and named.isdecimal() and len(named) < 10):
        return datasets.get(int(named))
    raise NotFound("dataset", named)


def _find_or_create(datasets: DatasetLibrary, name: str) -> Dataset:
    found = datasets.find_by_name(name)
    if found:
        return found
    try:
        return datasets.create(name, current_principal().user_id)
    except NameTaken:  # by another request, at the same time
        return _get_dataset(datasets, name)


@contextmanager
def _older_field_names() -> Iterator[None]:
    """Problems are told by the names that were sent."""
    try:
        yield
    except RequestInvalid as error:
        problems = [
            (OLDER_FIELDS.get(where, where.removeprefix("settings.fit_options.")), what)
            for where, what in error.problems
        ]
    else:
        return
    raise RequestInvalid(problems)
