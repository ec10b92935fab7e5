"""A site that offers trainings, which are faked; a test says when one ends, and what it leaves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from test.publishing.models import write_model_folder
from test.web.conftest import MakeSite
from test.web.management.conftest import management_of
from test.web.management.training_sites import PROGRAM, jobs_of, until
from test.web.sites import Site, Transport

TITLES = {"digit scenes": "Digit scenes", "<b>masks": "Masks of <i>digits</i>"}
WORDS = "Finds digits on cluttered pictures. Trains in about six minutes on two cores."


def offering_site(make_site: MakeSite, folder: Path, transport: Transport, changes: Mapping[str, Any]) -> Site:
    """`folder`: for the cfg of the trainings; each waits after its first epoch."""
    cfg = folder / "example.cfg"
    serving = {"method": "test", "predictions_main_folder": "var/predictions/never"}
    section = {"dataset_options": {"name": "digit_scenes"}, "serving_options": serving}
    cfg.write_text(json.dumps({"training_options": section, "fake": {"hold": 1, "epochs": 4}}))
    examples = [
        {"cfg_path": str(cfg), "predictor_name": name, "title": title, "description": WORDS}
        for name, title in TITLES.items()
    ]
    site = make_site(transport, {**changes, "library_options.examples": examples})
    jobs = management_of(site).jobs
    jobs._settings = replace(jobs._settings, poll_seconds=0.02, cancel_seconds=0.2, program=PROGRAM)
    return site


def let_go(site: Site, job_id: int, class_name: str = "seven", **options: Any) -> None:
    """The training leaves a model and ends. `options`: as `write_model_folder`."""
    run = Path(jobs_of(site).get(job_id).run_folder)
    until((run / "holding").exists, "it holds")
    write_model_folder(run / "model", class_name, **options)
    (run / "go").touch()
