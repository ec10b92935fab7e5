"""The trials of a search, kept by Optuna in a journal file that several searches on one folder may write to."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from filelock import FileLock

from deep_predictor.training.process_identity import name_of_this_process, named_process_lives
from deep_predictor.training.search.options import SearchOptions
from deep_predictor.training.search.ranges import Space

JOURNAL_FILE = "study.journal"
STUDY_NAME = "search"
ABANDONED = "its process was killed; other values take its place"

TrialState = Literal["done", "pruned", "failed", "running"]


@dataclass(frozen=True)
class TrialRecord:
    """One trial. `value`: the metric of its kept epoch, None unless it is done."""

    number: int
    state: TrialState
    value: float | None
    epoch: int | None
    seconds: float | None
    values: dict[str, Any]
    reason: str
    #: Whether it counts: one whose search was killed is tried again.
    is_abandoned: bool = False

    def to_dict(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if key != "is_abandoned"}


class Study:
    """Asks for values, and is told what came of them. `folder` is there."""

    def __init__(self, folder: Path, options: SearchOptions, spaces: Sequence[Space]) -> None:
        import optuna
        from optuna.storages.journal import JournalFileBackend

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._options = options
        self._spaces = {space.key: space for space in spaces}
        self._lock = FileLock(folder / ".study.lock")
        journal = folder / JOURNAL_FILE
        with _OsLock(journal).held():
            _drop_half_line(journal)
        backend = JournalFileBackend(str(journal), lock_obj=cast("Any", _OsLock(journal)))
        with self._lock:
            self._study = optuna.create_study(
                storage=optuna.storages.JournalStorage(backend),
                study_name=STUDY_NAME,
                direction="minimize" if options.is_lower_better else "maximize",
                pruner=self._pruner(),
                load_if_exists=True,
            )

    def begin_trial(self) -> OpenTrial | None:
        """The next trial, None when all are begun. One whose process is gone is failed here, and begun anew."""
        with self._lock:
            self._fail_abandoned()
            counted = [trial for trial in self._trials() if not _is_abandoned(trial)]
            if len(counted) >= self._options.trials:
                return None
            taken = {trial.user_attrs.get("slot") for trial in counted}
            slot = next(number for number in range(len(counted) + 1) if number not in taken)
            self._study.sampler = self._sampler(slot)
            trial = self._study.ask({key: space.distribution() for key, space in self._spaces.items()})
            trial.set_user_attr("slot", slot)
            trial.set_user_attr("owner", name_of_this_process())
        return OpenTrial(self._study, trial, self._read(trial.params))

    def records(self) -> list[TrialRecord]:
        """All trials, in the order of their end; those that run come last."""
        trials = sorted(self._trials(), key=lambda t: (t.datetime_complete is None, t.datetime_complete, t.number))
        return [self._record(trial) for trial in trials]

    def has_running(self) -> bool:
        """Whether a trial of any search on this folder still runs."""
        with self._lock:
            self._fail_abandoned()
            return any(trial.state.name == "RUNNING" for trial in self._trials())

    def best(self) -> TrialRecord | None:
        """The best of those that are done; of equals the first."""
        done = [record for record in self.records() if record.state == "done" and record.value is not None]
        sign = 1 if self._options.is_lower_better else -1
        return min(done, key=lambda record: (sign * (record.value or 0.0), record.number), default=None)

    def _trials(self) -> list[Any]:
        trials: list[Any] = self._study.get_trials(deepcopy=False)
        return trials

    def _fail_abandoned(self) -> None:
        for trial in self._trials():
            if trial.state.name == "RUNNING" and not named_process_lives(trial.user_attrs.get("owner")):
                _tell(self._study, trial.number, "FAIL")

    def _record(self, trial: Any) -> TrialRecord:
        states: dict[str, TrialState] = {"COMPLETE": "done", "PRUNED": "pruned", "FAIL": "failed"}
        facts = trial.user_attrs
        return TrialRecord(
            number=trial.number,
            state=states.get(trial.state.name, "running"),
            value=trial.value if trial.state.name == "COMPLETE" else None,
            epoch=facts.get("epoch"),
            seconds=facts.get("seconds"),
            values=self._read(trial.params),
            reason=ABANDONED if _is_abandoned(trial) else facts.get("reason", ""),
            is_abandoned=_is_abandoned(trial),
        )

    def _read(self, suggested: Mapping[str, Any]) -> dict[str, Any]:
        return {key: space.read(suggested[key]) for key, space in self._spaces.items() if key in suggested}

    def _sampler(self, slot: int) -> Any:
        """A seed of its own for each trial: a search that goes on draws what one that never stopped would."""
        import optuna

        seed = int(np.random.SeedSequence((self._options.seed, slot)).generate_state(1)[0])
        return optuna.samplers.TPESampler(n_startup_trials=self._options.random_trials, seed=seed)

    def _pruner(self) -> Any:
        import optuna

        if self._options.pruner == "none":
            return optuna.pruners.NopPruner()
        return optuna.pruners.MedianPruner(
            n_startup_trials=self._options.pruner_trials, n_warmup_steps=self._options.pruner_epochs
        )


class OpenTrial:
    """A trial that runs. `values`: dotted key -> value."""

    def __init__(self, study: Any, trial: Any, values: dict[str, Any]) -> None:
        self._study, self._trial, self.values = study, trial, values

    @property
    def number(self) -> int:
        return int(self._trial.number)

    def should_stop(self, epoch: int, value: float) -> bool:
        """Tell the figure of an epoch; whether the trial is not worth another."""
        self._trial.report(value, epoch)
        return bool(self._trial.should_prune())

    def end(self, state: TrialState, value: float | None = None, **facts: Any) -> None:
        """`value`: of a trial that is done; `facts`: epoch, seconds, and the reason of a failed one."""
        for name, fact in facts.items():
            self._trial.set_user_attr(name, fact)
        _tell(self._study, self.number, {"done": "COMPLETE", "pruned": "PRUNED"}.get(state, "FAIL"), value)

    def abandon(self) -> None:
        """Give it up; its values are tried again."""
        _tell(self._study, self.number, "FAIL")


def _is_abandoned(trial: Any) -> bool:
    """Whether it failed and gave no reason: nobody was there to give one."""
    return trial.state.name == "FAIL" and not trial.user_attrs.get("reason")


def _tell(study: Any, number: int, state: str, value: float | None = None) -> None:
    from optuna.trial import TrialState as OptunaState

    study.tell(number, value, state=OptunaState[state])


class _OsLock:
    """Optuna's lock of the journal, by a lock that the operating system lets go of when its holder is killed."""

    def __init__(self, journal: Path) -> None:
        self._lock = FileLock(journal.with_name(f".{journal.name}.lock"))

    def acquire(self) -> bool:
        self._lock.acquire()
        return True

    def release(self) -> None:
        self._lock.release()

    def held(self) -> FileLock:
        return self._lock


def _drop_half_line(journal: Path) -> None:
    """What a process that was killed while it wrote left at the end would spoil the line that follows."""
    try:
        content = journal.read_bytes()
    except FileNotFoundError:
        return
    if content and not content.endswith(b"\n"):
        os.truncate(journal, content.rfind(b"\n") + 1)
