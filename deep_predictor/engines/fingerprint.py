"""What a verdict holds for: this model, these settings, this machine, these versions. Any other is measured anew."""

from __future__ import annotations

import hashlib
import json
import platform
from pathlib import Path
from typing import Any

from deep_predictor.engines.probes import real_pictures
from deep_predictor.engines.request import NetworkRequest
from deep_predictor.engines.table import CANDIDATES, ENGINES, REFERENCES, get_engine_class
from deep_predictor.errors import BackendNotReady

#: Another number, another cache: raised when what is measured or stored changes.
FORMAT = 1


def conditions(cores: int) -> dict[str, Any]:
    """The machine and the versions of the engines that are measured and installed."""
    measured = {name for kind, names in CANDIDATES.items() for name in (REFERENCES[kind], *names)}
    classes = {name: get_engine_class(name) for name in ENGINES if name in measured}
    return {
        "cpu": cpu_model(),
        "cores": cores,
        "engines": {name: engine.version() for name, engine in classes.items() if engine.is_installed()},
    }


def fingerprint(request: NetworkRequest, measured_under: dict[str, Any]) -> str:
    """Hexadecimal SHA-256 over the content of the model (and of the real pictures), the request, and the conditions."""
    fields = request.to_dict()
    del fields["model_path"], fields["sha256"]
    content = request.sha256 or content_hash(request.model_path)
    if request.precision == "fast":
        fields["probe_folder"] = [content_hash(path) for path in real_pictures(request)]
    parts = [FORMAT, content, request.model_path.suffix, fields, measured_under]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def content_hash(path: Path) -> str:
    """Of a file's bytes, or of a folder's file names and bytes. Raises OSError."""
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        listed = [(file.relative_to(path).as_posix(), content_hash(file)) for file in files]
        return hashlib.sha256(json.dumps(listed).encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_unchanged(path: Path, sha256: str | None) -> bytes:
    """A file's bytes, compared where its hexadecimal SHA-256 is known: what is read is what was judged.

    Raises OSError, or BackendNotReady (model_changed).
    """
    data = path.read_bytes()
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        raise BackendNotReady(f"{path}: was changed while it was looked at", code="model_changed")
    return data


def cpu_model() -> str:
    """As the kernel names it, else as Python does."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
