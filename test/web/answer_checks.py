"""Every answer that an HTTP test gets is one that the OpenAPI document knows: its status, media type and content."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import jsonschema_rs
from flask import Flask
from werkzeug.exceptions import HTTPException

from deep_predictor.web.openapi_schema import build_document, path_template

#: One document a set of routes: building it takes longer than most tests.
_documents: dict[frozenset[str], dict[str, Any]] = {}


def check_answer(app: Flask, method: str, path: str, status: int, content_type: str, body: bytes) -> None:
    """Raises AssertionError. What no route takes is nobody's answer."""
    try:
        rule, _ = app.url_map.bind("localhost").match(path.partition("?")[0], method, return_rule=True)
    except HTTPException:
        return
    document = _document_of(app)
    operation = document["paths"][path_template(rule)].get(method.lower())
    if operation is None:  # HEAD, OPTIONS
        return
    where = f"{method} {path_template(rule)}: {status}"
    answers = operation["responses"]
    assert str(status) in answers or status >= 300, f"{where} is not in the document"
    contents = answers.get(str(status), answers["default"]).get("content", {})
    media_type = content_type.partition(";")[0].lower()
    if not body and not contents:
        return
    found = next((one for one in contents if _is_of(media_type, one)), None)
    assert found, f"{where}: {media_type!r} is none of {list(contents)}"
    if media_type.endswith(("/json", "+json")):
        schema = json.dumps(contents[found]["schema"])
        errors = [
            f"{error.instance_path}: {error.message}"
            for error in _validator(id(document), schema).iter_errors(json.loads(body))
        ]
        assert not errors, f"{where}: {errors}"


def _is_of(media_type: str, wanted: str) -> bool:
    kind, _, part = wanted.partition("/")
    return wanted in ("*/*", media_type) or (part == "*" and media_type.startswith(f"{kind}/"))


def _document_of(app: Flask) -> dict[str, Any]:
    routes = frozenset(f"{rule.endpoint} {rule.rule}" for rule in app.url_map.iter_rules())
    if routes not in _documents:
        _documents[routes] = build_document(app)
    return _documents[routes]


@cache
def _validator(document_id: int, schema: str) -> Any:
    document = next(one for one in _documents.values() if id(one) == document_id)
    return jsonschema_rs.validator_for({**json.loads(schema), "components": document["components"]})
