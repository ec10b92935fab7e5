"""A site with a little of everything that the API can show, change or delete, and somebody of every role."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deep_predictor.accounts.oauth_clients import ClientWish
from deep_predictor.accounts.permissions import ROLES, Role
from deep_predictor.runs.starting import RunOrder
from test.app_builder import DUMMY, DUMMY_YOLO
from test.publishing.models import done_job, write_model_folder
from test.web.api_checks import LARGEST_ID
from test.web.conftest import MakeSite
from test.web.management.conftest import management_of
from test.web.management.people import accounts_of, cheap_hashes, get_person
from test.web.management.test_predictions_api import fill
from test.web.management.training_sites import LONGEST_SECONDS, SETTINGS, dataset_of, fake_runs, use_fakes
from test.web.sites import Site


def seeded_site(make_site: MakeSite, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Its jobs that are done were fakes; those that come later wait for ever, so that nothing runs meanwhile."""
    cheap_hashes(monkeypatch)
    site = make_site(production={"dummy": DUMMY, "ms coco": DUMMY_YOLO})
    fill(site.production.rows)
    _add_accounts(site)
    _add_runs(site)
    _add_models(site)
    return site


def token_of(site: Site, role: Role) -> str:
    """Of somebody whom the ids that are asked for do not reach."""
    return accounts_of(site).make_token(get_person(site, role, role))


def _add_accounts(site: Site) -> None:
    accounts = accounts_of(site)
    for number in range(LARGEST_ID):
        get_person(site, f"user{number}")
    for role in ROLES:
        get_person(site, role, role)
    for number in range(2):
        accounts.keys.create(f"key {number}", ["predict"], created_by=1)
        accounts.oauth_clients.create(ClientWish(f"client {number}", ["train"], ["client_credentials"]))


def _add_runs(site: Site) -> None:
    """Two data sets; of the first, a training and a search that are done, and a training that waits."""
    use_fakes(site)
    fake_runs(site, epochs=2)
    dataset_id = dataset_of(site, "fruit", {"apple": 2, "日本": 1})
    dataset_of(site, "empty", {})
    management = management_of(site)
    order = RunOrder(SETTINGS)
    training = management.runs.start("train", dataset_id, order)
    assert management.jobs.wait(training.id, LONGEST_SECONDS).has_ended
    management.jobs._settings = replace(management.jobs._settings, max_running={"training": 0, "data": 0})
    management.runs.start("train", dataset_id, order)


def _add_models(site: Site) -> None:
    """Two models of the first data set, the second one published twice."""
    library = management_of(site).models
    for job_id in (101, 102):
        job = done_job(site.folder, job_id, dataset_id=1)
        write_model_folder(Path(job.run_folder) / "model", "apple")
        (Path(job.run_folder) / "report.html").write_text("<p>a report</p>")
        library.take_in(job)
    for model_id in (1, 2):
        library.publisher.publish(model_id, "production", "fruit", None)
