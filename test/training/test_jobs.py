"""Training jobs: one after the other, in processes that outlive the server, and every end they may come to."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deep_predictor.db.setup import training_job_rows_for
from deep_predictor.db.training_job_rows import JobState, NewTrainingJob, TrainingJob, TrainingJobRows
from deep_predictor.errors import (
    ConfigError,
    RunFolderUnusable,
    StateConflict,
    TrainingJobNotFound,
    TrainingJobNotResumable,
)
from deep_predictor.training.job_files import JOB_FOLDER
from deep_predictor.training.job_run import job_environment, start_run
from deep_predictor.training.jobs import MAX_ATTEMPTS, JobSettings, TrainingJobs
from deep_predictor.training.process_identity import lives, name_of_this_process, named_process_lives, start_of
from test.db.databases import connected
from test.db.test_concurrency import locked
from test.training.job_server import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
LONGEST_SECONDS = 30.0


@pytest.fixture
def rows(tmp_path: Path) -> Iterator[TrainingJobRows]:
    with connected(tmp_path) as app:
        yield training_job_rows_for(app)


@pytest.fixture
def jobs(rows: TrainingJobRows, tmp_path: Path) -> Iterator[TrainingJobs]:
    with begun(rows, tmp_path) as jobs:
        yield jobs


@contextmanager
def begun(rows: TrainingJobRows, folder: Path, settings: JobSettings = SETTINGS) -> Iterator[TrainingJobs]:
    """A server's jobs; what still runs at the end is killed."""
    jobs = TrainingJobs(rows, folder / "runs", settings)
    jobs.begin()
    try:
        yield jobs
    finally:
        jobs.close()


@pytest.fixture(autouse=True)
def _no_process_is_left(tmp_path: Path) -> Iterator[None]:
    yield
    for path in tmp_path.glob("runs/*/.job/process.json"):
        written = json.loads(path.read_text())
        if lives(written["pid"], written["pid_started"]):
            os.killpg(written["pid"], signal.SIGKILL)


