"""Models come in from trainings, are shown, asked, downloaded and deleted."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deep_predictor.db.model_rows import ModelRecord, ModelState, NewModel
from deep_predictor.db.training_job_rows import JobState, TrainingJob
from deep_predictor.errors import ImageUnreadable, NotFound, StateConflict, TooManyWaiting, TrainingJobNotFound
from deep_predictor.images.preprocessing import InputSpec
from deep_predictor.predictions import asking as predictions_asking
from deep_predictor.predictions.waiting import WaitSlots
from deep_predictor.publishing import asking, model_folders
from deep_predictor.publishing.exports import Download
from deep_predictor.publishing.model_folders import class_names_of, metrics_of
from deep_predictor.publishing.uploads import KIND, ModelUpload
from deep_predictor.publishing.zipping import zip_folder
from deep_predictor.training.job_files import write_object
from test import fakes
from test.fakes import picture
from test.publishing.models import Server, done_job, serving, write_model_folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("library")) as server:
        yield server


class Jobs:
    """The jobs of a test: started ones stay as the test says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.jobs: dict[int, TrainingJob] = {}

    def start(self, cfg: dict[str, Any], kind: str, name: str, created_by: int | None = None) -> int:
        job_id = 1000 + len(self.jobs)
        job = done_job(self.folder, job_id, cfg=cfg, kind=kind, name=name, created_by=created_by)
        self.jobs[job_id] = replace(job, state=JobState.QUEUED)
        return job_id

    def get(self, job_id: int) -> TrainingJob:
        if job_id not in self.jobs:
            raise TrainingJobNotFound(job_id)
        return self.jobs[job_id]

    def end(self, job_id: int, state: JobState, reason: str | None = None) -> None:
        self.jobs[job_id] = replace(self.jobs[job_id], state=state, reason=reason)


