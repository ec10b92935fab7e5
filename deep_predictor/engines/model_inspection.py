"""What a model file holds, looked at before anything of it is deserialised or run.

Keras' `safe_mode` is not relied on: it did not always reach `.h5` files (CVE-2025-9905), and module names in a config
have led to code in spite of it (CVE-2025-1550, CVE-2025-8747); a SavedModel's graph may read and write files. So the
stored config, or the graph, is read as data first.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

from deep_predictor.engines.hdf5_inspection import hdf5_findings
from deep_predictor.engines.keras_config_rules import config_findings
from deep_predictor.engines.saved_model_inspection import saved_model_findings
from deep_predictor.errors import BackendNotReady, UnsafeModel

ModelKind = Literal["keras", "h5", "saved_model"]

MAX_CONFIG_BYTES = 64 * 1024 * 1024
MAX_ARCHIVE_BYTES = 16 * 1024**3
MAX_ARCHIVE_ENTRIES = 10_000
MAX_SHOWN_FINDINGS = 12
#: Weights hardly compress; a config of many equal layers does, within this.
MAX_ARCHIVE_RATIO = 200
CONFIG_FILES = ("config.json", "metadata.json")
WEIGHTS_FILE = "model.weights.h5"

#: First bytes of a file -> its kind, and how Keras wants its name to end.
_MAGIC: dict[bytes, tuple[ModelKind, tuple[str, ...]]] = {
    b"PK\x03\x04": ("keras", (".keras",)),
    b"\x89HDF\r\n\x1a\n": ("h5", (".h5", ".hdf5")),
}
#: What h5py and zipfile raise for a file that is cut short, encrypted, or made up.
_BROKEN_FILE = (OSError, KeyError, ValueError, RuntimeError, NotImplementedError, TypeError, EOFError)


@dataclass(frozen=True)
class ModelFacts:
    """What was found out; `keras_version` is what the file says of itself."""

    path: Path
    kind: ModelKind
    keras_version: str | None = None

    @property
    def is_keras_2(self) -> bool:
        """Whether Keras 2 or older wrote the file; the oldest files say no version."""
        return self.kind != "saved_model" and (self.keras_version or "1").split(".")[0] in ("1", "2")


def inspect_model(path: Path) -> ModelFacts:
    """Raises UnsafeModel, naming what was found, or BackendNotReady with the code model_missing or model_broken."""
    if not path.exists():
        raise BackendNotReady(f"{path}: there is no such model", code="model_missing")
    if path.is_dir():
        _refuse(path, saved_model_findings(path))
        return ModelFacts(path, "saved_model")
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise BackendNotReady(f"{path}: cannot be read: {error.strerror}", code="model_missing") from error
    kind, suffixes = next((found for magic, found in _MAGIC.items() if head.startswith(magic)), (None, ()))
    if kind is None:
        raise BackendNotReady(f"{path}: is neither .keras, nor .h5, nor a SavedModel folder", code="model_broken")
    if not path.name.endswith(suffixes):
        # Keras goes by the name: a file that is both a zip and HDF5 would be read otherwise than it was looked at.
        raise BackendNotReady(f"{path}: its content says that it must be named {' or '.join(suffixes)}", "model_broken")
    return _inspect_keras(path) if kind == "keras" else _inspect_h5(path)


def _inspect_h5(path: Path) -> ModelFacts:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            findings = hdf5_findings(file, path.stat().st_size)
            config, version = file.attrs.get("model_config"), file.attrs.get("keras_version")
    except _BROKEN_FILE as error:
        raise BackendNotReady(f"{path}: cannot be read as HDF5: {error}", code="model_broken") from error
    if config is None and not findings:
        raise BackendNotReady(f"{path}: holds weights and no model", code="model_broken")
    findings += config_findings(_parse_json(path, config)) if config is not None else []
    _refuse(path, findings)
    return ModelFacts(path, "h5", _text(version))


def _inspect_keras(path: Path) -> ModelFacts:
    try:
        with zipfile.ZipFile(path) as archive:
            findings = list(_archive_findings(archive))
            _refuse(path, findings)
            config = archive.read("config.json")
            metadata = _parse_json(path, archive.read("metadata.json"))
            findings = _weights_findings(archive)
    except (*_BROKEN_FILE, zipfile.BadZipFile, zlib.error) as error:
        raise BackendNotReady(f"{path}: is not a Keras model: {error}", code="model_broken") from error
    findings += config_findings(_parse_json(path, config))
    _refuse(path, findings)
    return ModelFacts(path, "keras", _text(metadata.get("keras_version") if isinstance(metadata, dict) else None))


def _weights_findings(archive: zipfile.ZipFile) -> list[str]:
    import h5py

    entry = archive.getinfo(WEIGHTS_FILE)
    with archive.open(entry) as stored:
        # Keras stores the weights uncompressed, and then they are read where they lie.
        source = stored if entry.compress_type == zipfile.ZIP_STORED else BytesIO(stored.read())
        with h5py.File(source, "r") as file:
            return hdf5_findings(file, entry.file_size)


def _archive_findings(archive: zipfile.ZipFile) -> Iterator[str]:
    entries = archive.infolist()
    if len(entries) > MAX_ARCHIVE_ENTRIES:
        yield f"the archive has {len(entries)} entries"
        return
    names = [entry.filename for entry in entries]
    if len(set(names)) != len(names):
        yield "the archive names a file twice"
    total = 0
    for entry in entries:
        name = entry.filename.replace("\\", "/")
        if name.startswith("/") or ".." in name.split("/") or ":" in name:
            yield f"the archive has a path that leads out of it: {entry.filename!r}"
        if entry.external_attr >> 28 == 0xA:
            yield f"the archive has a symbolic link: {entry.filename!r}"
        if name not in (*CONFIG_FILES, WEIGHTS_FILE) and not name.startswith("assets/"):
            yield f"the archive has a file that Keras does not write: {entry.filename!r}"
        if name in CONFIG_FILES and entry.file_size > MAX_CONFIG_BYTES:
            yield f"{entry.filename!r} would unpack to {entry.file_size} bytes"
        if entry.file_size > MAX_ARCHIVE_RATIO * max(entry.compress_size, 1024):
            yield f"{entry.filename!r} would unpack to {entry.file_size} bytes"
        total += entry.file_size
    if total > MAX_ARCHIVE_BYTES:
        yield f"the archive would unpack to {total} bytes"


def _refuse(path: Path, findings: Sequence[str]) -> None:
    """Raises UnsafeModel if anything was found; its message stays readable."""
    if len(findings) > MAX_SHOWN_FINDINGS:
        findings = [*findings[:MAX_SHOWN_FINDINGS], f"and {len(findings) - MAX_SHOWN_FINDINGS} more"]
    if findings:
        raise UnsafeModel(path, findings)


def _parse_json(path: Path, stored: Any) -> Any:
    text = _text(stored) or ""
    if len(text) > MAX_CONFIG_BYTES:
        raise BackendNotReady(f"{path}: its config has {len(text)} characters", code="model_broken")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BackendNotReady(f"{path}: its config is not JSON: {error}", code="model_broken") from error


def _text(value: Any) -> str | None:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else None
