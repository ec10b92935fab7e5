"""A file of Keras 2 that Keras 3 refuses is converted once, in a child process, to a SavedModel.

    python -m deep_predictor.engines.legacy_conversion SOURCE TARGET_FOLDER

In a child, because tf_keras and Keras 3 in one process share TensorFlow's global state.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from deep_predictor.engines.model_inspection import inspect_model
from deep_predictor.errors import BackendNotReady, UnsafeModel

logger = logging.getLogger(__name__)

PROJECT_ROOT = Path(__file__).resolve().parents[2]
CACHE_FOLDER = PROJECT_ROOT / "var" / "cache" / "converted"
REQUIREMENTS = "other/requirements/legacy.txt"
TIMEOUT_SECONDS = 600.0
#: Another number, another cache: raised when the child writes something else.
CONVERSION_FORMAT = 1


def convert_to_saved_model(path: Path, cache_folder: Path | None = None) -> Path:
    """The SavedModel folder of a Keras 2 file that was inspected before; from the cache where it is there.

    Raises BackendNotReady: library_missing without tf_keras, conversion_failed otherwise.
    """
    cache_folder = cache_folder or CACHE_FOLDER
    try:
        with path.open("rb") as file:
            content_hash = hashlib.file_digest(file, "sha256").hexdigest()
        target = cache_folder / f"{content_hash}-{CONVERSION_FORMAT}"
        if target.is_dir():
            return target
        _require_tf_keras(path)
        cache_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(cache_folder / f".{target.name}.lock", timeout=TIMEOUT_SECONDS):
            return target if target.is_dir() else _convert(path, target)
    except (OSError, Timeout) as error:
        raise BackendNotReady(f"{path}: cannot be converted from Keras 2: {error}", "conversion_failed") from error


def main(arguments: Sequence[str]) -> int:
    """Load with tf_keras, write for inference. The file is looked at again: it may have changed meanwhile."""
    source, target = Path(arguments[0]), Path(arguments[1])
    try:
        inspect_model(source)
    except (UnsafeModel, BackendNotReady) as error:
        print(error, file=sys.stderr)
        return 1
    import tensorflow as tf
    import tf_keras

    model = tf_keras.models.load_model(source, compile=False, safe_mode=True)
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        print(f"{len(model.inputs)} inputs and {len(model.outputs)} outputs, not one of each", file=sys.stderr)
        return 1
    serve = tf.function(
        lambda picture: {"output": model(picture, training=False)},
        input_signature=[tf.TensorSpec(model.inputs[0].shape, tf.float32, name="picture")],
        autograph=False,
    )
    module = tf.Module()
    module.kept = model.variables
    tf.saved_model.save(module, str(target), signatures=serve)
    return 0


def _require_tf_keras(path: Path) -> None:
    if importlib.util.find_spec("tf_keras") is None:
        message = (
            f"{path}: Keras 3 cannot read this file of Keras 2, and tf_keras, which converts it, is not installed: "
            f"pip install --no-deps -r {REQUIREMENTS}"
        )
        raise BackendNotReady(message, code="library_missing")


def _convert(path: Path, target: Path) -> Path:
    """Run the child on a draft beside the target, and rename it when it is whole."""
    logger.info("%s: is converted from Keras 2, once", path)
    draft = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
    command = [
        sys.executable,
        "-m",
        "deep_predictor.engines.legacy_conversion",
        str(path.resolve()),
        str(draft.resolve()),
    ]
    try:
        done = subprocess.run(
            command,
            cwd=PROJECT_ROOT,
            env=_child_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        if done.returncode:
            raise BackendNotReady(f"{path}: cannot be converted from Keras 2: {_last_line(done)}", "conversion_failed")
        draft.rename(target)
    except subprocess.TimeoutExpired as error:
        message = f"{path}: its conversion from Keras 2 took over {TIMEOUT_SECONDS:g} s"
        raise BackendNotReady(message, code="conversion_failed") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target


def _child_environment() -> dict[str, str]:
    """Without the server's secrets, and on the CPU: the parent may hold the GPU's memory."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("DEEP_PREDICTOR_")}
    return {**inherited, "TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1"}


def _last_line(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else f"exit status {done.returncode}"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
