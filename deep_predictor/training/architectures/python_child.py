"""The child process that runs a Python file: python -m deep_predictor.training.architectures.python_child FOLDER

FOLDER holds `request.json`; `model.keras` or `error.txt` is written into it.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deep_predictor.os_limits import die_with_parent

REQUEST_FILE = "request.json"
MODEL_FILE = "model.keras"
ERROR_FILE = "error.txt"


def main(arguments: Sequence[str]) -> int:
    """0: the network is written; 1: `error.txt` says what went wrong."""
    die_with_parent()
    folder = Path(arguments[0])
    request = json.loads((folder / REQUEST_FILE).read_text(encoding="utf-8"))
    os.chdir(folder)
    _limit(request["limits"])
    try:
        network = _build(request)
        network.save(folder / MODEL_FILE)
    except BaseException as error:  # whatever a foreign file does, the parent is told
        (folder / ERROR_FILE).write_text(_told(error, request["file"]), encoding="utf-8")
        return 1
    return 0


def _build(request: Mapping[str, Any]) -> Any:
    """Raises TypeError for what is no network; whatever the file raises passes through."""
    build = runpy.run_path(request["file"], run_name="network_builder").get("build")
    if not callable(build):
        raise TypeError("it has no function build(input_shape, num_classes)")
    import keras

    keras.utils.set_random_seed(request["seed"])
    network = build(tuple(request["input_shape"]), request["class_count"])
    if not isinstance(network, keras.Model):
        raise TypeError(f"build() gave a {type(network).__name__}, not a keras.Model")
    if not network.built:
        network.build((None, *request["input_shape"]))
    return network


def _limit(limits: Mapping[str, Any]) -> None:
    """Hard limits: what runs from here on cannot raise them again."""
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + limits["cpu_seconds"]
    # RLIMIT_DATA counts what is written to; RLIMIT_AS would count what TensorFlow only reserves.
    wanted = {
        resource.RLIMIT_DATA: _data_bytes() + limits["memory_bytes"],
        resource.RLIMIT_FSIZE: limits["file_bytes"],
        resource.RLIMIT_CORE: 0,
    }
    for kind, value in wanted.items():
        _, hard = resource.getrlimit(kind)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    last = seconds + 5 if hard == resource.RLIM_INFINITY else min(seconds + 5, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (min(seconds, last), last))


def _data_bytes() -> int:
    """What this process has written to so far, as the limit counts it; 0 where the system does not say."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData:")), 0)


def _told(error: BaseException, file: str) -> str:
    """`line 12: NameError: …`: the last line of the file itself that the error came through."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    first = (str(error).strip().splitlines() or [""])[0][:500]
    where = f"line {lines[-1]}: " if lines else ""
    return f"{where}{type(error).__name__}: {first}"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
