"""The table of operations, and how a list of entries becomes them. One more operation is one file and one line here."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from deep_predictor.backends.base import Task
from deep_predictor.config.strict import parse
from deep_predictor.errors import ConfigError, ConfigProblem
from deep_predictor.training.augmentation.base import KnownPicture, Operation, Setting, Side
from deep_predictor.training.augmentation.pipeline import Augmentation, Step

_HERE = "deep_predictor.training.augmentation"
#: Name in an entry -> "module:Class", imported when used.
OPERATIONS: dict[str, str] = {
    "gaussian_blur": f"{_HERE}.blur:GaussianBlur",
    "brightness": f"{_HERE}.tones:Brightness",
    "contrast": f"{_HERE}.tones:Contrast",
    "color": f"{_HERE}.tones:Color",
    "gamma": f"{_HERE}.tones:Gamma",
    "flip_horizontal": f"{_HERE}.flips:FlipHorizontal",
    "flip_vertical": f"{_HERE}.flips:FlipVertical",
    "flip_both": f"{_HERE}.flips:FlipBoth",
    "rotations": f"{_HERE}.placing:Rotations",
    "scales": f"{_HERE}.placing:Scales",
    "center_crop": f"{_HERE}.placing:CenterCrop",
    "sliding_crop": f"{_HERE}.windows:SlidingCrop",
    "occlusion": f"{_HERE}.windows:Occlusion",
    "random_erase": f"{_HERE}.erase:RandomErase",
    "synthetic_background": f"{_HERE}.synthetic:SyntheticBackground",
    "mixup": f"{_HERE}.mixing:Mixup",
    "cutmix": f"{_HERE}.mixing:Cutmix",
}
#: The key of an entry that says which operation it is; all others are the operation's options.
NAME_KEY = "name"


def build_augmentation(
    entries: Sequence[Mapping[str, Any]],
    root: Path,
    side: Side = "train",
    seed: int = 0,
    known: Mapping[str, KnownPicture] | None = None,
) -> Augmentation:
    """Entries such as {"name": "gamma", "gamma_range": [0.7, 1.5], "probability": 0.5} -> the operations, in order.

    `side`, `seed`, `known`: see `base.Setting`. Raises ValueError with all problems, each as `index.key: what`.
    """
    steps, problems = _read(entries, Setting(root, side, seed, known or {}))
    if problems:
        raise ValueError("; ".join(f"{problem.key}: {problem.message}" for problem in problems))
    return Augmentation(steps)


def find_problems(
    entries: Sequence[Mapping[str, Any]],
    root: Path,
    side: Side = "train",
    seed: int = 0,
    known: Mapping[str, KnownPicture] | None = None,
) -> list[ConfigProblem]:
    """What is wrong with a list of entries; each problem's key is `index.key`."""
    return _read(entries, Setting(root, side, seed, known or {}))[1]


def task_problems(entries: Sequence[Mapping[str, Any]], task: Task) -> list[ConfigProblem]:
    """Operations that cannot carry the truth of a task's pictures along; entries wrong otherwise are passed over."""
    problems = []
    for index, entry in enumerate(entries):
        name = entry.get(NAME_KEY) if isinstance(entry, Mapping) else None
        if not isinstance(name, str) or name not in OPERATIONS:
            continue
        tasks = get_operation_class(name).tasks
        if task not in tasks:
            message = f"is for {' and '.join(tasks)}, not for {task} (got {name!r})"
            problems.append(ConfigProblem("", f"{index}.{NAME_KEY}", message))
    return problems


def get_operation_class(name: str) -> type[Operation[Any]]:
    """Raises KeyError."""
    module_name, class_name = OPERATIONS[name].split(":")
    operation_class: type[Operation[Any]] = getattr(import_module(module_name), class_name)
    return operation_class


def _read(entries: Sequence[Mapping[str, Any]], setting: Setting) -> tuple[list[Step], list[ConfigProblem]]:
    steps: list[Step] = []
    problems: list[ConfigProblem] = []
    for index, entry in enumerate(entries):
        try:
            steps.append(_step(str(index), entry, setting))
        except ConfigError as error:
            problems.extend(error.problems)
    return steps, problems


def _step(index: str, entry: Mapping[str, Any], setting: Setting) -> Step:
    """Raises ConfigError."""
    name = _name_of(index, entry)
    operation_class = get_operation_class(name)
    written = {key: value for key, value in entry.items() if key != NAME_KEY}
    options = parse(operation_class.options_class, written, "", index, setting.root)
    try:
        return Step(name, operation_class(options, setting))
    except ConfigError as error:
        problems = [ConfigProblem("", f"{index}.{problem.key}", problem.message) for problem in error.problems]
    raise ConfigError(problems)


def _name_of(index: str, entry: Any) -> str:
    if not isinstance(entry, Mapping):
        raise ConfigError([ConfigProblem("", index, "must be a JSON object: { … }")])
    name = entry.get(NAME_KEY)
    if isinstance(name, str) and name in OPERATIONS:
        return name
    key = f"{index}.{NAME_KEY}"
    if NAME_KEY not in entry:
        raise ConfigError([ConfigProblem("", key, f"is missing; known are: {', '.join(sorted(OPERATIONS))}")])
    near = difflib.get_close_matches(str(name), OPERATIONS, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are: {', '.join(sorted(OPERATIONS))}"
    raise ConfigError([ConfigProblem("", key, f"is unknown; {hint} (got {name!r})")])