@pytest.fixture
def jobs(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Jobs:
    jobs = Jobs(tmp_path)
    for part in (server.library.uploads, server.library.exports):
        monkeypatch.setattr(part, "_jobs", jobs)
    return jobs


def job_of(server: Server, job_id: int, **changes: Any) -> TrainingJob:
    return done_job(server.folder, job_id, **changes)


# What trainings leave


def test_training_becomes_the_next_version_of_its_name(server: Server) -> None:
    job = job_of(server, 50, name="digits", dataset_id=4, created_by=3)
    source = write_model_folder(Path(job.run_folder) / "model", "one")
    (Path(job.run_folder) / "report.html").write_text("<p>report")
    server.library.take_in(job)
    _, (model,) = server.library.page(9, 0, name="digits")
    assert (model.version, model.origin, model.state, model.job_id) == (1, "trained", ModelState.READY, 50)
    assert (model.dataset_id, model.created_by, list(model.class_names)) == (4, 3, ["one"])
    assert model.metrics == {"best_epoch": 2, "test": {"count": 4, "accuracy": 0.75}}
    folder = server.library.folders.of(model)
    assert (folder / "names.txt").samefile(source / "names.txt")
    assert server.library.report(model.id).read_text() == "<p>report"
    second = job_of(server, 51, name="digits")
    write_model_folder(Path(second.run_folder) / "model", "two")
    server.library.take_in(second)
    assert server.library.page(9, 0, name="digits")[1][0].version == 2
    with pytest.raises(NotFound, match="report"):
        server.library.report(server.library.page(9, 0, name="digits")[1][0].id)


def test_training_of_a_detector_says_its_task_and_figures(server: Server) -> None:
    job = job_of(server, 58, name="finds")
    source = write_model_folder(Path(job.run_folder) / "model", "one")
    (source / "manifest.json").write_text('{"task": "detection"}')
    (source / "metrics.json").write_text('{"best_epoch": 3, "test": {"count": 4, "map50": 0.75, "map50_95": null}}')
    model = server.library.take_in(job)
    assert model is not None
    assert (model.task, model.metrics) == ("detection", {"best_epoch": 3, "test": {"count": 4, "map50": 0.75}})


def test_training_taken_in_again_is_the_same_version(server: Server) -> None:
    job = job_of(server, 52, name="twice")
    write_model_folder(Path(job.run_folder) / "model", "one")
    server.library.take_in(job)
    server.library.take_in(job)
    assert server.library.page(9, 0, name="twice")[0] == 1


def test_training_whose_taking_in_was_cut_short_is_taken_in_whole(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_of(server, 53, name="cut short")
    write_model_folder(Path(job.run_folder) / "model", "one")

    def die(*arguments: object) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(server.library._rows, "set_ready", die)
        with pytest.raises(OSError, match="disk is full"):
            server.library.take_in(job)
    half = server.library._rows.find_by_job(53)
    assert half
    assert half.state == ModelState.CHECKING
    server.library.take_in(job)
    count, (model,) = server.library.page(9, 0, name="cut short")
    assert (count, model.state) == (1, ModelState.READY)


def test_job_number_that_is_given_again_makes_another_model(server: Server) -> None:
    job = job_of(server, 54, name="again")
    write_model_folder(Path(job.run_folder) / "model", "one")
    server.library.take_in(job)
    server.library.take_in(replace(job, created_at=9e9))
    _, models = server.library.page(9, 0, name="again")
    assert [(model.version, model.job_id) for model in models] == [(2, 54), (1, None)]


def test_search_gives_the_model_of_the_best_cfg(server: Server) -> None:
    job = job_of(server, 55, kind="search", name="search")
    for number in (3, 7):
        folder = write_model_folder(Path(job.run_folder) / f"best-{number:04d}" / "model", f"trial {number}")
        os.utime(folder / "manifest.json", (number, number))
    (Path(job.run_folder) / "best-0009").mkdir()
    server.library.take_in(job)
    assert list(server.library.page(9, 0, name="search")[1][0].class_names) == ["trial 7"]


def test_training_that_wrote_its_model_elsewhere_is_found_there(server: Server, tmp_path: Path) -> None:
    folder = write_model_folder(tmp_path / "elsewhere", "one")
    cfg = {"training_options": {"output_folder": str(folder)}}
    server.library.take_in(job_of(server, 56, name="elsewhere", cfg=cfg))
    assert server.library.page(9, 0, name="elsewhere")[0] == 1
    server.library.take_in(job_of(server, 57, name="nowhere"))
    assert server.library.page(9, 0, name="nowhere")[0] == 0


def test_copies_are_made_where_links_cannot_be(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **more: object) -> None:
        raise OSError("another disk")

    monkeypatch.setattr(model_folders.os, "link", refuse)
    model = server.add_model("copied")
    assert class_names_of(server.library.folders.of(model)) == ["copied"]


@pytest.mark.parametrize("content", ["", "[]", '{"test": 3, "val": {"loss": "x"}, "best_epoch": "y"}', "[" * 100_000])
def test_broken_metrics_are_shown_as_far_as_they_go(tmp_path: Path, content: str) -> None:
    (tmp_path / "metrics.json").write_text(content)
    assert metrics_of(tmp_path) in ({}, {"val": {}})
    assert class_names_of(tmp_path) == []


# Deleting


def test_deleted_model_is_gone_with_its_files_a_published_one_stays(server: Server) -> None:
    model = server.add_model()
    server.publish(model, "for a while")
    with pytest.raises(StateConflict):
        server.library.delete(model.id)
    server.library.publisher.unpublish("production", "for a while", None)
    server.library.delete(model.id)
    assert not server.library.folders.of(model).exists()
    with pytest.raises(NotFound):
        server.library.get(model.id)


# Uploads


def sent(server: Server, name: str = "sent") -> ModelRecord:
    with server.library.uploads.receiving() as folder:
        (folder / "file").write_bytes(b"a model")
        upload = ModelUpload(name, ["a", "b"], InputSpec(8, 6, color_mode="grayscale"), 5)
        return server.library.uploads.check(folder / "file", upload)


def found(server: Server, jobs: Jobs, model: ModelRecord, result: dict[str, Any] | None) -> ModelRecord:
    """The model after its job is done, and said this."""
    job = jobs.get(model.job_id or 0)
    if result is not None:
        write_object(Path(job.run_folder) / "result.json", result)
    server.library.uploads.take_in(job)
    return server.library.get(model.id)


def test_upload_is_checked_by_a_job_that_knows_all_it_needs(server: Server, jobs: Jobs) -> None:
    model = sent(server)
    assert (model.state, model.origin, model.created_by) == (ModelState.CHECKING, "uploaded", 5)
    job = jobs.get(model.job_id or 0)
    order = job.cfg["check_model"]
    assert (job.kind, Path(order["upload"]).read_bytes(), Path(order["names"]).read_text()) == (
        KIND,
        b"a model",
        "a\nb\n",
    )
    assert (order["options"]["image_w"], order["options"]["image_h"], order["options"]["grayscale"]) == (8, 6, 1)
    assert order["folder"] == str(server.library.folders.of(model))
    with pytest.raises(StateConflict) as raised:
        server.library.delete(model.id)
    assert raised.value.code == "model_checking"
    ready = found(server, jobs, model, {"accepted": True, "class_names": ["a", "b"]})
    assert (ready.state, list(ready.class_names)) == (ModelState.READY, ["a", "b"])
    assert not Path(order["upload"]).exists()


def test_refused_upload_says_why_and_leaves_no_file(server: Server, jobs: Jobs) -> None:
    model = sent(server)
    result = {"accepted": False, "code": "model_unsafe", "reason": "a Lambda layer"}
    refused = found(server, jobs, model, result)
    assert (refused.state, refused.reason) == (ModelState.REFUSED, "model_unsafe: a Lambda layer")
    assert not server.library.folders.incoming(model.folder).exists()
    server.library.delete(model.id)
    assert found_nothing(server, sent(server), jobs)


def found_nothing(server: Server, model: ModelRecord, jobs: Jobs) -> bool:
    return (found(server, jobs, model, None).reason or "").startswith("unknown")


@pytest.mark.parametrize(
    ("state", "word"), [(JobState.FAILED, "check_failed"), (JobState.CANCELLED, "check_cancelled")]
)
def test_upload_whose_job_ends_without_a_word_is_refused(
    server: Server, jobs: Jobs, state: JobState, word: str
) -> None:
    model = sent(server)
    assert server.library.get(model.id).state == ModelState.CHECKING
    jobs.end(model.job_id or 0, state, "was killed (SIGKILL)\nand a long log")
    refused = server.library.get(model.id)
    assert refused.state == ModelState.REFUSED
    assert refused.reason
    assert refused.reason.startswith(word)
    assert "long log" not in refused.reason


def test_upload_whose_job_is_gone_is_refused(server: Server, jobs: Jobs) -> None:
    model = sent(server)
    jobs.jobs.clear()
    assert server.library.get(model.id).state == ModelState.REFUSED


def test_upload_that_no_job_was_started_for_is_refused(
    server: Server, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **more: object) -> int:
        raise OSError("the disk is full")

    monkeypatch.setattr(jobs, "start", refuse)
    with pytest.raises(OSError, match="disk is full"):
        sent(server, "never started")
    _, (model,) = server.library.page(9, 0, name="never started")
    assert model.state == ModelState.REFUSED
    lost = server.library._rows.add(NewModel("lost", "nowhere", "uploaded"))
    server.library.uploads.settle_lost()
    assert (server.library.get(lost.id).reason or "").startswith("check_lost")


def test_result_of_a_model_that_is_gone_is_thrown_away(server: Server, jobs: Jobs) -> None:
    model = sent(server)
    folder = server.library.folders.of(model)
    folder.mkdir()
    server.library._rows.delete(model.id)
    server.library.uploads.take_in(jobs.get(model.job_id or 0))
    assert not folder.exists()


def test_upload_that_a_dead_server_left_goes_after_a_day(server: Server) -> None:
    with server.library.uploads.receiving() as old, server.library.uploads.receiving() as new:
        os.utime(old, (1, 1))
        server.library.folders.remove_old_uploads()
        assert (old.exists(), new.exists()) == (False, True)


# Asking


def test_model_that_is_not_published_is_loaded_when_it_is_asked(server: Server) -> None:
    apple, pear = server.add_model("apple", dataset_id=77), server.add_model("pear", dataset_id=77)
    newest = server.library.newest_for_dataset(77)
    assert newest
    assert newest.id == pear.id
    assert [server.library.predict_with(model.id, picture()) for model in (pear, apple, pear)] == [
        "pear",
        "apple",
        "pear",
    ]
    assert server.is_clear()
    server.library.delete(pear.id)
    assert server.is_clear()
    with pytest.raises(ImageUnreadable):
        server.library.predict_with(apple.id, b"no picture")


def test_published_model_is_asked_where_it_is_served(server: Server) -> None:
    model = server.add_model("served")
    server.publish(model, "asked", "test")
    before = server.application.registry.at_work()
    assert server.library.predict_with(model.id, picture()) == "served"
    assert server.application.registry.at_work() == before
    server.library.publisher.unpublish("test", "asked", None)
    assert server.library.predict_with(model.id, picture()) == "served"


def test_model_that_fails_is_an_error_and_another_can_be_asked(server: Server) -> None:
    broken = server.add_model("broken", load_fault="not ready")
    with pytest.raises(StateConflict) as raised:
        server.library.predict_with(broken.id, picture())
    assert raised.value.code == "model_missing"
    raising = server.add_model("raising")
    with pytest.raises(StateConflict) as raised:
        server.library.predict_with(raising.id, picture("raise"))
    assert raised.value.code == "model_raised"
    assert server.library.predict_with(raising.id, picture()) == "raising"
    assert server.is_clear()


def test_model_that_loads_or_predicts_too_long_is_given_up(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    fakes.release_loading.clear()
    fakes.release_hanging.clear()
    monkeypatch.setattr(asking, "LOAD_SECONDS", 0.05)
    with pytest.raises(StateConflict) as raised:
        server.library.predict_with(server.add_model("slow", load_fault="block").id, picture())
    assert raised.value.code == "load_timed_out"
    fakes.release_loading.set()
    monkeypatch.setattr(asking, "LOAD_SECONDS", 20.0)
    monkeypatch.setattr(predictions_asking, "PREDICT_SECONDS", 0.05)
    with pytest.raises(StateConflict) as raised:
        server.library.predict_with(server.add_model("hangs").id, picture("hang"))
    assert raised.value.code == "timed_out"
    fakes.release_hanging.set()
    assert server.is_clear()


def test_asking_holds_a_place_among_those_who_wait(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    model = server.add_model()
    monkeypatch.setattr(server.application, "wait_slots", WaitSlots(0))
    with pytest.raises(TooManyWaiting):
        server.library.predict_with(model.id, picture())


def test_model_that_is_not_ready_is_not_asked(server: Server) -> None:
    model = server.add_model()
    server.library._rows.set_refused(model.id, "for a test")
    for action in (
        lambda: server.library.predict_with(model.id, picture()),
        lambda: server.library.exports.get(server.library.get(model.id), "folder", None),
    ):
        with pytest.raises(StateConflict) as raised:
            action()
        assert raised.value.code == "model_not_ready"


# Downloads


def with_network(server: Server, name: str) -> ModelRecord:
    """A model whose cfg names a network file of this name."""
    model = server.add_model("downloaded")
    folder = server.library.folders.of(model)
    cfg = json.loads((folder / "predictor.cfg").read_bytes())
    cfg["predictor_options"]["model_paths"]["model_path"] = f"var/elsewhere/{name}"
    (folder / "predictor.cfg").unlink()
    (folder / "predictor.cfg").write_text(json.dumps(cfg))
    if "." in name:
        (folder / name).write_bytes(b"weights")
    else:
        (folder / name).mkdir()
        (folder / name / "saved_model.pb").write_bytes(b"graph")
    return model


def test_folder_is_downloaded_as_a_zip_without_what_was_made_of_it(server: Server) -> None:
    model = with_network(server, "model.keras")
    exported = server.library.folders.of(model) / "exports" / "onnx"
    exported.mkdir(parents=True)
    (exported / "model.onnx").write_bytes(b"onnx")
    download = server.library.exports.get(model, "folder", None)
    assert isinstance(download, Download)
    with zipfile.ZipFile(io.BytesIO(b"".join(zip_folder(download.path, download.without)))) as archive:
        assert archive.testzip() is None
        assert set(archive.namelist()) == {
            "manifest.json",
            "metrics.json",
            "model.keras",
            "names.txt",
            "predictor.cfg",
        }
        assert archive.read("model.keras") == b"weights"
    exported_download = server.library.exports.get(model, "onnx", None)
    assert isinstance(exported_download, Download)
    assert (exported_download.path, exported_download.is_folder) == (exported, True)


def test_network_itself_is_downloaded_as_it_is(server: Server) -> None:
    for name, wanted, is_folder in (
        ("model.keras", "keras", False),
        ("model.h5", "keras", False),
        ("saved_model", "savedmodel", True),
    ):
        model = with_network(server, name)
        download = server.library.exports.get(model, wanted, None)  # type: ignore[arg-type]
        assert isinstance(download, Download)
        assert (download.path.name, download.is_folder) == (name, is_folder)


@pytest.mark.parametrize(("name", "wanted"), [("model.h5", "onnx"), ("saved_model", "keras"), ("", "keras")])
def test_what_cannot_be_made_is_refused(server: Server, name: str, wanted: Any) -> None:
    model = with_network(server, name) if name else server.add_model()
    with pytest.raises(StateConflict) as raised:
        server.library.exports.get(model, wanted, None)
    assert raised.value.code == "no_such_export"


def test_other_format_is_made_by_one_job(server: Server, jobs: Jobs) -> None:
    model = with_network(server, "model.keras")
    job = server.library.exports.get(model, "litert", 5)
    assert isinstance(job, TrainingJob)
    assert server.library.exports.get(model, "litert", 6) == job
    folder = server.library.folders.of(model)
    assert job.cfg["export"] == {"model": str(folder), "to": "litert", "output": str(folder / "exports" / "litert")}
    jobs.end(job.id, JobState.FAILED, f"ended with status 1\n{folder}: cannot be exported")
    with pytest.raises(StateConflict) as raised:
        server.library.exports.get(model, "litert", 5)
    assert raised.value.code == "export_failed"
    assert str(folder.parent) not in str(raised.value)
    again = server.library.exports.get(model, "litert", 5)
    assert isinstance(again, TrainingJob)
    assert again.id != job.id
    jobs.jobs.clear()
    assert isinstance(server.library.exports.get(model, "litert", 5), TrainingJob)
