"""Dotted keys and their values: put into a cfg, checked against it, and told to the sampler."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import AliasChoices, BaseModel

from deep_predictor.errors import ConfigError, ConfigProblem
from deep_predictor.training.search.options import RangeOptions

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

SECTION = "training_options"
SEARCH_KEY = "search_options"
#: Keys that decide which pictures are kept for the test, or that name what a search itself is.
NOT_SEARCHED = {
    "seed": "it decides which pictures are tested on, and no choice may be made on those",
    "dataset_options": "it decides which pictures are tested on, and no choice may be made on those",
    "run_folder": "each trial has a folder of its own",
    "output_folder": "each trial has a folder of its own",
    SEARCH_KEY: "a search does not search itself",
}
#: Checks a section as a training cfg; raises ConfigError, else what it was read as.
Check = Callable[[dict[str, Any]], Any]


@dataclass(frozen=True)
class Space:
    """The checked values of one key."""

    key: str
    range: RangeOptions
    is_whole: bool

    def distribution(self) -> BaseDistribution:
        """As Optuna has it. Choices are JSON, so that they may be lists and objects."""
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        options = self.range
        if options.choices is not None:
            return CategoricalDistribution([json.dumps(choice, sort_keys=True) for choice in options.choices])
        if self.is_whole:
            return IntDistribution(int(options.low), int(options.high), log=options.log, step=int(options.step or 1))
        return FloatDistribution(float(options.low), float(options.high), log=options.log, step=options.step)

    def read(self, suggested: Any) -> Any:
        """What the sampler suggested, as the cfg has it."""
        return json.loads(suggested) if self.range.choices is not None else suggested


def with_values(section: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """A plain training section: the searched keys have these values, and nothing is searched.

    Raises ValueError for a key that leads through something that has no keys.
    """
    changed = copy.deepcopy({key: value for key, value in section.items() if key != SEARCH_KEY})
    for key, value in values.items():
        *way, last = key.split(".")
        place: Any = changed
        for part in way:
            place = place.setdefault(part, {}) if isinstance(place, dict) else _item(place, part)
        if isinstance(place, dict):
            place[last] = copy.deepcopy(value)
        else:
            _item(place, last)
            place[int(last)] = copy.deepcopy(value)
    return changed


def check_ranges(
    section: Mapping[str, Any], ranges: Mapping[str, RangeOptions], file: str, check: Check
) -> list[Space]:
    """What is to be searched. Raises ConfigError with every key that is unknown or leaves what the cfg allows."""
    problems: list[ConfigProblem] = []
    spaces = []
    for key, options in ranges.items():
        found, read = _problems_of(section, key, options, check)
        shown = f"{SECTION}.{SEARCH_KEY}.ranges.{key}"
        problems += [ConfigProblem(file, shown, message) for message in found]
        numbers = (options.low, options.high) + ((options.step,) if options.step is not None else ())
        is_whole = isinstance(read, int) and all(number == int(number) for number in numbers if number is not None)
        spaces.append(Space(key, options, is_whole))
    if problems:
        raise ConfigError(problems)
    return spaces


def _problems_of(section: Mapping[str, Any], key: str, options: RangeOptions, check: Check) -> tuple[list[str], Any]:
    """What is wrong with a range, and how the cfg reads one of its values."""
    reason = NOT_SEARCHED.get(key.split(".")[0])
    if reason:
        return [f"cannot be searched: {reason}"], None
    tried = options.choices if options.choices is not None else (options.low, options.high)
    problems: list[str] = []
    read: Any = None
    for value in tried:
        try:
            read = _value_at(check(with_values(section, {key: value})), key.split("."), value)
        except ConfigError as error:
            # Some problems are of the whole value, some of a part of it, some of a neighbour that does not fit it.
            problems += [f"{_said_key(problem, key)}{problem.message}" for problem in error.problems]
        except ValueError as error:
            problems.append(str(error))
    return list(dict.fromkeys(problems)), read


def _said_key(problem: ConfigProblem, key: str) -> str:
    return "" if problem.key == f"{SECTION}.{key}" else f"{problem.key}: "


def _item(place: Any, part: str) -> Any:
    if not isinstance(place, list):
        raise ValueError(f"{part!r} is no key: there is a value, not an object, before it")
    if not part.isdecimal() or int(part) >= len(place):
        raise ValueError(f"{part!r} is no place in a list of {len(place)}")
    return place[int(part)]


def _value_at(read: Any, way: list[str], written: Any) -> Any:
    """The checked value at a key; as written where it is kept under another name."""
    for part in way:
        if isinstance(read, BaseModel):
            name = _field_named(read, part)
            if name is None:
                return written
            read = getattr(read, name)
        elif isinstance(read, Mapping):
            read = read.get(part, written)
        elif isinstance(read, list | tuple) and part.isdecimal() and int(part) < len(read):
            read = read[int(part)]
        else:
            return written
    return read


def _field_named(model: BaseModel, word: str) -> str | None:
    for name, field in type(model).model_fields.items():
        alias = field.validation_alias
        if word in (name, alias) or (isinstance(alias, AliasChoices) and word in alias.choices):
            return name
    return None
