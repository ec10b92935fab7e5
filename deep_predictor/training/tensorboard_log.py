"""A run's figures as TensorBoard reads them: needs the package tensorboard, see other/requirements/tensorboard.txt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from deep_predictor.errors import ConfigError, ConfigProblem
from deep_predictor.training.config import SECTION, TrainingConfig
from deep_predictor.training.figures import EpochFigures

TENSORBOARD_FOLDER = "tensorboard"


@contextmanager
def tensorboard_log(config: TrainingConfig, folder: Path) -> Iterator[Callable[[EpochFigures], object]]:
    """What notes the figures of an epoch below `folder`; nothing is written unless the cfg asks for it.

    Raises ConfigError where it asks and the package is not installed.
    """
    if not config.options.report_options.tensorboard:
        yield lambda figures: None
        return
    if find_spec("tensorboard") is None:
        message = "needs the package tensorboard: pip install -r other/requirements/tensorboard.txt"
        raise ConfigError([ConfigProblem(config.file, f"{SECTION}.report_options.tensorboard", message)])
    import tensorflow

    writer = tensorflow.summary.create_file_writer(str(folder / TENSORBOARD_FOLDER))

    def note(figures: EpochFigures) -> None:
        with writer.as_default(step=figures.epoch):
            for name, value in figures.to_dict().items():
                if name != "epoch":
                    tensorflow.summary.scalar(name, value)
        writer.flush()

    try:
        yield note
    finally:
        writer.close()
