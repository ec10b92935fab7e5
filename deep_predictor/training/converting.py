"""`export MODEL --to FORMAT`: a model folder's network for other programs, kept only when it answers alike.

The result is a folder of its own: the converted network, `names.txt`, and `conversion.json` (the input spec, and how
far its answers to the golden pictures are from the network's).
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deep_predictor.backends.golden import TOLERANCE, Golden, read_golden
from deep_predictor.backends.network import NetworkBackend
from deep_predictor.backends.table import create_backend
from deep_predictor.config.predictor_config import load_predictor_config
from deep_predictor.engines.comparing import table_difference, top1_agreement
from deep_predictor.engines.model_inspection import inspect_model
from deep_predictor.engines.probes import GOLDEN_FOLDER, MAX_PIXELS
from deep_predictor.engines.request import NetworkRequest
from deep_predictor.engines.trial import ONNX_MEMORY_FACTOR
from deep_predictor.engines.trial_child import child_environment
from deep_predictor.errors import (
    BackendNotReady,
    ConfigError,
    ConversionFailed,
    ImageUnreadable,
    PredictionError,
    TrainingError,
    UnsafeModel,
)
from deep_predictor.images.decoding import EXTENSION_FORMATS, decode_image
from deep_predictor.os_limits import resident_bytes, usable_cores
from deep_predictor.training.conversion_child import INPUTS_FILE, OUTPUTS_FILE, RESULT_FILES
from deep_predictor.training.model_folder import (
    MANIFEST_FILE,
    MODEL_FILE,
    NAMES_FILE,
    PREDICTOR_FILE,
    write_json,
    written_beside,
)

REPORT_FILE = "conversion.json"
CHILD_MODULE = "deep_predictor.training.conversion_child"
PROJECT_ROOT = Path(__file__).resolve().parents[2]
LOG_FILE = "log.txt"
#: Resident bytes that a conversion may take; tf2onnx can take many gigabytes for a model of a hundred megabytes.
MEMORY_LIMITS = {"onnx": 4 * 10**9, "openvino": 8 * 10**9, "litert": 8 * 10**9, "savedmodel": 8 * 10**9}
TIMEOUT_SECONDS = 1800.0
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class ConversionReport:
    """`difference`: max|d| / max|ref| over the golden pictures; `top1_agreement`: share of the same best class."""

    to: str
    #: The converted network: a file, or a SavedModel folder.
    path: Path
    bytes: int
    pictures: int
    difference: float
    top1_agreement: float
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "path": str(self.path)}


def convert(model_folder: Path, to: str, target: Path) -> ConversionReport:
    """Write the folder `target`, or, whatever happens, nothing. A folder that an earlier conversion wrote is replaced.

    Raises ConversionFailed, ModelFolderUnwritable; UnsafeModel or BackendNotReady for a refused or broken model.
    """
    if to not in RESULT_FILES:
        raise ConversionFailed(model_folder, to, f"there is no such format; known are: {', '.join(RESULT_FILES)}")
    started = time.monotonic()
    inspect_model(model_folder / MODEL_FILE)
    backend, request = _served(model_folder, to)
    golden = read_golden(model_folder / GOLDEN_FOLDER)
    if golden is None:
        raise ConversionFailed(model_folder, to, "it has no golden set, so the result could not be checked")
    _refuse_large(model_folder, to)
    _check_replaceable(target, model_folder, to)
    target.parent.mkdir(parents=True, exist_ok=True)
    with written_beside(target) as part:
        given = _run_child(model_folder, to, part, _inputs(golden, backend, model_folder, to))
        place = (request.numbers_before_scores, request.scores_axis)
        figures = table_difference(given, golden.outputs, *place), top1_agreement(given, golden.outputs, *place)
        _check_alike(model_folder, to, *figures)
        path = part / RESULT_FILES[to]
        seconds = round(time.monotonic() - started, 1)
        report = ConversionReport(to, path, _size(path), len(given), *figures, seconds)
        shutil.copyfile(model_folder / NAMES_FILE, part / NAMES_FILE)
        facts = {"input_spec": request.spec.to_dict(), **report.to_dict(), "path": RESULT_FILES[to]}
        write_json(part / REPORT_FILE, facts)
    return ConversionReport(**{**vars(report), "path": target / RESULT_FILES[to]})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, metavar="MODEL", help="a model folder, or the folder of a run")
    parser.add_argument("--to", required=True, choices=tuple(RESULT_FILES), help="the format")
    parser.add_argument("--output", type=Path, metavar="PATH", help="the folder to write (default: MODEL-FORMAT)")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def run(args: argparse.Namespace) -> int:
    """0: written and checked; 1: nothing was written, stderr says why."""
    folder: Path = args.model.resolve()
    if not (folder / MANIFEST_FILE).is_file() and (folder / "model" / MANIFEST_FILE).is_file():
        folder = folder / "model"
    target = args.output.resolve() if args.output else folder.with_name(f"{folder.name}-{args.to}")
    try:
        report = convert(folder, args.to, target)
    except (TrainingError, UnsafeModel, BackendNotReady) as error:
        print(f"Nothing was written: {error}", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(report.to_dict(), indent=2))
        return 0
    print(f"written          {report.path} ({report.bytes / 1e6:.1f} MB, {report.seconds:.0f} s)")
    print(f"golden pictures  {report.pictures}")
    print(f"max|d|/max|ref|  {report.difference:.2g} (allowed is {TOLERANCE:g})")
    print(f"same best class  {report.top1_agreement:.1%}")
    return 0


def _served(model_folder: Path, to: str) -> tuple[NetworkBackend, NetworkRequest]:
    """What serves the folder by its own predictor cfg, not loaded, and what it asks of an engine."""
    try:
        backend = create_backend(load_predictor_config(model_folder / PREDICTOR_FILE, PROJECT_ROOT))
    except (ConfigError, PredictionError) as error:
        raise ConversionFailed(model_folder, to, f"its {PREDICTOR_FILE} cannot be used: {error}") from error
    if not isinstance(backend, NetworkBackend) or backend.request is None:
        raise ConversionFailed(model_folder, to, f"its {PREDICTOR_FILE} cannot be used: it is served without a network")
    return backend, backend.request


def _inputs(golden: Golden, backend: NetworkBackend, model_folder: Path, to: str) -> np.ndarray:
    """(N, H, W, C) float32: the golden pictures, decoded and prepared as uploads are."""
    smallest = backend.smallest_decoded
    try:
        decoded = [decode_image(f.read_bytes(), tuple(EXTENSION_FORMATS), MAX_PIXELS, smallest) for f in golden.files]
    except (ImageUnreadable, OSError) as error:
        raise ConversionFailed(model_folder, to, f"a golden picture cannot be read: {error}") from error
    return np.stack([backend.prepare(image.pixels) for image in decoded])


def _refuse_large(model_folder: Path, to: str) -> None:
    """ONNX is not even begun where it would take more memory than it may."""
    needed = ONNX_MEMORY_FACTOR * (model_folder / MODEL_FILE).stat().st_size
    if to == "onnx" and needed > MEMORY_LIMITS[to]:
        detail = f"it would take about {needed / 1e9:.0f} GB of memory, {MEMORY_LIMITS[to] / 1e9:.0f} are allowed"
        raise ConversionFailed(model_folder, to, f"{detail}; openvino and litert take far less")


def _check_replaceable(target: Path, model_folder: Path, to: str) -> None:
    if target.exists() and not (target / REPORT_FILE).is_file():
        raise ConversionFailed(model_folder, to, f"{target} is there, and no conversion wrote it; name another output")


def _run_child(model_folder: Path, to: str, part: Path, inputs: np.ndarray) -> np.ndarray:
    """Convert into `part` in a child process; what the result gives for `inputs`. Raises ConversionFailed."""
    with tempfile.TemporaryDirectory(prefix="conversion-") as scratch:
        folder = Path(scratch)
        np.save(folder / INPUTS_FILE, inputs)
        command = [sys.executable, "-m", CHILD_MODULE, to, str(model_folder / MODEL_FILE), str(part), scratch]
        with (folder / LOG_FILE).open("wb") as log:
            environment = child_environment(usable_cores()) | {"CUDA_VISIBLE_DEVICES": "-1"}
            child = subprocess.Popen(
                command, cwd=PROJECT_ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
            try:
                broken = _watch(child, MEMORY_LIMITS[to])
            finally:
                if child.poll() is None:
                    child.kill()
                exit_code = child.wait()
        if broken or exit_code:
            raise ConversionFailed(model_folder, to, broken or _ended(exit_code, folder / LOG_FILE))
        outputs: np.ndarray = np.load(folder / OUTPUTS_FILE, allow_pickle=False)
        return outputs


def _watch(child: subprocess.Popen[bytes], memory_limit: int) -> str:
    """Wait for the child; why it has to be killed, "" when it ended by itself."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while True:
        try:
            child.wait(_POLL_SECONDS)
            return ""
        except subprocess.TimeoutExpired:
            used = resident_bytes(child.pid)
        if used > memory_limit:
            return f"it took {used / 1e9:.1f} GB of memory, {memory_limit / 1e9:.0f} are allowed"
        if time.monotonic() > deadline:
            return f"it did not end within {TIMEOUT_SECONDS:g} s"


def _ended(exit_code: int, log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    if exit_code < 0:
        return f"the library crashed (signal {-exit_code})"
    return lines[-1][:500] if lines else f"it ended with status {exit_code}"


def _check_alike(model_folder: Path, to: str, difference: float, agreement: float) -> None:
    """Raises ConversionFailed where the result does not answer as the network does."""
    if difference > TOLERANCE or agreement < 1:
        detail = (
            f"the result differs by {difference:.2g} of the largest output (allowed is {TOLERANCE:g}), with the same "
            f"best class on {agreement:.1%} of the golden pictures; it was not kept"
        )
        raise ConversionFailed(model_folder, to, detail)


def _size(path: Path) -> int:
    """Bytes of a converted network, with the weights beside it."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in [*files, *path.parent.glob(f"{path.stem}.bin")])
