"""`search CFG` from the command line: its exit codes, what it prints, and the training of the best cfg."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from deep_predictor.training.__main__ import main
from deep_predictor.training.job_files import read_state
from deep_predictor.training.search import command
from test.training.search.test_running import until

FAKE_TRAINER = Path(__file__).parents[1] / "fake_trainer.py"
RANGES = {"fit_options.learning_rate": {"low": 0.0001, "high": 1, "log": True}}


@pytest.fixture(autouse=True)
def _nothing_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "TRAINER", "test.training.search.fake_trials:train")
    monkeypatch.setattr(command, "PROGRAM", (sys.executable, str(FAKE_TRAINER)))


def write_cfg(project_root: Path, folder: Path, **search: Any) -> Path:
    whole = json.loads((project_root / "cfg/training/digits.cfg").read_text())
    whole["training_options"] |= {"run_folder": "elsewhere", "search_options": {"ranges": RANGES, "trials": 3} | search}
    path = folder / "fruit.cfg"
    path.write_text(json.dumps(whole))
    return path


@pytest.fixture
def cfg(project_root: Path, tmp_path: Path) -> Path:
    return write_cfg(project_root, tmp_path)


def starts(folder: Path) -> list[list[str]]:
    (best,) = folder.glob("best-*")
    return [json.loads(line)["words"] for line in (best / "starts.jsonl").read_text().splitlines()]


def test_search_prints_its_trials_and_trains_the_best(
    cfg: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "search"
    assert main(["search", str(cfg), "--run-folder", str(folder)]) == 0

    out, err = capfd.readouterr()
    assert [line.split(" (")[0].split(" done")[0] for line in err.splitlines()] == ["trial 0", "trial 1", "trial 2"]
    assert out.splitlines()[0].split() == "trial state val_accuracy epoch seconds learning_rate reason".split()
    assert "best is trial" in out
    assert f"best cfg      {folder / 'best.cfg'}" in out
    best = json.loads((folder / "best.cfg").read_text())["training_options"]
    assert set(best) == set(json.loads(cfg.read_text())["training_options"]) - {"search_options", "run_folder"}
    (run_folder,) = folder.glob("best-*")
    assert starts(folder) == [["train", str(folder / "best.cfg"), "--run-folder", str(run_folder)]]
    assert read_state(folder).state == "done"
    assert read_state(run_folder).state == "done"


def test_search_again_goes_on_with_the_training_too(cfg: Path, tmp_path: Path) -> None:
    words = ["search", str(cfg), "--run-folder", str(tmp_path / "search"), "--quiet"]
    assert main([*words, "--no-training", "--trials", "1"]) == 0
    assert not list((tmp_path / "search").glob("best-*"))
    assert main([*words, "--trials", "1"]) == 0
    assert main([*words, "--trials", "1"]) == 0
    assert [line[0] for line in starts(tmp_path / "search")] == ["train", "resume"]


def test_search_json_is_one_object(cfg: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "search"
    assert main(["search", str(cfg), "--run-folder", str(folder), "--json", "--processes", "2"]) == 0
    out, err = capfd.readouterr()
    found = json.loads(out)
    assert err == ""
    assert found["metric"] == "val_accuracy"
    assert sorted(trial["number"] for trial in found["trials"]) == [0, 1, 2]
    assert found["best"]["value"] == max(trial["value"] for trial in found["trials"])
    assert found["training"] == {"epochs": 2}
    assert found["best_cfg"] == str(folder / "best.cfg")


@pytest.mark.parametrize(
    ("search", "words", "said"),
    [
        ({"ranges": {"fit_options.rate": {"low": 1, "high": 2}}}, [], "ranges.fit_options.rate: unknown key"),
        ({"trials": 0}, [], "search_options.trials: must be >= 1"),
        ({}, ["--trials", "0"], "--trials: must be >= 1"),
        ({}, ["--processes", "-1"], "--processes: must be >= 1"),
    ],
)
def test_wrong_cfg_or_command_line_is_exit_code_2(
    project_root: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    search: dict[str, Any],
    words: list[str],
    said: str,
) -> None:
    path = write_cfg(project_root, tmp_path, **search)
    assert main(["search", str(path), "--run-folder", str(tmp_path / "search"), *words]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "search").exists()


def test_cfg_without_search_options_is_exit_code_2(project_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", str(project_root / "cfg/training/digits.cfg")]) == 2
    assert "training_options.search_options: is missing" in capsys.readouterr().err


def test_no_trial_with_a_figure_is_exit_code_1(
    cfg: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "TRAINER", "test.training.search.fake_trials:fail_always")
    assert main(["search", str(cfg), "--run-folder", str(tmp_path / "search"), "--trials", "1"]) == 1
    assert "none of 1 trials ended with a figure: ValueError: the layer 3 does not fit" in capsys.readouterr().err


def test_failed_training_of_the_best_is_its_exit_code(cfg: Path, tmp_path: Path) -> None:
    folder = tmp_path / "search"
    folder.mkdir()
    (folder / ".fake.json").write_text(json.dumps({"fake": {"end": "said"}}))
    assert main(["search", str(cfg), "--run-folder", str(folder), "--trials", "1", "--quiet"]) == 1
    state = read_state(folder)
    assert (state.state, state.reason) == ("failed", f"the training of {folder / 'best.cfg'} ended with status 1")


def test_cancel_reaches_the_training_of_the_best(cfg: Path, tmp_path: Path) -> None:
    folder = tmp_path / "search"
    folder.mkdir()
    (folder / ".fake.json").write_text(json.dumps({"fake": {"hold": 1}}))

    def cancel_when_it_trains() -> None:
        until(lambda: list(folder.glob("best-*/holding")), "the best is trained")
        (folder / "cancel").touch()

    canceller = threading.Thread(target=cancel_when_it_trains)
    canceller.start()
    assert main(["search", str(cfg), "--run-folder", str(folder), "--trials", "1", "--quiet"]) == 3
    canceller.join()
    assert read_state(folder).state == "cancelled"
    (best,) = folder.glob("best-*")
    assert read_state(best).state == "cancelled"


def test_folder_is_named_after_the_cfg_where_none_is_given(
    cfg: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "PROJECT_ROOT", tmp_path)
    assert main(["search", str(cfg), "--trials", "1", "--quiet", "--no-training"]) == 0
    assert (tmp_path / "elsewhere-search" / "best.cfg").is_file()
