"""The trials of a study: their values, their ends, and what a killed search leaves."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from deep_predictor.training.search.ranges import check_ranges
from deep_predictor.training.search.study import ABANDONED, JOURNAL_FILE, OpenTrial, Study
from test.training.search.fake_trials import quality
from test.training.search.searches import check, plan_of

RANGES = {
    "fit_options.learning_rate": {"low": 0.0001, "high": 1.0, "log": True},
    "fit_options.epochs": {"low": 1, "high": 50},
    "fit_options.optimizer": {"choices": ["sgd", "adam"]},
}


def open_study(folder: Path, **search: Any) -> Study:
    plan = plan_of(ranges=RANGES, **{"trials": 30, **search})
    return Study(folder, plan.options, check_ranges(plan.section, plan.options.ranges, "x.cfg", check))


def begin(study: Study) -> OpenTrial:
    trial = study.begin_trial()
    assert trial is not None
    return trial


def run_some(study: Study, count: int) -> list[dict[str, Any]]:
    """The values of some trials, whose figure is that of their rate."""
    values = []
    for _ in range(count):
        trial = begin(study)
        values.append(trial.values)
        trial.end("done", quality(trial.values["fit_options.learning_rate"]), epoch=3, seconds=1.5)
    return values


def test_trials_have_values_of_the_ranges_and_the_study_ends(tmp_path: Path) -> None:
    study = open_study(tmp_path, trials=12, random_trials=4)
    values = run_some(study, 12)
    assert study.begin_trial() is None
    for one in values:
        assert 0.0001 <= one["fit_options.learning_rate"] <= 1
        assert type(one["fit_options.epochs"]) is int
        assert 1 <= one["fit_options.epochs"] <= 50
        assert one["fit_options.optimizer"] in ("sgd", "adam")
    assert len({one["fit_options.learning_rate"] for one in values}) == 12
    record = study.records()[0]
    assert (record.number, record.state, record.epoch, record.seconds, record.reason) == (0, "done", 3, 1.5, "")
    assert record.values == values[0]


def test_same_seed_tries_the_same_values_another_seed_others(tmp_path: Path) -> None:
    tried = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        (tmp_path / name).mkdir()
        tried.append(run_some(open_study(tmp_path / name, seed=seed, random_trials=3), 8))
    assert tried[0] == tried[1]
    assert tried[0][0] != tried[2][0]


def test_search_that_goes_on_tries_what_one_that_never_stopped_would(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    whole = run_some(open_study(tmp_path / "whole", random_trials=3), 9)
    parts = run_some(open_study(tmp_path / "parts", random_trials=3), 2)
    begin(open_study(tmp_path / "parts", random_trials=3)).abandon()
    parts += run_some(open_study(tmp_path / "parts", random_trials=3), 4)
    parts += run_some(open_study(tmp_path / "parts", random_trials=3), 3)
    assert parts == whole


def test_search_learns_from_its_trials(tmp_path: Path) -> None:
    study = open_study(tmp_path, trials=40, random_trials=10)
    rates = [one["fit_options.learning_rate"] for one in run_some(study, 40)]
    by_chance = math.log(3) / 2  # the mean of 1 / (1 + |d|) for d from -2 to 2 decades
    assert sum(quality(rate) for rate in rates[-10:]) / 10 > 1.2 * by_chance


def test_best_is_the_first_of_equals_and_of_those_that_are_done(tmp_path: Path) -> None:
    study = open_study(tmp_path)
    assert study.best() is None
    for state, value in (("done", 0.5), ("failed", None), ("done", 0.7), ("done", 0.7), ("pruned", None)):
        trial = begin(study)
        trial.should_stop(1, 0.99)
        trial.end(state, value, reason="why")  # type: ignore[arg-type]
    best = study.best()
    assert best is not None
    assert (best.number, best.value) == (2, 0.7)
    (tmp_path / "loss").mkdir()
    study = open_study(tmp_path / "loss", metric="val_loss")
    for value in (0.5, 0.2, 0.7):
        begin(study).end("done", value)
    best = study.best()
    assert best is not None
    assert best.value == 0.2


def test_trial_worse_than_half_of_the_others_at_its_epoch_is_stopped(tmp_path: Path) -> None:
    study = open_study(tmp_path, pruner="median", pruner_epochs=2, pruner_trials=3)
    for value in (0.4, 0.6, 0.8):
        trial = begin(study)
        assert not any(trial.should_stop(epoch, value) for epoch in (1, 2, 3))
        trial.end("done", value)
    trial = begin(study)
    assert [trial.should_stop(epoch, 0.5) for epoch in (1, 2, 3)] == [False, True, True]
    trial.end("pruned", epoch=2)
    assert [record.state for record in study.records()] == ["done"] * 3 + ["pruned"]
    assert study.records()[-1].value is None
    trial = begin(study)
    assert not any(trial.should_stop(epoch, 0.7) for epoch in (1, 2, 3))


def test_trial_of_a_killed_search_is_failed_and_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = open_study(tmp_path, trials=2)
    run_some(study, 1)
    with monkeypatch.context() as patch:
        patch.setattr("deep_predictor.training.search.study.name_of_this_process", lambda: "1:another start")
        lost = begin(study)
    study = open_study(tmp_path, trials=2)
    assert not study.has_running()
    again = begin(study)
    assert again.values == lost.values
    assert [(record.number, record.state, record.reason) for record in study.records()] == [
        (0, "done", ""),
        (1, "failed", ABANDONED),
        (2, "running", ""),
    ]
    assert study.has_running()
    again.end("done", 0.5)
    assert study.begin_trial() is None


def test_half_a_line_of_a_killed_process_does_not_spoil_the_journal(tmp_path: Path) -> None:
    run_some(open_study(tmp_path), 2)
    with (tmp_path / JOURNAL_FILE).open("ab") as file:
        file.write(b'{"op_code": 5, "tri')
    study = open_study(tmp_path)
    run_some(study, 1)
    assert len(open_study(tmp_path).records()) == 3
    assert all(json.loads(line) for line in (tmp_path / JOURNAL_FILE).read_bytes().splitlines())


def test_two_studies_on_one_folder_see_each_others_trials(tmp_path: Path) -> None:
    first, second = open_study(tmp_path, trials=3), open_study(tmp_path, trials=3)
    trials = [begin(first), begin(second), begin(first)]
    assert second.begin_trial() is None
    assert first.begin_trial() is None
    assert len({trial.values["fit_options.learning_rate"] for trial in trials}) == 3
    for trial in trials:
        trial.end("done", 0.1 * trial.number)
    assert first.best() == second.best()
