"""The parts of a run's data set, split and ready to be read in batches."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from deep_predictor.errors import ConfigError, ConfigProblem
from deep_predictor.training.augmentation.known import known_pictures, parts_of_split
from deep_predictor.training.batches import Batches, BatchOptions, Pipeline
from deep_predictor.training.config import SECTION, TrainingConfig
from deep_predictor.training.dataset import Dataset
from deep_predictor.training.datasets.table import open_dataset
from deep_predictor.training.exporting import DatasetFacts
from deep_predictor.training.fingerprints import dataset_hash, fingerprint_all
from deep_predictor.training.splitting import Split, split_dataset
from deep_predictor.training.tasks.base import TrainingTask
from deep_predictor.training.tasks.table import make_task

#: Where zips are unpacked, below the project's root.
DATASET_CACHE = Path("var/cache/datasets")


@dataclass(frozen=True)
class Parts:
    """Only the batches of train are augmented. `close` ends the threads of all."""

    dataset: Dataset
    task: TrainingTask
    split: Split
    facts: DatasetFacts
    train: Batches
    val: Batches
    test: Batches

    def close(self) -> None:
        for batches in (self.train, self.val, self.test):
            batches.close()


def open_parts(config: TrainingConfig, log: logging.Logger) -> Parts:
    """Look at every picture once, split, and say in the log what was left out. Raises DatasetUnusable, ConfigError."""
    options = config.options
    dataset = open_dataset(options.dataset_options, config.root / DATASET_CACHE)
    task = make_task(config, dataset)
    fingerprints = fingerprint_all(dataset, options.fit_options.worker_count)
    split = split_dataset(
        dataset, fingerprints, options.dataset_options.val_share, options.dataset_options.test_share, options.seed
    )
    for skipped in (*dataset.skipped, *split.left_out):
        log.warning("left out: %s: %s", skipped.name, skipped.reason)
    for problem in dataset.problems:
        log.warning("%s", problem)
    if dataset.problem_count > len(dataset.problems):
        log.warning("%d more problems of boxes or masks", dataset.problem_count - len(dataset.problems))
    log.info("%d pictures to train on, %d to choose by, %d to test", *map(len, (split.train, split.val, split.test)))
    name, hash_ = dataset.name, dataset_hash(dataset, fingerprints)
    fit = options.fit_options
    known = known_pictures(dataset, parts_of_split(split), fingerprints)
    try:
        augmentation = options.make_augmentation(config.root, known)
    except ValueError as error:
        raise ConfigError([ConfigProblem(config.file, f"{SECTION}.augmentation", str(error))]) from error
    pipeline = Pipeline(task.spec, options.input_options.smallest_decoded(), augmentation, task.targets)
    sizes = BatchOptions(fit.batch_size, fit.worker_count, options.seed, fit.cache_mb * 1_000_000)
    return Parts(
        dataset,
        task,
        split,
        DatasetFacts(name, hash_, len(split.train), len(split.val), len(split.test)),
        Batches(dataset, split.train, pipeline, sizes),
        Batches(dataset, split.val, pipeline.plain, sizes),
        Batches(dataset, split.test, pipeline.plain, sizes),
    )
