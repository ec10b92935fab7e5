"""The OpenAPI 3.1 document: made of the URL map, the access rules and the operations, never written by hand."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from flask.sansio.app import App
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from werkzeug.routing import Rule

from deep_predictor.web.access import EXTENSION as ACCESS
from deep_predictor.web.error_handlers import PROBLEM_PATHS
from deep_predictor.web.error_responses import PROBLEM_CONTENT_TYPE
from deep_predictor.web.openapi_security import security_of, security_schemes
from deep_predictor.web.operations import EXTENSION as OPERATIONS
from deep_predictor.web.operations import Answer, Operation, Problem

OPENAPI_VERSION = "3.1.0"
#: Flask answers these by itself, wherever GET or anything is.
IMPLIED_METHODS = frozenset({"HEAD", "OPTIONS"})
NO_CONTENT = 204

Mode = Literal["validation", "serialization"]
Schema = dict[str, Any]

_REF = "#/components/schemas/"
_BYTES: Schema = {"type": "string", "format": "binary"}
_VARIABLE = re.compile(r"<(?:(?P<converter>\w+)(?:\((?P<arguments>[^)]*)\))?:)?(?P<name>\w+)>")
_PATH_SCHEMAS: dict[str, Schema] = {
    "string": {"type": "string", "minLength": 1, "pattern": "^[^/]+$"},
    "path": {"type": "string", "minLength": 1},
    "int": {"type": "integer", "minimum": 0},
    "id": {"type": "integer", "minimum": 1, "maximum": 999_999_999},
}


def build_document(app: App) -> Schema:
    operations: Mapping[str, Operation] = app.extensions.get(OPERATIONS, {})
    schemas = _Schemas(operations.values())
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint in operations]
    routes = [(rule, method) for rule in rules for method in methods_of(rule)]
    uses = Counter(rule.endpoint for rule, _ in routes)
    seen: Counter[str] = Counter()
    paths: dict[str, Schema] = {}
    for rule, method in routes:
        seen[rule.endpoint] += 1
        number = f"_{seen[rule.endpoint]}" if uses[rule.endpoint] > 1 else ""
        described = _described(app, rule, method, operations[rule.endpoint], schemas)
        described["operationId"] = rule.endpoint.replace(".", "_") + number
        paths.setdefault(path_template(rule), {})[method.lower()] = described
    return {
        "openapi": OPENAPI_VERSION,
        "info": {
            "title": "deep predictor",
            "version": "1",
            "description": "Predictions, and the management of what they are made with. Errors are RFC 9457 problems.",
        },
        "tags": [{"name": tag} for tag in dict.fromkeys(operations[rule.endpoint].tag for rule, _ in routes)],
        "paths": paths,
        "components": {
            "schemas": used_components(paths, schemas.components),
            "securitySchemes": security_schemes(app),
        },
    }


def methods_of(rule: Rule) -> list[str]:
    """What a route takes, without what Flask adds."""
    return sorted((rule.methods or set()) - IMPLIED_METHODS)


def path_template(rule: Rule) -> str:
    """`/datasets/<id:dataset_id>` -> `/datasets/{dataset_id}`."""
    return _VARIABLE.sub(lambda found: "{" + found["name"] + "}", rule.rule)


def used_components(paths: object, components: Mapping[str, Schema]) -> dict[str, Schema]:
    """The components that are referred to, straight or through others."""
    used: dict[str, Schema] = {}
    waiting: list[object] = [paths]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Mapping):
            name = str(part.get("$ref", "")).removeprefix(_REF)
            if name in components and name not in used:
                used[name] = components[name]
                waiting.append(components[name])
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
    return dict(sorted(used.items()))


class _Generator(GenerateJsonSchema):
    """Without titles that only repeat the fields' names."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def get_title_from_name(self, name: str) -> str:
        return name

    def default_schema(self, schema: Any) -> Schema:
        """Without a default of null: in a query there is no such value."""
        made = super().default_schema(schema)
        if "default" in made and made["default"] is None:
            del made["default"]
        return made


