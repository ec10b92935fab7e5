"""Runs a Python file's `build(input_shape, num_classes)` in a child process, and takes its network as a file.

The child gets none of the environment's secrets and has limits on memory, processor time, file size and time. What it
writes is looked at as any model from elsewhere, so that no code comes along. It is no sandbox: the file can read what
its user can read. That is why only the server's owner may allow it.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from deep_predictor.engines.base import first_line
from deep_predictor.engines.model_inspection import inspect_model
from deep_predictor.errors import ArchitectureUnusable, BackendNotReady, UnsafeModel
from deep_predictor.training.architectures.architecture import InputShape
from deep_predictor.training.architectures.python_child import ERROR_FILE, MODEL_FILE, REQUEST_FILE

if TYPE_CHECKING:
    import keras

PROJECT_ROOT = Path(__file__).resolve().parents[3]
CHILD_MODULE = "deep_predictor.training.architectures.python_child"
#: All that the child sees of the environment; none of it is anybody's secret.
KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "SYSTEMROOT")


@dataclass(frozen=True)
class PythonLimits:
    """What the child may take; TensorFlow alone takes about one gigabyte and ten seconds."""

    memory_bytes: int = 4 * 1024**3
    cpu_seconds: int = 120
    file_bytes: int = 2 * 1024**3
    #: From the child's start to its end.
    timeout_seconds: float = 300.0


def run_python_builder(
    path: Path, input_shape: InputShape, class_count: int, limits: PythonLimits | None = None
) -> keras.Model:
    """The network that the file builds. Raises ArchitectureUnusable, which says what the file did wrong."""
    import keras

    if find_spec("resource") is None:
        raise ArchitectureUnusable("custom", f"{path}: this system cannot limit what a Python file takes")
    if not path.is_file():
        raise ArchitectureUnusable("custom", f"{path}: there is no such file")
    with tempfile.TemporaryDirectory(prefix="network-") as folder:
        target = Path(folder)
        request = {
            "file": str(path.resolve()),
            "input_shape": list(input_shape),
            "class_count": class_count,
            "seed": random.getrandbits(32),
            "limits": asdict(limits or PythonLimits()),
        }
        (target / REQUEST_FILE).write_text(json.dumps(request), encoding="utf-8")
        _run_child(path, target, (limits or PythonLimits()).timeout_seconds)
        try:
            inspect_model(target / MODEL_FILE)
            return keras.saving.load_model(target / MODEL_FILE, compile=False, safe_mode=True)
        except UnsafeModel as error:
            detail = f"{path}: its network could not be served: {'; '.join(error.findings)}"
            raise ArchitectureUnusable("custom", detail) from error
        except (BackendNotReady, TypeError, ValueError, KeyError, AttributeError, OSError) as error:
            raise ArchitectureUnusable("custom", f"{path}: gave no network: {first_line(error)}") from error


def _run_child(path: Path, folder: Path, timeout_seconds: float) -> None:
    """Raises ArchitectureUnusable when the child fails or breaks a limit; whatever it started ends with it."""
    child = subprocess.Popen(
        [sys.executable, "-m", CHILD_MODULE, str(folder)],
        cwd=PROJECT_ROOT,
        env=_environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        exit_code = child.wait(timeout_seconds)
    except subprocess.TimeoutExpired:
        raise ArchitectureUnusable("custom", f"{path}: did not end within {timeout_seconds:g} s") from None
    finally:
        _kill_group(child)
    if exit_code == 0:
        return
    told = folder / ERROR_FILE
    if told.is_file():
        detail = told.read_text(encoding="utf-8", errors="replace")[:1000]
    elif exit_code == -signal.SIGXCPU:
        detail = "took more processor time than it may"
    else:
        detail = f"ended with status {exit_code}; perhaps it took more memory or time than it may"
    raise ArchitectureUnusable("custom", f"{path}: {detail}")


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1"}
    return {**kept, **quiet, "HOME": str(folder), "TMPDIR": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}


def _kill_group(child: subprocess.Popen[bytes]) -> None:
    """The child's whole session: what it started would otherwise go on."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
