"""Examples: offered, trained in the background, served when they are done; over restarts, failures and conflicts."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from deep_predictor import app
from deep_predictor.db.training_job_rows import JobState, TrainingJob
from deep_predictor.errors import ConfigError, NotFound, StateConflict
from deep_predictor.publishing.examples import Example
from deep_predictor.training.jobs import TrainingJobs
from test import fakes
from test.publishing.models import WAIT_SECONDS, Server, serving, write_model_folder
from test.training.job_server import PROGRAM

#: One a test: what became of an earlier one stays.
NAMES = tuple(f"example {number}" for number in range(9))


@dataclass
class Offered:
    """One example of a server; its training waits after its first epoch, unless the cfg is written anew."""

    server: Server
    name: str

    @property
    def file(self) -> Path:
        return self.server.folder / f"{self.name}.cfg"

    @property
    def now(self) -> Example:
        (found,) = [one for one in self.server.management.examples.all() if one.predictor_name == self.name]
        return found

    @property
    def jobs(self) -> TrainingJobs:
        return self.server.management.jobs

    @property
    def publications(self) -> list[int | None]:
        """The models that were ever published under the name."""
        return [one.model_id for one in self.server.library.publisher._rows.history("production", self.name)]

    def start(self) -> TrainingJob:
        return self.server.management.examples.start(self.name, None)

    def until_state(self, state: str) -> None:
        until(lambda: self.now.state == state, f"{state}, but {self.now}")

    def finish(self, job: TrainingJob, class_name: str = "seven", **options: Any) -> TrainingJob:
        """Let a training that waits leave its model; the job once it has ended."""
        let_go(job, class_name, **options)
        return self.jobs.wait(job.id, WAIT_SECONDS)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("examples")
    for name in NAMES:
        write_cfg(folder / f"{name}.cfg")
    examples = [
        {"cfg_path": str(folder / f"{name}.cfg"), "predictor_name": name, "title": name.title()} for name in NAMES
    ]
    settings = partial(app.JobSettings, program=PROGRAM, poll_seconds=0.02)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "JobSettings", settings)
        with serving(folder, {"library_options.examples": examples}) as server:
            yield server


@pytest.fixture(scope="module")
def names() -> Iterator[str]:
    return iter(NAMES)


@pytest.fixture
def offered(server: Server, names: Iterator[str]) -> Iterator[Offered]:
    """What blocks while it is loaded blocks until a test lets it go."""
    fakes.release_loading.clear()
    yield Offered(server, next(names))
    fakes.release_loading.set()


def write_cfg(path: Path, **fake: Any) -> None:
    section = {
        "run_folder": "var/runs/never",
        "output_folder": "var/models/never",
        "dataset_options": {"name": "digit_scenes", "scene_options": {"count": 9}},
        "serving_options": {"method": "test", "predictions_main_folder": "var/predictions/never"},
    }
    path.write_text(json.dumps({"training_options": section, "fake": {"hold": 1, "epochs": 2, **fake}}))


def until(condition: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        threading.Event().wait(0.01)


def until_it_holds(job: TrainingJob) -> Path:
    """The run's folder."""
    run = Path(job.run_folder)
    until((run / "holding").exists, "it holds")
    return run


def let_go(job: TrainingJob, class_name: str = "seven", **options: Any) -> None:
    run = until_it_holds(job)
    write_model_folder(run / "model", class_name, **options)
    (run / "go").touch()


def test_example_goes_from_offered_to_served_and_nobody_waits(offered: Offered) -> None:
    blocker = offered.jobs.get(offered.jobs.start({"fake": {"hold": 1}}, name="another"))
    assert (offered.now.state, offered.now.job) == ("offered", None)
    job = offered.start()
    assert offered.now.state == "waiting"
    offered.finish(blocker)
    offered.until_state("training")
    assert offered.finish(job, load_fault="block").state == JobState.DONE
    shown = offered.now
    assert (shown.state, shown.job and shown.job.id, shown.title) == ("loading", job.id, offered.name.title())
    assert offered.server.production.predictors[offered.name].state == "loading"
    fakes.release_loading.set()
    offered.until_state("served")
    assert offered.server.answer(offered.name) == "seven"
    assert len(offered.publications) == 1


