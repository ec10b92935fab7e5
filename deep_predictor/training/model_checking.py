"""`check-model CFG --run-folder FOLDER`: whether a model that somebody sent can be served; then its folder is written.

The server starts it as a job: a stranger's model is looked at and loaded here, never there. The cfg says `check_model`:
`upload` (a .keras, .h5 or .onnx file, or a zipped SavedModel), `names` (a names file), `task`, `options` (a
predictor's `model_options`), `folder` (the model folder to write). result.json in the run's folder says what became of
it.
Exit codes: 0 decided, either way; 1 and more: nobody knows.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import threading
import time
import zipfile
from pathlib import Path
from typing import Any, Final

import numpy as np

from deep_predictor.backends.base import Backend
from deep_predictor.backends.table import create_backend
from deep_predictor.config.predictor_config import PredictorConfig
from deep_predictor.config.strict import read_json_object
from deep_predictor.engines.base import first_line
from deep_predictor.engines.model_inspection import inspect_model
from deep_predictor.engines.onnx_inspection import inspect_onnx
from deep_predictor.engines.probes import GOLDEN_FOLDER
from deep_predictor.engines.table import get_engine_class, reference_of
from deep_predictor.engines.torch_archives import torch_kind
from deep_predictor.errors import (
    BackendNotReady,
    ConfigError,
    ModelRaised,
    NamesDoNotFit,
    PredictionError,
    UnsafeModel,
)
from deep_predictor.os_limits import resident_bytes
from deep_predictor.training.dataset import encode_png
from deep_predictor.training.golden import write_golden
from deep_predictor.training.job_files import CHECK_RESULT_FILE, write_object
from deep_predictor.training.model_folder import (
    METRICS_FILE,
    MODEL_FILE,
    NAMES_FILE,
    PREDICTOR_FILE,
    write_json,
    write_manifest,
    written_beside,
)
from deep_predictor.training.saved_model_zip import holds_saved_model, unpack_saved_model

SECTION: Final = "check_model"
PROJECT_ROOT: Final = Path(__file__).resolve().parents[2]
#: A model that takes longer, or more resident memory, is refused.
LONGEST_SECONDS: Final = 900.0
MEMORY_LIMIT: Final = 8 * 10**9
_LOOK_SECONDS: Final = 0.2
_HDF5: Final = b"\x89HDF\r\n\x1a\n"
#: The version that every ONNX file begins with, as a protobuf has it.
_ONNX: Final = b"\x08"
ONNX_FILE: Final = "model.onnx"
#: What serves a Keras file or a SavedModel; a detector's layout is said for ONNX files only.
_KERAS_BACKENDS: Final = {"classification": "keras", "segmentation": "segmentation"}
_MADE_PICTURES: Final = 8
#: Pixels of the longer side of a made picture.
_MADE_SIDE: Final = 512
#: Of the largest output: where two classes are closer, another engine's rounding may turn them round.
_CLEAR_MARGIN: Final = 1e-3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("cfg", type=Path, metavar="CFG", help="what to check: a JSON file with check_model")
    parser.add_argument("--run-folder", type=Path, required=True, metavar="FOLDER", help="where result.json is written")


def run(args: argparse.Namespace) -> int:
    """Decide; exit codes stand at the top."""
    order = read_json_object(args.cfg.resolve(), PROJECT_ROOT)[SECTION]
    _watch_limits(args.run_folder)
    try:
        class_names = check_model(order)
    except (PredictionError, UnsafeModel, ConfigError) as error:
        _refuse(args.run_folder, *_reason(error, order))
    else:
        write_object(args.run_folder / CHECK_RESULT_FILE, {"accepted": True, "class_names": list(class_names)})
    return 0


def check_model(order: dict[str, Any]) -> tuple[str, ...]:
    """Write the model folder, or nothing; the names of the classes.

    Raises UnsafeModel, PredictionError for a model that the server could not serve, ConfigError for options that do not
    fit together, ModelFolderUnwritable.
    """
    with written_beside(Path(order["folder"])) as folder:
        model_path = _put_model(Path(order["upload"]), folder)
        shutil.copyfile(order["names"], folder / NAMES_FILE)
        sections = _predictor_sections(model_path, order)
        backend = create_backend(_config_of(sections))
        # What is refused is refused before the library is imported that would run it.
        (inspect_onnx if model_path.name == ONNX_FILE else inspect_model)(model_path)
        try:
            _load(backend)
        except (PredictionError, UnsafeModel):
            raise
        except Exception as error:  # a foreign library: whatever it raises, the model cannot be served
            raise ModelRaised(first_line(error)) from error
        if backend.task == "classification":  # the best of many boxes or pixels is too often a matter of rounding
            _write_golden(folder, backend)
        write_json(folder / METRICS_FILE, {})
        final = _predictor_sections(Path(order["folder"]) / model_path.name, order)
        write_json(folder / PREDICTOR_FILE, {"predictor_options": final})
        spec = backend.options.input_spec().to_dict()
        write_manifest(folder, {"task": backend.task, "origin": "uploaded", "input_spec": spec})
    return backend.class_names


def _put_model(upload: Path, folder: Path) -> Path:
    """The model under the name that its content asks for. Raises BackendNotReady, UnsafeModel."""
    with upload.open("rb") as file:
        head = file.read(len(_HDF5))
    if head == _HDF5:
        return _linked(upload, folder / "model.h5")
    if zipfile.is_zipfile(upload) and head.startswith(b"PK\x03\x04"):
        if torch_kind(_names_in(upload)):
            raise UnsafeModel(upload, ["PyTorch's files may hold pickled code: export the model to ONNX"])
        if holds_saved_model(upload):
            return unpack_saved_model(upload, folder / "saved_model")
        return _linked(upload, folder / MODEL_FILE)
    if head.startswith(_ONNX):
        return _linked(upload, folder / ONNX_FILE)
    raise BackendNotReady(
        "it is neither a .keras, .h5 or .onnx file nor a zipped SavedModel; other formats are not served",
        code="model_broken",
    )


def _names_in(upload: Path) -> list[str]:
    """Of a zip; none where it is broken, which others tell."""
    try:
        with zipfile.ZipFile(upload) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, OSError, NotImplementedError):
        return []


def _linked(source: Path, target: Path) -> Path:
    try:
        os.link(source, target)
    except OSError:  # another disk
        shutil.copyfile(source, target)
    return target


def _load(backend: Backend) -> None:
    """As the server loads it, and run once. Raises PredictionError, UnsafeModel."""
    request = backend.request
    assert request is not None
    engine_class = get_engine_class(reference_of(request))
    engine_class.start_in_main_thread()
    backend.load(engine_class.load_model)
    width, height = request.spec.width, request.spec.height
    picture = made_pictures(width, height, 1)[0]
    output = backend.run(backend.prepare(picture)[None])[0]
    backend.interpret(output, (picture.shape[1], picture.shape[0]))


def _write_golden(folder: Path, backend: Backend) -> None:
    """What the network says of made pictures is asked again wherever it is loaded later."""
    assert backend.engine is not None
    pictures = made_pictures(*backend.input_size or (1, 1), _MADE_PICTURES)
    outputs = [np.asarray(backend.engine.run(backend.prepare(picture)[None])[0], np.float32) for picture in pictures]
    clear = [(p, o) for p, o in zip(pictures, outputs, strict=True) if _is_clear(o)]
    if clear:
        files = [(encode_png(picture), "png") for picture, _ in clear]
        write_golden(folder / GOLDEN_FOLDER, files, np.stack([output for _, output in clear]))


def _is_clear(output: np.ndarray) -> bool:
    ordered = np.sort(output)
    return len(ordered) < 2 or bool(ordered[-1] - ordered[-2] > _CLEAR_MARGIN * np.abs(output).max())


def made_pictures(width: int, height: int, count: int) -> list[np.ndarray]:
    """RGB uint8 (H, W, 3) of blocks in a random colour each, from fine to coarse; the same every time."""
    random = np.random.default_rng(5)
    factor = min(1.0, _MADE_SIDE / max(width, height))
    columns, rows = max(1, round(width * factor)), max(1, round(height * factor))
    pictures = []
    for number in range(count):
        block = min(2**number, max(columns, rows))
        blocks = random.integers(0, 256, (-(-rows // block), -(-columns // block), 3), np.uint8)
        pictures.append(np.repeat(np.repeat(blocks, block, axis=0), block, axis=1)[:rows, :columns])
    return pictures


def _predictor_sections(model_path: Path, order: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What a predictor cfg says of the model at `model_path`. Raises BackendNotReady for a task without a backend."""
    task, options = order["task"], order["options"]
    if model_path.name == ONNX_FILE:
        backend_name, options = "onnx", {"task": task, **options}
    elif task in _KERAS_BACKENDS:
        backend_name = _KERAS_BACKENDS[task]
    else:
        raise BackendNotReady(f"for {task} only ONNX files are taken", code="task_not_served")
    return {
        "model_info": {"predictor_backend": backend_name, "method": "uploaded model", "model_id": 0},
        "model_options": options,
        "model_paths": {
            "predictions_main_folder": str(model_path.parent / "pictures"),
            "model_path": str(model_path),
            "names_path": str(model_path.parent / NAMES_FILE),
        },
    }


