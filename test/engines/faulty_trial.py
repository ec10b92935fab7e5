"""The trial's child process, with engines that crash, hang, eat memory or answer wrongly, as the environment says.

`TEST_FAULTS`: JSON of engine -> fault. The parent, the test, knows nothing of it but what the journal tells.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from deep_predictor.engines import trial
from deep_predictor.engines.table import get_engine_class

FAULTS: dict[str, str] = json.loads(os.environ.get("TEST_FAULTS", "{}"))


def break_conversion(engine: Any, fault: str) -> None:
    def convert(frozen: Any, folder: Path, *_: object) -> Path:
        if fault == "crash":
            os.abort()
        if fault == "hang":
            time.sleep(600)
        if fault == "raise":
            raise ValueError("cannot convert this\nand a second line")
        eaten = []
        while True:
            eaten.append(np.ones(25_000_000, np.uint8))
            time.sleep(0.005)

    engine.convert = convert


def break_run(engine: Any) -> None:
    right = engine.run
    engine.run = lambda self, batch: right(self, batch) * np.float32(1.01)


def break_load(engine: Any) -> None:
    engine.load = lambda path, settings=None: os.abort()


for name, kind in FAULTS.items():
    engine_class = get_engine_class(name)
    if kind == "differ":
        break_run(engine_class)
    elif kind == "crash at load":
        break_load(engine_class)
    else:
        break_conversion(engine_class, kind)

if __name__ == "__main__":
    raise SystemExit(trial.main(sys.argv[1:]))
