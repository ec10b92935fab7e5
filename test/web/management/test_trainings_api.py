"""/api/v1/trainings, /api/v1/searches, /api/v1/jobs: started, watched, cancelled, resumed, removed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deep_predictor.db.training_job_rows import JobState
from test.web.conftest import MakeSite
from test.web.management.conftest import AsPrincipal, management_of
from test.web.management.training_sites import (
    SETTINGS,
    dataset_of,
    ended,
    fake_runs,
    jobs_of,
    send_json,
    until,
    use_fakes,
)
from test.web.sites import Answer, Site

HISTORY = ("training_loss", "testing_loss", "training_accuracy", "testing_accuracy")


@pytest.fixture(scope="module")
def faked_site(make_site: MakeSite) -> Site:
    site = make_site()
    use_fakes(site)
    dataset_of(site, "数字", {"../../x": 2, "七": 2})
    return site


@pytest.fixture
def site(faked_site: Site, as_principal: AsPrincipal) -> Site:
    as_principal("trainer", 7)
    fake_runs(faked_site)
    return faked_site


def start(site: Site, kind: str = "trainings", **changes: Any) -> Answer:
    return send_json(site, f"/api/v1/{kind}", {"dataset_id": 1, "settings": SETTINGS, **changes})


def started(site: Site, kind: str = "trainings", **changes: Any) -> int:
    answer = start(site, kind, **changes)
    assert answer.status == 202, answer.text
    job_id: int = answer.json["id"]
    return job_id


def holding(site: Site, epochs: int = 3) -> int:
    """A training that waits after its first epoch."""
    fake_runs(site, hold=1, epochs=epochs)
    job_id = started(site)
    folder = Path(jobs_of(site).get(job_id).run_folder)
    until((folder / "holding").exists, "it holds")
    until(lambda: jobs_of(site).get(job_id).epoch == 1, "its epoch is stored")
    return job_id


def let_go(site: Site, job_id: int) -> None:
    (Path(jobs_of(site).get(job_id).run_folder) / "go").touch()


def problems_of(answer: Answer) -> dict[str, str]:
    assert answer.status == 422, answer.text
    return {problem["where"]: problem["what"] for problem in answer.json["problems"]}


def test_training_of_a_data_set_is_queued_and_runs_to_its_end(site: Site) -> None:
    answer = start(site, name="私のモデル", priority=3)
    assert answer.status == 202
    job = answer.json
    assert answer.headers["Location"].endswith(f"/api/v1/jobs/{job['id']}")
    assert (job["kind"], job["name"], job["dataset_id"], job["created_by"]) == ("train", "私のモデル", 1, 7)
    assert ended(site, job["id"])["state"] == "done"

    shown = site.get(f"/api/v1/trainings/{job['id']}").json
    assert (shown["epoch"], shown["epochs"], shown["priority"]) == (2, 2, 3)
    assert shown["settings"] == {
        **SETTINGS,
        "serving_options": {"method": "私のモデル"},
    }
    assert str(site.folder) not in json.dumps(shown)


def test_training_gets_the_data_set_as_it_was_when_it_was_asked_for(site: Site) -> None:
    datasets = management_of(site).datasets
    dataset_id = dataset_of(site, "short-lived", {"a": 1, "b": 1})
    job = jobs_of(site).get(started(site, dataset_id=dataset_id))
    datasets.delete(dataset_id)
    listing = Path(job.cfg["training_options"]["dataset_options"]["path"])
    items = [json.loads(line) for line in listing.read_text().splitlines()]
    assert [item["label"] for item in items] == ["a", "b"]
    assert all((listing.parent / item["file"]).is_file() for item in items)
    assert job.name == "short-lived"
    ended(site, job.id)


def test_start_with_wrong_settings_tells_all_that_is_wrong_and_leaves_nothing(site: Site) -> None:
    before = list((site.folder / "runs" / "snapshots").iterdir())
    wrong = {
        "fit_options": {"architecture": "lenet5", "epochs": 0, "learning_rat": 1},
        "report_options": {"target_precision": 2},
    }
    problems = problems_of(start(site, settings=wrong))
    assert set(problems) == {
        "settings.fit_options.epochs",
        "settings.fit_options.learning_rat",
        "settings.report_options.target_precision",
    }
    unknown = start(site, settings={"fit_options": {"architecture": "lenet6", "epochs": 1}})
    assert "lenet5" in problems_of(unknown)["settings.fit_options.architecture"]
    small = {**SETTINGS, "input_options": {"image_size": 8}}
    assert "16 x 16" in problems_of(start(site, settings=small))["settings.fit_options.architecture"]
    assert list((site.folder / "runs" / "snapshots").iterdir()) == before


def test_start_with_folders_of_the_server_is_refused(site: Site) -> None:
    settings = {
        **SETTINGS,
        "run_folder": "/tmp/x",
        "output_folder": "/etc",
        "dataset_options": {"name": "folder", "path": "/etc", "val_share": 0.2},
        "serving_options": {"predictions_main_folder": "/etc"},
        "augmentation": [{"name": "synthetic_background", "cutouts": "/etc", "backgrounds_dataset_id": "1"}],
        "search_options": {"ranges": {"augmentation.0": {"choices": [[{"cutouts": "/etc"}]]}}},
    }
    assert set(problems_of(start(site, settings=settings))) == {
        "settings.run_folder",
        "settings.output_folder",
        "settings.dataset_options.name",
        "settings.dataset_options.path",
        "settings.serving_options.predictions_main_folder",
        "settings.augmentation.0.cutouts",
        "settings.augmentation.0.cutouts_dataset_id",
        "settings.augmentation.0.backgrounds_dataset_id",
        "settings.search_options.ranges.augmentation.0",
    }


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "absent.keras", "", "a\0b", "x" * 5000])
def test_start_with_a_weights_file_elsewhere_is_refused(site: Site, name: str) -> None:
    settings = {**SETTINGS, "architecture_options": {"weights_file": name}}
    assert list(problems_of(start(site, settings=settings))) == ["settings.architecture_options.weights_file"]


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"dataset_id": 999}, 404, "dataset_not_found"),
        ({"dataset_id": 0}, 422, "request_invalid"),
        ({"settings": []}, 422, "request_invalid"),
        ({"settings": {"fit_options": 5, "augmentation": 7, "search_options": [], "dataset_options": 1}}, 422, None),
        ({"name": "a\nb"}, 422, "request_invalid"),
        ({"unknown": 1}, 422, "request_invalid"),
        ({"settings": {"seed": "\ud800"}}, 422, "request_invalid"),
        ({"settings": {"seed": float("inf")}}, 422, "request_invalid"),
        ({"settings": {"dataset_options": {"\ud800": 1}}}, 422, "request_invalid"),
        ({"settings": {"search_options": {"ranges": {"\ud800.path": 1}}}}, 422, "request_invalid"),
        ({"\ud800": 1}, 422, "request_invalid"),
    ],
)
def test_start_with_a_wrong_body_is_refused(site: Site, changes: dict[str, Any], status: int, code: str | None) -> None:
    answer = start(site, **changes)
    assert answer.status == status, answer.text
    assert code in (None, answer.json["code"])


def test_start_with_deeply_nested_settings_is_refused(site: Site) -> None:
    nested: Any = 1
    for _ in range(500):
        nested = {"a": nested}
    assert problems_of(start(site, settings=nested)) == {"settings": "is nested too deeply"}


def test_start_on_an_empty_data_set_is_a_conflict(site: Site) -> None:
    dataset_id = dataset_of(site, "empty", {})
    answer = start(site, dataset_id=dataset_id)
    assert (answer.status, answer.json["code"]) == (409, "dataset_empty")


def test_start_with_pasted_backgrounds_links_the_data_sets(site: Site) -> None:
    entry = {"name": "synthetic_background", "cutouts_dataset_id": 1, "backgrounds_dataset_id": 1}
    job = jobs_of(site).get(started(site, settings={**SETTINGS, "augmentation": [entry]}))
    written = job.cfg["training_options"]["augmentation"][0]
    assert set(written) == {"name", "cutouts", "backgrounds"}
    names = sorted(path.name for path in Path(written["cutouts"]).iterdir())
    assert len(names) == 2
    assert "七" in names
    assert len(list(Path(written["backgrounds"]).rglob("*.png"))) == 4
    ended(site, job.id)


def test_history_has_lists_of_one_length_with_null_where_there_is_no_number(site: Site) -> None:
    job_id = started(site)
    ended(site, job_id)
    lines = [
        {"epoch": 1, "loss": 0.5, "accuracy": 0.25, "val_loss": 0.75, "val_accuracy": 0.5, "seconds": 1.0},
        {"epoch": 2, "loss": float("nan"), "accuracy": 1, "val_accuracy": "x"},
    ]
    folder = Path(jobs_of(site).get(job_id).run_folder)
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"epoch"')
    expected = {
        "training_loss": [0.5, None],
        "testing_loss": [0.75, None],
        "training_accuracy": [0.25, 1.0],
        "testing_accuracy": [0.5, None],
    }
    of_other_tasks = {key: [None, None] for key in ("val_map50", "val_map50_95", "val_miou")}
    assert site.get(f"/api/v1/trainings/{job_id}/history").json == expected | of_other_tasks
    for answer in (site.get(f"/api/v1/jobs/{job_id}"), site.post(f"/api/v1/jobs/{job_id}")):
        assert answer.status == 200
        assert {name: answer.json[name] for name in HISTORY} == expected
        assert answer.json["status_code"] == "200"


def test_running_training_tells_its_progress_and_when_it_will_end(site: Site) -> None:
    job_id = holding(site)
    folder = Path(jobs_of(site).get(job_id).run_folder)
    (folder / "metrics.jsonl").write_text('{"epoch": 1, "seconds": 4.0}\n')
    shown = site.get(f"/api/v1/trainings/{job_id}").json
    assert (shown["state"], shown["epoch"], shown["epochs"]) == ("running", 1, 3)
    assert (shown["progress"]["done"], shown["eta_seconds"]) == (0, 8.0)
    figures = {"epoch": 2, "loss": float("nan"), "eta_seconds": 5}
    progress = {"done": 3, "total": 10, "unit": "steps", "figures": figures}
    (folder / "progress.json").write_text(json.dumps(progress))
    shown = site.get(f"/api/v1/trainings/{job_id}").json
    assert shown["progress"] == {**progress, "figures": {"epoch": 2, "loss": None, "eta_seconds": 5}}
    assert shown["eta_seconds"] == 5
    let_go(site, job_id)
    assert ended(site, job_id)["eta_seconds"] is None


def test_cancelled_training_is_resumed_and_finishes(site: Site) -> None:
    job_id = holding(site)
    conflict = site.request("DELETE", f"/api/v1/trainings/{job_id}")
    assert (conflict.status, conflict.json["code"]) == (409, "job_not_ended")
    answer = site.post(f"/api/v1/trainings/{job_id}/cancel")
    assert answer.status == 202
    assert answer.json["cancel_asked_at"] is not None
    assert ended(site, job_id)["state"] == "cancelled"
    again = site.post(f"/api/v1/trainings/{job_id}/cancel")
    assert (again.status, again.json["code"]) == (409, "job_has_ended")

    let_go(site, job_id)
    assert site.post(f"/api/v1/trainings/{job_id}/resume").status == 202
    assert ended(site, job_id)["state"] == "done"
    again = site.post(f"/api/v1/trainings/{job_id}/resume")
    assert (again.status, again.json["code"]) == (409, "training_job_not_resumable")


def test_training_whose_process_is_killed_tells_so_and_is_removed_with_its_folders(site: Site) -> None:
    fake_runs(site, end="kill")
    job_id = started(site)
    told = ended(site, job_id)
    assert told["state"] == "failed"
    assert "SIGKILL" in told["reason"]
    job = jobs_of(site).get(job_id)
    workplace = Path(job.cfg["training_options"]["dataset_options"]["path"]).parents[1]
    assert workplace.is_dir()
    assert site.request("DELETE", f"/api/v1/trainings/{job_id}").status == 204
    assert not workplace.exists()
    assert not Path(job.run_folder).exists()
    gone = site.get(f"/api/v1/trainings/{job_id}")
    assert (gone.status, gone.json["code"]) == (404, "training_job_not_found")
    assert started(site) > job_id, "its number is not given to another"


def test_log_shows_the_last_lines_of_the_run_and_its_process(site: Site) -> None:
    fake_runs(site, end="exit")
    job_id = started(site)
    ended(site, job_id)
    folder = Path(jobs_of(site).get(job_id).run_folder)
    (folder / "log.txt").write_text("one\ntwo \x1b[31m\nthree\n")
    answer = site.get(f"/api/v1/trainings/{job_id}/log")
    assert answer.media_type == "text/plain"
    assert answer.text == "last   words\none\ntwo  [31m\nthree\n"
    assert site.get(f"/api/v1/jobs/{job_id}/log", params={"lines": "1"}).text == "three\n"
    assert site.get(f"/api/v1/trainings/{job_id}/log", params={"lines": "0"}).status == 422


def test_lists_are_newest_first_of_one_kind_and_state(site: Site) -> None:
    first, second = started(site), started(site)
    for job_id in (first, second):
        ended(site, job_id)
    page = site.get("/api/v1/trainings", params={"limit": "1", "state": "done"}).json
    assert [job["id"] for job in page["results"]] == [second]
    assert page["count"] >= 2
    assert [job["id"] for job in site.get(page["next"]).json["results"]] == [first]
    assert all(job["state"] == "done" for job in site.get("/api/v1/jobs?kind=train&state=done").json["results"])
    assert site.get("/api/v1/jobs?kind=export").json["count"] == 0
    assert site.get("/api/v1/trainings?state=sleeping").status == 422


def test_search_is_checked_started_and_shows_its_trials(site: Site) -> None:
    assert list(problems_of(start(site, "searches"))) == ["settings.search_options"]
    ranges = {"fit_options.learning_rate": {"low": 0.001, "high": 0.1}}
    wrong = {**SETTINGS, "search_options": {"ranges": {"fit_options.epochs": {"low": 0, "high": 5}}}}
    assert list(problems_of(start(site, "searches", settings=wrong))) == [
        "settings.search_options.ranges.fit_options.epochs"
    ]
    job_id = started(site, "searches", settings={**SETTINGS, "search_options": {"ranges": ranges}})
    ended(site, job_id)
    folder = Path(jobs_of(site).get(job_id).run_folder)
    (folder / "metrics.jsonl").write_text('{"number": 0, "state": "done", "value": NaN}\n')
    assert site.get(f"/api/v1/searches/{job_id}").json["settings"]["search_options"] == {"ranges": ranges}
    assert site.get(f"/api/v1/searches/{job_id}/trials").json == {
        "trials": [{"number": 0, "state": "done", "value": None}]
    }
    assert site.get(f"/api/v1/searches/{job_id}/log").status == 200
    assert [job["id"] for job in site.get("/api/v1/searches").json["results"]] == [job_id]
    assert site.get(f"/api/v1/trainings/{job_id}").status == 404, "it is no training"
    assert site.post(f"/api/v1/searches/{job_id}/cancel").status == 409
    assert site.post(f"/api/v1/searches/{job_id}/resume").status == 409
    assert site.request("DELETE", f"/api/v1/searches/{job_id}").status == 204


def test_job_of_any_kind_is_cancelled_and_removed_by_its_number(site: Site) -> None:
    running = holding(site)
    waiting = started(site)
    assert site.post(f"/api/v1/jobs/{waiting}/cancel").json["state"] == "cancelled"
    assert site.request("DELETE", f"/api/v1/jobs/{waiting}").status == 204
    assert site.get(f"/api/v1/jobs/{waiting}").status == 404
    let_go(site, running)
    assert ended(site, running)["state"] == JobState.DONE


def test_architectures_are_listed_with_a_sentence(site: Site) -> None:
    answer = site.get("/api/v1/architectures").json["architectures"]
    named = {one["name"]: one for one in answer}
    assert "convnetj" in named["convnet_medium"]["older_names"]
    assert named["lenet5"]["summary"].startswith("LeNet-5")
    assert "convnetj" not in named


@pytest.mark.parametrize(
    ("role", "reading", "changing"),
    [(None, 401, 401), ("predict", 403, 403), ("viewer", 404, 403), ("trainer", 404, 404)],
)
def test_reading_needs_view_and_changing_needs_train(
    site: Site, as_principal: AsPrincipal, role: str | None, reading: int, changing: int
) -> None:
    as_principal(role)
    for path in ("trainings/99999", "searches/99999", "jobs/99999", "trainings/99999/history", "trainings/99999/log"):
        assert site.get(f"/api/v1/{path}").status == reading, path
    for path in ("trainings/99999/cancel", "trainings/99999/resume", "searches/99999/cancel", "jobs/99999/cancel"):
        assert site.post(f"/api/v1/{path}").status == changing, path
    assert start(site, dataset_id=99999).status == changing
    assert site.request("DELETE", "/api/v1/jobs/99999").status == changing
