"""/api/v1/trainings/<id>/evaluation: figures, and test pictures as they stand in their data set now."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deep_predictor.db.dataset_records import Chosen
from test.web.management.conftest import AsPrincipal, management_of
from test.web.management.evaluated_runs import Tested, evaluated_run
from test.web.management.training_sites import dataset_of, drawn, fake_runs, jobs_of
from test.web.sites import Site

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def site(faked_site: Site, as_principal: AsPrincipal) -> Site:
    as_principal("viewer")
    fake_runs(faked_site)
    return faked_site


def make_set(site: Site, name: str) -> tuple[int, list[Tested]]:
    dataset_id = dataset_of(site, name, {"cat": 3, HOSTILE: 2})
    items, _ = management_of(site).datasets.items(dataset_id, Chosen(), 10, 0)
    said = [("cat", 0.5), (HOSTILE, 0.9), ("cat", 0.7), (HOSTILE, 0.99), ("cat", 0.95)]
    return dataset_id, [
        (f"pictures/{item.id}.png", item.id, item.label, *answer) for item, answer in zip(items, said, strict=True)
    ]


def test_evaluation_has_figures_matrix_calibration_and_threshold(site: Site) -> None:
    dataset_id, pictures = make_set(site, "figures")
    job_id = evaluated_run(site, dataset_id, pictures)
    assert site.get(f"/api/v1/trainings/{job_id}").json["has_evaluation"] is True
    found = site.get(f"/api/v1/trainings/{job_id}/evaluation").json
    assert found["class_names"] == [HOSTILE, "cat"]
    assert found["test"]["confusion_matrix"] == [[1, 1], [1, 2]]
    assert len(found["calibration"]) == 15
    assert found["threshold"]["threshold"] == 0.8
    assert "pictures" not in found


def test_pictures_of_a_cell_come_most_confident_first_with_their_items(site: Site) -> None:
    dataset_id, pictures = make_set(site, "cells")
    path = f"/api/v1/trainings/{evaluated_run(site, dataset_id, pictures)}/evaluation/pictures"
    every = site.get(path).json
    assert (every["count"], [one["confidence"] for one in every["results"]]) == (5, [0.99, 0.95, 0.9, 0.7, 0.5])
    cell = site.get(path, params={"label": "cat", "predicted": "cat"}).json["results"]
    assert [(one["item_id"], one["confidence"]) for one in cell] == [(pictures[2][1], 0.7), (pictures[0][1], 0.5)]
    mistakes = site.get(path, params={"mistakes": "1", "limit": "1"}).json
    assert (mistakes["count"], mistakes["results"][0]["label"]) == (2, HOSTILE)
    second = site.get(mistakes["next"]).json["results"]
    assert [(one["label"], one["predicted"]) for one in second] == [("cat", HOSTILE)]
    assert site.get(second[0]["thumbnail"]).media_type == "image/jpeg"
    assert site.get(second[0]["image"]).status == 200
    assert site.get(path, params={"label": "dog"}).json["count"] == 0
    assert site.get(path, params={"label": "a\nb"}).status == 422


def test_pictures_tell_what_became_of_their_items(site: Site) -> None:
    dataset_id, pictures = make_set(site, "changed")
    job_id = evaluated_run(site, dataset_id, [*pictures, ("elsewhere.png", None, "cat", "cat", 0.1)])
    datasets = management_of(site).datasets
    relabelled, gone = pictures[0][1], pictures[1][1]
    assert relabelled is not None
    assert gone is not None
    datasets.change_items(dataset_id, Chosen([relabelled]), label="dog")
    datasets.delete_items(dataset_id, Chosen([gone]))
    path = f"/api/v1/trainings/{job_id}/evaluation/pictures"
    shown = {one["name"]: one for one in site.get(path).json["results"]}
    assert (shown[pictures[0][0]]["label"], shown[pictures[0][0]]["label_now"]) == ("cat", "dog")
    for name in (pictures[1][0], "elsewhere.png"):
        assert [shown[name][key] for key in ("item_id", "label_now", "image", "thumbnail")] == [None] * 4
    datasets.delete(dataset_id)
    assert {one["item_id"] for one in site.get(path).json["results"]} == {None}


def test_pictures_are_not_those_of_a_later_item_of_the_same_number(site: Site) -> None:
    dataset_id, pictures = make_set(site, "reused")
    job_id = evaluated_run(site, dataset_id, pictures)
    later = management_of(site).datasets.add_item(dataset_id, drawn(99), "cat")
    folder = Path(jobs_of(site).get(job_id).run_folder)
    written = json.loads((folder / "evaluation.json").read_text())
    written["pictures"][0]["item_id"] = later.id
    (folder / "evaluation.json").write_text(json.dumps(written))
    shown = site.get(f"/api/v1/trainings/{job_id}/evaluation/pictures").json["results"]
    assert next(one for one in shown if one["name"] == pictures[0][0])["item_id"] is None


def test_evaluation_of_a_training_without_one_is_a_conflict(site: Site) -> None:
    dataset_id, pictures = make_set(site, "none")
    job_id = evaluated_run(site, dataset_id, pictures)
    (Path(jobs_of(site).get(job_id).run_folder) / "evaluation.json").unlink()
    for path in ("evaluation", "evaluation/pictures"):
        answer = site.get(f"/api/v1/trainings/{job_id}/{path}")
        assert (answer.status, answer.json["code"]) == (409, "no_evaluation")
    assert site.get(f"/api/v1/trainings/{job_id}").json["has_evaluation"] is False
    assert site.get("/api/v1/trainings/999999/evaluation").status == 404
