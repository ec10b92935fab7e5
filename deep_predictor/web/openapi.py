"""GET /openapi.json and /docs: made of the routes' operations."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, render_template, request
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue

from deep_predictor.web.access import PUBLIC, register, wants_json
from deep_predictor.web.docs_page import docs_page
from deep_predictor.web.json_format import json_response
from deep_predictor.web.openapi_schema import build_document
from deep_predictor.web.operations import Answer, Operation, note_operation
from deep_predictor.web.serving_operations import STATIC

#: Where the document is kept: no route comes after the first request.
EXTENSION = "deep_predictor_openapi"
TAG = "About the API"


def create_openapi() -> Blueprint:
    """The blueprint `openapi`. Flask's own route of the static files gets its description here."""
    blueprint = Blueprint("openapi", __name__)
    document_answer = Answer("The document", dict[str, Any])
    register(
        blueprint,
        "/openapi.json",
        openapi_json,
        ["GET"],
        PUBLIC,
        Operation("This description, as OpenAPI 3.1", {200: document_answer}, TAG),
    )
    register(
        blueprint,
        "/docs",
        docs,
        ["GET"],
        PUBLIC,
        Operation("This description, as a page", {200: Answer("The page", dict[str, Any], also=["text/html"])}, TAG),
    )

    def note_static(state: BlueprintSetupState) -> None:
        note_operation(state.app, "static", STATIC)

    blueprint.record(note_static)
    return blueprint


def openapi_json() -> ResponseReturnValue:
    return json_response(_document() | {"servers": [{"url": request.script_root or "/"}]})


def docs() -> ResponseReturnValue:
    """The page; the document itself to a client that asks for JSON."""
    if wants_json(request):
        return openapi_json()
    return render_template("docs/docs.html", **docs_page(_document()))


def _document() -> dict[str, Any]:
    kept: dict[str, Any] | None = current_app.extensions.get(EXTENSION)
    if kept is None:
        kept = current_app.extensions[EXTENSION] = build_document(current_app)
    return kept
