"""An `.h5` of Keras 2 that Keras 3 refuses is converted once, in a child process, to a SavedModel.

python -m deep_predictor.engines.legacy_conversion SOURCE.h5 TARGET_FOLDER
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

from deep_predictor.errors import BackendNotReady

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 600
REQUIREMENTS = "other/requirements/legacy.txt"
CACHE_FOLDER = Path(__file__).resolve().parents[2] / "var" / "cache" / "converted"


def is_legacy_failure(error: Exception) -> bool:
    """Whether Keras 3 refused a config, rather than the file being broken."""
    return isinstance(error, TypeError | ValueError | KeyError | AttributeError | NotImplementedError)


def convert_legacy_h5(path: Path, cache_folder: Path = CACHE_FOLDER) -> Path:
    """The converted SavedModel folder, from the cache where it is there. The file was inspected before.

    Raises BackendNotReady: library_missing without tf_keras, conversion_failed otherwise.
    """
    target = cache_folder / hashlib.sha256(path.read_bytes()).hexdigest()
    if target.is_dir():
        return target
    if importlib.util.find_spec("tf_keras") is None:
        message = f"{path}: is a file of Keras 2; to convert it: pip install --no-deps -r {REQUIREMENTS}"
        raise BackendNotReady(message, code="library_missing")
    cache_folder.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    command = [sys.executable, "-m", "deep_predictor.engines.legacy_conversion", str(path), str(draft)]
    environment = {**os.environ, "TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}
    root = Path(__file__).resolve().parents[2]
    try:
        done = subprocess.run(
            command, cwd=root, env=environment, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise BackendNotReady(f"{path}: cannot be converted from Keras 2: {last}", code="conversion_failed")
        draft.rename(target)
    except subprocess.TimeoutExpired as error:
        message = f"{path}: its conversion took over {TIMEOUT_SECONDS} s"
        raise BackendNotReady(message, code="conversion_failed") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target


def main(arguments: list[str]) -> int:
    """Load with tf_keras, export for inference."""
    source, target = arguments
    import tf_keras

    model = tf_keras.models.load_model(source, compile=False, safe_mode=True)
    model.export(target)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
