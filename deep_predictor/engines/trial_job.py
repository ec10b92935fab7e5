"""What a trial is asked, and the files that its child process and the server tell each other by."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from deep_predictor.engines.request import NetworkRequest
from deep_predictor.engines.verdict import Trial

JOB_FILE = "job.json"
JOURNAL_FILE = "journal.jsonl"
ERROR_FILE = "error.json"
PROBES_FILE = "probes.npz"
#: The journal's name for a step that every conversion needs.
ALL_ENGINES = "*"


@dataclass(frozen=True)
class TrialJob:
    """`skipped`: engine -> why it is left out. `memory_limit`: bytes this process may take.

    `timing_seconds`: how long each way runs with many callers, in each round; alone half as long.
    """

    request: NetworkRequest
    cores: int
    engines: tuple[str, ...]
    memory_limit: int
    conditions: Mapping[str, Any]
    skipped: Mapping[str, str]
    timing_seconds: float

    def write(self, folder: Path) -> None:
        fields = {**vars(self), "request": self.request.to_dict()}
        (folder / JOB_FILE).write_text(json.dumps(fields), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        fields = json.loads((folder / JOB_FILE).read_text(encoding="utf-8"))
        fields["request"] = NetworkRequest.from_dict(fields["request"])
        return cls(**{**fields, "engines": tuple(fields["engines"])})


def artifact_folder(folder: Path, trial: Trial) -> Path:
    """Where the converted file of an engine and number type lies."""
    return folder / f"{trial.engine}-{trial.number_type}"
