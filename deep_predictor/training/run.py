"""One training run, from its cfg to its model folder: load, split, fit, measure, export."""

from __future__ import annotations

import hashlib
import json
import logging
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from deep_predictor.config.strict import shown_path
from deep_predictor.errors import ConfigError, TrainingCancelled, TrainingError, TrialOver
from deep_predictor.training.architectures.table import build_architecture
from deep_predictor.training.checkpoint import Checkpoints, Identity
from deep_predictor.training.config import TrainingConfig
from deep_predictor.training.dataset import Dataset
from deep_predictor.training.evaluation_file import write_evaluation
from deep_predictor.training.exporting import DatasetFacts, TrainedModel, check_servable, export
from deep_predictor.training.figures import EpochFigures, StepFigures, Watcher
from deep_predictor.training.golden import choose_golden
from deep_predictor.training.model_folder import reserve
from deep_predictor.training.parts import Parts, open_parts
from deep_predictor.training.progress import ProgressFile
from deep_predictor.training.report import ReportFacts, write_report
from deep_predictor.training.run_folder import RunFolder
from deep_predictor.training.tasks.base import MeasuredPart
from deep_predictor.training.tensorboard_log import tensorboard_log
from deep_predictor.training.trainer import Trainer

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
        check_servable(parts.task.served(network))
        checkpoints = Checkpoints(folder.checkpoints, _identity(config, folder, parts.facts))
        trainer = Trainer(network, options.fit_options, parts.task.objective(parts.train))
        loaded = checkpoints.load()
        if loaded:
            folder.write_metrics([EpochFigures.from_dict(figures) for figures in loaded[1]["history"]])
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
        export(trained)
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
        log.info("%s", " ".join(f"{name} {value:.5g}" for name, value in figures.to_dict().items()))
        watcher.on_epoch(figures)

    return Watcher(end_step, end_epoch)


def _measure(
    config: TrainingConfig, network: keras.Model, parts: Parts, history: list[EpochFigures], best: EpochFigures
) -> TrainedModel:
    """Every choice is made on val; the test part is read here, once."""
    task, dataset, split = parts.task, parts.dataset, parts.split
    evaluation = task.evaluate(
        network, MeasuredPart(dataset, split.val, parts.val), MeasuredPart(dataset, split.test, parts.test)
    )
    served = task.served(network)
    golden = choose_golden(dataset, split.test, served, task.spec, config.options.input_options.smallest_decoded())
    return TrainedModel(task, served, parts.facts, history, best, evaluation, golden)


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
        sample=lambda place: parts.dataset.sample(int(parts.split.test[place])),
        settings=settings,
    )
    write_report(folder.path, facts)
