"""Conversions to a SavedModel in a child process, done once: a finished folder stays in a cache."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from deep_predictor.errors import BackendNotReady

logger = logging.getLogger(__name__)

PROJECT_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Conversion:
    """`python -m module *arguments TARGET *after`. `source` and `from_what` ("Keras 2") stand in messages."""

    source: Path
    from_what: str
    module: str
    arguments: tuple[str, ...]
    after: tuple[str, ...] = ()
    timeout_seconds: float = 600.0
    environment: Mapping[str, str] = field(default_factory=dict)

    def write(self, target: Path) -> Path:
        """Run the child on a draft beside the target, and rename it when it is whole.

        Raises BackendNotReady (conversion_failed) with the last line that the child printed, or OSError.
        """
        logger.info("%s: is converted from %s, once", self.source, self.from_what)
        draft = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
        command = [sys.executable, "-m", self.module, *self.arguments, str(draft.resolve()), *self.after]
        try:
            done = subprocess.run(
                command,
                cwd=PROJECT_ROOT,
                env={**_child_environment(), **self.environment},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=self.timeout_seconds,
                check=False,
            )
            if done.returncode:
                raise self.failure(f"cannot be converted from {self.from_what}: {_last_line(done)}")
            draft.rename(target)
        except subprocess.TimeoutExpired as error:
            message = f"its conversion from {self.from_what} took over {self.timeout_seconds:g} s"
            raise self.failure(message) from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return target

    def write_once(self, target: Path) -> Path:
        """As `write`, unless it is there, or another thread or process writes it now. Raises BackendNotReady."""
        if target.is_dir():
            return target
        try:
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with FileLock(target.parent / f".{target.name}.lock", timeout=self.timeout_seconds):
                return target if target.is_dir() else self.write(target)
        except (OSError, Timeout) as error:
            raise self.failure(f"cannot be converted from {self.from_what}: {error}") from error

    def failure(self, what: str) -> BackendNotReady:
        return BackendNotReady(f"{self.source}: {what}", code="conversion_failed")


def _child_environment() -> dict[str, str]:
    """Without the server's secrets, and on the CPU: the parent may hold the GPU's memory."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("DEEP_PREDICTOR_")}
    return {**inherited, "TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1"}


def _last_line(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else f"exit status {done.returncode}"
