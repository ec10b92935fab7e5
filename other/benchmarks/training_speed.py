"""Our training loop against a bare `model.fit` of the same network, batch size and optimizer: pictures a second.

Two cases: arrays that lie in memory, and JPEG files that are read for the first time, against the same pictures as
arrays. One process, the two taking turns in every round; neither's first step, which compiles, is counted.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from deep_predictor.images.preprocessing import InputSpec
from deep_predictor.training.architectures.options import ArchitectureOptions
from deep_predictor.training.architectures.table import build_architecture
from deep_predictor.training.batches import Batches, BatchOptions, Pipeline
from deep_predictor.training.dataset import ArrayDataset, Dataset
from deep_predictor.training.datasets.table import open_path
from deep_predictor.training.fit_options import FitOptions
from deep_predictor.training.tasks.classification import ClassificationObjective
from deep_predictor.training.trainer import Trainer
from other.benchmarks.pictures import draw
from other.benchmarks.report import markdown_table

BATCH_SIZE = 32
CLASSES = 10
#: Real photos, where they are; else drawn scenes of about the same size.
PHOTOS = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "datasets" / "clothing"
#: case -> (architecture, side in pixels, pictures)
IN_MEMORY = ("convnet_small", 32, 2048)
FROM_FILES = ("mobilenetv2", 96, 320)


def measure(rounds: int) -> tuple[str, dict[str, Any]]:
    """(a table, all figures)."""
    figures: dict[str, Any] = {}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        cases: dict[str, tuple[str, int, Callable[[int, int], Dataset]]] = {
            "arrays in memory": (*IN_MEMORY[:2], _arrays),
            "JPEG files, first epoch": (*FROM_FILES[:2], lambda count, side: _files(count, Path(folder))),
        }
        for name, (architecture, side, make) in cases.items():
            dataset = make(IN_MEMORY[2] if "memory" in name else FROM_FILES[2], side)
            runs = _compare(architecture, side, dataset, rounds)
            share = statistics.median(ours / bare for ours, bare in runs)
            figures[name] = {"runs": runs, "share": share, "pictures": len(dataset.items)}
            bare = statistics.median(bare for _, bare in runs)
            rows.append([name, architecture, f"{side}", f"{bare:.0f}", f"{share:.2f}"])
    head = ["pictures", "network", "side", "bare `model.fit`, pictures/s", "ours, of bare"]
    return markdown_table(head, rows), figures


def _compare(architecture: str, side: int, dataset: Dataset, rounds: int) -> list[tuple[float, float]]:
    """(ours, bare) pictures a second of each round."""
    spec = InputSpec(side, side, "rgb", 1 / 127.5, 1.0, 1.0, "stretch", "area")
    indices = np.arange(len(dataset.items) // BATCH_SIZE * BATCH_SIZE)
    inputs = np.stack([spec.apply(dataset.read(int(i), spec.smallest_decoded())) for i in indices])
    targets = np.eye(len(dataset.class_names), dtype=np.float32)[[dataset.items[i].label for i in indices]]
    ours, bare = _Ours(architecture, spec, dataset, indices), _Bare(architecture, spec, inputs, targets)
    runs = []
    for number in range(rounds + 1):
        pair = [ours.epoch(), bare.epoch()] if number % 2 else [bare.epoch(), ours.epoch()][::-1]
        if number:  # the first one compiles
            runs.append((len(indices) / pair[0], len(indices) / pair[1]))
    return runs


class _Ours:
    def __init__(self, architecture: str, spec: InputSpec, dataset: Dataset, indices: np.ndarray) -> None:
        options = FitOptions(architecture=architecture, epochs=10_000, batch_size=BATCH_SIZE, schedule="constant")
        network = build_architecture(architecture, spec.input_shape, CLASSES, ArchitectureOptions())
        self._trainer = Trainer(network, options, ClassificationObjective("cross_entropy"))
        self._dataset, self._indices, self._options = dataset, indices, options
        self._pipeline = Pipeline(spec, spec.smallest_decoded())

    def epoch(self) -> float:
        """Seconds of an epoch whose pictures were never read before."""
        sizes = BatchOptions(BATCH_SIZE, self._options.worker_count, 1, 10**9)
        with Batches(self._dataset, self._indices, self._pipeline, sizes) as batches:
            started = time.perf_counter()
            self._trainer.train_epoch(1, batches)
            return time.perf_counter() - started


class _Bare:
    def __init__(self, architecture: str, spec: InputSpec, inputs: np.ndarray, targets: np.ndarray) -> None:
        import keras

        self._network = build_architecture(architecture, spec.input_shape, CLASSES, ArchitectureOptions())
        self._network.compile(keras.optimizers.Adam(0.001), "categorical_crossentropy", metrics=["accuracy"])
        self._inputs, self._targets = inputs, targets

    def epoch(self) -> float:
        started = time.perf_counter()
        self._network.fit(self._inputs, self._targets, BATCH_SIZE, epochs=1, verbose=0)
        return time.perf_counter() - started


def _arrays(count: int, side: int) -> Dataset:
    rng = np.random.default_rng(1)
    images = [rng.integers(0, 256, (side, side, 3), np.uint8) for _ in range(count)]
    return ArrayDataset(images, [index % CLASSES for index in range(count)], [str(name) for name in range(CLASSES)])


def _files(count: int, folder: Path) -> Dataset:
    if PHOTOS.is_dir():
        return open_path(PHOTOS, folder / "cache")
    import cv2

    for index in range(count):
        path = folder / "drawn" / str(index % CLASSES) / f"{index}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), draw(index, 400, 533)[:, :, ::-1])
    return open_path(folder / "drawn", folder / "cache")
