"""A trained model without training: a network of chosen weights on pictures of three colours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from deep_predictor.images.preprocessing import InputSpec
from deep_predictor.training.config import TrainingConfig, training_config
from deep_predictor.training.dataset import ArrayDataset
from deep_predictor.training.evaluation import evaluate_run
from deep_predictor.training.exporting import DatasetFacts, TrainedModel
from deep_predictor.training.figures import EpochFigures
from deep_predictor.training.golden import choose_golden
from deep_predictor.training.tasks.classification import ClassificationTask

CLASS_NAMES = ("red", "green", "blue & <i>violet")
SPEC = InputSpec(10, 8, "rgb", 1 / 255)


def colour_dataset(count: int = 60, seed: int = 1) -> ArrayDataset:
    """Pictures whose strongest channel is their class, most of the time."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    images = rng.integers(0, 120, (count, 20, 30, 3), np.uint8)
    for index, label in enumerate(labels):
        images[index, :, :, label if index % 10 else (label + 1) % 3] += np.uint8(rng.integers(40, 130))
    return ArrayDataset(list(images), labels, CLASS_NAMES, "colours")


def colour_network() -> Any:
    """A keras.Model that looks at the mean of each channel."""
    import keras

    inputs = keras.Input(SPEC.input_shape)
    means = keras.layers.GlobalAveragePooling2D()(inputs)
    outputs = keras.layers.Dense(3, activation="softmax", kernel_initializer=keras.initializers.Identity(30.0))(means)
    return keras.Model(inputs, outputs)


def colour_probabilities(network: Any, dataset: ArrayDataset, indices: Sequence[int]) -> np.ndarray:
    inputs = np.stack([SPEC.apply(dataset.read(index)) for index in indices])
    return np.asarray(network(inputs, training=False))


def make_config(root: Path, **serving: Any) -> TrainingConfig:
    """A cfg whose model folder is `root`/models/colours."""
    (root / "models").mkdir(exist_ok=True)
    return _config(root, **serving)


def _config(root: Path, **serving: Any) -> TrainingConfig:
    section = {
        "output_folder": "models/colours",
        "dataset_options": {"name": "sklearn_digits"},
        "input_options": {
            "width": SPEC.width,
            "height": SPEC.height,
            "color_mode": "rgb",
            "scale": SPEC.scale,
            "mean": 0,
            "std": 1,
            "resize_mode": SPEC.resize_mode,
            "resize_filter": SPEC.resize_filter,
            "scaled_decoding": 0,
        },
        "fit_options": {"architecture": "convnet_small", "epochs": 2},
        "serving_options": {"method": "colours", "predictions_main_folder": "predictions", **serving},
    }
    return training_config(section, "colours.cfg", root, root / "runs" / "colours")


def make_trained(config: TrainingConfig | None = None) -> TrainedModel:
    """What a run on `colour_dataset` would hand to `export`: 30 pictures to choose by, the rest to test."""
    dataset, config = colour_dataset(), config or _config(Path("project"))
    network = colour_network()
    labels = np.array([item.label for item in dataset.items])
    val, test = range(30), range(30, len(dataset.items))
    evaluation = evaluate_run(
        colour_probabilities(network, dataset, val),
        labels[val],
        colour_probabilities(network, dataset, test),
        labels[test],
        [dataset.items[index].name for index in test],
        CLASS_NAMES,
        0.6,
        config.options.serving_options.confidence_threshold,
    )
    history = [EpochFigures(1, 1.0, 0.5, 1.1, 0.4), EpochFigures(2, 0.5, 0.8, 0.6, 0.7)]
    return TrainedModel(
        task=ClassificationTask(config, CLASS_NAMES),
        network=network,
        dataset=DatasetFacts("colours", "0" * 64, 0, 30, len(test)),
        history=history,
        best=history[1],
        evaluation=evaluation,
        golden=choose_golden(dataset, list(test), network, SPEC),
    )
