"""The cfg file of `augment`: which pictures, what is made of them, and where the new set lies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from deep_predictor.config.strict import (
    ProjectFolder,
    StrictModel,
    get_section,
    parse,
    read_json_object,
    shown_path,
    unknown_keys,
)
from deep_predictor.errors import ConfigError, ConfigProblem
from deep_predictor.training.augmentation.base import BatchOperation, Side
from deep_predictor.training.augmentation.table import NAME_KEY, OPERATIONS, find_problems, get_operation_class
from deep_predictor.training.datasets.options import DatasetOptions

#: The one key that such a cfg holds.
SECTION = "augmentation_options"
LISTS: dict[str, Side] = {"training_transforms": "train", "testing_transforms": "test"}
#: Keys of entries that name folders; and those that must be the same in both lists, or train and test could share.
_FOLDER_KEYS = ("cutouts", "backgrounds")
_DIVIDING_KEYS = (*_FOLDER_KEYS, "test_share")


class AugmentOptions(StrictModel):
    """`augmentation_options` of a cfg file."""

    #: The new set; made, or replaced when `augment` wrote all that it holds.
    output_folder: ProjectFolder
    #: Fixes the split and every draw.
    seed: int = Field(1, ge=0, lt=2**32)
    dataset_options: DatasetOptions
    #: What is made of the pictures of each part; entries as in `augmentation` of a training cfg.
    training_transforms: tuple[Any, ...] = ()
    testing_transforms: tuple[Any, ...] = ()
    #: Pictures that an operation with a range makes of one; what can be listed is made once each.
    variants: int = Field(1, ge=1, le=1000)
    #: Pictures more, each drawn through the whole list as in training.
    combined: int = Field(0, ge=0, le=1000)
    #: Whether the pictures themselves are in the new set too.
    keep_originals: bool = True
    picture_format: Literal["png", "jpg"] = "png"
    jpg_quality: int = Field(95, ge=1, le=100)
    #: A request that would write more is refused.
    max_pictures: int = Field(1_000_000, ge=1)


@dataclass(frozen=True)
class AugmentConfig:
    """A checked cfg file; relative paths start from `root`."""

    file: str
    root: Path
    options: AugmentOptions
    as_written: dict[str, Any]

    def entries_of(self, side: Side) -> tuple[Mapping[str, Any], ...]:
        return self.options.training_transforms if side == "train" else self.options.testing_transforms


def load_augment_config(path: Path, root: Path) -> AugmentConfig:
    """Raises ConfigError with all problems of the file at once."""
    file = shown_path(path, root)
    whole = read_json_object(path, root)
    section = get_section(whole, SECTION, file)
    problems = unknown_keys(whole, [SECTION], file)
    options = None
    try:
        options = parse(AugmentOptions, section, file, SECTION, root)
    except ConfigError as error:
        problems.extend(error.problems)
    found = [*_list_problems(section, root), *_division_problems(section, root)]
    if options:
        found += [*_nothing_to_do(options), *_folder_problems(options, section, root)]
    problems += [ConfigProblem(file, f"{SECTION}.{problem.key}", problem.message) for problem in found]
    if problems or options is None:
        raise ConfigError(problems)
    return AugmentConfig(file, root, options, section)


def _list_problems(section: Mapping[str, Any], root: Path) -> Iterator[ConfigProblem]:
    for key, side in LISTS.items():
        entries = section.get(key, [])
        if not isinstance(entries, list):
            continue  # told by the section's own check
        for problem in find_problems(entries, root, side):
            yield ConfigProblem("", f"{key}.{problem.key}", problem.message)
        for index, name in enumerate(_names(entries)):
            if name in OPERATIONS and issubclass(get_operation_class(name), BatchOperation):
                message = f"{name!r} mixes classes, and a folder has one; it is for a training cfg"
                yield ConfigProblem("", f"{key}.{index}.{NAME_KEY}", message)


def _names(entries: list[Any]) -> list[str]:
    return [str(entry.get(NAME_KEY)) if isinstance(entry, dict) else "" for entry in entries]


def _division_problems(section: Mapping[str, Any], root: Path) -> Iterator[ConfigProblem]:
    """One division of one folder keeps train and test apart; two of them would not."""
    first: tuple[str, dict[str, Any]] | None = None
    for place, entry in _entries_with_folders(section):
        division = {key: _resolved(entry.get(key), root) for key in _DIVIDING_KEYS}
        if first is None:
            first = place, division
        for key in _DIVIDING_KEYS:
            if division[key] != first[1][key]:
                message = f"must be the same as in {first[0]}: train and test are divided once"
                yield ConfigProblem("", f"{place}.{key}", message)


def _entries_with_folders(section: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for key in LISTS:
        entries = section.get(key)
        for index, entry in enumerate(entries if isinstance(entries, list) else []):
            if isinstance(entry, dict) and entry.get(NAME_KEY) == "synthetic_background":
                yield f"{key}.{index}", entry


def _resolved(written: Any, root: Path) -> Any:
    return (root / written).resolve() if isinstance(written, str) and "\0" not in written else written


def _nothing_to_do(options: AugmentOptions) -> Iterator[ConfigProblem]:
    if not options.training_transforms and not options.testing_transforms:
        yield ConfigProblem("", "training_transforms", "and testing_transforms are empty; one must hold an operation")


def _folder_problems(options: AugmentOptions, section: Mapping[str, Any], root: Path) -> Iterator[ConfigProblem]:
    """The new set replaces what lies in its folder: nothing that is read may lie there, nor the new set in it."""
    output = options.output_folder.resolve()
    read = [("dataset_options.path", getattr(options.dataset_options, "path", None))]
    read += [
        (f"{place}.{key}", entry.get(key)) for place, entry in _entries_with_folders(section) for key in _FOLDER_KEYS
    ]
    for key, written in read:
        path = _resolved(str(written), root) if written else None
        if path and (output == path or output in path.parents or path in output.parents):
            yield ConfigProblem("", "output_folder", f"must lie apart from {key}, neither in it nor around it")
