"""The child process that explains classifications, so that the server loads no TensorFlow for it.

    python -m deep_predictor.engines.explain_child

Messages of `array_pipe.py` on its standard input and output. Asked: {model_path, class_index} and the network's input.
Answered: {} and the heat map, or {code, detail}. It keeps the model of the last question, and ends with its input.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from deep_predictor.engines.array_pipe import own_output, read_message, write_message
from deep_predictor.engines.grad_cam import GradCam
from deep_predictor.errors import BackendNotReady, NotExplainable, UnsafeModel
from deep_predictor.os_limits import die_with_parent

logger = logging.getLogger(__name__)

NICENESS = 10


def main() -> int:
    """Answer until the input ends."""
    die_with_parent()
    if hasattr(os, "nice"):  # pictures that are being predicted go first
        os.nice(NICENESS)
    asked, answers = sys.stdin.buffer, own_output()
    explainer = _Explainer()
    while True:
        try:
            head, picture = read_message(asked)
        except EOFError:
            return 0
        try:
            assert picture is not None
            heat = explainer.explain(Path(head["model_path"]), picture, int(head["class_index"]))
        except Exception as error:  # a foreign model: whatever it raises is one answer, and the next question comes
            write_message(answers, _described(error))
        else:
            write_message(answers, {}, heat)


class _Explainer:
    def __init__(self) -> None:
        self._key: tuple[Any, ...] = ()
        self._loaded: GradCam | None = None

    def explain(self, model_path: Path, picture: np.ndarray, class_index: int) -> np.ndarray:
        stat = model_path.stat()
        key = (model_path, stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if self._loaded is None or key != self._key:
            self._loaded = None
            self._loaded, self._key = GradCam(model_path), key
        return self._loaded.heat_map(picture, class_index)


def _described(error: Exception) -> dict[str, str]:
    if isinstance(error, NotExplainable):
        return {"code": error.code, "detail": error.detail}
    logger.error("a classification could not be explained", exc_info=error)
    if isinstance(error, UnsafeModel | BackendNotReady | OSError):
        return {"code": NotExplainable.FAILED, "detail": "its model cannot be loaded"}
    return {"code": NotExplainable.FAILED, "detail": f"its model raised {type(error).__name__}"}


if __name__ == "__main__":
    raise SystemExit(main())
