"""Reading a cfg file: JSON -> one strict, frozen object, or one ConfigError with every problem in it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, ValidationInfo
from pydantic_core import ErrorDetails

from deep_predictor.errors import ConfigError, ConfigProblem

#: Names of keys whose values never stand in an error text.
SECRET_KEYS = frozenset({"secret_key", "api_key", "recaptcha_secret_key", "database_path"})

Model = TypeVar("Model", bound="StrictModel")


class StrictModel(BaseModel):
    """An unknown key is an error; nothing changes after the check."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, hide_input_in_errors=True)


def _resolve(path: Path, info: ValidationInfo) -> Path:
    return Path(info.context["root"]) / path if info.context else path


#: A path that is relative to the project's root, made absolute.
ProjectPath = Annotated[Path, AfterValidator(_resolve)]


def parse(model_class: type[Model], mapping: Mapping[str, Any], file: str, prefix: str, root: Path) -> Model:
    """Check a JSON object against its class. Raises ConfigError with all problems, each as `file: prefix.key: what`."""
    try:
        return model_class.model_validate(mapping, context={"root": root})
    except ValidationError as error:
        problems = [_problem(model_class, details, file, prefix) for details in error.errors(include_url=False)]
        raise ConfigError(problems) from None


def read_json_object(path: Path, root: Path) -> dict[str, Any]:
    """Raises ConfigError when the file is missing, not UTF-8, not JSON, not an object, or names a key twice."""
    file = shown_path(path, root)
    try:
        loaded = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=_refuse_duplicates)
    except OSError as error:
        raise ConfigError([ConfigProblem(file, "", f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([ConfigProblem(file, "", f"is not UTF-8: byte {error.start}")]) from None
    except json.JSONDecodeError as error:
        message = f"is not JSON: line {error.lineno}, column {error.colno}: {error.msg}"
        raise ConfigError([ConfigProblem(file, "", message)]) from None
    except RecursionError:
        raise ConfigError([ConfigProblem(file, "", "is nested too deeply")]) from None
    except _DuplicateKey as error:
        raise ConfigError([ConfigProblem(file, str(error), "stands there twice")]) from None
    if not isinstance(loaded, dict):
        raise ConfigError([ConfigProblem(file, "", "must be a JSON object: { … }")])
    return loaded


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


def _problem(model_class: type[BaseModel], details: ErrorDetails, file: str, prefix: str) -> ConfigProblem:
    location = [str(part) for part in details["loc"]]
    key = ".".join([prefix, *location] if prefix else location)
    kind = details["type"]
    if kind == "extra_forbidden":
        known = _known_keys(model_class, location[:-1])
        near = difflib.get_close_matches(location[-1], known, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are: {', '.join(known)}"
        return ConfigProblem(file, key, f"unknown key; {hint}")
    if kind == "missing":
        return ConfigProblem(file, key, "is missing")
    message = details["msg"].removeprefix("Value error, ").removeprefix("Input should be ").replace("valid ", "")
    context = details.get("ctx") or {}
    for name, sign in (("gt", ">"), ("ge", ">="), ("lt", "<"), ("le", "<=")):
        if name in context:
            message = f"must be {sign} {context[name]}"
    if not details["msg"].startswith("Value error") and not message.startswith("must"):
        message = f"must be {message}"
    value = details.get("input")
    if location[-1] in SECRET_KEYS or isinstance(value, dict | list):
        return ConfigProblem(file, key, message)
    return ConfigProblem(file, key, f"{message} (got {_shortened(value)})")


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"


def _known_keys(model_class: type[BaseModel], location: list[str]) -> list[str]:
    """The keys of the (nested) model at a location, aliases included."""
    current: Any = model_class
    for part in location:
        field = current.model_fields.get(part) if hasattr(current, "model_fields") else None
        if field is None:
            return []
        candidates = [field.annotation, *get_args(field.annotation)]
        current = next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)
    if current is None:
        return []
    return sorted({name for key, field in current.model_fields.items() for name in (key, field.alias) if name})
