"""What a client may say of a training, and the cfg that is made of it. The server alone names files and folders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deep_predictor.config.strict import MAX_LEVELS, is_deeper_than
from deep_predictor.errors import RequestInvalid

#: The one key of a training cfg.
SECTION = "training_options"
#: Below the folder of the data sets: files that whoever looks after the server put there for trainings.
FILES_FOLDER = "files"
#: Every key of a training cfg that names a file or folder.
PATH_KEYS = frozenset(
    "run_folder output_folder path weights_file python_file cutouts backgrounds predictions_main_folder".split()
)
#: Keys of `architecture_options` that may name one of the server's files.
_FILE_KEYS = ("weights_file", "python_file")
#: Keys of `dataset_options` that a client may set.
_SHARES = ("val_share", "test_share")
#: What a client says in place of a folder -> the key that is made of it.
SHELF_KEYS = {"cutouts_dataset_id": "cutouts", "backgrounds_dataset_id": "backgrounds"}
#: Of `cutouts` and `backgrounds`, what `synthetic_background` cannot do without.
_SHELF_OPERATION = "synthetic_background"
_SERVERS_OWN = "is for the server to choose"
_LARGEST_ID = 999_999_999

Problems = list[tuple[str, str]]


@dataclass(frozen=True)
class Place:
    """Where a run's own files lie. `files`: the folder whose files settings may name."""

    files: Path
    predictions: Path


def check_settings(settings: Mapping[str, Any], allow_python: bool = False) -> None:
    """What the server itself sees to; everything else is the training's own check. Raises RequestInvalid with all."""
    if is_deeper_than(settings, MAX_LEVELS - 2):
        raise RequestInvalid([("settings", "is nested too deeply")])
    problems: Problems = [
        (f"settings.{key}", _SERVERS_OWN) for key in ("run_folder", "output_folder") if key in settings
    ]
    problems += _dataset_problems(settings.get("dataset_options"))
    if "predictions_main_folder" in _object(settings.get("serving_options")):
        problems.append(("settings.serving_options.predictions_main_folder", _SERVERS_OWN))
    if not allow_python and _object(settings.get("architecture_options")).get("python_file") is not None:
        message = "is not allowed: library_options.allow_python_architectures of the server's cfg is 0"
        problems.append(("settings.architecture_options.python_file", message))
    for index, entry in enumerate(_list(settings.get("augmentation"))):
        problems += _entry_problems(f"settings.augmentation.{index}", entry)
    problems += _search_problems(_object(settings.get("search_options")).get("ranges"))
    if problems:
        raise RequestInvalid(problems)


