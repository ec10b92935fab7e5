"""One trial, in a process of its own: trains until its figures are known, tells them, and asks whether to go on.

What goes through the connection is JSON: a cfg may name Python that somebody else wrote, and pickles run code.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deep_predictor.errors import DeepPredictorError, TrialOver

if TYPE_CHECKING:
    from deep_predictor.training.figures import EpochFigures, StepFigures, Watcher

#: What the process prints, and its libraries; a name with a dot is no stranger to the run.
OUTPUT_FILE = ".output.txt"
Watch = Callable[[int, int], AbstractContextManager["Watcher"]]


@dataclass(frozen=True)
class TrialOrder:
    """What one trial trains. `section`: its `training_options`, whose folders are the trial's own."""

    folder: Path
    section: dict[str, Any]
    file: str
    root: Path
    metric: str
    #: "module:function" of (order, watch).
    trainer: str
    allow_python: bool
    #: Threads of its libraries; None: as they like.
    threads: int | None
    parent_pid: int

    @property
    def judgement(self) -> str:
        """The figure by which the trainer chooses the epoch that it keeps."""
        from deep_predictor.training.fit_options import default_judgement

        fit = self.section.get("fit_options", {})
        return str(fit.get("keep_best") or default_judgement(fit.get("architecture")))


def run_trial(order: TrialOrder, connection: Connection) -> None:
    """The whole life of the process. The last message is `end` or `failed`; none when it was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who interrupts the search ends this process
    _redirect_output(order.folder / OUTPUT_FILE)
    if order.threads:
        os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["OMP_NUM_THREADS"] = str(order.threads)
    teller = _Teller(order, connection)
    try:
        module, _, name = order.trainer.partition(":")
        getattr(import_module(module), name)(order, teller.watch)
    except TrialOver:
        pass
    except BaseException as error:  # whatever ends a trial is told, and is no matter of the others
        traceback.print_exc()
        said = str(error) if isinstance(error, DeepPredictorError) else f"{type(error).__name__}: {error}"
        teller.send("failed", reason=_one_line(said))
        return
    teller.send_end()


def train(order: TrialOrder, watch: Watch) -> None:
    """What a trial trains unless a test says otherwise."""
    from deep_predictor.training.config import training_config
    from deep_predictor.training.run import run_training
    from deep_predictor.training.train_command import prepare_tensorflow

    config = training_config(order.section, order.file, order.root, order.folder)
    prepare_tensorflow(config.options.fit_options.deterministic)
    run_training(config, watch, allow_python=order.allow_python)


class _Teller:
    """The watcher of the run: tells each epoch and obeys the answer."""

    def __init__(self, order: TrialOrder, connection: Connection) -> None:
        self._order, self._connection = order, connection
        self._kept: EpochFigures | None = None

    @contextmanager
    def watch(self, epochs: int, steps: int) -> Iterator[Watcher]:
        from deep_predictor.training.figures import Watcher

        yield Watcher(on_step=self._end_step, on_epoch=self._end_epoch)
        # The network is fitted and its figures are told. What would follow reads the test pictures: no trial may.
        raise TrialOver

    def send(self, what: str, **facts: Any) -> None:
        with suppress(OSError):  # the search is gone
            self._connection.send_bytes(json.dumps({"what": what, **facts}).encode())

    def send_end(self) -> None:
        if self._kept is None:
            self.send("failed", reason="ended before its first epoch did")
        else:
            self.send("end", epoch=self._kept.epoch, value=self._value(self._kept))

    def _end_step(self, step: StepFigures) -> None:
        if os.getppid() != self._order.parent_pid:
            raise TrialOver  # the search was killed

    def _end_epoch(self, figures: EpochFigures) -> None:
        judgement = self._order.judgement
        if self._kept is None or figures.rank(judgement) > self._kept.rank(judgement):
            self._kept = figures
        self.send("epoch", epoch=figures.epoch, value=self._value(figures))
        try:
            is_over = bool(json.loads(self._connection.recv_bytes()))
        except (EOFError, OSError):
            is_over = True
        if is_over:
            raise TrialOver

    def _value(self, figures: EpochFigures) -> float:
        return figures.value_of(self._order.metric)


def _redirect_output(path: Path) -> None:
    """Everything that this process and its libraries print."""
    sys.stdout.flush()
    sys.stderr.flush()
    with path.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:500]