def _config_of(sections: dict[str, dict[str, Any]]) -> PredictorConfig:
    return PredictorConfig(
        path=Path(sections["model_paths"]["model_path"]).parent / PREDICTOR_FILE,
        file=PREDICTOR_FILE,
        root=PROJECT_ROOT,
        backend_name=sections["model_info"]["predictor_backend"],
        model_id=0,
        **sections,
    )


def _reason(error: PredictionError | UnsafeModel | ConfigError, order: dict[str, Any]) -> tuple[str, str]:
    """(public code, what to tell who sent it), without the server's paths."""
    if isinstance(error, ConfigError):
        return "options_invalid", "; ".join(f"{problem.key}: {problem.message}" for problem in error.problems)
    if isinstance(error, NamesDoNotFit):
        return error.code, str(error).partition(": ")[2]
    if isinstance(error, UnsafeModel):
        return "model_unsafe", f"the model file is refused as unsafe: {'; '.join(error.findings)}"
    library = re.escape(str(Path(order["folder"]).parent))
    return error.code, re.sub(rf"{library}/[^/\s:]*/?", "", str(error))


def _refuse(run_folder: Path, code: str, reason: str) -> None:
    write_object(run_folder / CHECK_RESULT_FILE, {"accepted": False, "code": code, "reason": reason})


def _watch_limits(run_folder: Path) -> None:
    """End this process, with a word about it, when the model takes too long or too much memory."""
    deadline = time.monotonic() + LONGEST_SECONDS

    def watch() -> None:
        while True:
            if time.monotonic() > deadline:
                reason = f"looking at it took over {LONGEST_SECONDS:g} s"
            elif (used := resident_bytes(os.getpid())) > MEMORY_LIMIT:
                reason = f"it takes {used / 1e9:.1f} GB of memory, {MEMORY_LIMIT / 1e9:g} are allowed"
            else:
                ended.wait(_LOOK_SECONDS)
                continue
            _refuse(run_folder, "model_too_large", reason)
            os._exit(0)

    ended = threading.Event()
    threading.Thread(target=watch, name="limits", daemon=True).start()