class _Schemas:
    """The JSON schemas of all models that the operations name, those that others hold as components."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        wanted: dict[tuple[Any, Mode], None] = {(Problem, "serialization"): None}
        for operation in operations:
            for model in (operation.query, operation.body, operation.form):
                if model is not None:
                    wanted[model, "validation"] = None
            for answer in operation.answers.values():
                if answer.model is not None:
                    wanted[answer.model, "serialization"] = None
        inputs = [(model, mode, TypeAdapter[Any](model)) for model, mode in wanted]
        self._made, definitions = TypeAdapter.json_schemas(
            inputs, ref_template=_REF + "{model}", schema_generator=_Generator
        )
        self.components: dict[str, Schema] = definitions.get("$defs", {})

    def of(self, model: Any, mode: Mode) -> Schema:
        """As it stands in the document: mostly a reference."""
        return self._made[model, mode]

    def fields(self, model: Any) -> tuple[dict[str, Schema], list[str]]:
        """(name -> schema, the required names) of a request model; null is no value of a query or a form."""
        schema = self.of(model, "validation")
        schema = self.components.get(str(schema.get("$ref", "")).removeprefix(_REF), schema)
        properties = {name: _without_null(one) for name, one in schema.get("properties", {}).items()}
        return properties, list(schema.get("required", []))


def _described(app: App, rule: Rule, method: str, operation: Operation, schemas: _Schemas) -> Schema:
    access = app.extensions[ACCESS][rule.endpoint]
    described: Schema = {"tags": [operation.tag], "summary": operation.summary}
    if operation.description:
        described["description"] = operation.description
    parameters = [*_path_parameters(rule), *_query_parameters(operation, schemas)]
    if parameters:
        described["parameters"] = parameters
    contents = _request_contents(operation, schemas)
    if contents:
        described["requestBody"] = {"required": True, "content": contents}
    described["responses"] = {
        str(status): _response(status, answer, schemas) for status, answer in sorted(operation.answers.items())
    }
    described["responses"]["default"] = _default_response(rule.rule, schemas)
    described["security"] = security_of(access, method)
    described["x-permission"] = access.name
    return described


def _path_parameters(rule: Rule) -> list[Schema]:
    """Raises KeyError for a converter that this file does not know."""
    parameters = []
    for found in _VARIABLE.finditer(rule.rule):
        if found["converter"] == "any":
            schema: Schema = {"type": "string", "enum": [one.strip(" '\"") for one in found["arguments"].split(",")]}
        else:
            schema = _PATH_SCHEMAS[found["converter"] or "string"]
        parameters.append({"name": found["name"], "in": "path", "required": True, "schema": schema})
    return parameters


def _query_parameters(operation: Operation, schemas: _Schemas) -> list[Schema]:
    if operation.query is None:
        return []
    properties, required = schemas.fields(operation.query)
    parameters = []
    for name, schema in properties.items():
        words = {"description": schema["description"]} if "description" in schema else {}
        bare = {key: value for key, value in schema.items() if key != "description"}
        parameters.append({"name": name, "in": "query", "required": name in required, **words, "schema": bare})
    return parameters


def _request_contents(operation: Operation, schemas: _Schemas) -> dict[str, Schema]:
    contents: dict[str, Schema] = {}
    if operation.body is not None:
        contents["application/json"] = {"schema": schemas.of(operation.body, "validation")}
    if operation.form is not None or operation.files:
        properties, required = schemas.fields(operation.form) if operation.form else ({}, [])
        files = dict.fromkeys(operation.files, _BYTES)
        form = {"type": "object", "properties": properties | files, "required": [*required, *files]}
        contents["multipart/form-data"] = {"schema": form}
        if not operation.files:
            contents["application/x-www-form-urlencoded"] = {"schema": form}
    for media_type in operation.raw:
        contents[media_type] = {"schema": _BYTES}
    return contents


def _response(status: int, answer: Answer, schemas: _Schemas) -> Schema:
    response: Schema = {"description": answer.description}
    if status == NO_CONTENT or answer.media_type is None:
        return response
    contents = {media_type: {"schema": _bare(media_type)} for media_type in (answer.media_type, *answer.also)}
    if answer.model is not None:
        contents[answer.media_type] = {"schema": schemas.of(answer.model, "serialization")}
    return response | {"content": contents}


def _default_response(path: str, schemas: _Schemas) -> Schema:
    contents = {PROBLEM_CONTENT_TYPE: {"schema": schemas.of(Problem, "serialization")}}
    if not path.startswith(PROBLEM_PATHS):  # clients that do not ask for JSON get words for people
        contents |= {media_type: {"schema": _bare(media_type)} for media_type in ("text/html", "text/plain")}
    return {"description": "What went wrong", "content": contents}


def _bare(media_type: str) -> Schema:
    """Of a body without a model."""
    return {"type": "string"} if media_type.startswith("text/") else _BYTES


def _without_null(schema: Schema) -> Schema:
    kinds = schema.get("anyOf")
    if not kinds or {"type": "null"} not in kinds:
        return schema
    others = [kind for kind in kinds if kind != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    return rest | (others[0] if len(others) == 1 else {"anyOf": others})
