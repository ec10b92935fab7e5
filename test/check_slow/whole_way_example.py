"""An example for real: scenes are drawn, a tiny detector trained and served; an upload is answered with boxes.

`make check-slow` runs it. `make test` does so with faked trainings: test/publishing/test_examples.py.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import pytest

from deep_predictor.training.scenes import CLASS_NAMES, DigitScenes
from test.training.task_runs import task_section
from test.web.conftest import MakeSite, make_site
from test.web.management.conftest import AsPrincipal, as_principal, management_of
from test.web.sites import Site

__all__ = ["as_principal", "make_site"]

NAME = "digit scenes"


@pytest.fixture(scope="module")
def offering(make_site: MakeSite, tmp_path_factory: pytest.TempPathFactory) -> Site:
    cfg: Path = tmp_path_factory.mktemp("offered") / "scenes.cfg"
    section = {**task_section("detection", 1), "augmentation": [], "input_options": {"width": 32, "height": 32}}
    section["dataset_options"]["scene_options"]["count"] = 12
    section["serving_options"]["confidence_threshold"] = 0.0
    cfg.write_text(json.dumps({"training_options": section}))
    example = {"cfg_path": str(cfg), "predictor_name": NAME, "title": "Digit scenes"}
    site = make_site("in process", {"library_options.examples": [example]})
    jobs = management_of(site).jobs
    jobs._settings = replace(jobs._settings, poll_seconds=0.02)
    return site


def test_example_is_trained_and_answers_an_upload_with_boxes(offering: Site, as_principal: AsPrincipal) -> None:
    as_principal("trainer")
    job_id = offering.post(f"/api/v1/examples/{NAME}/train").json["id"]
    job = management_of(offering).jobs.wait(job_id, 600)
    assert job.state == "done", job.reason
    assert offering.application.registry.wait_until_loaded(600)
    predictor = offering.production.predictors[NAME]
    assert (predictor.state, predictor.task, list(predictor.class_names)) == ("ready", "detection", list(CLASS_NAMES))
    scene = DigitScenes("test", 9).scene(0)
    picture = cv2.imencode(".png", scene.pixels[:, :, ::-1])[1].tobytes()
    answer = offering.final(offering.upload_id(NAME, image=picture))
    assert answer["prediction_status"] == 200
    assert answer["predictions"], "with a threshold of 0 every network finds something"
    assert set(answer["predictions"][0]["bbox"]) == {"cx", "cy", "w", "h"}