def until(condition: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + LONGEST_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        threading.Event().wait(0.01)


def folder_of(job: TrainingJob) -> Path:
    return Path(job.run_folder)


def starts(job: TrainingJob) -> list[dict[str, Any]]:
    path = folder_of(job) / "starts.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def ended(jobs: TrainingJobs, job_id: int) -> TrainingJob:
    job = jobs.wait(job_id, LONGEST_SECONDS)
    assert job.has_ended, job
    return job


def holding(jobs: TrainingJobs, **fake: Any) -> TrainingJob:
    """A job that runs and waits in its first epoch."""
    job = jobs.get(jobs.start({"fake": {"hold": 1, **fake}}, name="digits"))
    until(lambda: (folder_of(job) / "holding").exists(), "the job holds")
    until(lambda: jobs.get(job.id).epoch == 1, "its first epoch is in its row")
    return jobs.get(job.id)


def let_go(job: TrainingJob) -> None:
    (folder_of(job) / "go").touch()


def test_job_runs_to_its_end_with_its_figures_in_its_row(jobs: TrainingJobs, tmp_path: Path) -> None:
    cfg = {"fake": {"epochs": 3}, "training_options": {"seed": 1, "run_folder": "elsewhere"}}
    job = ended(jobs, jobs.start(cfg, name="My digits/../1"))

    assert (job.state, job.reason, job.epoch, job.epochs) == (JobState.DONE, None, 3, 3)
    assert job.started_at is not None
    assert job.ended_at is not None
    assert job.created_at <= job.started_at <= job.ended_at
    assert (job.name, folder_of(job)) == ("My digits/../1", tmp_path / "runs" / "0001-My-digits-..-1")
    assert job.cfg == {"fake": {"epochs": 3}, "training_options": {"seed": 1}}
    cfg_path = str(folder_of(job) / JOB_FOLDER / "cfg.json")
    assert starts(job)[0]["words"] == ["train", cfg_path, "--run-folder", job.run_folder, "--quiet"]


def test_job_is_forgotten_with_its_folder_once_it_has_ended(jobs: TrainingJobs) -> None:
    job = holding(jobs)
    with pytest.raises(StateConflict, match="is running"):
        jobs.forget(job.id)
    let_go(job)
    ended(jobs, job.id)
    jobs.forget(job.id)
    assert not folder_of(job).exists()
    with pytest.raises(TrainingJobNotFound):
        jobs.forget(job.id)
    assert (jobs.list(), jobs.page()) == ([], (0, []))


def test_cfg_file_gives_the_cfg_and_the_name(jobs: TrainingJobs, tmp_path: Path) -> None:
    path = tmp_path / "fruit.cfg"
    path.write_text('{"fake": {"epochs": 1}}')
    job = ended(jobs, jobs.start(path))
    assert (job.name, job.cfg, job.state) == ("fruit", {"fake": {"epochs": 1}}, JobState.DONE)
    with pytest.raises(ConfigError, match="cannot be read"):
        jobs.start(tmp_path / "absent.cfg")


def test_process_is_apart_from_the_server_and_of_lower_priority(rows: TrainingJobRows, tmp_path: Path) -> None:
    secrets = {"DEEP_PREDICTOR_SECRET_KEY": "x", "DATABASE_URL": "x", "TF_API_TOKEN": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    kept = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "CUDA_VISIBLE_DEVICES": "0", "HOME": str(tmp_path)}
    with begun(rows, tmp_path, replace(SETTINGS, environ={**secrets, **kept})) as jobs:
        job = ended(jobs, jobs.start({"fake": {}}))
    (start,) = starts(job)
    assert start["nice"] == min(19, os.nice(0) + 10)
    assert not start["group"] or start["group"].split()[-2:] == ["nice", "10"]
    assert start["oom_score"] == "500"
    assert start["session"] == start["pid"] != os.getsid(0)
    assert {name: start["environ"].get(name) for name in kept} == kept
    assert not set(secrets) & set(start["environ"])


def test_environment_of_a_job_keeps_no_name_that_looks_like_a_secret() -> None:
    environ = {"TF_PASSWORD": "x", "CUDA_KEY": "x", "PATH": "/bin", "Path": "/x", "http_proxy": "http://me:secret@host"}
    added = {"PYTHONUNBUFFERED": "1", "PYTHONFAULTHANDLER": "1"}
    assert job_environment(environ) == {"PATH": "/bin", "Path": "/x", **added}


def test_python_files_are_allowed_only_where_the_owner_says_so(rows: TrainingJobRows, tmp_path: Path) -> None:
    with begun(rows, tmp_path, replace(SETTINGS, allow_python=True)) as jobs:
        job = ended(jobs, jobs.start({"fake": {}}))
    assert starts(job)[0]["words"][-1] == "--allow-python"


def test_one_runs_at_a_time_the_others_wait_in_their_order(jobs: TrainingJobs) -> None:
    first = holding(jobs)
    late, urgent = jobs.start({"fake": {}}), jobs.start({"fake": {}}, priority=1)
    assert [job.state for job in jobs.list()] == [JobState.RUNNING, JobState.QUEUED, JobState.QUEUED]
    let_go(first)
    finished = [ended(jobs, job_id) for job_id in (first.id, urgent, late)]
    assert [job.state for job in finished] == [JobState.DONE] * 3
    times = [job.started_at for job in finished]
    assert times == sorted(times, key=lambda t: t or 0)
    assert jobs.list(JobState.QUEUED, JobState.RUNNING) == []


def test_as_many_run_as_the_settings_say(rows: TrainingJobRows, tmp_path: Path) -> None:
    with begun(rows, tmp_path, replace(SETTINGS, max_running={"training": 2, "data": 1})) as jobs:
        running = [holding(jobs), holding(jobs)]
        waiting = jobs.start({"fake": {}})
        assert jobs.get(waiting).state == JobState.QUEUED
        for job in running:
            let_go(job)
        assert ended(jobs, waiting).state == JobState.DONE


def test_cancel_of_a_waiting_job_ends_it_without_a_start(jobs: TrainingJobs) -> None:
    first = holding(jobs)
    second = jobs.start({"fake": {}})
    assert jobs.cancel(second)
    assert ended(jobs, second).state == JobState.CANCELLED
    assert not jobs.cancel(second)
    let_go(first)
    assert ended(jobs, first.id).state == JobState.DONE
    assert starts(jobs.get(second)) == []


def test_cancel_of_a_running_job_is_heard_by_the_run(jobs: TrainingJobs) -> None:
    job = holding(jobs)
    assert jobs.cancel(job.id)
    job = ended(jobs, job.id)
    assert (job.state, job.reason) == (JobState.CANCELLED, None)


def test_cancel_of_a_deaf_job_kills_it_and_all_that_it_started(jobs: TrainingJobs) -> None:
    job = holding(jobs, deaf=1)
    patient = jobs.start({"fake": {}})
    began = time.monotonic()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("deep_predictor.training.job_run.KILL_SECONDS", 0.1)
        assert jobs.cancel(job.id)
        assert ended(jobs, job.id).state == JobState.CANCELLED
    assert time.monotonic() - began >= SETTINGS.cancel_seconds + 0.1
    assert job.pid is not None
    assert start_of(job.pid) is None
    assert ended(jobs, patient).state == JobState.DONE


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        ("exit", r"^ended with status 1\nlast   words$"),
        ("raise", r"(?s)^ended with status 1\nTraceback .*RuntimeError: the loss is a cabbage$"),
        ("kill", r"^was killed \(SIGKILL\): by somebody, or because the memory was used up$"),
        ("said", r"^the data set is empty$"),
    ],
)
def test_crash_is_stored_with_its_reason_and_touches_nothing_else(jobs: TrainingJobs, end: str, reason: str) -> None:
    broken = jobs.start({"fake": {"end": end}})
    whole = jobs.start({"fake": {}})
    job = ended(jobs, broken)
    assert job.state == JobState.FAILED
    assert job.reason is not None
    assert re.search(reason, job.reason)
    assert ended(jobs, whole).state == JobState.DONE