def shelves_of(settings: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """(key of a folder, id of the data set that it shall hold), of every operation that reads pictures."""
    for entry in _list(settings.get("augmentation")):
        yield from ((SHELF_KEYS[key], entry[key]) for key in SHELF_KEYS if key in _object(entry))


def training_cfg(
    settings: Mapping[str, Any],
    name: str,
    dataset_options: Mapping[str, Any],
    shelves: Mapping[tuple[str, int], Path],
    place: Place,
) -> dict[str, Any]:
    """The cfg file's content. `shelves`: the folder of each of `shelves_of`. Raises RequestInvalid.

    Settings of the wrong shape stay as they are, for the training's own check to name.
    """
    section = dict(settings)
    section["dataset_options"] = {**_object(settings.get("dataset_options")), **dataset_options}
    serving = settings.get("serving_options", {})
    if isinstance(serving, Mapping):
        section["serving_options"] = {
            "method": name,
            **serving,
            "predictions_main_folder": str(place.predictions),
        }
    if isinstance(settings.get("architecture_options"), Mapping):
        section["architecture_options"] = _with_files(settings["architecture_options"], place.files)
    if isinstance(settings.get("augmentation"), list):
        section["augmentation"] = [with_folders(entry, shelves) for entry in settings["augmentation"]]
    return {SECTION: section}


def shown_settings(cfg: Mapping[str, Any]) -> dict[str, Any]:
    """A training's settings without the server's folders."""
    section = {key: value for key, value in _object(cfg.get(SECTION)).items() if key not in PATH_KEYS}
    shown = {key: value if key == "fit_options" else _without_paths(value) for key, value in section.items()}
    shares = {key: value for key, value in _object(shown.pop("dataset_options", {})).items() if key in _SHARES}
    return {**shown, "dataset_options": shares} if shares else shown


def with_folders(entry: Any, shelves: Mapping[tuple[str, int], Path]) -> Any:
    """An operation, with the folders that it reads in place of their data sets. `shelves`: as in `training_cfg`."""
    if not isinstance(entry, Mapping):
        return entry
    plain = {key: value for key, value in entry.items() if key not in SHELF_KEYS}
    folders = {SHELF_KEYS[key]: str(shelves[SHELF_KEYS[key], entry[key]]) for key in SHELF_KEYS if key in entry}
    return {**plain, **folders}


def file_below(folder: Path, name: object) -> Path | None:
    """A file or folder of this name below `folder`; None for what is not there, or leads out of it."""
    try:
        path = (folder / str(name)).resolve()
        is_there = path.exists()
    except (OSError, ValueError):  # a name too long, or with a NUL
        return None
    return path if is_there and path != folder.resolve() and path.is_relative_to(folder.resolve()) else None


def _dataset_problems(written: Any) -> Problems:
    if written is not None and not isinstance(written, Mapping):
        return [("settings.dataset_options", "must be a JSON object")]
    strange = [key for key in _object(written) if key not in _SHARES]
    return [(f"settings.dataset_options.{key}", f"{_SERVERS_OWN}: dataset_id says what it is") for key in strange]


def _entry_problems(where: str, entry: Any) -> Problems:
    """Of one operation."""
    written = _object(entry)
    problems: Problems = [
        (f"{where}.{key}", f"{_SERVERS_OWN}: {key}_dataset_id says what it holds")
        for key in SHELF_KEYS.values()
        if key in written
    ]
    is_shelved = written.get("name") == _SHELF_OPERATION
    for key in SHELF_KEYS:
        value = written.get(key)
        if value is not None and (type(value) is not int or not 1 <= value <= _LARGEST_ID):
            problems.append((f"{where}.{key}", "must be the id of a data set"))
        elif value is not None and not is_shelved:
            problems.append((f"{where}.{key}", f"is for {_SHELF_OPERATION} alone"))
        elif value is None and is_shelved:
            problems.append((f"{where}.{key}", "is missing"))
    return problems


def _search_problems(ranges: Any) -> Problems:
    """No value that a search tries may name a file either."""
    problems: Problems = []
    for key, values in _object(ranges).items():
        words = key.split(".")
        hidden = [word for word in words if word in PATH_KEYS]
        if not hidden and words[0] != "fit_options":
            hidden = sorted(set(_keys_in(values)) & PATH_KEYS)
        problems += [(f"settings.search_options.ranges.{key}", f"{word} {_SERVERS_OWN}") for word in hidden]
    return problems


def _keys_in(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from value
    for inner in value.values() if isinstance(value, Mapping) else _list(value):
        yield from _keys_in(inner)


def _with_files(written: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    found, problems = dict(written), []
    for key in _FILE_KEYS:
        if written.get(key) is None:
            continue
        path = file_below(folder, written[key])
        if path is None:
            message = f"is no file in the folder {FILES_FOLDER!r} of the server's data sets"
            problems.append((f"settings.architecture_options.{key}", message))
        found[key] = str(path)
    if problems:
        raise RequestInvalid(problems)
    return found


def _without_paths(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_paths(inner) for key, inner in value.items() if key not in PATH_KEYS}
    return [_without_paths(inner) for inner in value] if isinstance(value, list) else value


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
