"""What `augment` will write: the part of each picture, and the operations of each part. Nothing is written here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from deep_predictor.errors import ConfigError, ConfigProblem, DatasetUnusable
from deep_predictor.images.folder_names import safe_folder_name
from deep_predictor.training.augmentation.base import KnownPicture, PictureOperation, Side
from deep_predictor.training.augmentation.config import LISTS, SECTION, AugmentConfig
from deep_predictor.training.augmentation.known import known_pictures, parts_of_split
from deep_predictor.training.augmentation.pipeline import Augmentation
from deep_predictor.training.augmentation.table import build_augmentation, find_problems
from deep_predictor.training.augmentation.writing import Plan
from deep_predictor.training.dataset import Dataset, Part
from deep_predictor.training.fingerprints import Fingerprint
from deep_predictor.training.splitting import Split


def make_plan(config: AugmentConfig, dataset: Dataset, split: Split, fingerprints: Sequence[Fingerprint]) -> Plan:
    """Raises ConfigError when a list has an operation that can make nothing of any class, DatasetUnusable for classes
    that cannot be folders side by side.
    """
    _check_folders(dataset)
    parts = parts_of(dataset, split)
    known = known_pictures(dataset, parts, fingerprints)
    plan = Plan(parts, {side: _build(config, key, side, known) for key, side in LISTS.items()})
    _check_classes(plan, dataset, config)
    return plan


def parts_of(dataset: Dataset, split: Split) -> dict[int, Part]:
    """Index -> part, of those that the split did not leave out.

    Only pictures that the set's own folders put there are validation; the rest of that part is for training, and a
    training run cuts a validation part from it, all that comes of one picture together.
    """
    return {
        index: "train" if part == "val" and dataset.items[index].part != "val" else part
        for index, part in parts_of_split(split).items()
    }


def classes_without_pictures(plan: Plan, dataset: Dataset) -> dict[str, list[str]]:
    """`part: operation` -> the classes that it makes nothing for."""
    found = {}
    for part, operations in plan.operations.items():
        for step in operations.steps:
            if isinstance(step.operation, PictureOperation):
                names = step.operation.classes_without_pictures(dataset.class_names)
                if names:
                    found[f"{part}: {step.name}"] = names
    return found


def _build(config: AugmentConfig, key: str, side: Side, known: Mapping[str, KnownPicture]) -> Augmentation:
    """What the cfg's check could not know: which backgrounds are pictures of the set, and of which part."""
    entries, seed = config.entries_of(side), config.options.seed
    problems = find_problems(entries, config.root, side, seed, known)
    if problems:
        raise ConfigError([ConfigProblem(config.file, f"{SECTION}.{key}.{p.key}", p.message) for p in problems])
    return build_augmentation(entries, config.root, side, seed, known)


def _check_folders(dataset: Dataset) -> None:
    """Not every disk tells `Hat` from `hat`; readers of the set refuse them."""
    names: dict[str, str] = {}
    for name in dataset.class_names:
        other = names.setdefault(safe_folder_name(name).casefold(), name)
        if other != name:
            raise DatasetUnusable(f"the classes {other!r} and {name!r} cannot be two folders: only their case differs")


def _check_classes(plan: Plan, dataset: Dataset, config: AugmentConfig) -> None:
    problems = []
    for key, side in LISTS.items():
        for index, step in enumerate(plan.operations[side].steps):
            operation = step.operation
            if not isinstance(operation, PictureOperation):
                continue
            if len(operation.classes_without_pictures(dataset.class_names)) == len(dataset.class_names):
                message = f"holds no cut-out for the {side} part of any class ({', '.join(dataset.class_names)})"
                problems.append(ConfigProblem(config.file, f"{SECTION}.{key}.{index}.cutouts", message))
    if problems:
        raise ConfigError(problems)
