"""A whole search: trials until there are enough, the best cfg written out, and trained in full."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from deep_predictor.errors import DeepPredictorError, RunFolderUnusable, SearchWithoutResult, TrainingCancelled
from deep_predictor.training.job_files import CANCEL_FILE, METRICS_FILE, STATE_FILE, read_object, write_object
from deep_predictor.training.search.options import SearchOptions
from deep_predictor.training.search.ranges import SEARCH_KEY, SECTION, Check, check_ranges, with_values
from deep_predictor.training.search.study import OpenTrial, Study, TrialRecord
from deep_predictor.training.search.trial import TrialOrder
from deep_predictor.training.search.trial_process import TrialProcess

SEARCH_FILE = "search.json"
BEST_FILE = "best.cfg"
TRIALS_FOLDER = "trials"
TRAINER = "deep_predictor.training.search.trial:train"
#: What may change when a search goes on.
CHANGEABLE = ("trials", "processes")
POLL_SECONDS = 0.5


@dataclass(frozen=True)
class SearchPlan:
    """What is searched. `section`: `training_options` as written; `check` reads one as a training cfg."""

    section: Mapping[str, Any]
    options: SearchOptions
    file: str
    root: Path
    check: Check
    #: "module:function" that a trial's process calls with its order and a watch.
    trainer: str = TRAINER
    allow_python: bool = False


@dataclass(frozen=True)
class SearchResult:
    """What was found: all trials, the best of them, and the file with its cfg."""

    trials: list[TrialRecord]
    best: TrialRecord
    best_cfg: Path
    #: Where the best cfg is trained in full.
    best_run_folder: Path


def run_search(
    plan: SearchPlan, folder: Path, on_trial: Callable[[TrialRecord], object] = lambda record: None
) -> SearchResult:
    """Run the trials that `folder` lacks, and write the best cfg. `on_trial` is told each that ends.

    Raises ConfigError before anything starts, RunFolderUnusable when the folder holds something else, TrainingCancelled
    when a file `cancel` appears in it, SearchWithoutResult.
    """
    spaces = check_ranges(plan.section, plan.options.ranges, plan.file, plan.check)
    _claim(folder, plan)
    with told(folder):
        study = Study(folder, plan.options, spaces)
        _Search(plan, folder, study, on_trial).run()
        best = study.best()
        if best is None:
            reasons = [record.reason for record in study.records() if record.reason]
            raise SearchWithoutResult(plan.options.trials, list(dict.fromkeys(reasons)))
        section = {key: value for key, value in plan.section.items() if key != "run_folder"}
        write_object(folder / BEST_FILE, {SECTION: with_values(section, best.values)})
        return SearchResult(study.records(), best, folder / BEST_FILE, folder / f"best-{best.number:04d}")


@contextmanager
def told(folder: Path) -> Iterator[None]:
    """state.json says how the block ended, unless it ended well."""
    try:
        yield
    except TrainingCancelled:
        say(folder, "cancelled")
        raise
    except DeepPredictorError as error:
        say(folder, "failed", reason=str(error))
        raise
    except BaseException as error:
        say(folder, "failed", reason=f"{type(error).__name__}: {error}".rstrip(": "))
        raise


def say(folder: Path, state: str, **facts: Any) -> None:
    """Write state.json, as a training run does; epochs are trials."""
    before = {key: value for key, value in read_object(folder / STATE_FILE).items() if key in ("epoch", "epochs")}
    write_object(folder / STATE_FILE, {**before, "state": state, "pid": os.getpid(), **facts})


def is_cancelled(folder: Path) -> bool:
    return (folder / CANCEL_FILE).exists()


class _Search:
    """The trials of one call."""

    def __init__(self, plan: SearchPlan, folder: Path, study: Study, on_trial: Callable[[TrialRecord], object]) -> None:
        self._plan, self._folder, self._study, self._on_trial = plan, folder, study, on_trial
        self._running: list[TrialProcess] = []

    def run(self) -> None:
        """Until every trial has ended, those of other searches on this folder too."""
        try:
            self._publish()
            while True:
                self._fill()
                if not self._running and not self._study.has_running():
                    return
                ready = {process.connection: process for process in self._running}
                for connection in wait(list(ready), POLL_SECONDS):
                    process = ready[connection]  # type: ignore[index]
                    if not process.take_message():
                        self._running.remove(process)
                        self._tell_end(process)
        finally:
            if self._running:
                for process in self._running:
                    process.abandon()
                self._publish()

    def _fill(self) -> None:
        if is_cancelled(self._folder):
            raise TrainingCancelled
        while len(self._running) < self._plan.options.processes:
            trial = self._study.begin_trial()
            if trial is None:
                return
            self._running.append(TrialProcess(trial, self._order(trial)))

    def _order(self, trial: OpenTrial) -> TrialOrder:
        plan = self._plan
        folder = self._folder.resolve() / TRIALS_FOLDER / f"{trial.number:04d}"
        section = with_values(plan.section, trial.values)
        section |= {"run_folder": str(folder), "output_folder": str(folder / "model")}
        processes = plan.options.processes
        return TrialOrder(
            folder=folder,
            section=section,
            file=f"{plan.file} (trial {trial.number})",
            root=plan.root,
            metric=plan.options.metric,
            trainer=plan.trainer,
            allow_python=plan.allow_python,
            threads=max(1, (os.cpu_count() or 1) // processes) if processes > 1 else None,
            parent_pid=os.getpid(),
        )

    def _tell_end(self, process: TrialProcess) -> None:
        self._publish()
        number = process.trial.number
        self._on_trial(next(record for record in self._study.records() if record.number == number))

    def _publish(self) -> None:
        """metrics.jsonl: a line a trial that has ended; state.json: how many there are."""
        ended = [record for record in self._study.records() if record.state != "running"]
        lines = "".join(json.dumps(record.to_dict()) + "\n" for record in ended)
        part = self._folder / f".{METRICS_FILE}.{os.getpid()}.part"
        part.write_text(lines, encoding="utf-8")
        part.replace(self._folder / METRICS_FILE)
        count = sum(not record.is_abandoned for record in ended)
        say(self._folder, "running", epoch=count, epochs=self._plan.options.trials)


def _claim(folder: Path, plan: SearchPlan) -> None:
    """Make the folder this search's, or see that it is. Raises RunFolderUnusable."""
    path = folder / SEARCH_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        strangers = sorted(p.name for p in folder.iterdir() if not p.name.startswith(".") and p.name != CANCEL_FILE)
        if strangers and not path.exists():
            names = ", ".join(strangers[:5])
            raise RunFolderUnusable(folder, f"holds files that no search wrote ({names}); name another --run-folder")
        if path.exists():
            differing = _differing(read_object(path).get(SECTION, {}), plan.section)
            if differing:
                raise RunFolderUnusable(
                    folder, f"is of a search with another {', '.join(differing)}; name another --run-folder"
                )
        else:
            write_object(path, {"file": plan.file, SECTION: dict(plan.section)})
        (folder / CANCEL_FILE).unlink(missing_ok=True)  # of an earlier call
    except OSError as error:
        raise RunFolderUnusable(folder, f"cannot be written: {error}") from error


def _differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Keys whose values are not those that the search began with."""
    found = [key for key in {**before, **now} if key != SEARCH_KEY and before.get(key) != now.get(key)]
    old, new = (dict(section.get(SEARCH_KEY) or {}) for section in (before, now))
    found += [f"{SEARCH_KEY}.{key}" for key in {**old, **new} if key not in CHANGEABLE and old.get(key) != new.get(key)]
    return found
