"""One training run, from its cfg to its model folder: load, split, fit, measure, export."""

from __future__ import annotations

import hashlib
import json
import logging
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import numpy as np

from deep_predictor.config.strict import shown_path
from deep_predictor.errors import ConfigError, ConfigProblem, TrainingCancelled, TrainingError, TrialOver
from deep_predictor.training.architectures.table import ARCHITECTURES, build_architecture
from deep_predictor.training.checkpoint import Checkpoints, Identity
from deep_predictor.training.config import SECTION, TrainingConfig
from deep_predictor.training.dataset import Dataset
from deep_predictor.training.evaluation import evaluate_run
from deep_predictor.training.evaluation_file import write_evaluation
from deep_predictor.training.exporting import DatasetFacts, TrainedModel, check_servable, export
from deep_predictor.training.golden import choose_golden
from deep_predictor.training.model_folder import reserve
from deep_predictor.training.parts import Parts, open_parts
from deep_predictor.training.progress import ProgressFile
from deep_predictor.training.report import ReportFacts, write_report
from deep_predictor.training.run_folder import RunFolder
from deep_predictor.training.tensorboard_log import tensorboard_log
from deep_predictor.training.trainer import (
    EpochFigures,
    StepFigures,
    Trainer,
    Watcher,
    balanced_weights,
    predict_probabilities,
)

if TYPE_CHECKING:
    import keras

#: (epochs, steps of one epoch) -> what watches a run while it fits.
Watch = Callable[[int, int], AbstractContextManager[Watcher]]


def run_training(
    config: TrainingConfig, watch: Watch, *, resume: bool = False, allow_python: bool = False
) -> TrainedModel:
    """Train what `config` says and write its model folder. Raises TrainingError; then the folder is as it was.

    `resume`: go on from the run folder's last checkpoint, else a new run begins there. `allow_python`: whether the cfg
    may name a Python file that builds the network. How the run stands is in the folder's state.json, whatever happens.
    """
    folder = RunFolder(config.run_folder)
    with folder.opened(), reserve(config.model_folder):
        if resume:
            folder.forget_cancel()
        else:
            folder.begin(config)
        with folder.logged() as log:
            try:
                folder.say("running", epochs=config.options.fit_options.epochs)
                trained = _train(config, folder, watch, log, allow_python)
            except TrainingCancelled:
                folder.say("cancelled")
                raise
            except TrialOver:
                folder.say("cancelled", reason="a trial of a search ends here")
                raise
            except (TrainingError, ConfigError) as error:
                log.error("%s", error)
                folder.say("failed", reason=str(error))
                raise
            except BaseException as error:
                log.error("%s", traceback.format_exc())
                folder.say("failed", reason=f"{type(error).__name__}: {error}")
                raise
            folder.say("done", epoch=len(trained.history), epochs=len(trained.history))
            return trained


def _train(
    config: TrainingConfig,
    folder: RunFolder,
    watch: Watch,
    log: logging.Logger,
    allow_python: bool,
) -> TrainedModel:
    options = config.options
    parts = open_parts(config, log)
    try:
        network = build_network(config, parts.dataset, allow_python)
        check_servable(network)
        checkpoints = Checkpoints(folder.checkpoints, _identity(config, folder, parts.facts))
        architecture = ARCHITECTURES[options.fit_options.architecture]
        trainer = Trainer(network, options.fit_options, architecture.loss, _class_weights(config, parts))
        loaded = checkpoints.load()
        if loaded:
            folder.write_metrics([EpochFigures(**figures) for figures in loaded[1]["history"]])
            log.info("goes on after epoch %d", len(loaded[1]["history"]))
            folder.say("running", epoch=len(loaded[1]["history"]), epochs=options.fit_options.epochs)
        # A search ends its trials when `watch` is left: nothing but fitting may stand inside.
        with (
            watch(options.fit_options.epochs, len(parts.train)) as watcher,
            tensorboard_log(config, folder.path) as note,
        ):
            history = trainer.fit(parts.train, parts.val, _told(watcher, folder, log, config, note), checkpoints)
        log.info("epoch %d is kept; the test part is read now, once", trainer.best.epoch)
        trained = _measure(config, _in_float32(network, config, parts, allow_python), parts, history, trainer.best)
        export(trained, config)
        write_evaluation(folder.path, trained, [parts.dataset.items[index] for index in parts.split.test])
        _write_report(folder, trained, parts, config)
        log.info("model folder: %s", config.model_folder)
        return trained
    finally:
        parts.close()


