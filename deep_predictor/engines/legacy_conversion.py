"""A file of Keras 2 that Keras 3 refuses is converted once, in a child process, to a SavedModel.

    python -m deep_predictor.engines.legacy_conversion SOURCE TARGET_FOLDER

In a child, because tf_keras and Keras 3 in one process share TensorFlow's global state.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from deep_predictor.engines.converting import PROJECT_ROOT, Conversion
from deep_predictor.engines.model_inspection import inspect_model
from deep_predictor.errors import BackendNotReady, UnsafeModel

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
    conversion = Conversion(
        source=path,
        from_what="Keras 2",
        module="deep_predictor.engines.legacy_conversion",
        arguments=(str(path.resolve()),),
        timeout_seconds=TIMEOUT_SECONDS,
        environment={"TF_USE_LEGACY_KERAS": "1"},
    )
    return conversion.write(target)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
