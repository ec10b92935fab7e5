"""How a problem that pydantic found is told: by file and key, in plain words, and without any secret."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import Any, get_args

from pydantic import AliasChoices, BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from deep_predictor.errors import ConfigProblem

SHOWN_CHARACTERS = 80

#: pydantic's kind of error -> what the value must be.
_MUST_BE = {
    "bool_parsing": "0 or 1",
    "bool_type": "0 or 1",
    "int_from_float": "an integer",
    "int_parsing": "an integer",
    "int_parsing_size": "an integer",
    "int_type": "an integer",
    "float_parsing": "a number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "a text",
    "string_unicode": "a text in UTF-8",
    "path_type": "a path",
    "list_type": "a list: [ … ]",
    "tuple_type": "a list: [ … ]",
    "dict_type": "a JSON object: { … }",
    "model_type": "a JSON object: { … }",
    "model_attributes_type": "a JSON object: { … }",
}
_BOUNDS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
#: What stands where an object should be could be a secret in the wrong place.
_HIDDEN_KINDS = {"dict_type", "model_type", "model_attributes_type"}


def problem_of(model_class: type[BaseModel], details: ErrorDetails, file: str, prefix: str) -> ConfigProblem:
    """One of `ValidationError.errors()` as `file: prefix.key: must be > 0 (got -1)`."""
    location = [str(part) for part in details["loc"]]
    key = ".".join([prefix, *location] if prefix else location)
    if details["type"] == "extra_forbidden":
        return ConfigProblem(file, key, _unknown_key(model_class, location))
    if details["type"] == "missing":
        return ConfigProblem(file, key, "is missing")
    message = _message(details)
    value = details.get("input")
    fields, _ = _walk(model_class, location)
    is_secret = any(field.repr is False for field in fields)
    if is_secret or details["type"] in _HIDDEN_KINDS or isinstance(value, dict | list | BaseModel):
        return ConfigProblem(file, key, message)
    return ConfigProblem(file, key, f"{message} (got {_shortened(value)})")


def _message(details: ErrorDetails) -> str:
    kind = details["type"]
    context = details.get("ctx") or {}
    if kind == "value_error":
        return details["msg"].removeprefix("Value error, ")
    if kind in _MUST_BE:
        return f"must be {_MUST_BE[kind]}"
    for name, sign in _BOUNDS.items():
        if name in context:
            bound = context[name]
            return f"must be {sign} {int(bound) if bound == int(bound) else bound}"
    if kind in ("string_too_short", "too_short") and context.get("min_length") == 1:
        return "must not be empty"
    # "Input should be 'a' or 'b'", "String should match pattern '…'", "Tuple should have at most 16 items …"
    said, count = re.subn(r"^\w+ should ", "must ", details["msg"].replace("valid ", ""))
    return said if count else f"must be {said}"


def _unknown_key(model_class: type[BaseModel], location: Sequence[str]) -> str:
    _, model = _walk(model_class, location[:-1])
    if model is None:
        return "unknown key"
    known = sorted({spelling for name, field in model.model_fields.items() for spelling in _spellings(name, field)})
    near = difflib.get_close_matches(location[-1], known, 1)
    return f"unknown key; did you mean {near[0]!r}?" if near else f"unknown key; known are: {', '.join(known)}"


def _walk(model_class: type[BaseModel], location: Sequence[str]) -> tuple[list[FieldInfo], type[BaseModel] | None]:
    """The fields along a location, and the model that it ends in; places in a list are passed over."""
    fields: list[FieldInfo] = []
    model: type[BaseModel] | None = model_class
    for part in location:
        if model is None:
            break
        field = next((f for name, f in model.model_fields.items() if part in _spellings(name, f)), None)
        if field is not None:
            fields.append(field)
            model = _model_in(field.annotation)
    return fields, model


def _spellings(name: str, field: FieldInfo) -> list[str]:
    """What a cfg file may call a field."""
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        return [choice for choice in alias.choices if isinstance(choice, str)]
    return [alias] if isinstance(alias, str) else [name]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that a field holds, be it in a list, a union or by itself."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for inner in get_args(annotation) if (model := _model_in(inner))), None)


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
