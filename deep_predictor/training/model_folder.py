"""A model folder on disk: whole or absent. Its files are written beside it, named in its manifest, and renamed."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import BaseFileLock, FileLock, Timeout

from deep_predictor.backends.golden import GOLDEN_FILE as GOLDEN_LIST
from deep_predictor.backends.golden import OUTPUTS_FILE
from deep_predictor.engines.probes import GOLDEN_FOLDER
from deep_predictor.errors import ModelFolderUnwritable
from deep_predictor.training.folder_swap import clear_leftovers, part_beside, put_in_place

MODEL_FILE = "model.keras"
NAMES_FILE = "names.txt"
METRICS_FILE = "metrics.json"
PREDICTOR_FILE = "predictor.cfg"
MANIFEST_FILE = "manifest.json"
MODEL_FOLDER_FILES = (MODEL_FILE, NAMES_FILE, METRICS_FILE, PREDICTOR_FILE, MANIFEST_FILE)
#: The files of the golden set, in a folder of their own: see `backends.golden`.
_GOLDEN_FILE = re.compile(rf"{GOLDEN_FOLDER}/(?:[0-9]{{2,}}\.[a-z]{{3,4}}|{GOLDEN_LIST}|{OUTPUTS_FILE})")

#: What detectors are served from, beside the model file.
SAVED_MODEL_FOLDER = "saved_model"
_SAVED_MODEL_FILE = re.compile(
    rf"{SAVED_MODEL_FOLDER}/(?:saved_model\.pb|fingerprint\.pb|variables/variables\.(?:index|data-[0-9]{{5}}-of-[0-9]{{5}}))"
)
_FOLDERS = (GOLDEN_FOLDER, SAVED_MODEL_FOLDER, f"{SAVED_MODEL_FOLDER}/variables", f"{SAVED_MODEL_FOLDER}/assets")

#: Says what a manifest means; another number is another layout.
MANIFEST_FORMAT = 2


def is_complete(folder: Path) -> bool:
    """Whether every file of a model folder is there, and has the SHA-256 that the manifest says.

    predictor.cfg only has to be there: it holds settings, and its owner may have changed them.
    """
    try:
        manifest = json.loads((folder / MANIFEST_FILE).read_bytes())
        if manifest["format"] != MANIFEST_FORMAT or not (folder / PREDICTOR_FILE).is_file():
            return False
        hashes = dict(manifest["files"])
        hashes.pop(PREDICTOR_FILE, None)
        if not {MODEL_FILE, NAMES_FILE, METRICS_FILE} <= hashes.keys():
            return False
        return all(_is_ours(name) and hashes[name] == sha256_of(folder / name) for name in hashes)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


@contextmanager
def reserve(folder: Path) -> Iterator[None]:
    """Hold `folder` for one run, from before it trains until its files are in place.

    Raises ModelFolderUnwritable when another run holds it, when it holds files that no run wrote (they would be lost),
    or when its parent cannot be written.
    """
    lock = _acquire(folder, timeout_seconds=0)
    try:
        clear_leftovers(folder)
        _check_replaceable(folder)
        yield
    finally:
        lock.release()


def wait_while_reserved(folder: Path, timeout_seconds: float) -> None:
    """Let another run that holds `folder` come to its end. Raises ModelFolderUnwritable when that takes longer."""
    _acquire(folder, timeout_seconds).release()


@contextmanager
def written_beside(folder: Path) -> Iterator[Path]:
    """An empty folder beside `folder`; when the block ends it takes its place, when the block raises it goes.

    Raises ModelFolderUnwritable for what the disk refuses, in the block too.
    """
    part = part_beside(folder)
    try:
        part.mkdir()
        yield part
        for path in part.rglob("*"):
            _flush(path)
        put_in_place(folder, part)
    except OSError as error:
        raise ModelFolderUnwritable(folder, f"cannot be written: {error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def write_manifest(folder: Path, facts: dict[str, Any]) -> None:
    """Write manifest.json: `facts`, and the SHA-256 of each other file of the folder."""
    hashes = {name: sha256_of(folder / name) for name in _files_of(folder)}
    write_json(folder / MANIFEST_FILE, {"format": MANIFEST_FORMAT, **facts, "files": hashes})


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Raises ValueError for a number that is not finite: JSON has none."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    # What of a file's name is no UTF-8 is written as JSON's own \udcxx.
    path.write_text(text, encoding="utf-8", errors="backslashreplace")


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _acquire(folder: Path, timeout_seconds: float) -> BaseFileLock:
    lock = FileLock(folder.parent / f".{folder.name}.lock")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=timeout_seconds)
    except Timeout as error:
        raise ModelFolderUnwritable(folder, "another run is training it") from error
    except OSError as error:
        raise ModelFolderUnwritable(folder, f"cannot be written: {error}") from error
    return lock


def _check_replaceable(folder: Path) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ModelFolderUnwritable(folder, "is a file, not a folder")
    names = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*"))]
    strangers = [name for name in names if not _is_ours(name) and name not in _FOLDERS]
    if strangers or (names and MANIFEST_FILE not in names):
        raise ModelFolderUnwritable(
            folder,
            f"holds files that no training run wrote ({', '.join(strangers or names)}); "
            "they would be lost: move them away, or name another output_folder",
        )


def _is_ours(name: str) -> bool:
    """Whether a run writes a file of this name, a POSIX path below the model folder."""
    patterns = (_GOLDEN_FILE, _SAVED_MODEL_FILE)
    return name in MODEL_FOLDER_FILES or any(pattern.fullmatch(name) for pattern in patterns)


def _files_of(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _flush(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk before a rename makes it count."""
    if path.is_dir() and os.name == "nt":
        return  # Windows opens no folders
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
