"""BentoML: a worker process a core; the photo as a raw image body."""

from __future__ import annotations

import os
from typing import Any

import bentoml
import numpy as np
from PIL import Image

from other.benchmarks.peers.network import one_of_many, prepare

WORKERS = int(os.environ["BENCH_WORKERS"])
THREADS = max(1, (os.cpu_count() or 1) // WORKERS)


@bentoml.service(workers=WORKERS, threads=THREADS, traffic={"timeout": 120}, logging={"access": {"enabled": False}})
class Classifier:
    def __init__(self) -> None:
        self._network = one_of_many()

    @bentoml.api
    def predict(self, image: Image.Image, /) -> dict[str, Any]:
        pixels = np.asarray(image.convert("RGB"))
        return {"predictions": self._network.best(self._network.run(prepare(pixels)[None])[0])}
