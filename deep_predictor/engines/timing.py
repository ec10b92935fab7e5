"""How fast an engine runs: as many callers as it takes at a time, and one caller alone."""

from __future__ import annotations

import threading
import time

import numpy as np

from deep_predictor.engines.base import Engine

MIN_RUNS = 3


def images_per_second(engine: Engine, inputs: np.ndarray, seconds: float) -> float:
    """With `requests` callers, each running batches of the engine's `batch_size`, for at least `seconds`."""
    callers, size = engine.settings.requests, engine.settings.batch_size
    batch = np.resize(inputs, (size, *inputs.shape[1:]))
    stop = time.perf_counter() + seconds
    counts = [0] * callers
    ends = [0.0] * callers
    errors: list[BaseException] = []

    def call(index: int) -> None:
        try:
            while counts[index] < MIN_RUNS or time.perf_counter() < stop:
                engine.run(batch)
                counts[index] += 1
        except BaseException as error:  # it is raised again by the caller of `images_per_second`
            errors.append(error)
        ends[index] = time.perf_counter()

    threads = [threading.Thread(target=call, args=(index,)) for index in range(callers)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return sum(counts) * size / (max(ends) - started)


def milliseconds_alone(engine: Engine, inputs: np.ndarray, seconds: float) -> float:
    """The median of runs of one picture, one after the other."""
    one = inputs[:1]
    times: list[float] = []
    stop = time.perf_counter() + seconds
    while len(times) < MIN_RUNS or time.perf_counter() < stop:
        started = time.perf_counter()
        engine.run(one)
        times.append(time.perf_counter() - started)
    return float(np.median(times)) * 1000