def test_job_that_cannot_be_started_fails_and_the_next_one_runs(jobs: TrainingJobs) -> None:
    first = holding(jobs)
    job = jobs.get(jobs.start({"fake": {}}))
    folder_of(job).rmdir()
    folder_of(job).write_text("a file in its place")
    let_go(first)
    job = ended(jobs, job.id)
    assert job.state == JobState.FAILED
    assert job.reason is not None
    assert "could not be started" in job.reason
    assert ended(jobs, jobs.start({"fake": {}})).state == JobState.DONE


def test_run_folder_is_never_that_of_another_run(jobs: TrainingJobs, tmp_path: Path) -> None:
    """As when the database is a new one, and counts from 1 again."""
    (tmp_path / "runs" / "0001-digits").mkdir(parents=True)
    (tmp_path / "runs" / "0001-digits-2").touch()
    job = ended(jobs, jobs.start({"fake": {}}, name="digits"))
    assert folder_of(job).name == "0001-digits-3"
    assert job.state == JobState.DONE


def test_runs_folder_that_cannot_be_made_refuses_the_job(rows: TrainingJobRows, tmp_path: Path) -> None:
    (tmp_path / "runs").touch()
    with begun(rows, tmp_path) as jobs, pytest.raises(RunFolderUnusable, match="cannot be made: Not a directory"):
        jobs.start({"fake": {}})
    assert rows.all() == []


def test_locked_database_delays_what_is_stored_and_loses_nothing(tmp_path: Path) -> None:
    with connected(tmp_path, 0.05) as app, begun(training_job_rows_for(app), tmp_path) as jobs:
        job = holding(jobs)
        waiting = jobs.start({"fake": {}})
        with locked(tmp_path / "production.db"):
            let_go(job)
            assert job.pid is not None
            until(lambda: start_of(job.pid or 0) is None, "the run ends")
            threading.Event().wait(0.3)  # some looks at it, none of which can be stored
            assert jobs.get(job.id).state == JobState.RUNNING
        assert ended(jobs, job.id).state == ended(jobs, waiting).state == JobState.DONE


def test_resume_goes_on_where_the_run_was(jobs: TrainingJobs) -> None:
    job = holding(jobs, epochs=3)
    jobs.cancel(job.id)
    assert ended(jobs, job.id).state == JobState.CANCELLED
    let_go(job)

    jobs.resume(job.id)
    job = ended(jobs, job.id)

    assert (job.state, job.epoch) == (JobState.DONE, 3)
    assert [start["words"][0] for start in starts(job)] == ["train", "resume"]
    assert [line["epoch"] for line in jobs.watch(job.id)] == [1, 2, 3]


def test_what_cannot_be_asked_of_a_job_is_an_error(jobs: TrainingJobs) -> None:
    with pytest.raises(ValueError, match="no kind 'bake' of training job; there are: train, search, augment"):
        jobs.start({}, kind="bake")
    for ask in (jobs.get, jobs.cancel, jobs.resume, lambda job_id: next(jobs.watch(job_id))):
        with pytest.raises(TrainingJobNotFound, match="no training job 99"):
            ask(99)
    job = holding(jobs)
    with pytest.raises(TrainingJobNotResumable, match="is running"):
        jobs.resume(job.id)
    assert not jobs.wait(job.id, 0.05).has_ended
    let_go(job)
    ended(jobs, job.id)
    with pytest.raises(TrainingJobNotResumable, match="is done"):
        jobs.resume(job.id)


