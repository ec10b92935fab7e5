"""What a job's run folder says: how far the run is, its figures, the end of its log. Read while it is written."""

from __future__ import annotations

import itertools
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from deep_predictor.errors import RunFolderUnusable

#: Where runs lie that no cfg gives a folder.
RUNS_FOLDER = Path("var/runs")
#: Names of a run's own files, as `run_folder` has them; that file needs more than a server should import.
STATE_FILE = "state.json"
METRICS_FILE = "metrics.jsonl"
CANCEL_FILE = "cancel"
#: How far a job is right now; see `Progress`.
PROGRESS_FILE = "progress.json"
#: How good a training's model is, and what it said of each test picture.
EVALUATION_FILE = "evaluation.json"
#: What became of a model that was looked at.
CHECK_RESULT_FILE = "result.json"
#: What the job keeps in the run's folder; a name with a dot is no stranger to the run.
JOB_FOLDER = ".job"
JOB_CFG_FILE = "cfg.json"
JOB_LOG_FILE = "log.txt"
#: What a training notes, in the run's folder itself.
RUN_LOG_FILE = "log.txt"
#: Of a log, no more is read.
_LONGEST_LOG_BYTES = 4 * 1024**2
#: How much of a log a reason shows.
SHOWN_LINES, SHOWN_CHARACTERS = 15, 1500


@dataclass(frozen=True)
class RunState:
    """What state.json says; `pid` is that of the process that wrote it. Absent or broken: all empty."""

    state: str = ""
    reason: str = ""
    epoch: int = 0
    epochs: int = 0
    pid: int | None = None


@dataclass(frozen=True)
class Progress:
    """How far a job is: `done` of `total` (0: not known) `unit`s. A training's has its figures in `figures`."""

    done: int = 0
    total: int = 0
    unit: str = ""
    #: Numbers and texts that JSON can say, such as epoch, step, loss, eta_seconds.
    figures: Mapping[str, Any] = field(default_factory=dict)


def write_progress(run_folder: Path, progress: Progress) -> None:
    """Raises OSError."""
    write_object(run_folder / PROGRESS_FILE, asdict(progress))


def read_progress(run_folder: Path) -> Progress:
    """Absent or broken: all empty."""
    found = read_object(run_folder / PROGRESS_FILE)
    figures = found.get("figures")
    done, total = (value if type(value := found.get(name)) is int else 0 for name in ("done", "total"))
    return Progress(done, total, str(found.get("unit", "")), figures if isinstance(figures, dict) else {})


def write_failure(run_folder: Path, reason: str) -> None:
    """Say, as this job's process, why it ends without a result. Raises OSError."""
    write_object(run_folder / STATE_FILE, {"state": "failed", "reason": reason, "pid": os.getpid()})


def read_state(run_folder: Path) -> RunState:
    found = read_object(run_folder / STATE_FILE)
    numbers = {name: value for name in ("epoch", "epochs", "pid") if type(value := found.get(name)) is int}
    return RunState(state=str(found.get("state", "")), reason=str(found.get("reason") or ""), **numbers)


def read_metrics(run_folder: Path) -> list[dict[str, Any]]:
    """Every whole line of metrics.jsonl."""
    try:
        lines = (run_folder / METRICS_FILE).read_bytes().split(b"\n")[:-1]
    except OSError:
        return []
    return [found for line in lines if isinstance(found := _parsed(line), dict)]


def read_object(path: Path) -> dict[str, Any]:
    """A JSON object from a file, {} where there is none."""
    try:
        found = _parsed(path.read_bytes())
    except OSError:
        return {}
    return found if isinstance(found, dict) else {}


def write_object(path: Path, content: Mapping[str, Any]) -> None:
    """Written beside and renamed: a reader sees all of it or what was there before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(path)


def file_name_of(text: str) -> str:
    """A text as a part of a file's name."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-.")[:60] or "run"


def new_run_folder(runs_folder: Path, name: str) -> Path:
    """Make an empty folder of this name, or with a number behind it where there is one. Raises RunFolderUnusable."""
    for number in itertools.count(1):
        folder = runs_folder.resolve() / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise RunFolderUnusable(folder, f"cannot be made: {error.strerror}") from error
        return folder
    raise AssertionError("the numbers are endless")


def without_run_folder(cfg: Mapping[str, Any]) -> dict[str, Any]:
    """Each job has a run folder of its own, whatever the cfg names."""
    return {
        key: {inner: v for inner, v in value.items() if inner != "run_folder"} if isinstance(value, Mapping) else value
        for key, value in cfg.items()
    }


def end_of_log(path: Path) -> str:
    """The last lines of a log, "" where there is none; only characters that every database can hold."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - 8 * SHOWN_CHARACTERS))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    lines = ["".join(c if c.isprintable() else " " for c in line).rstrip() for line in text.splitlines()]
    return "\n".join([line for line in lines if line][-SHOWN_LINES:])[-SHOWN_CHARACTERS:]


def last_lines(path: Path, count: int) -> list[str]:
    """Of a log, as they are; none where there is no log."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _LONGEST_LOG_BYTES))
            text = file.read(_LONGEST_LOG_BYTES).decode("utf-8", "replace")
    except OSError:
        return []
    return text.splitlines()[-count:]


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
