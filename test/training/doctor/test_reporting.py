"""`doctor --cfg CFG --report FILE`: how the server asks."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from deep_predictor.errors import ConfigError, TrainingCancelled
from deep_predictor.training.doctor.command import add_arguments, run
from deep_predictor.training.job_files import read_object, read_progress, read_state
from test.training.datasets.pictures import small_set, write_files


def asked(tmp_path: Path, *words: str, **dataset_options: Any) -> int:
    cfg = tmp_path / "cfg.json"
    cfg.write_text(json.dumps({"doctor_options": {"version": 3, "dataset_options": dataset_options}}))
    (tmp_path / "run").mkdir(exist_ok=True)
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return run(parser.parse_args([*(words or ("--cfg", str(cfg), "--report", str(tmp_path / "run" / "doctor.json")))]))


def test_report_of_a_faulty_set_is_written_and_is_no_failure(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "pets", small_set(count=2))
    assert asked(tmp_path, name="folder", path=str(folder)) == 0
    report = read_object(tmp_path / "run" / "doctor.json")
    assert "class_too_small" in {finding["code"] for finding in report["findings"]}
    progress = read_progress(tmp_path / "run")
    assert (progress.done, progress.total, progress.unit) == (4, 4, "pictures")


def test_set_that_cannot_be_opened_is_told_with_its_reason(tmp_path: Path) -> None:
    assert asked(tmp_path, name="folder", path=str(tmp_path / "absent")) == 1
    said = read_state(tmp_path / "run")
    assert (said.state, "is no folder" in said.reason) == ("failed", True)
    assert not (tmp_path / "run" / "doctor.json").exists()


def test_report_that_is_cancelled_ends(tmp_path: Path) -> None:
    write_files(tmp_path / "run", {"cancel": b""})
    with pytest.raises(TrainingCancelled):
        asked(tmp_path, name="folder", path=str(write_files(tmp_path / "pets", small_set())))


def test_cfg_that_is_wrong_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"doctor_options\.dataset_options\.name"):
        asked(tmp_path, name="tar")


def test_cfg_and_report_go_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(tmp_path, "--cfg", "x") == 2
    assert asked(tmp_path, "pets", "--report", "x") == 2
    assert "go together" in capsys.readouterr().err
