"""What every peer does with a photo: decode with OpenCV, resize, run the OpenVINO network, name the best five classes.

Needs numpy, OpenCV and OpenVINO alone, because each peer runs in an environment of its own.
"""

from __future__ import annotations

import os
import queue
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import openvino

INPUT_SIZE = 224
TOP = 5

cv2.setNumThreads(1)


class Network:
    """As many infer requests as streams; whoever wants one waits for it."""

    def __init__(self, folder: Path, threads: int, streams: int) -> None:
        """`folder`: a model of `other.benchmarks.models`. A process of many gets one thread and one stream."""
        settings: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": streams,
            "ENABLE_CPU_PINNING": False,  # else processes of one thread share a core
        }
        compiled = openvino.Core().compile_model(folder / "ir" / "model.xml", "CPU", settings)
        self._requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for _ in range(streams):
            self._requests.put(compiled.create_infer_request())
        self._names = (folder / "names.txt").read_text(encoding="utf-8").splitlines()
        self.run(np.zeros((1, INPUT_SIZE, INPUT_SIZE, 3), np.float32))

    def run(self, batch: np.ndarray) -> np.ndarray:
        """(N, H, W, 3) -> (N, classes)."""
        request = self._requests.get()
        try:
            request.infer([batch], share_inputs=True)
            scores: np.ndarray = request.get_output_tensor(0).data.copy()
        finally:
            self._requests.put(request)
        return scores

    def best(self, scores: np.ndarray) -> list[dict[str, Any]]:
        indices = np.argpartition(scores, -TOP)[-TOP:]
        return [
            {"class_index": int(index), "class_name": self._names[index], "confidence": round(float(scores[index]), 5)}
            for index in indices[np.argsort(-scores[indices])]
        ]

    def predict(self, body: bytes) -> dict[str, Any]:
        """All of it for one photo."""
        return {"predictions": self.best(self.run(prepare(decode(body))[None])[0])}


def decode(body: bytes) -> np.ndarray:
    """RGB uint8 (H, W, 3)."""
    pixels = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR_RGB)
    if pixels is None:
        raise ValueError("no picture")
    return pixels


def prepare(pixels: np.ndarray) -> np.ndarray:
    """Stretched to the network's size, -1 to 1."""
    small = cv2.resize(pixels, (INPUT_SIZE, INPUT_SIZE), interpolation=cv2.INTER_LINEAR)
    return small.astype(np.float32) / np.float32(127.5) - np.float32(1)


def from_environment() -> tuple[Path, int]:
    """For peers that start their workers themselves: the model's folder and the number of workers."""
    return Path(os.environ["BENCH_MODEL"]), int(os.environ["BENCH_WORKERS"])


def one_of_many() -> Network:
    """The network of a worker process: one thread when there are several workers, else all cores."""
    folder, workers = from_environment()
    cores = os.cpu_count() or 1
    each = max(1, cores // workers)
    return Network(folder, threads=each, streams=each)
