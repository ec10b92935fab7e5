"""How far a run is: on stderr for people, as a bar or a line an epoch; in a file of its folder for the server."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tqdm import tqdm

from deep_predictor.training.figures import EpochFigures, StepFigures, Watcher
from deep_predictor.training.job_files import PROGRESS_FILE, Progress, write_progress

#: Between two writes of the progress file; what is written costs next to nothing so.
WRITE_SECONDS = 0.5
#: Figures that a line for people leaves out.
_UNTOLD = ("epoch", "learning_rate", "seconds")


@contextmanager
def watch_on_stderr(epochs: int, steps_per_epoch: int, quiet: bool = False) -> Iterator[Watcher]:
    """A Watcher for one run of `epochs` times `steps_per_epoch` steps; the bar is closed however the run ends."""
    if quiet:
        yield Watcher()
    elif not sys.stderr.isatty():
        yield Watcher(on_epoch=lambda figures: print(_line(figures, epochs), file=sys.stderr, flush=True))
    else:
        with tqdm(total=epochs * steps_per_epoch, desc="training", unit="step", dynamic_ncols=True) as bar:
            yield Watcher(
                on_step=lambda step: bar.update(),
                on_epoch=lambda figures: bar.set_postfix_str(_line(figures, epochs)),
            )


class ProgressFile:
    """Writes how far a training is, at most every half second. `epochs`: how many it will have."""

    def __init__(self, run_folder: Path, epochs: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._epochs, self._clock = run_folder, epochs, clock
        self._began: float | None = None
        self._steps = self._images = self._epoch_images = 0
        self._next_write, self._written_at, self._written_images = 0.0, 0.0, 0
        with suppress(OSError):
            (run_folder / PROGRESS_FILE).unlink(missing_ok=True)  # an earlier run's

    def note(self, step: StepFigures) -> None:
        now = self._clock()
        if self._began is None:  # the first step compiles the network: its time says nothing of the others
            self._began = self._written_at = now
            self._epoch_images = step.images
        else:
            self._steps += 1
            self._images += step.images - (self._epoch_images if step.step > 1 else 0)
            self._epoch_images = step.images
        if now >= self._next_write:
            self._next_write = now + WRITE_SECONDS
            self._write(step, now)

    def _write(self, step: StepFigures, now: float) -> None:
        done, total = (step.epoch - 1) * step.steps + step.step, self._epochs * step.steps
        seconds, images = now - self._written_at, self._images - self._written_images
        self._written_at, self._written_images = now, self._images
        took = now - (self._began or now)
        figures = {
            "epoch": step.epoch,
            "epochs": self._epochs,
            "step": step.step,
            "steps": step.steps,
            "loss": step.loss,
            **({} if step.accuracy is None else {"accuracy": step.accuracy}),
            "images_per_second": round(images / seconds, 2) if seconds > 0 else None,
            "eta_seconds": round(took / self._steps * (total - done), 1) if self._steps else None,
        }
        with suppress(OSError):  # a training does not end since nobody can look at it
            write_progress(self._folder, Progress(done, total, "step", figures))


def _line(figures: EpochFigures, epochs: int) -> str:
    told = {name: value for name, value in figures.to_dict().items() if name not in _UNTOLD}
    return "  ".join([f"epoch {figures.epoch}/{epochs}", *(f"{name} {value:.4f}" for name, value in told.items())])
