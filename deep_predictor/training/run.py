"""One training run, from its cfg to its model folder: load, split, fit, measure, export."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np

from deep_predictor.images.preprocessing import InputSpec
from deep_predictor.training.architectures import build_architecture
from deep_predictor.training.config import TrainingConfig
from deep_predictor.training.datasets import LabelledImages, load_dataset
from deep_predictor.training.exporting import DatasetFacts, TrainedModel, export
from deep_predictor.training.metrics import measure
from deep_predictor.training.model_folder import reserve
from deep_predictor.training.splitting import Split, split_dataset
from deep_predictor.training.trainer import Examples, Watcher, best_epoch, fit, predict_probabilities, step_count

#: (epochs, steps of one epoch) -> what watches a run while it fits.
Watch = Callable[[int, int], AbstractContextManager[Watcher]]


def run_training(config: TrainingConfig, watch: Watch) -> TrainedModel:
    """Train what `config` says and write its model folder. Raises TrainingError; then the folder is as it was."""
    import keras

    options = config.options
    with reserve(options.output_folder):
        dataset = load_dataset(options.dataset_options.name)
        split = split_dataset(
            dataset, options.dataset_options.val_share, options.dataset_options.test_share, options.seed
        )
        spec = options.input_options.to_spec()
        train, val, test = (examples_of(dataset, part, spec) for part in (split.train, split.val, split.test))

        keras.utils.set_random_seed(options.seed)
        shape = train.inputs.shape[1:]
        network = build_architecture(options.fit_options.architecture, shape, len(dataset.class_names))
        with watch(options.fit_options.epochs, step_count(options.fit_options, len(split.train))) as watcher:
            history = fit(network, train, val, options.fit_options, watcher)

        trained = TrainedModel(
            network=network,
            class_names=dataset.class_names,
            dataset=_facts_of(options.dataset_options.name, dataset, split),
            history=history,
            best=best_epoch(history),
            test_metrics=measure(predict_probabilities(network, test.inputs), test.labels, dataset.class_names),
        )
        export(trained, config)
        return trained


def examples_of(dataset: LabelledImages, indices: np.ndarray, spec: InputSpec) -> Examples:
    """Some pictures of a data set as the network gets them: by the code that serving runs."""
    return Examples(np.stack([spec.apply(dataset.images[i]) for i in indices]), dataset.labels[indices])


def _facts_of(name: str, dataset: LabelledImages, split: Split) -> DatasetFacts:
    return DatasetFacts(name, dataset.sha256, len(split.train), len(split.val), len(split.test))
