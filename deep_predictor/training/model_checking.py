"""`check-model CFG --run-folder FOLDER`: whether a model that somebody sent can be served; then its folder is written.

The server starts it as a job: a stranger's model is looked at and loaded here, never there. The cfg says `check_model`:
`upload` (a .keras or .h5 file, or a zipped SavedModel), `names` (a names file), `options` (a predictor's
`model_options`), `folder` (the model folder to write). result.json in the run's folder says what became of it.
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

from deep_predictor.backends.classification import ClassificationBackend, ClassificationOptions, ClassificationPaths
from deep_predictor.config.strict import read_json_object
from deep_predictor.engines.base import RunSettings, first_line
from deep_predictor.engines.model_inspection import inspect_model
from deep_predictor.engines.probes import GOLDEN_FOLDER
from deep_predictor.engines.table import REFERENCE, get_engine_class
from deep_predictor.errors import BackendNotReady, ModelRaised, NamesDoNotFit, PredictionError, UnsafeModel
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
    except (PredictionError, UnsafeModel) as error:
        _refuse(args.run_folder, *_reason(error, order))
    else:
        write_object(args.run_folder / CHECK_RESULT_FILE, {"accepted": True, "class_names": list(class_names)})
    return 0


def check_model(order: dict[str, Any]) -> tuple[str, ...]:
    """Write the model folder, or nothing; the names of the classes.

    Raises UnsafeModel, PredictionError for a model that the server could not serve, ModelFolderUnwritable.
    """
    options = ClassificationOptions.model_validate(order["options"])
    with written_beside(Path(order["folder"])) as folder:
        model_path = _put_model(Path(order["upload"]), folder)
        shutil.copyfile(order["names"], folder / NAMES_FILE)
        inspect_model(model_path)  # what is refused is refused before TensorFlow is imported
        try:
            backend = _loaded(model_path, options)
        except (PredictionError, UnsafeModel):
            raise
        except Exception as error:  # a foreign library: whatever it raises, the model cannot be served
            raise ModelRaised(first_line(error)) from error
        _write_golden(folder, backend)
        write_json(folder / METRICS_FILE, {})
        write_json(folder / PREDICTOR_FILE, _predictor_cfg(Path(order["folder"]), model_path.name, order["options"]))
        spec = options.input_spec().to_dict()
        write_manifest(folder, {"task": "classification", "origin": "uploaded", "input_spec": spec})
    return backend.class_names


def _put_model(upload: Path, folder: Path) -> Path:
    """The model under the name that its content asks for. Raises BackendNotReady, UnsafeModel."""
    with upload.open("rb") as file:
        head = file.read(len(_HDF5))
    if head == _HDF5:
        return _linked(upload, folder / "model.h5")
    if zipfile.is_zipfile(upload) and head.startswith(b"PK\x03\x04"):
        if holds_saved_model(upload):
            return unpack_saved_model(upload, folder / "saved_model")
        return _linked(upload, folder / MODEL_FILE)
    raise BackendNotReady(
        "it is neither a .keras file, nor an .h5 file, nor a zipped SavedModel; other formats are not served",
        code="model_broken",
    )


def _linked(source: Path, target: Path) -> Path:
    try:
        os.link(source, target)
    except OSError:  # another disk
        shutil.copyfile(source, target)
    return target


def _loaded(model_path: Path, options: ClassificationOptions) -> ClassificationBackend:
    """Loaded as the server loads it, and run once. Raises PredictionError, UnsafeModel."""
    paths = ClassificationPaths(
        predictions_main_folder=model_path.parent, model_path=model_path, names_path=model_path.parent / NAMES_FILE
    )
    backend = ClassificationBackend(options, paths)
    settings = RunSettings(input_size=(options.image_w, options.image_h))
    engine_class = get_engine_class(REFERENCE)
    engine_class.start_in_main_thread()
    backend.load(lambda request: engine_class.load(request.model_path, settings))
    picture = made_pictures(options.image_w, options.image_h, 1)[0]
    output = backend.run(backend.prepare(picture)[None])[0]
    backend.interpret(output, (options.image_w, options.image_h))
    return backend


def _write_golden(folder: Path, backend: ClassificationBackend) -> None:
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


def _predictor_cfg(folder: Path, model_name: str, options: dict[str, Any]) -> dict[str, Any]:
    return {
        "predictor_options": {
            "model_info": {"predictor_backend": "keras", "method": "uploaded model", "model_id": 0},
            "model_options": options,
            "model_paths": {
                "predictions_main_folder": str(folder / "pictures"),
                "model_path": str(folder / model_name),
                "names_path": str(folder / NAMES_FILE),
            },
        }
    }


def _reason(error: PredictionError | UnsafeModel, order: dict[str, Any]) -> tuple[str, str]:
    """(public code, what to tell who sent it), without the server's paths."""
    if isinstance(error, NamesDoNotFit):
        return error.code, str(error).partition(": ")[2]
    if isinstance(error, UnsafeModel):
        return "model_unsafe", f"the model file can run code: {'; '.join(error.findings)}"
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
