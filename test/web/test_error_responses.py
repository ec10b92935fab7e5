"""The one table from errors to HTTP knows every error that a request can meet, and docs/api.md names them all."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from werkzeug.exceptions import HTTPException, ImATeapot, MethodNotAllowed, NotFound, RequestEntityTooLarge

from deep_predictor import errors
from deep_predictor.web.error_responses import (
    ERROR_TABLE,
    HTTP_ERRORS,
    LONGEST_DETAIL,
    add_headers,
    form_error,
    problem_response,
    row_of,
)

SUBMISSION_ERRORS = [
    error
    for _, error in inspect.getmembers(errors, inspect.isclass)
    if issubclass(error, errors.SubmissionError) and error is not errors.SubmissionError
]


@pytest.mark.parametrize("error_class", SUBMISSION_ERRORS, ids=lambda c: c.__name__)
def test_table_has_every_submission_error(error_class: type[errors.SubmissionError]) -> None:
    assert error_class in ERROR_TABLE


@pytest.mark.parametrize("error_class", ERROR_TABLE, ids=lambda c: c.__name__)
def test_docs_name_the_code_and_status_of_every_error(
    error_class: type[errors.DeepPredictorError], project_root: Path
) -> None:
    row = ERROR_TABLE[error_class]
    lines = (project_root / "docs" / "api.md").read_text(encoding="utf-8").splitlines()
    [line] = [line for line in lines if line.startswith(f"| `{error_class.code}` |")]
    assert f"| {row.status} | {row.form_status} |" in line


@pytest.mark.parametrize("code", [code for code, _ in HTTP_ERRORS.values()])
def test_docs_name_the_code_of_every_http_error(code: str, project_root: Path) -> None:
    assert f"| `{code}` |" in (project_root / "docs" / "api.md").read_text(encoding="utf-8")


def test_form_error_of_the_test_environment_has_its_own_text() -> None:
    assert form_error(errors.WrongApiKey()) == (400, "Api key is incorrect")
    assert form_error(errors.WrongApiKey(), "test") == (400, "test api key is incorrect")
    assert form_error(errors.EmptyField("image"), "test") == (400, "Required form elements are empty")


def test_problem_of_a_missing_field_names_it() -> None:
    body = problem_response(errors.MissingField("image")).get_json(force=True)
    assert body == {
        "type": "urn:deep-predictor:problem:missing_field",
        "title": "A required field is missing",
        "status": 422,
        "code": "missing_field",
        "detail": "the field 'image' is missing",
        "field": "image",
    }


def test_problem_never_tells_what_is_only_for_the_log() -> None:
    for error in (
        errors.ImageUnreadable("/a/secret/path"),
        errors.ImageNotStored("/a/secret/path"),
        errors.DatabaseBusy("/a/secret/path"),
        errors.RecaptchaUnreachable("/a/secret/path"),
        errors.BackendNotReady("/a/secret/path", "model_missing"),
    ):
        assert b"secret" not in problem_response(error).data
        assert "secret" not in form_error(error)[1]


def test_problem_of_an_endless_name_is_short() -> None:
    response = problem_response(errors.UnknownPredictor("x" * 100_000, ["a"]))
    assert len(response.get_json(force=True)["detail"]) == LONGEST_DETAIL


def test_problem_of_an_error_that_no_request_should_meet_is_500() -> None:
    response = problem_response(errors.TrainingError("x"))
    assert (response.status_code, response.get_json(force=True)["code"]) == (500, "internal_error")
    assert row_of(errors.TrainingError("x")).form_status == 500


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotFound(), 404, "not_found"),
        (MethodNotAllowed(), 405, "method_not_allowed"),
        (RequestEntityTooLarge(), 413, "too_large"),
        (ImATeapot(), 418, "http_418"),
    ],
)
def test_problem_of_an_http_error_has_its_code(error: HTTPException, status: int, code: str) -> None:
    response = problem_response(error)
    assert (response.status_code, response.get_json(force=True)["code"]) == (status, code)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (errors.QueueFull("x", 17), "17"),
        (errors.TooManyWaiting(), "1"),
        (errors.DatabaseBusy("x"), "5"),
        (errors.RecaptchaUnreachable("x"), "5"),
        (errors.WrongApiKey(), None),
    ],
)
def test_retry_after_stands_where_it_is_worth_a_try(error: errors.DeepPredictorError, expected: str | None) -> None:
    response = problem_response(error)
    add_headers(response, error)
    assert response.headers.get("Retry-After") == expected