def build_network(config: TrainingConfig, dataset: Dataset, allow_python: bool = False) -> keras.Model:
    """The network of a cfg before its first step: the same weights from the same seed."""
    import keras

    options = config.options
    keras.utils.set_random_seed(options.seed)
    keras.mixed_precision.set_global_policy("mixed_float16" if _is_mixed(config) else "float32")
    try:
        return build_architecture(
            options.fit_options.architecture,
            options.input_options.to_spec().input_shape,
            len(dataset.class_names),
            options.architecture_options,
            allow_python=allow_python,
        )
    finally:
        keras.mixed_precision.set_global_policy("float32")


def _in_float32(network: keras.Model, config: TrainingConfig, parts: Parts, allow_python: bool) -> keras.Model:
    """What is served computes in float32, whatever it was trained in."""
    if not _is_mixed(config):
        return network
    weights = network.get_weights()
    plain = config.options.fit_options.model_copy(update={"mixed_precision": False})
    options = config.options.model_copy(update={"fit_options": plain})
    fresh = build_network(
        TrainingConfig(config.file, config.root, options, config.as_written), parts.dataset, allow_python
    )
    fresh.set_weights(weights)
    return fresh


def _is_mixed(config: TrainingConfig) -> bool:
    import tensorflow

    return config.options.fit_options.mixed_precision and bool(tensorflow.config.list_physical_devices("GPU"))


def _identity(config: TrainingConfig, folder: RunFolder, facts: DatasetFacts) -> Identity:
    text = json.dumps(config.as_written, sort_keys=True)
    return Identity(folder.run_id, hashlib.sha256(text.encode()).hexdigest(), facts.sha256)


def _class_weights(config: TrainingConfig, parts: Parts) -> np.ndarray | None:
    """Raises ConfigError for a class that the data set does not have."""
    wanted, names = config.options.fit_options.class_weights, parts.dataset.class_names
    if wanted is None:
        return None
    if wanted == "balanced":
        return balanced_weights(parts.train.labels, len(names))
    if unknown := sorted(set(wanted) - set(names)):
        key = f"{SECTION}.fit_options.class_weights.{unknown[0]}"
        raise ConfigError([ConfigProblem(config.file, key, f"is no class; there are: {', '.join(names)}")])
    return np.array([wanted.get(name, 1.0) for name in names], np.float32)


def _told(
    watcher: Watcher,
    folder: RunFolder,
    log: logging.Logger,
    config: TrainingConfig,
    note: Callable[[EpochFigures], object],
) -> Watcher:
    """The watcher, and the run's folder."""
    progress = ProgressFile(folder.path, config.options.fit_options.epochs)

    def end_step(step: StepFigures) -> None:
        if folder.is_cancelled():
            raise TrainingCancelled
        progress.note(step)
        watcher.on_step(step)

    def end_epoch(figures: EpochFigures) -> None:
        folder.add_metrics(figures)
        note(figures)
        folder.say("running", epoch=figures.epoch, epochs=config.options.fit_options.epochs)
        log.info("%s", " ".join(f"{name} {value:.5g}" for name, value in vars(figures).items()))
        watcher.on_epoch(figures)

    return Watcher(end_step, end_epoch)


def _measure(
    config: TrainingConfig, network: keras.Model, parts: Parts, history: list[EpochFigures], best: EpochFigures
) -> TrainedModel:
    """Every choice is made on val; the test part is read here, once."""
    options, dataset = config.options, parts.dataset
    evaluation = evaluate_run(
        predict_probabilities(network, parts.val.in_order()),
        parts.val.labels,
        predict_probabilities(network, parts.test.in_order()),
        parts.test.labels,
        [dataset.items[index].name for index in parts.split.test],
        dataset.class_names,
        options.report_options.target_precision,
        options.serving_options.confidence_threshold,
    )
    spec, smallest = options.input_options.to_spec(), options.input_options.smallest_decoded()
    golden = choose_golden(dataset, parts.split.test, network, spec, smallest)
    return TrainedModel(network, dataset.class_names, parts.facts, history, best, evaluation, golden)


def _write_report(folder: RunFolder, trained: TrainedModel, parts: Parts, config: TrainingConfig) -> None:
    fit = config.options.fit_options
    settings = {
        "architecture": fit.architecture,
        "epochs": f"{len(trained.history)} of {fit.epochs}",
        "seed": config.options.seed,
        "model folder": shown_path(config.model_folder, config.root),
    }
    facts = ReportFacts(
        title=config.options.serving_options.method,
        class_names=trained.class_names,
        dataset=trained.dataset,
        history=trained.history,
        best=trained.best,
        evaluation=trained.evaluation,
        picture=lambda place: parts.dataset.read(int(parts.split.test[place])),
        settings=settings,
    )
    write_report(folder.path, facts)
