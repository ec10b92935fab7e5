"""How far a run is, on stderr: a bar on a terminal, a line an epoch elsewhere, nothing when asked to be quiet."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

from deep_predictor.training.trainer import EpochFigures, Watcher


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
                on_step=bar.update,
                on_epoch=lambda figures: bar.set_postfix_str(_line(figures, epochs)),
            )


def _line(figures: EpochFigures, epochs: int) -> str:
    return (
        f"epoch {figures.epoch}/{epochs}  loss {figures.loss:.4f}  accuracy {figures.accuracy:.4f}  "
        f"val_loss {figures.val_loss:.4f}  val_accuracy {figures.val_accuracy:.4f}"
    )