def test_job_has_the_cfg_of_the_file_but_its_folders_and_is_not_started_twice(offered: Offered) -> None:
    job = offered.start()
    with pytest.raises(StateConflict):
        offered.start()
    section = job.cfg["training_options"]
    assert (job.name, job.kind) == (offered.name, "train")
    assert section["dataset_options"] == {"name": "digit_scenes", "scene_options": {"count": 9}}
    assert not {"run_folder", "output_folder"} & set(section)
    pictures = offered.server.folder / "library" / "pictures" / "production" / offered.name
    assert section["serving_options"] == {"method": "test", "predictions_main_folder": str(pictures)}
    offered.until_state("training")
    with pytest.raises(StateConflict) as refused:
        offered.start()
    assert refused.value.code == "example_training"
    offered.finish(job, load_fault="block")
    with pytest.raises(StateConflict, match="loaded"):
        offered.start()
    fakes.release_loading.set()
    offered.until_state("served")
    with pytest.raises(StateConflict, match="served"):
        offered.start()
    with pytest.raises(NotFound):
        offered.server.management.examples.start("nobody", None)


def test_failed_and_cancelled_trainings_may_be_started_again(offered: Offered) -> None:
    write_cfg(offered.file, end="said", hold=None)
    failed = offered.jobs.wait(offered.start().id, WAIT_SECONDS)
    assert (failed.state, offered.now.state, offered.publications) == (JobState.FAILED, "failed", [])
    write_cfg(offered.file)
    again = offered.start()
    until_it_holds(again)
    offered.jobs.cancel(again.id)
    offered.jobs.wait(again.id, WAIT_SECONDS)
    assert offered.now.state == "offered"
    write_cfg(offered.file, hold=None)
    assert offered.jobs.wait(offered.start().id, WAIT_SECONDS).state == JobState.DONE
    assert (offered.publications, offered.now.state) == ([], "offered"), "it left no model"


def test_model_that_cannot_be_loaded_fails_and_the_next_one_takes_its_place(offered: Offered) -> None:
    offered.finish(offered.start(), load_fault="not ready")
    offered.until_state("failed")
    job = offered.start()
    offered.until_state("training")
    offered.finish(job, "eight")
    offered.until_state("served")
    assert offered.server.answer(offered.name) == "eight"
    assert offered.server.is_clear()


def test_training_that_ends_while_no_server_runs_is_served_by_the_next(offered: Offered) -> None:
    job = offered.start()
    run = until_it_holds(job)
    offered.server.stop()
    let_go(job)
    fakes.release_loading.set()  # models of earlier tests are loaded too
    until(lambda: json.loads((run / "state.json").read_text())["state"] == "done", "the run is done")
    offered.server.start()
    offered.until_state("served")
    assert offered.server.answer(offered.name) == "seven"
    offered.server.stop()
    offered.server.start()
    offered.until_state("served")
    assert len(offered.publications) == 1


def test_job_that_is_taken_in_twice_is_published_once(offered: Offered) -> None:
    job = offered.start()
    run = until_it_holds(job)
    write_model_folder(run / "model", "seven")
    assert offered.server.library.take_in(job), "a server may die here"
    assert offered.publications == []
    (run / "go").touch()
    offered.until_state("served")
    take_in = offered.jobs.take_in["train"]
    take_in(job)
    assert len(offered.publications) == 1
    offered.server.library.publisher.unpublish("production", offered.name, None)
    take_in(job)
    assert (offered.publications[-1], offered.now.state) == (None, "offered")


def test_trainings_of_the_same_name_on_other_pictures_are_no_examples(offered: Offered) -> None:
    cfg = {"training_options": {"dataset_options": {"path": "mine"}}, "fake": {"hold": 1}}
    own = offered.jobs.get(offered.jobs.start(cfg, name=offered.name))
    until_it_holds(own)
    assert offered.now.state == "offered"
    assert offered.finish(own).state == JobState.DONE
    assert (offered.publications, offered.now.job) == ([], None)


def test_cfg_that_was_broken_meanwhile_is_told_and_breaks_nothing(offered: Offered) -> None:
    offered.finish(offered.start())
    offered.until_state("served")
    offered.file.write_text("{")
    assert (offered.now.state, offered.now.job) == ("served", None)
    offered.server.library.publisher.unpublish("production", offered.name, None)
    with pytest.raises(ConfigError):
        offered.start()


def test_publisher_names_no_model_that_is_gone(offered: Offered) -> None:
    with pytest.raises(NotFound):
        offered.server.library.publisher.publish_soon(999, "production", offered.name, None)
    assert offered.publications == []
    without_model = replace(offered.jobs.list()[0], id=999, run_folder=str(offered.server.folder), name=offered.name)
    offered.jobs.take_in["train"](without_model)
    assert offered.publications == []
