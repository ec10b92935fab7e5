"""The OpenAPI document, put into the words and tables that the docs page shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]

#: Objects in objects are shown so deep; what lies deeper is named.
DEEPEST = 3
LONGEST_TYPE = 160
_BOUNDS = {"minimum": "≥", "maximum": "≤", "exclusiveMinimum": ">", "exclusiveMaximum": "<"}
_LENGTHS = {"minLength": "at least {} characters", "maxLength": "at most {} characters"}


@dataclass(frozen=True)
class FieldLine:
    """A parameter, or a field of a body. `depth`: in how many objects it lies."""

    name: str
    place: str
    type: str
    required: bool
    words: str
    depth: int = 0


@dataclass(frozen=True)
class BodyBlock:
    """One kind of body, of a request or an answer. `status` is empty for a request."""

    status: str
    words: str
    media_type: str
    type: str
    fields: list[FieldLine]


@dataclass(frozen=True)
class RouteBlock:
    id: str
    method: str
    path: str
    summary: str
    words: str
    permission: str
    parameters: list[FieldLine]
    requests: list[BodyBlock]
    answers: list[BodyBlock]


def docs_page(document: Schema) -> dict[str, Any]:
    """What the template takes: the sections in the order of the tags, each (tag, its routes), and the credentials."""
    sections: dict[str, list[RouteBlock]] = {tag["name"]: [] for tag in document["tags"]}
    components = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            sections[operation["tags"][0]].append(_route(path, method, operation, components))
    schemes = document["components"]["securitySchemes"]
    return {"info": document["info"], "sections": sections, "schemes": schemes}


def _route(path: str, method: str, operation: Schema, components: Schema) -> RouteBlock:
    contents = operation.get("requestBody", {}).get("content", {})
    answers = [
        block
        for status, answer in operation["responses"].items()
        for block in _bodies(status, answer["description"], answer.get("content", {}), components)
    ]
    return RouteBlock(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        words=operation.get("description", ""),
        permission=operation["x-permission"],
        parameters=[_parameter(one, components) for one in operation.get("parameters", [])],
        requests=_bodies("", "", contents, components),
        answers=answers,
    )


def _parameter(parameter: Schema, components: Schema) -> FieldLine:
    return FieldLine(
        name=parameter["name"],
        place=parameter["in"],
        type=type_words(parameter["schema"], components),
        required=parameter["required"],
        words=parameter.get("description", ""),
    )


def _bodies(status: str, words: str, contents: Schema, components: Schema) -> list[BodyBlock]:
    if not contents:
        return [BodyBlock(status, words, "", "", [])] if status else []
    return [
        BodyBlock(
            status,
            words,
            media_type,
            type_words(content["schema"], components),
            _fields(content["schema"], components, 0),
        )
        for media_type, content in contents.items()
    ]


def _fields(schema: Schema, components: Schema, depth: int) -> list[FieldLine]:
    """The fields of an object, or of the objects in a list, each followed by its own."""
    schema = _inner(schema, components)
    lines: list[FieldLine] = []
    if depth >= DEEPEST:
        return lines
    for name, field in schema.get("properties", {}).items():
        required = name in schema.get("required", [])
        words = field.get("description", "")
        lines.append(FieldLine(name, "", type_words(field, components), required, words, depth))
        lines += _fields(field, components, depth + 1)
    return lines


def _inner(schema: Schema, components: Schema) -> Schema:
    """Through references, lists and null, to the object whose fields are to be shown; {} where there is not one."""
    schema = _resolved(schema, components)
    kinds = [kind for kind in schema.get("anyOf", []) if kind.get("type") != "null"]
    if len(kinds) == 1:
        return _inner(kinds[0], components)
    if schema.get("type") == "array":
        return _inner(schema.get("items", {}), components)
    return schema


def _resolved(schema: Schema, components: Schema) -> Schema:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    found: Schema = components[name] if name else schema
    return found


def type_words(schema: Schema, components: Schema) -> str:
    """`integer ≥ 1 ≤ 500`, `list of string`, `"a" or "b"`, at most LONGEST_TYPE characters."""
    words = _type_words(schema, components)
    return words if len(words) <= LONGEST_TYPE else words[:LONGEST_TYPE] + "…"


def _type_words(schema: Schema, components: Schema) -> str:
    if "$ref" in schema:
        target = _resolved(schema, components)
        name = schema["$ref"].rpartition("/")[2]
        return _type_words(target, components) if "enum" in target else str(name)
    if "anyOf" in schema:
        return " or ".join(_type_words(kind, components) for kind in schema["anyOf"])
    if "const" in schema or "enum" in schema:
        values = schema.get("enum", [schema.get("const")])
        return " or ".join(f'"{value}"' if isinstance(value, str) else str(value) for value in values)
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_type_words(schema.get('items', {}), components)}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return f"object of {_type_words(schema['additionalProperties'], components)}"
    words = [str(schema.get("format") or kind)]
    words += [f"{sign} {schema[key]}" for key, sign in _BOUNDS.items() if key in schema]
    words += [f"({text.format(schema[key])})" for key, text in _LENGTHS.items() if key in schema]
    return " ".join(words)
