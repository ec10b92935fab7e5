"""The yardstick: decode, resize, run and read one photo over and over, with the server's own functions and no HTTP.

    python -m other.benchmarks.bare_loop --cfg var/bench/models/mobilenetv2/predictor.cfg --photo PHOTO [--seconds 5]

Prints one JSON line: throughput with 1 to as many threads as cores, the best of them, latency with one thread, and how
that latency is spent. With `--serve` it loads the model once and measures again for each line `THREADS SECONDS` that
it reads, so that rounds with other servers can be interleaved.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from deep_predictor import predict
from deep_predictor.backends.base import Backend
from deep_predictor.backends.table import create_backend
from deep_predictor.config.predictor_config import load_predictor_config
from deep_predictor.engines.room import EngineRoom
from deep_predictor.images.decoding import EXTENSION_FORMATS, decode_image
from deep_predictor.os_limits import return_freed_memory
from deep_predictor.results import Answer
from other.benchmarks.client import percentile, summarize

WARM_UP_SECONDS = 0.5
SPLIT_ROUNDS = 50
EXTENSIONS = tuple(EXTENSION_FORMATS)


def main(arguments: list[str] | None = None) -> int:
    """Measure once, or for each line of standard input."""
    args = _parse(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    return_freed_memory()
    backend, photo = load_backend(args.cfg), args.photo.read_bytes()
    if not args.serve:
        print(json.dumps(measure_all(backend, photo, args.threads, args.seconds)))
        return 0
    measure(backend, photo, 1, 0.0)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        threads, seconds = line.split()
        print(json.dumps(measure(backend, photo, int(threads), float(seconds))), flush=True)
    return 0


def load_backend(cfg: Path) -> Backend:
    """As `deep_predictor.predict` loads it."""
    backend = create_backend(load_predictor_config(cfg.resolve(), predict.PROJECT_ROOT))
    backend.load(EngineRoom().open)
    return backend


def measure_all(backend: Backend, photo: bytes, max_threads: int, seconds: float) -> dict[str, Any]:
    runs = [measure(backend, photo, threads, seconds) for threads in range(1, max_threads + 1)]
    best = max(runs, key=lambda run: run["throughput"])
    return {
        "throughput": best["throughput"],
        "threads": best["threads"],
        "latency_ms": runs[0]["latency_ms"],
        "runs": runs,
        "split_ms": split(backend, photo),
    }


def measure(backend: Backend, photo: bytes, threads: int, seconds: float) -> dict[str, Any]:
    """So many threads for so many seconds, each with one photo after the other."""
    latencies: list[list[float]] = [[] for _ in range(threads)]
    barrier = threading.Barrier(threads + 1)
    finished: list[float] = []

    def work(own: list[float]) -> None:
        until = time.perf_counter() + min(seconds, WARM_UP_SECONDS)
        predict_photo(backend, photo)
        while time.perf_counter() < until:
            predict_photo(backend, photo)
        barrier.wait()
        started = time.perf_counter()
        until = started + seconds
        while started < until:
            predict_photo(backend, photo)
            ended = time.perf_counter()
            own.append(ended - started)
            started = ended
        finished.append(started)

    workers = [threading.Thread(target=work, args=(own,)) for own in latencies]
    for worker in workers:
        worker.start()
    barrier.wait()
    begun = time.perf_counter()
    for worker in workers:
        worker.join()
    answers = sum(len(own) for own in latencies)
    throughput = answers / max(1e-9, max(finished) - begun)
    together = [latency for own in latencies for latency in own]
    return {"threads": threads, "throughput": round(throughput, 3), "latency_ms": summarize(together)}


def predict_photo(backend: Backend, photo: bytes) -> Answer:
    pixels = _decode(backend, photo)
    output = backend.run(backend.prepare(pixels)[None])
    return backend.interpret(output[0], (pixels.shape[1], pixels.shape[0]))


def _decode(backend: Backend, photo: bytes) -> np.ndarray:
    return decode_image(photo, EXTENSIONS, predict.MAX_PIXELS, backend.smallest_decoded).pixels


def split(backend: Backend, photo: bytes) -> dict[str, float]:
    """Median milliseconds of each step, in one thread."""
    pixels = _decode(backend, photo)
    batch = backend.prepare(pixels)[None]
    output = backend.run(batch)
    steps: dict[str, Callable[[], object]] = {
        "decode": lambda: _decode(backend, photo),
        "prepare": lambda: backend.prepare(pixels),
        "run": lambda: backend.run(batch),
        "interpret": lambda: backend.interpret(output[0], (pixels.shape[1], pixels.shape[0])),
    }
    return {name: round(1000 * percentile(_times(step), 0.5), 3) for name, step in steps.items()}


def _times(step: Callable[[], object]) -> list[float]:
    seconds = []
    for _ in range(SPLIT_ROUNDS):
        started = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - started)
    return seconds


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The server's work without the server.")
    parser.add_argument("--cfg", type=Path, required=True)
    parser.add_argument("--photo", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="the most threads that are tried")
    parser.add_argument("--serve", action="store_true", help="measure for each line THREADS SECONDS of standard input")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