def test_watch_gives_each_epoch_as_it_comes_until_the_end(jobs: TrainingJobs) -> None:
    job = holding(jobs, epochs=3)
    watched = jobs.watch(job.id)
    assert next(watched) == {"epoch": 1, "loss": 1.0}
    let_go(job)
    assert [line["epoch"] for line in watched] == [2, 3]
    assert list(jobs.watch(job.id)) == [{"epoch": n, "loss": 1 / n} for n in (1, 2, 3)]


def test_closed_server_leaves_the_run_to_the_next_one(rows: TrainingJobRows, tmp_path: Path) -> None:
    with begun(rows, tmp_path) as jobs:
        job = holding(jobs)
        waiting = jobs.start({"fake": {}})
    assert rows.get(job.id).owner is None
    with begun(rows, tmp_path) as jobs:
        assert jobs.get(job.id).pid == job.pid
        let_go(job)
        assert ended(jobs, job.id).state == JobState.DONE
        assert ended(jobs, waiting).state == JobState.DONE
    assert len(starts(job)) == 1


@pytest.mark.parametrize(("end", "state"), [("done", JobState.DONE), ("said", JobState.FAILED)])
def test_run_that_ended_while_no_server_was_there_is_seen(
    rows: TrainingJobRows, tmp_path: Path, end: str, state: JobState
) -> None:
    with begun(rows, tmp_path) as jobs:
        job = holding(jobs, end=end)
    let_go(job)
    assert job.pid is not None
    until(lambda: start_of(job.pid or 0) is None, "the process ends")
    with begun(rows, tmp_path) as jobs:
        assert jobs.get(job.id).state == state
    assert len(starts(job)) == 1


def test_cancel_is_not_forgotten_over_a_restart(rows: TrainingJobRows, tmp_path: Path) -> None:
    with begun(rows, tmp_path) as jobs:
        job = holding(jobs)
    rows.ask_cancel(job.id)
    with begun(rows, tmp_path) as jobs:
        assert ended(jobs, job.id).state == JobState.CANCELLED
    assert len(starts(job)) == 1


def test_second_server_leaves_alone_what_a_living_one_looks_after(rows: TrainingJobRows, tmp_path: Path) -> None:
    with begun(rows, tmp_path) as first, begun(rows, tmp_path) as second:
        job = holding(first)
        second.begin()
        waiting = second.start({"fake": {}})
        let_go(job)
        assert ended(first, job.id).state == ended(second, waiting).state == JobState.DONE
    assert len(starts(job)) == len(starts(rows.get(waiting))) == 1


def test_two_servers_start_each_job_once(rows: TrainingJobRows, tmp_path: Path) -> None:
    with begun(rows, tmp_path) as first, begun(rows, tmp_path) as second:
        started = [server.start({"fake": {"epochs": 1}}) for server in (first, second) * 3]
        assert [ended(first, job_id).state for job_id in started] == [JobState.DONE] * 6
    assert [len(starts(rows.get(job_id))) for job_id in started] == [1] * 6


def test_second_process_on_one_job_ends_at_once_and_the_first_is_watched(
    jobs: TrainingJobs, rows: TrainingJobRows, tmp_path: Path
) -> None:
    """As when a server died after it had started a process and before it could store its number."""
    new = NewTrainingJob("train", "digits", {"fake": {"hold": 1}})
    job = rows.insert(new, lambda job_id: str(tmp_path / "runs" / f"{job_id}"))
    first = start_run(job, SETTINGS)
    until(lambda: (folder_of(job) / "holding").exists(), "the first process holds")
    second = start_run(job, SETTINGS)
    until(second.has_ended, "the second process ends")
    assert second.was_second

    jobs.start({"fake": {}})  # wakes the server, which claims the first one and starts a third process
    until(lambda: jobs.get(job.id).pid == first.pid, "the first process is watched")
    let_go(job)
    assert ended(jobs, job.id).state == JobState.DONE
    assert [start["pid"] for start in starts(job)] == [first.pid]
    until(first.has_ended, "the first process ends")


def killed_server(folder: Path, *fakes: dict[str, Any], until_true: Callable[[], Any]) -> None:
    """A server in a process of its own, killed (-9) when something has come true."""
    words = [json.dumps({"fake": fake}) for fake in fakes]
    command = [sys.executable, "-m", "test.training.job_server", str(folder), *words]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "begun\n"
        until(until_true, "what the server is there for")
        server.kill()


