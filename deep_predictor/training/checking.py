"""`check CFG`: what is wrong with a cfg, without opening the data set that it names. The server asks it first."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import get_args

from deep_predictor.backends.base import Task
from deep_predictor.config.strict import read_json_object
from deep_predictor.errors import ArchitectureUnusable, ConfigError, ConfigProblem
from deep_predictor.training.architectures.architecture import Wanted
from deep_predictor.training.architectures.table import ALIASES, check_wanted
from deep_predictor.training.augmentation import config as augmenting
from deep_predictor.training.config import SECTION, TrainingConfig, load_training_config, training_config
from deep_predictor.training.search.ranges import SEARCH_KEY, check_ranges
from deep_predictor.training.tasks.fitting import task_problem

PROJECT_ROOT = Path(__file__).resolve().parents[2]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("cfg", type=Path, metavar="CFG", help="cfg of train, search or augment")
    parser.add_argument("--search", action="store_true", help="check what is searched too")
    parser.add_argument("--task", choices=get_args(Task), help="check that the network is for data sets of this task")
    parser.add_argument("--json", action="store_true", help="print the problems as one JSON object")


def run(args: argparse.Namespace) -> int:
    """0 nothing is wrong, 2 something is. Raises ConfigError unless the problems are printed as JSON."""
    path = args.cfg.resolve() if args.cfg.exists() else PROJECT_ROOT / args.cfg
    problems = find_problems(path, PROJECT_ROOT, args.search, args.task)
    if args.json:
        print(json.dumps({"problems": [{"key": problem.key, "message": problem.message} for problem in problems]}))
        return 2 if problems else 0
    if problems:
        raise ConfigError(problems)
    print(f"{args.cfg}: nothing is wrong")
    return 0


def find_problems(
    path: Path, root: Path, with_search: bool = False, task: Task | None = None
) -> tuple[ConfigProblem, ...]:
    """All that can be told from the cfg alone, and from the folders of pictures that its operations read.

    `task`: the data set's, where it is known.
    """
    try:
        if augmenting.SECTION in read_json_object(path, root):
            augmenting.load_augment_config(path, root)
            return ()
        config = load_training_config(path, root)
        if task:
            _check_task(config, task)
        _check_architecture(config)
        if with_search:
            _check_search(config)
    except ConfigError as error:
        return error.problems
    return ()


def _check_task(config: TrainingConfig, task: Task) -> None:
    """Raises ConfigError."""
    if message := task_problem(config.options.fit_options.architecture, task):
        raise ConfigError([ConfigProblem(config.file, f"{SECTION}.fit_options.architecture", message)])


def _check_architecture(config: TrainingConfig) -> None:
    """Raises ConfigError for what shows only where a network is built, with two classes for now."""
    options = config.options
    name, shape = options.fit_options.architecture, options.input_options.to_spec().input_shape
    try:
        check_wanted(Wanted(ALIASES.get(name, name), shape, 2, options.architecture_options))
    except ArchitectureUnusable as error:
        raise ConfigError([ConfigProblem(config.file, f"{SECTION}.fit_options.architecture", str(error))]) from error


def _check_search(config: TrainingConfig) -> None:
    """Raises ConfigError."""
    options = config.options.search_options
    if options is None:
        raise ConfigError([ConfigProblem(config.file, f"{SECTION}.{SEARCH_KEY}", "is missing: it says what to search")])
    check_ranges(
        config.as_written,
        options.ranges,
        config.file,
        lambda section: training_config(section, config.file, config.root, config.run_folder).options,
    )
