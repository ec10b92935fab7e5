"""Asks every route of an application what its OpenAPI document allows, and much that it does not (schemathesis)."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import schemathesis
from flask import Flask
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

#: What must hold of every answer. The others of schemathesis guess at what a server means by its refusals.
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
)
#: Ids that are asked for: few enough that many of them are there.
LARGEST_ID = 4


@dataclass(frozen=True)
class Checked:
    """`answers`: how often each "METHOD path: status" came; `failures`: what broke a check, one text each."""

    answers: dict[str, int]
    failures: list[str]


class Closing:
    """An application whose answers are read and closed, as a server does; schemathesis forgets to."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        body = self._app(environ, start_response)
        try:
            return [b"".join(body)]
        finally:
            if hasattr(body, "close"):
                body.close()


def check_api(
    app: Flask, document: dict[str, Any], token: str | None, max_examples: int, all_phases: bool = True
) -> Checked:
    """`token`: is sent with every request; None: what schemathesis makes up, and nothing.

    `all_phases`: also the examples and every limit of every field, one by one; it never follows links.
    """
    config = SchemathesisConfig.from_dict(
        {
            "seed": 1,
            "generation": {
                "max-examples": max_examples,
                "database": "none",
                "no-shrink": True,
                "with-security-parameters": token is None,
            },
            "headers": {"Authorization": f"Bearer {token}"} if token else {},
            "checks": {"enabled": False, **{name: {"enabled": True} for name in CHECKS}},
            "phases": {
                "stateful": {"enabled": False},
                "coverage": {"enabled": all_phases},
                "examples": {"enabled": all_phases},
            },
            "suppress-health-check": ["all"],
            "continue-on-failure": True,
        }
    )
    schema = schemathesis.openapi.from_dict(_with_small_ids(document), config=config)
    schema.app = Closing(app)
    answers: dict[str, int] = {}
    failures: dict[str, str] = {}
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            _collect(event.recorder, answers, failures)
        elif isinstance(event, events.NonFatalError):
            failures[f"{event.label} {event.value!r}"] = f"{event.label}: {event.value!r}"
        elif isinstance(event, events.FatalError):
            raise event.exception
    return Checked(answers, list(failures.values()))


def _collect(recorder: ScenarioRecorder, answers: dict[str, int], failures: dict[str, str]) -> None:
    for case_id, interaction in recorder.interactions.items():
        case = recorder.cases[case_id].value
        if interaction.response is not None:
            name = f"{case.operation.label}: {interaction.response.status_code}"
            answers[name] = answers.get(name, 0) + 1
    for checks in recorder.checks.values():
        for check in checks:
            if check.status == Status.FAILURE and check.failure_info:
                failure = check.failure_info.failure
                text = f"{failure.operation}: {failure.title}: {failure.message}\n{check.failure_info.code_sample}"
                failures.setdefault(f"{failure.operation} {failure.title}", text)


def _with_small_ids(document: dict[str, Any]) -> dict[str, Any]:
    changed = copy.deepcopy(document)
    for methods in changed["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "path" and parameter["schema"].get("maximum", 0) > LARGEST_ID:
                    parameter["schema"]["maximum"] = LARGEST_ID
    return changed