def test_run_goes_on_when_the_server_is_killed_and_the_next_one_adopts_it(tmp_path: Path) -> None:
    held = tmp_path / "runs" / "0001-digits" / "holding"
    killed_server(tmp_path, {"hold": 1, "epochs": 3}, {}, until_true=held.exists)
    with connected(tmp_path) as app, begun(training_job_rows_for(app), tmp_path) as jobs:
        job = jobs.get(1)
        assert job.state == JobState.RUNNING
        assert job.pid is not None
        assert start_of(job.pid) is not None
        let_go(job)
        assert (ended(jobs, 1).state, ended(jobs, 2).state) == (JobState.DONE, JobState.DONE)
        assert len(starts(job)) == 1
        assert jobs.get(1).attempts == 0


def test_run_that_died_with_the_server_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "0001-digits"
    killed_server(tmp_path, {"hold": 2, "epochs": 3}, until_true=(folder / "holding").exists)
    kill_run(folder)
    let = folder / "go"
    let.touch()
    with connected(tmp_path) as app, begun(training_job_rows_for(app), tmp_path) as jobs:
        job = ended(jobs, 1)
    assert (job.state, job.epoch) == (JobState.DONE, 3)
    assert [start["words"][0] for start in starts(job)] == ["train", "resume"]


def test_job_that_dies_again_and_again_without_an_epoch_is_failed(rows: TrainingJobRows, tmp_path: Path) -> None:
    with begun(rows, tmp_path) as jobs:
        job = jobs.get(jobs.start({"fake": {"hold": 0}}))
        for attempt in range(1, MAX_ATTEMPTS + 1):
            until(lambda attempt=attempt: len(starts(job)) == attempt, f"start {attempt}")  # type: ignore[misc]
            jobs.close()  # as a server does that dies: it sees no more of the run
            kill_run(folder_of(job))
            jobs = TrainingJobs(rows, tmp_path / "runs", SETTINGS)
            jobs.begin()
        job = jobs.get(job.id)
        jobs.close()
    assert job.state == JobState.FAILED
    assert job.reason is not None
    assert job.reason.startswith("died 3 times without finishing an epoch: the process is gone, and wrote no reason")
    assert len(starts(job)) == MAX_ATTEMPTS


def test_job_that_gets_further_between_deaths_is_never_given_up(rows: TrainingJobRows, tmp_path: Path) -> None:
    with begun(rows, tmp_path) as jobs:
        job = jobs.get(jobs.start({"fake": {"hold": 1, "epochs": 9}}))
    for epoch in range(2, 7):
        with begun(rows, tmp_path):
            until(lambda epoch=epoch: len(starts(job)) == epoch - 1, "it is started")  # type: ignore[misc]
            until((folder_of(job) / "holding").exists, "it holds")
        kill_run(folder_of(job))
        (folder_of(job) / "holding").unlink()
        (folder_of(job) / "cfg.json").write_text(json.dumps({"hold": epoch, "epochs": 9}))
    let_go(job)
    with begun(rows, tmp_path) as jobs:
        assert ended(jobs, job.id).state == JobState.DONE


def kill_run(folder: Path) -> None:
    written = json.loads((folder / JOB_FOLDER / "process.json").read_text())
    os.killpg(written["pid"], signal.SIGKILL)
    until(lambda: not lives(written["pid"], written["pid_started"]), "the run is dead")


def test_process_is_told_by_its_number_and_its_start() -> None:
    started = start_of(os.getpid())
    assert started is not None
    assert lives(os.getpid(), started)
    assert not lives(os.getpid(), "another start")
    assert named_process_lives(name_of_this_process())
    assert named_process_lives(f"{name_of_this_process()}:a:b")
    for name in (None, "", "x", f"{os.getpid()}:another", ":"):
        assert not named_process_lives(name)


def test_process_that_nobody_waited_for_does_not_live() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    until(lambda: start_of(child.pid) is None, "it has ended")
    child.wait()


def test_search_is_a_job_that_starts_again_by_the_same_words(jobs: TrainingJobs) -> None:
    job = ended(jobs, jobs.start({"fake": {"end": "exit"}}, kind="search"))
    jobs.resume(job.id)
    job = ended(jobs, job.id)
    words = ["search", str(folder_of(job) / JOB_FOLDER / "cfg.json"), "--run-folder", job.run_folder, "--quiet"]
    assert [start["words"] for start in starts(job)] == [words, words]


def test_jobs_import_nothing_heavy() -> None:
    for module in ("jobs", "search.options"):
        code = (
            f"import sys, deep_predictor.training.{module}\n"
            "print([name for name in ('numpy', 'tensorflow', 'keras', 'optuna', 'cv2') if name in sys.modules])"
        )
        assert subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True).strip() == "[]"
