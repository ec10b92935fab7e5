"""What comes into a data set by the hundred: zips, and the pictures that a predictor has sorted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deep_predictor.db.training_job_rows import JobState
from deep_predictor.errors import NotFound
from deep_predictor.management import Management
from test.training.datasets.pictures import png, set_of, small_set
from test.web.management.conftest import management_of
from test.web.management.dataset_requests import (
    PATH,
    ZIP,
    add_item,
    ended_job,
    items_of,
    labels_of,
    new_dataset,
    nothing_runs,
    post_zip,
    send,
    zipped,
)
from test.web.sites import Site


def incoming(site: Site) -> list[str]:
    return [path.name for path in (site.folder / "datasets" / "incoming").glob("*")]


def limit_zips(monkeypatch: pytest.MonkeyPatch, site: Site, most_bytes: int) -> None:
    management: Management = management_of(site)
    options = management.library_options.model_copy(update={"max_dataset_zip_bytes": most_bytes})
    monkeypatch.setattr(management, "library_options", options)


def test_zip_of_class_folders_becomes_items(admin_site: Site) -> None:
    dataset_id = new_dataset(admin_site)
    files = {"pets/train/猫/1.png": png(1), "pets/test/dog/2.png": png(2), "pets/train/dog/x.txt": b"?"}
    answer = post_zip(admin_site, dataset_id, files)
    job = ended_job(admin_site, answer)
    assert (job.state, job.reason) == (JobState.DONE, None)
    assert answer.headers["Location"].endswith(f"/jobs/{job.id}")
    assert labels_of(admin_site, dataset_id) == {"dog": 1, "猫": 1}
    items = items_of(admin_site, dataset_id)
    assert {(item["original_name"], item["split"]) for item in items} == {
        ("pets/train/猫/1.png", "train"),
        ("pets/test/dog/2.png", "test"),
    }
    assert {admin_site.get(item["image"]).body for item in items} == {png(1), png(2)}
    shown = admin_site.get(answer.headers["Location"]).json
    assert shown["progress"]["figures"] == {"added": 2, "left_out": 1}
    assert incoming(admin_site) == []
    assert not (Path(job.run_folder) / "pictures").exists()


@pytest.mark.parametrize("label", ["../../x", "日本語"])
def test_zip_of_a_form_gets_the_one_label(admin_site: Site, label: str) -> None:
    dataset_id = new_dataset(admin_site)
    answer = admin_site.post(
        f"{PATH}/{dataset_id}/zips",
        params={"label": label},
        files={"zip": ("../../pets.zip", zipped(small_set())), "other": ("b", b"x")},
        form={"note": "x"},
    )
    assert ended_job(admin_site, answer).state == JobState.DONE
    assert labels_of(admin_site, dataset_id) == {label: 8}
    assert incoming(admin_site) == []


def test_files_that_an_import_left_out_are_listed(admin_site: Site) -> None:
    dataset_id = new_dataset(admin_site)
    files = {"cat/1.png": png(1), "cat/<img src=x onerror=alert(1)>.txt": b"?", "dog/broken.png": png(2)[:40]}
    answer = post_zip(admin_site, dataset_id, files)
    path = f"/api/v1/jobs/{ended_job(admin_site, answer).id}/problems"
    page = admin_site.get(path).json
    assert (page["count"], page["next"]) == (2, None)
    assert [one["name"] for one in page["results"]] == ["cat/<img src=x onerror=alert(1)>.txt", "dog/broken.png"]
    assert all(one["reason"] for one in page["results"])
    assert admin_site.get(path, params={"limit": "1", "offset": "1"}).json["results"] == page["results"][1:]
    assert admin_site.get("/api/v1/jobs/999999/problems").status == 404


def test_problems_of_a_job_that_is_no_import_or_has_not_begun_are_none(admin_site: Site) -> None:
    dataset_id = new_dataset(admin_site)
    with nothing_runs(management_of(admin_site).jobs):
        waiting = post_zip(admin_site, dataset_id, small_set()).json["id"]
        assert admin_site.get(f"/api/v1/jobs/{waiting}/problems").json["results"] == []
        admin_site.post(f"/api/v1/jobs/{waiting}/cancel")
        for name in incoming(admin_site):  # kept for a day, since the job might be resumed
            (admin_site.folder / "datasets" / "incoming" / name).unlink()
    add_item(admin_site, dataset_id, "cat")
    examined = send(admin_site, "POST", f"{PATH}/{dataset_id}/doctor", {}).json["id"]
    assert admin_site.get(f"/api/v1/jobs/{examined}/problems").json["count"] == 0


def test_results_taken_in_twice_are_there_once(admin_site: Site) -> None:
    dataset_id = new_dataset(admin_site)
    management = management_of(admin_site)
    taken, kept = management.jobs.take_in["import"], []

    def take_in_twice(job: Any) -> None:
        folder = Path(job.run_folder)
        kept.append({path.name: path.read_bytes() for path in (folder / "pictures").iterdir()})
        taken(job)
        (folder / "pictures").mkdir()  # as if the server had died before this was written down
        for name, data in kept[0].items():
            (folder / "pictures" / name).write_bytes(data)
        taken(job)

    management.jobs.take_in["import"] = take_in_twice
    try:
        assert ended_job(admin_site, post_zip(admin_site, dataset_id, small_set())).state == JobState.DONE
    finally:
        management.jobs.take_in["import"] = taken
    assert labels_of(admin_site, dataset_id) == {"cat": 4, "dog": 4}
    assert len(list((admin_site.folder / "datasets" / str(dataset_id) / "pictures").rglob("*.png"))) == 8


def test_zip_that_cannot_be_used_fails_with_its_reason(admin_site: Site) -> None:
    dataset_id = new_dataset(admin_site)
    job = ended_job(admin_site, post_zip(admin_site, dataset_id, {"../../evil.png": png(1)}))
    assert job.state == JobState.FAILED
    assert job.reason == "refused: '../../evil.png' leads out of the zip"
    assert (labels_of(admin_site, dataset_id), incoming(admin_site)) == ({}, [])


def test_what_is_no_zip_is_refused_at_once(admin_site: Site) -> None:
    dataset_id = new_dataset(admin_site)
    refused = post_zip(admin_site, dataset_id, b"no zip")
    assert (refused.status, refused.json["code"]) == (422, "not_a_zip")
    assert post_zip(admin_site, dataset_id, b"").json["code"] == "not_a_zip"
    path = f"{PATH}/{dataset_id}/zips"
    assert admin_site.post(path, body=b"x", headers={"Content-Type": "text/plain"}).status == 415
    absent = admin_site.post(path, files={"file": ("a.zip", zipped({}))})
    assert (absent.status, absent.json["problems"][0]["where"]) == (422, "zip")
    broken = admin_site.post(path, body=b"--x\r\nbroken", headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert broken.status == 422
    assert post_zip(admin_site, dataset_id, {}, label=" ").status == 422
    assert post_zip(admin_site, 99_999, {}).status == 404
    assert incoming(admin_site) == []


def test_zip_over_its_limit_is_too_large(admin_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    limit_zips(monkeypatch, admin_site, 1000)
    path = f"{PATH}/{new_dataset(admin_site)}/zips"
    for answer in (
        admin_site.post(path, body=b"x" * 1001, headers=ZIP),
        admin_site.post(path, files={"zip": ("a.zip", b"x" * 1001)}),
        admin_site.post(path, files={"zip": ("a.zip", b"x" * 2_000_000)}),
    ):
        assert (answer.status, answer.json["code"]) == (413, "too_large")
    assert incoming(admin_site) == []


def test_job_of_a_dataset_that_is_deleted_ends_and_leaves_nothing(admin_site: Site) -> None:
    management, dataset_id = management_of(admin_site), new_dataset(admin_site)
    jobs = management.jobs
    with nothing_runs(jobs):
        answer = post_zip(admin_site, dataset_id, small_set())
        assert admin_site.request("DELETE", f"{PATH}/{dataset_id}").status == 204
    assert jobs.get(answer.json["id"]).state == JobState.CANCELLED
    reborn = new_dataset(admin_site)
    cfg = jobs.get(answer.json["id"]).cfg
    cfg["import_options"]["dataset_id"] = reborn
    with pytest.raises(NotFound, match="dataset"):
        management.datasets.imports.take_in(replace(jobs.get(answer.json["id"]), cfg=cfg))


def test_uploads_that_no_job_waits_for_are_swept_away_in_time(
    admin_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = management_of(admin_site).datasets.imports.incoming()
    (folder / "forgotten").write_bytes(b"x")
    monkeypatch.setattr("deep_predictor.datasets.imports._KEEP_SECONDS", -60)
    jobs = management_of(admin_site).jobs
    with nothing_runs(jobs):
        job = jobs.get(post_zip(admin_site, new_dataset(admin_site), small_set()).json["id"])
        jobs.cancel(job.id)
    kept = Path(job.cfg["import_options"]["source"])
    assert incoming(admin_site) == [kept.name]
    kept.unlink()


def test_sorted_pictures_of_a_predictor_become_items_once(admin_site: Site) -> None:
    dataset_id = new_dataset(admin_site)
    path = f"{PATH}/{dataset_id}/import-predictions"
    none_yet = send(admin_site, "POST", path, {"predictor_name": "dummy"})
    assert (none_yet.status, none_yet.json["code"]) == (409, "no_pictures")
    assert send(admin_site, "POST", path, {"predictor_name": "absent"}).status == 422
    main_folder = admin_site.production.predictors["dummy"].main_folder
    assert main_folder
    for name, data in set_of(["soup/a.png", "soup/b.png", "not-confident/c.png"]).items():
        (main_folder / name).parent.mkdir(parents=True, exist_ok=True)
        (main_folder / name).write_bytes(data)
    assert ended_job(admin_site, send(admin_site, "POST", path, {"predictor_name": "dummy"})).state == JobState.DONE
    assert labels_of(admin_site, dataset_id) == {"soup": 2}
    body = {"predictor_name": "dummy", "with_not_confident": True}
    assert ended_job(admin_site, send(admin_site, "POST", path, body)).state == JobState.DONE
    assert labels_of(admin_site, dataset_id) == {"not-confident": 1, "soup": 2}
    assert len(list(main_folder.rglob("*.png"))) == 3
