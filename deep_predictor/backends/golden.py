"""The golden set beside a model: pictures with the outputs that its network must give before it is served.

    golden/golden.json    {"format": 1, "files": ["00.jpg", …]}
    golden/outputs.npy    float32 (pictures, …): the network's raw outputs, before any temperature
    golden/00.jpg …       the pictures, decoded as uploads are

A folder without these two files is no golden set: it may hold pictures that engines are compared on. What is there is
read as if it came from a stranger: nothing in it can run code, and nothing is read beyond its limits.
"""

from __future__ import annotations

import json
import math
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from deep_predictor.backends.base import Backend
from deep_predictor.engines.base import Engine
from deep_predictor.engines.comparing import table_difference, top1_agreement
from deep_predictor.engines.probes import GOLDEN_FOLDER, MAX_PIXELS
from deep_predictor.errors import BackendNotReady, ImageUnreadable
from deep_predictor.images.decoding import EXTENSION_FORMATS, decode_image

GOLDEN_FILE: Final = "golden.json"
OUTPUTS_FILE: Final = "outputs.npy"
FORMAT_KEY: Final = "format"
FILES_KEY: Final = "files"
GOLDEN_FORMAT: Final = 1

MAX_PICTURES: Final = 64
MAX_FILE_BYTES: Final = 16 * 2**20
_MAX_INDEX_BYTES: Final = 64 * 2**10
MAX_OUTPUT_BYTES: Final = 64 * 2**20
#: What numpy.save writes before such an array.
_NPY_HEAD: Final = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '<f4', 'fortran_order': False, "
    rb"'shape': \((?P<shape>\d{1,9}(, \d{1,9}){1,9})\), \} *\n",
    re.DOTALL,
)
_FILE_NAME: Final = re.compile(r"[0-9A-Za-z_-]{1,60}\.[a-z]{3,4}")

#: max|output - golden| / max|golden|: another machine rounds otherwise; another picture, scale or weight does not
#: stay below it.
TOLERANCE: Final = 1e-3
#: Share of the pictures whose best class must stay where the engine computes with fewer bits.
FAST_AGREEMENT: Final = 0.9


@dataclass(frozen=True)
class Golden:
    """`files[i]` is a picture's file, `outputs[i]` what the network gave for it."""

    folder: Path
    files: tuple[Path, ...]
    outputs: np.ndarray


def check_golden(backend: Backend, engine: Engine, model_path: Path) -> None:
    """Run the golden set that lies beside a model, if there is one, as uploads are run.

    Raises BackendNotReady: golden_mismatch when the outputs are not reproduced, golden_broken when it cannot be read.
    """
    golden = read_golden(model_path.parent / GOLDEN_FOLDER)
    if golden is None:
        return
    wanted = golden.outputs
    if wanted.shape[1:] != tuple(engine.output_shape):
        shapes = f"its outputs are arrays {wanted.shape[1:]} a picture, the network's {tuple(engine.output_shape)}"
        raise BackendNotReady(f"{golden.folder}: {shapes}: they belong to another model", code="golden_mismatch")
    given = np.stack([engine.run(_prepared(backend, file)[None])[0] for file in golden.files])
    _compare(golden, np.asarray(given), engine, backend)


def read_golden(folder: Path) -> Golden | None:
    """The golden set in a folder; None where there is none. Raises BackendNotReady (golden_broken)."""
    index_path, outputs_path = folder / GOLDEN_FILE, folder / OUTPUTS_FILE
    if not (os.path.lexists(index_path) or os.path.lexists(outputs_path)):
        return None
    if folder.is_symlink():
        raise _broken(folder, "is a link, not a folder")
    names = _read_index(index_path)
    outputs = _read_outputs(outputs_path)
    if len(outputs) != len(names):
        raise _broken(folder, f"{len(outputs)} outputs for {len(names)} pictures")
    return Golden(folder, tuple(folder / name for name in names), outputs)


def _prepared(backend: Backend, file: Path) -> np.ndarray:
    """The network's input of a golden picture, decoded and prepared as an upload is."""
    try:
        pixels = decode_image(
            _read_file(file, MAX_FILE_BYTES), tuple(EXTENSION_FORMATS), MAX_PIXELS, backend.smallest_decoded
        ).pixels
    except ImageUnreadable as error:
        raise _broken(file, str(error)) from error
    return backend.prepare(pixels)


def _compare(golden: Golden, given: np.ndarray, engine: Engine, backend: Backend) -> None:
    """Raises BackendNotReady (golden_mismatch) that says by how much the outputs differ."""
    request = backend.request
    place = (request.numbers_before_scores, request.scores_axis) if request else (0, -1)
    apart = table_difference(given, golden.outputs, *place)
    agreement = top1_agreement(given, golden.outputs, *place)
    is_exact = engine.settings.number_type == "f32"
    if agreement == 1.0 and apart <= TOLERANCE if is_exact else agreement >= FAST_AGREEMENT:
        return
    other = round((1 - agreement) * len(given))
    bar = f"{TOLERANCE:g} and no other class" if is_exact else f"the same class on {FAST_AGREEMENT:.0%}"
    raise BackendNotReady(
        f"{golden.folder}: the outputs differ by {apart:.2g} of the largest, {other} of {len(given)} pictures get "
        f"another class (asked for is {bar}): the model, or the cfg's preprocessing, is not what was trained",
        code="golden_mismatch",
    )


def _read_index(path: Path) -> list[str]:
    """The names of the pictures' files."""
    try:
        index: Any = json.loads(_read_file(path, _MAX_INDEX_BYTES))
        written_as, names = index[FORMAT_KEY], index[FILES_KEY]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _broken(path, f"is not the list of a golden set ({type(error).__name__})") from error
    if written_as != GOLDEN_FORMAT:
        raise _broken(path, f"has the format {str(written_as)[:40]}, known is {GOLDEN_FORMAT}")
    if not isinstance(names, list) or not 1 <= len(names) <= MAX_PICTURES:
        raise _broken(path, f"must list 1 to {MAX_PICTURES} files")
    for name in names:
        if not isinstance(name, str) or not _FILE_NAME.fullmatch(name):
            raise _broken(path, f"lists {str(name)[:80]!r}, which is no plain file name")
    return names


def _read_outputs(path: Path) -> np.ndarray:
    """float32 (pictures, …) of finite numbers. Nothing is unpickled, and no header of Python's is evaluated."""
    data = _read_file(path, MAX_OUTPUT_BYTES)
    head = _NPY_HEAD.match(data)
    if head is None:
        raise _broken(path, "is no array of NumPy of 32-bit floats (pictures, …)")
    shape = tuple(int(size) for size in head["shape"].split(b", "))
    if 0 in shape or 4 * math.prod(shape) != len(data) - head.end():
        raise _broken(path, f"says {shape}, which is not the length of the file")
    outputs = np.frombuffer(data, "<f4", offset=head.end()).reshape(shape)
    if not np.isfinite(outputs).all():
        raise _broken(path, "holds numbers that are not finite")
    return outputs


def _read_file(path: Path, max_bytes: int) -> bytes:
    """A plain file's content: no link, no pipe or device, no more than `max_bytes`."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise _broken(path, "is no plain file")
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise _broken(path, f"cannot be read: {error.strerror}") from error
    if len(data) > max_bytes:
        raise _broken(path, f"is larger than {max_bytes} bytes")
    return data


def _broken(path: Path, what: str) -> BackendNotReady:
    return BackendNotReady(f"{path}: {what}; the golden set beside the model cannot be checked", code="golden_broken")
