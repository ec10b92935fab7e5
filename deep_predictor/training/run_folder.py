"""The folder of one run: what it was told, how far it is, what it found. Readable while it runs.

cfg.json (as written), run.json (id), state.json, metrics.jsonl (a line an epoch), log.txt, checkpoints/, report.html,
evaluation.json, and the model folder `model` unless the cfg names another. A file `cancel` ends the run after its
batch.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from deep_predictor.errors import RunFolderUnusable
from deep_predictor.training.config import SECTION, TrainingConfig, training_config
from deep_predictor.training.figures import EpochFigures
from deep_predictor.training.job_files import EVALUATION_FILE

CFG_FILE = "cfg.json"
RUN_FILE = "run.json"
STATE_FILE = "state.json"
METRICS_FILE = "metrics.jsonl"
LOG_FILE = "log.txt"
CHECKPOINTS_FOLDER = "checkpoints"
CANCEL_FILE = "cancel"
LOCK_FILE = ".lock"
REPORT_FILE = "report.html"


class RunFolder:
    """One run's folder; `opened` holds it against a second process."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def checkpoints(self) -> Path:
        return self.path / CHECKPOINTS_FOLDER

    @property
    def run_id(self) -> str:
        """Raises RunFolderUnusable where there is no run."""
        try:
            return str(json.loads((self.path / RUN_FILE).read_bytes())["run_id"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunFolderUnusable(self.path, f"is no run's folder: {RUN_FILE} cannot be read") from error

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Hold the folder while a run works in it. Raises RunFolderUnusable."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.path / LOCK_FILE)
            lock.acquire(timeout=0)
        except Timeout as error:
            raise RunFolderUnusable(self.path, "another process is training in it") from error
        except OSError as error:
            raise RunFolderUnusable(self.path, f"cannot be written: {error}") from error
        try:
            yield
        finally:
            lock.release()

    def begin(self, config: TrainingConfig) -> None:
        """A new run of this cfg: an id of its own, the figures of an earlier run go. Raises RunFolderUnusable."""
        strangers = [path.name for path in self.path.iterdir() if not path.name.startswith(".")]
        if strangers and not (self.path / RUN_FILE).exists():
            names = ", ".join(sorted(strangers)[:5])
            raise RunFolderUnusable(self.path, f"holds files that no run wrote ({names}); name another run_folder")
        for name in (CANCEL_FILE, METRICS_FILE, LOG_FILE, STATE_FILE, EVALUATION_FILE):
            (self.path / name).unlink(missing_ok=True)
        # Before the new id: a run killed in its first second can be resumed, and finds nothing of another.
        shutil.rmtree(self.checkpoints, ignore_errors=True)
        _write(self.path / RUN_FILE, {"run_id": uuid.uuid4().hex})
        _write(self.path / CFG_FILE, {"file": config.file, SECTION: config.as_written})

    def load_config(self, root: Path) -> TrainingConfig:
        """The cfg that the run began with. Raises ConfigError, RunFolderUnusable."""
        try:
            written = json.loads((self.path / CFG_FILE).read_bytes())
            file, section = written["file"], written[SECTION]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunFolderUnusable(self.path, f"is no run's folder: {CFG_FILE} cannot be read") from error
        config = training_config(section, f"{self.path / CFG_FILE} ({file})", root, self.path)
        if config.run_folder != self.path.resolve():
            options = config.options.model_copy(update={"run_folder": self.path.resolve()})
            return TrainingConfig(config.file, root, options, config.as_written)
        return config

    def say(self, state: str, **facts: Any) -> None:
        """Write state.json: queued, running, done, failed or cancelled, and what else is known."""
        _write(self.path / STATE_FILE, {"state": state, "pid": os.getpid(), **facts})

    def state(self) -> dict[str, Any]:
        """What state.json says, {} where it cannot be read."""
        try:
            found = json.loads((self.path / STATE_FILE).read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def write_metrics(self, history: Sequence[EpochFigures]) -> None:
        """All lines anew: a resumed run has not more of them than its checkpoint."""
        lines = "".join(json.dumps(figures.to_dict()) + "\n" for figures in history)
        part = self.path / f".{METRICS_FILE}.part"
        part.write_text(lines, encoding="utf-8")
        part.replace(self.path / METRICS_FILE)

    def add_metrics(self, figures: EpochFigures) -> None:
        with (self.path / METRICS_FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(figures.to_dict()) + "\n")

    def is_cancelled(self) -> bool:
        return (self.path / CANCEL_FILE).exists()

    def forget_cancel(self) -> None:
        (self.path / CANCEL_FILE).unlink(missing_ok=True)

    @contextmanager
    def logged(self) -> Iterator[logging.Logger]:
        """The run's own log file, for the time of the block."""
        logger = logging.getLogger("deep_predictor.training.run")
        handler = logging.FileHandler(self.path / LOG_FILE, encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
        try:
            yield logger
        finally:
            logger.removeHandler(handler)
            handler.close()


def _write(path: Path, content: dict[str, Any]) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(path)
