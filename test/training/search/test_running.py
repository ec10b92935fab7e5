"""Whole searches with a formula in place of a network: every end a trial may come to, kills, and going on."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deep_predictor.errors import ConfigError, RunFolderUnusable, SearchWithoutResult, TrainingCancelled
from deep_predictor.training.job_files import read_metrics, read_state
from deep_predictor.training.process_identity import start_of
from deep_predictor.training.search.running import run_search
from deep_predictor.training.search.study import ABANDONED, TrialRecord
from deep_predictor.training.search.tables import line_of, table_of
from test.training.search.fake_trials import quality
from test.training.search.searches import RANGES, plan_of

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[3]
LONGEST_SECONDS = 60.0


def until(condition: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + LONGEST_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        threading.Event().wait(0.01)


def test_search_finds_the_best_and_writes_a_plain_cfg(tmp_path: Path) -> None:
    told: list[TrialRecord] = []
    plan = plan_of(trials=4)
    result = run_search(plan, tmp_path / "search", told.append)

    assert [record.number for record in told] == [0, 1, 2, 3]
    assert [record.state for record in result.trials] == ["done"] * 4
    for record in result.trials:
        assert record.value == pytest.approx(quality(record.values["fit_options.learning_rate"]))
        assert record.epoch == 3
    assert result.best.value == max(record.value or 0 for record in result.trials)
    rate = result.best.values["fit_options.learning_rate"]
    assert json.loads(result.best_cfg.read_text()) == {
        "training_options": {"seed": 4, "fit_options": {"optimizer": "sgd", "learning_rate": rate}}
    }
    assert read_metrics(tmp_path / "search") == [record.to_dict() for record in result.trials]
    state = read_state(tmp_path / "search")
    assert (state.state, state.epoch, state.epochs) == ("running", 4, 4)  # the best one is still to be trained


def test_no_trial_reads_the_test_pictures(tmp_path: Path) -> None:
    run_search(plan_of(trials=1), tmp_path)
    assert (tmp_path / "trials" / "0000").is_dir()
    assert not (tmp_path / "trials" / "0000" / "test-was-read").exists()


def test_failed_trials_are_recorded_with_their_reasons_and_the_search_goes_on(tmp_path: Path) -> None:
    result = run_search(plan_of("fail_now_and_then", trials=7), tmp_path)
    reasons = {record.number: record.reason for record in result.trials if record.state == "failed"}
    assert reasons == {
        0: "the loss became nan in epoch 2; a learning_rate under 0.5 may help, or the input's scale, mean and std are "
        "wrong",
        1: "MemoryError: no room for 3 GB",
        2: "was killed (SIGKILL): by somebody, or because the memory was used up",
        3: "ended with status 7 and without a word",
        4: "ended before its first epoch did",
        5: "its figure is nan",
    }
    assert result.best.number == 6
    output = (tmp_path / "trials" / "0001" / ".output.txt").read_text()
    assert "this goes to the trial's own output" in output
    assert "MemoryError: no room for" in output


def test_search_without_a_figure_is_an_error_that_says_why(tmp_path: Path) -> None:
    with pytest.raises(SearchWithoutResult, match=r"none of 2 trials .*: ValueError: the layer 3 does not fit"):
        run_search(plan_of("fail_always", trials=2), tmp_path)
    state = read_state(tmp_path)
    assert state.state == "failed"
    assert "the layer 3 does not fit" in state.reason
    assert not (tmp_path / "best.cfg").exists()


def test_wrong_range_stops_the_search_before_anything_is_written(tmp_path: Path) -> None:
    plan = plan_of(ranges={"fit_options.learning_rate": {"low": 0.1, "high": 11}})
    with pytest.raises(ConfigError, match=r"fit_options\.learning_rate: must be <= 10 \(got 11\)"):
        run_search(plan, tmp_path / "search")
    assert not (tmp_path / "search").exists()


def test_same_folder_goes_on_and_runs_only_what_is_missing(tmp_path: Path) -> None:
    first = run_search(plan_of(trials=2), tmp_path)
    told: list[TrialRecord] = []
    second = run_search(plan_of(trials=4), tmp_path, told.append)
    assert [record.number for record in told] == [2, 3]
    assert second.trials[:2] == first.trials
    assert run_search(plan_of(trials=4), tmp_path, told.append).trials == second.trials
    assert len(told) == 2


def test_one_process_tries_the_same_values_whether_or_not_it_was_stopped(tmp_path: Path) -> None:
    def tried(folder: str, *trials: int) -> list[dict[str, Any]]:
        for count in trials:
            result = run_search(plan_of(trials=count, pruner="median", random_trials=2), tmp_path / folder)
        return [record.values for record in result.trials]

    assert tried("whole", 6) == tried("parts", 1, 4, 6)


def test_folder_of_another_search_or_of_somebody_is_refused(tmp_path: Path) -> None:
    run_search(plan_of(trials=1), tmp_path / "mine")
    plan = plan_of(trials=1, seed=9)
    with pytest.raises(RunFolderUnusable, match=r"of a search with another search_options\.seed;"):
        run_search(plan, tmp_path / "mine")
    plan = replace(plan_of(trials=1), section={**plan_of(trials=1).section, "seed": 5})
    with pytest.raises(RunFolderUnusable, match="of a search with another seed;"):
        run_search(plan, tmp_path / "mine")
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "thesis.txt").touch()
    with pytest.raises(RunFolderUnusable, match=r"thesis\.txt"):
        run_search(plan, tmp_path / "foreign")
    (tmp_path / "file").touch()
    with pytest.raises(RunFolderUnusable, match="cannot be written"):
        run_search(plan, tmp_path / "file")


def test_several_processes_work_on_one_search(tmp_path: Path) -> None:
    result = run_search(plan_of("note_threads", trials=4, processes=2), tmp_path)
    assert [record.state for record in result.trials] == ["done"] * 4
    assert sorted(record.number for record in result.trials) == [0, 1, 2, 3]
    assert len({record.values["fit_options.learning_rate"] for record in result.trials}) == 4
    assert int((tmp_path / "trials" / "0000" / "threads").read_text()) >= 1


def test_pruned_trials_are_pruned_by_what_others_had(tmp_path: Path) -> None:
    plan = plan_of(trials=10, pruner="median", pruner_trials=2, pruner_epochs=0, random_trials=10)
    result = run_search(plan, tmp_path)
    states = [record.state for record in result.trials]
    assert set(states) == {"done", "pruned"}
    qualities = {record.number: quality(record.values["fit_options.learning_rate"]) for record in result.trials}
    assert result.best.number == max(qualities, key=lambda number: qualities[number])
    pruned = [record for record in result.trials if record.state == "pruned"]
    assert all(record.value is None and record.epoch == 1 for record in pruned)


def searching_process(folder: Path, processes: int = 1) -> subprocess.Popen[bytes]:
    """A search whose trials from the third on wait for a file `.go`."""
    return subprocess.Popen(
        [sys.executable, "-m", "test.training.search.searches", str(folder), str(processes)], cwd=ROOT
    )


def test_killed_search_goes_on_and_its_open_trials_are_failed(tmp_path: Path) -> None:
    process = searching_process(tmp_path, processes=2)
    until(lambda: len(list(tmp_path.glob(".holding-*"))) == 2, "two trials hold")
    process.kill()
    process.wait(LONGEST_SECONDS)
    orphans = [int(path.name.rpartition("-")[2]) for path in tmp_path.glob(".holding-*")]
    until(lambda: all(start_of(pid) is None for pid in orphans), "its trials end too")

    result = run_search(plan_of("train", trials=4, processes=2), tmp_path)

    assert sorted(record.number for record in result.trials if record.state == "done") == [0, 1, 4, 5]
    lost = {record.number: record for record in result.trials if record.state == "failed"}
    assert {number: record.reason for number, record in lost.items()} == {2: ABANDONED, 3: ABANDONED}
    values = {record.number: record.values for record in result.trials}
    assert {str(values[number]) for number in (4, 5)} == {str(values[number]) for number in (2, 3)}


def test_cancelled_search_kills_its_trials_and_can_go_on(tmp_path: Path) -> None:
    def cancel_when_holding() -> None:
        until(lambda: list(tmp_path.glob(".holding-*")), "a trial holds")
        (tmp_path / "cancel").touch()

    canceller = threading.Thread(target=cancel_when_holding)
    canceller.start()
    with pytest.raises(TrainingCancelled):
        run_search(plan_of("hold", trials=4), tmp_path)
    canceller.join()
    assert read_state(tmp_path).state == "cancelled"
    result = run_search(plan_of("train", trials=4), tmp_path)
    assert [record.state for record in result.trials] == ["done", "done", "failed", "done", "done"]


def test_two_searches_on_one_folder_share_the_trials(tmp_path: Path) -> None:
    with searching_process(tmp_path) as other:
        until(lambda: list(tmp_path.glob(".holding-0002-*")), "the other search holds its third trial")
        (tmp_path / ".go").touch()
        result = run_search(plan_of("train", trials=4), tmp_path)
        assert other.wait(LONGEST_SECONDS) == 0
    assert sorted(record.number for record in result.trials) == [0, 1, 2, 3]


def test_table_has_a_row_a_trial_best_first() -> None:
    plan = plan_of(ranges={**RANGES, "fit_options.epochs": {"low": 1, "high": 9}})
    values = {"fit_options.learning_rate": 0.012345678, "fit_options.epochs": 5}
    trials = [
        TrialRecord(0, "done", 0.5, 3, 1.25, values, ""),
        TrialRecord(1, "failed", None, None, 0.5, values, "the loss became nan"),
        TrialRecord(2, "done", 0.75, 4, 10.0, values, ""),
    ]
    assert table_of(trials, plan.options).splitlines() == [
        "trial  state   val_accuracy  epoch  seconds  learning_rate  epochs  reason",
        "2      done    0.75          4      10       0.01235        5",
        "0      done    0.5           3      1.25     0.01235        5",
        "1      failed  -             -      0.5      0.01235        5       the loss became nan",
    ]
    assert (
        line_of(trials[0], plan.options) == "trial 0 done val_accuracy 0.5 in epoch 3 (learning_rate 0.01235, epochs 5)"
    )
    assert line_of(trials[1], plan.options).endswith("(learning_rate 0.01235, epochs 5): the loss became nan")
