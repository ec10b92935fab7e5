"""What goes out of a data set: to the doctor, to a run as a snapshot, and as a zip."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from deep_predictor.db.training_job_rows import JobState
from deep_predictor.errors import NotFound, StateConflict
from test.training.datasets.pictures import png
from test.web.management.conftest import management_of
from test.web.management.dataset_requests import (
    PATH,
    add_item,
    ended_job,
    labels_of,
    new_dataset,
    nothing_runs,
    post_zip,
    send,
)
from test.web.sites import Site


def test_downloaded_zip_holds_every_picture_and_its_label(admin_site: Site) -> None:
    dataset_id = new_dataset(admin_site)
    labels = ["日本語", "../../x", "=1+1", "猫"]
    for number, label in enumerate(labels):
        add_item(admin_site, dataset_id, label, "train" if number else "", png(number))
    answer = admin_site.get(f"{PATH}/{dataset_id}/download")
    assert (answer.status, answer.media_type) == (200, "application/zip")
    assert f"dataset-{dataset_id}.zip" in answer.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        assert archive.testzip() is None
        lines = [json.loads(line) for line in archive.read("items.jsonl").splitlines()]
        table = list(csv.DictReader(io.StringIO(archive.read("labels.csv").decode())))
        assert [line["label"] for line in lines] == labels
        assert [row["label"] for row in table] == ["日本語", "../../x", "'=1+1", "猫"]
        assert [archive.read(line["file"]) for line in lines] == [png(number) for number in range(4)]
        names = archive.namelist()
    assert lines[0]["file"].startswith("日本語/")
    assert lines[0]["split"] == ""
    assert not [name for name in names if ".." in name.split("/") or name.startswith("/")]
    again = new_dataset(admin_site)
    assert ended_job(admin_site, post_zip(admin_site, again, answer.body)).state == JobState.DONE
    assert labels_of(admin_site, again)["日本語"] == 1


def test_download_passes_over_pictures_that_are_gone_and_needs_a_place(admin_site: Site) -> None:
    dataset_id = new_dataset(admin_site)
    add_item(admin_site, dataset_id, "cat")
    for path in (admin_site.folder / "datasets" / str(dataset_id)).rglob("*.png"):
        path.unlink()
    with zipfile.ZipFile(io.BytesIO(admin_site.get(f"{PATH}/{dataset_id}/download").body)) as archive:
        assert archive.namelist() == ["items.jsonl", "labels.csv"]
    slots = admin_site.application.wait_slots
    with ExitStack() as stack:
        for number in range(slots.count):
            stack.enter_context(slots.hold(str(number)))
        busy = admin_site.get(f"{PATH}/{dataset_id}/download")
        assert (busy.status, busy.json["code"]) == (503, "too_many_waiting")
    assert admin_site.get(f"{PATH}/99999/download").status == 404
    assert admin_site.get(f"{PATH}/{dataset_id}/download").status == 200


def test_doctor_looks_at_a_dataset_and_its_report_grows_old(admin_site: Site) -> None:
    dataset_id = new_dataset(admin_site)
    for number in range(8):
        add_item(admin_site, dataset_id, "../../x" if number % 2 else "日本", "", png(number))
    copy = add_item(admin_site, dataset_id, "日本", "", png(1))
    path = f"{PATH}/{dataset_id}/doctor"
    job = ended_job(admin_site, admin_site.post(path))
    assert (job.state, job.kind) == (JobState.DONE, "doctor")
    report = admin_site.get(path).json
    assert (report["job_id"], report["is_current"]) == (job.id, True)
    found = {finding["code"]: finding for finding in report["findings"]["findings"]}
    assert f"pictures/{copy['id']}.png" in found["two_labels"]["groups"][0]
    assert [one["name"] for one in report["findings"]["classes"]] == ["../../x", "日本"]
    assert not list((admin_site.folder / "datasets" / str(dataset_id) / "snapshots").glob("*"))
    assert admin_site.request("DELETE", f"{PATH}/{dataset_id}/items/{copy['id']}").status == 204
    assert admin_site.get(path).json["is_current"] is False


def test_doctor_that_is_asked_twice_looks_once(admin_site: Site) -> None:
    dataset_id = new_dataset(admin_site)
    add_item(admin_site, dataset_id, "cat")
    jobs, path = management_of(admin_site).jobs, f"{PATH}/{dataset_id}/doctor"
    with nothing_runs(jobs):
        first, second = admin_site.post(path).json["id"], admin_site.post(path).json["id"]
        add_item(admin_site, dataset_id, "dog")
        third = admin_site.post(path).json["id"]
        jobs.cancel(third)
    assert first == second < third
    job = jobs.wait(first, 60)
    assert job.state == JobState.FAILED
    assert job.reason == "at least two classes of different names are needed (got cat)"


def test_snapshot_stays_as_it_was(admin_site: Site, tmp_path: Path) -> None:
    dataset_id = new_dataset(admin_site)
    items = [add_item(admin_site, dataset_id, "cat", "train", png(number)) for number in range(3)]
    library = management_of(admin_site).datasets
    listing = library.snapshot(dataset_id, tmp_path / "snapshot")
    assert (
        send(admin_site, "POST", f"{PATH}/{dataset_id}/items/bulk", {"label": "cat", "action": "delete"}).status == 200
    )
    lines = [json.loads(line) for line in listing.read_text(encoding="utf-8").splitlines()]
    assert [(line["item_id"], line["label"], line["split"]) for line in lines] == [
        (item["id"], "cat", "train") for item in items
    ]
    assert [(listing.parent / line["file"]).read_bytes() for line in lines] == [png(number) for number in range(3)]
    with pytest.raises(StateConflict, match="no items"):
        library.snapshot(dataset_id, tmp_path / "empty")
    with pytest.raises(NotFound):
        library.snapshot(99_999, tmp_path / "absent")
    add_item(admin_site, dataset_id, "cat")
    with pytest.raises(OSError, match="exists"):
        library.snapshot(dataset_id, tmp_path / "snapshot")
