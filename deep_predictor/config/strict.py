"""Reading a cfg file: JSON -> one strict, frozen object, or one ConfigError with every problem in it."""

from __future__ import annotations

import difflib
import json
import math
import unicodedata
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError, ValidationInfo

from deep_predictor.config.problem_text import problem_of
from deep_predictor.errors import ConfigError, ConfigProblem

#: What a cfg holds goes on to answers and rows, whose readers have less room for depth than this process has here.
MAX_LEVELS = 32

Model = TypeVar("Model", bound="StrictModel")


class StrictModel(BaseModel):
    """An unknown key is an error; nothing changes after the check.

    A field made with `repr=False` is a secret: its value stands in no error text.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, hide_input_in_errors=True, allow_inf_nan=False
    )


def _plain_path(value: Any) -> Any:
    if isinstance(value, str) and not value.strip():
        raise ValueError("must name a path")
    if isinstance(value, str) and any(unicodedata.category(character) == "Cc" for character in value):
        raise ValueError("must not hold control characters")
    return value


def _resolve(path: Path, info: ValidationInfo) -> Path:
    return Path(info.context["root"]) / path if info.context else path


def _below_root(folder: Path, info: ValidationInfo) -> Path:
    if info.context and Path(info.context["root"]).resolve().is_relative_to(folder.resolve()):
        raise ValueError("must be a folder of its own, not one that holds the project")
    return folder


#: A path that is relative to the project's root, made absolute.
ProjectPath = Annotated[Path, BeforeValidator(_plain_path), AfterValidator(_resolve)]
#: A folder whose files the server may delete: never the project's root or a folder above it.
ProjectFolder = Annotated[ProjectPath, AfterValidator(_below_root)]


def parse(model_class: type[Model], mapping: Mapping[str, Any], file: str, prefix: str, root: Path) -> Model:
    """Check a JSON object against its class. Raises ConfigError with all problems, each as `file: prefix.key: what`."""
    try:
        return model_class.model_validate(mapping, context={"root": root})
    except ValidationError as error:
        problems = [problem_of(model_class, details, file, prefix) for details in error.errors(include_url=False)]
    # Raised out here, the error keeps no reference to pydantic's, which holds every value.
    raise ConfigError(problems)


def read_json_object(path: Path, root: Path) -> dict[str, Any]:
    """Raises ConfigError when the file is missing, not UTF-8, not JSON, not an object, or names a key twice."""
    file = shown_path(path, root)
    key, message = "", ""
    try:
        loaded = json.loads(
            path.read_text(encoding="utf-8-sig"),
            object_pairs_hook=_refuse_duplicates,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
        json.dumps(loaded, ensure_ascii=False).encode()
        if is_deeper_than(loaded, MAX_LEVELS):
            message = f"is nested too deeply: over {MAX_LEVELS} levels"
        elif isinstance(loaded, dict):
            return loaded
        else:
            message = "must be a JSON object: { … }"
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
    except UnicodeDecodeError as error:
        message = f"is not UTF-8: byte {error.start}"
    except UnicodeEncodeError:
        message = r"is not JSON: half of a surrogate pair (\ud800 to \udfff) stands alone"
    except json.JSONDecodeError as error:
        message = f"is not JSON: line {error.lineno}, column {error.colno}: {error.msg}"
    except RecursionError:
        message = "is nested too deeply"
    except _DuplicateKey as error:
        key, message = str(error), "stands there twice"
    except ValueError as error:
        message = f"is not JSON: {error}"
    raise ConfigError([ConfigProblem(file, key, message)])


def is_deeper_than(loaded: Any, levels: int) -> bool:
    """Whether lists and objects lie in each other over so many levels deep; told without recursion."""
    layer = [loaded]
    for _ in range(levels):
        layer = [item for value in layer for item in _inside(value)]
        if not layer:
            return False
    return any(isinstance(value, dict | list) for value in layer)


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def get_section(mapping: Mapping[str, Any], key: str, file: str, prefix: str = "") -> dict[str, Any]:
    """A required object inside an object. Raises ConfigError, naming the nearest key that is there."""
    name = f"{prefix}.{key}" if prefix else key
    section = mapping.get(key)
    if isinstance(section, dict):
        return section
    if key in mapping:
        raise ConfigError([ConfigProblem(file, name, "must be a JSON object: { … }")])
    near = difflib.get_close_matches(key, list(mapping), 1)
    hint = f"; is {near[0]!r} meant to be it?" if near else ""
    raise ConfigError([ConfigProblem(file, name, f"is missing{hint}")])


def unknown_keys(
    mapping: Mapping[str, Any], known: Collection[str], file: str, prefix: str = ""
) -> list[ConfigProblem]:
    """A problem for each key that is not known, in the file's order."""
    problems = []
    for key in mapping:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are: {', '.join(sorted(known))}"
            problems.append(ConfigProblem(file, f"{prefix}.{key}" if prefix else key, f"unknown key; {hint}"))
    return problems


def shown_path(path: Path, root: Path) -> str:
    """How a path stands in messages: relative to the project where it lies inside."""
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


class _DuplicateKey(Exception):
    pass


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    loaded: dict[str, Any] = {}
    for key, value in pairs:
        if key in loaded:
            raise _DuplicateKey(key)
        loaded[key] = value
    return loaded


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def _finite(written: str) -> float:
    """JSON has no infinity, yet 1e999 becomes one; model_info goes back to clients as JSON."""
    number = float(written)
    if not math.isfinite(number):
        raise ValueError(f"{written[:40]} is too large a number")
    return number
