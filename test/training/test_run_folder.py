"""The folder of a run: held once, readable, and never mixed up with another's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deep_predictor.errors import RunFolderUnusable
from deep_predictor.training.config import load_training_config
from deep_predictor.training.figures import EpochFigures
from deep_predictor.training.run_folder import CANCEL_FILE, RunFolder


@pytest.fixture
def folder(tmp_path: Path, project_root: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "run")
    with folder.opened():
        folder.begin(load_training_config(project_root / "cfg/training/digits.cfg", project_root))
    return folder


def test_opened_twice_is_refused(folder: RunFolder) -> None:
    with folder.opened(), pytest.raises(RunFolderUnusable, match="another process"), RunFolder(folder.path).opened():
        pass
    with folder.opened():
        pass


def test_begin_gives_a_new_id_and_forgets_the_old_figures(folder: RunFolder, project_root: Path) -> None:
    first = folder.run_id
    folder.checkpoints.mkdir()
    (folder.checkpoints / "last.npz").touch()
    folder.add_metrics(EpochFigures(1, 1, 1, 1, 1))
    (folder.path / CANCEL_FILE).touch()
    folder.begin(load_training_config(project_root / "cfg/training/digits.cfg", project_root))

    assert folder.run_id != first
    assert not folder.is_cancelled()
    assert not (folder.path / "metrics.jsonl").exists()
    assert not folder.checkpoints.exists()


def test_begin_in_a_folder_of_somebody_else_is_refused(tmp_path: Path, project_root: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    config = load_training_config(project_root / "cfg/training/digits.cfg", project_root)

    with pytest.raises(RunFolderUnusable, match=r"thesis\.txt"):
        RunFolder(tmp_path).begin(config)
    assert (tmp_path / "thesis.txt").exists()


def test_load_config_is_what_began_and_stays_in_its_folder(folder: RunFolder, project_root: Path) -> None:
    config = folder.load_config(project_root)

    assert config.run_folder == folder.path.resolve()
    assert config.model_folder == project_root / "var/models/digits"
    assert config.as_written == load_training_config(project_root / "cfg/training/digits.cfg", project_root).as_written


@pytest.mark.parametrize("content", [None, "{", "[]", '{"file": "a"}'])
def test_load_config_without_a_run_names_the_folder(tmp_path: Path, project_root: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "cfg.json").write_text(content, encoding="utf-8")
    with pytest.raises(RunFolderUnusable, match="is no run's folder"):
        RunFolder(tmp_path).load_config(project_root)
    with pytest.raises(RunFolderUnusable, match="is no run's folder"):
        _ = RunFolder(tmp_path).run_id


def test_metrics_are_lines_that_a_resumed_run_cuts_to_its_checkpoint(folder: RunFolder) -> None:
    figures = [EpochFigures(epoch, 0.5, 0.5, 0.25, 1.0, 0.001, 2.0) for epoch in (1, 2, 3)]
    for each in figures:
        folder.add_metrics(each)
    folder.write_metrics(figures[:2])
    folder.add_metrics(figures[2])

    lines = [json.loads(line) for line in (folder.path / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    assert set(lines[0]) == {"epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"}


def test_state_says_what_was_said_last_and_nothing_when_broken(folder: RunFolder) -> None:
    folder.say("running", epoch=3)
    assert (folder.state()["state"], folder.state()["epoch"]) == ("running", 3)
    (folder.path / "state.json").write_text("[", encoding="utf-8")
    assert folder.state() == {}


def test_logged_writes_into_the_folder_and_nowhere_else(folder: RunFolder, caplog: pytest.LogCaptureFixture) -> None:
    with folder.logged() as log:
        log.info("one line")
    log.info("too late")

    text = (folder.path / "log.txt").read_text(encoding="utf-8")
    assert text.endswith("INFO one line\n")
    assert "too late" not in text
