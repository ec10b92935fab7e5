"""How good a fine-tuned model gets in a few minutes: our trainer against plain Keras code with the same time.

    python -m other.benchmarks.fine_tuning --dataset FOLDER --weights MODEL.keras [--seeds 1,2,3] [--from-scratch]

FOLDER has train/ and test/, a folder a class in each; MODEL.keras is a whole classifier whose head is cut off. The
test part is read once a run. Plain Keras: the same network and pictures as arrays, head then everything, random flips,
Adam, the weights of the best validation loss; it trains as long as our run took.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from deep_predictor.training.architectures.options import ArchitectureOptions
from deep_predictor.training.architectures.table import build_architecture
from deep_predictor.training.config import TrainingConfig, training_config
from deep_predictor.training.datasets.table import open_dataset
from deep_predictor.training.figures import Watcher
from deep_predictor.training.fingerprints import fingerprint_all
from deep_predictor.training.run import run_training
from deep_predictor.training.splitting import split_dataset

PROJECT_ROOT = Path(__file__).resolve().parents[2]
#: From the start of a plain run to its end there is more than epochs: nothing is taken off for it.
PLAIN_HEAD_SHARE = 0.3


def main(arguments: list[str] | None = None) -> int:
    """Print a JSON line a seed, and one with the means."""
    args = _parse(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in args.seeds:
            config = _config(args, seed, Path(folder) / f"run-{seed}")
            started = time.perf_counter()
            ours = run_training(config, _unwatched).evaluation.test.accuracy
            seconds = time.perf_counter() - started
            row = {"seed": seed, "ours": ours, "seconds": round(seconds, 1)}
            print(json.dumps(row), file=sys.stderr, flush=True)
            if not args.from_scratch:
                row["plain"] = _plain(config, seconds)
            rows.append(row)
            print(json.dumps(row), flush=True)
    print(json.dumps({name: _spread([row[name] for row in rows]) for name in rows[0] if name != "seed"}))
    return 0


def _config(args: argparse.Namespace, seed: int, run_folder: Path) -> TrainingConfig:
    section = json.loads(args.cfg.read_text(encoding="utf-8"))["training_options"]
    section["seed"] = seed
    section["dataset_options"]["path"] = str(args.dataset.resolve())
    if not args.from_scratch:
        section["architecture_options"] = {**section.get("architecture_options", {}), "weights_file": str(args.weights)}
    section.pop("output_folder", None)
    section.pop("run_folder", None)
    return training_config(section, str(args.cfg), PROJECT_ROOT, run_folder)


@contextmanager
def _unwatched(epochs: int, steps: int) -> Iterator[Watcher]:
    yield Watcher(on_epoch=lambda figures: print(figures, file=sys.stderr))


def _plain(config: TrainingConfig, seconds: float) -> float:
    """Test accuracy of what one writes without a training module."""
    import keras

    options, started = config.options, time.perf_counter()
    keras.utils.set_random_seed(options.seed)
    spec = options.input_options.to_spec()
    dataset = open_dataset(options.dataset_options, PROJECT_ROOT / "var/cache/datasets")
    shares = (options.dataset_options.val_share, options.dataset_options.test_share)
    split = split_dataset(dataset, fingerprint_all(dataset, 2), *shares, options.seed)

    def arrays(indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        inputs = np.stack([spec.apply(dataset.read(int(index))) for index in indices])
        return inputs, np.array([dataset.items[int(index)].label for index in indices])

    train, val = arrays(split.train), arrays(split.val)
    body_and_head = build_architecture(
        options.fit_options.architecture,
        spec.input_shape,
        len(dataset.class_names),
        ArchitectureOptions(weights_file=options.architecture_options.weights_file),
    )
    flips = keras.Sequential([keras.Input(spec.input_shape), keras.layers.RandomFlip("horizontal"), body_and_head])
    best: list[Any] = [np.inf, None]

    def keep(epoch: int, logs: dict[str, float]) -> None:
        if logs["val_loss"] < best[0]:
            best[:] = [logs["val_loss"], flips.get_weights()]

    def until(deadline: float) -> Any:
        def check(epoch: int, logs: dict[str, float]) -> None:
            keep(epoch, logs)
            flips.stop_training = time.perf_counter() > deadline

        return keras.callbacks.LambdaCallback(on_epoch_end=check)

    for share, rate, is_whole in ((PLAIN_HEAD_SHARE, 1e-3, False), (1.0, 1e-4, True)):
        for layer in body_and_head.layers[:-1]:
            layer.trainable = is_whole
        flips.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
        deadline = started + share * seconds
        flips.fit(*train, 32, 1000, validation_data=val, callbacks=[until(deadline)], verbose=0)
    if best[1] is not None:
        flips.set_weights(best[1])
    inputs, labels = arrays(split.test)
    return float((flips.predict(inputs, verbose=0).argmax(1) == labels).mean())


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {
        "mean": round(statistics.mean(values), 4),
        "min": round(min(values), 4),
        "max": round(max(values), 4),
    }


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Fine-tuning in a few minutes, ours against plain Keras code.")
    parser.add_argument("--cfg", type=Path, default=PROJECT_ROOT / "cfg/training/templates/fine_tuning.cfg")
    parser.add_argument("--dataset", type=Path, required=True)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--seeds", type=lambda text: [int(word) for word in text.split(",")], default=[1, 2, 3])
    parser.add_argument("--from-scratch", action="store_true", help="the cfg's network without weights; ours alone")
    args = parser.parse_args(arguments)
    if not args.from_scratch and args.weights is None:
        parser.error("--weights is needed unless --from-scratch is given")
    args.weights = args.weights.resolve() if args.weights else None
    return args


if __name__ == "__main__":
    raise SystemExit(main())
