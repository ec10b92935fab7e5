"""Requests to the data sets' API that several tests make."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from deep_predictor.db.training_job_rows import TrainingJob
from deep_predictor.training.jobs import TrainingJobs
from test.fakes import picture
from test.web.management.conftest import management_of
from test.web.sites import Answer, Site

LONGEST_SECONDS = 60.0
ZIP = {"Content-Type": "application/zip"}
KEY = {"X-API-Key": "looked at later"}
PATH = "/api/v1/datasets"


def send(site: Site, method: str, path: str, body: Any) -> Answer:
    headers = {"Content-Type": "application/json"}
    return site.request(method, path, body=json.dumps(body).encode(), headers=headers)


def new_dataset(site: Site, name: str | None = None) -> int:
    answer = send(site, "POST", PATH, {"name": name or f"set {uuid.uuid4().hex}"})
    assert answer.status == 201, answer.text
    return int(answer.json["id"])


def add_item(site: Site, dataset_id: int, label: str, split: str = "", image: bytes | None = None) -> dict[str, Any]:
    answer = site.post(
        f"{PATH}/{dataset_id}/items",
        form={"label": label, "split": split},
        files={"image": ("a.png", image or picture())},
    )
    assert answer.status == 201, answer.text
    found: dict[str, Any] = answer.json
    return found


def labels_of(site: Site, dataset_id: int) -> dict[str, int]:
    """Label -> items."""
    return {one["label"]: one["count"] for one in site.get(f"{PATH}/{dataset_id}").json["labels"]}


def items_of(site: Site, dataset_id: int, **query: str) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = site.get(f"{PATH}/{dataset_id}/items", params={"limit": "500", **query}).json[
        "results"
    ]
    return results


def ended_job(site: Site, answer: Answer) -> TrainingJob:
    """The job that a request started, once it has ended."""
    assert answer.status == 202, answer.text
    job = management_of(site).jobs.wait(answer.json["id"], LONGEST_SECONDS)
    assert job.has_ended, job
    return job


def zipped(files: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file.getvalue()


def post_zip(site: Site, dataset_id: int, files: Mapping[str, bytes] | bytes, **query: str) -> Answer:
    body = files if isinstance(files, bytes) else zipped(files)
    return site.post(f"{PATH}/{dataset_id}/zips", body=body, headers=ZIP | KEY, params=query)


@contextmanager
def nothing_runs(jobs: TrainingJobs) -> Iterator[None]:
    """Inside the block jobs of the lane `data` wait."""
    settings = jobs._settings
    jobs._settings = replace(settings, max_running={**settings.max_running, "data": 0})
    try:
        yield
    finally:
        jobs._settings = settings
