"""Lets pages of the origins that a cfg names call the API: production's, with where tokens come from, and test's."""

from __future__ import annotations

from flask import Flask, Response, request

from deep_predictor.environment import Environment
from deep_predictor.web.credentials import KEY_HEADER
from deep_predictor.web.current import production_environment, test_environment

PRODUCTION_PATHS = ("/api", "/upload", "/auth")
PRODUCTION_PREFIXES = ("/api/v1/", "/o/")
TEST_PATHS = ("/test-api", "/test-upload")

ALLOWED_METHODS = "GET, HEAD, POST, PATCH, DELETE, OPTIONS"
ALLOWED_HEADERS = f"Accept, Authorization, Content-Type, {KEY_HEADER}"
EXPOSED_HEADERS = "Location, Retry-After"
#: Seconds that a browser may remember a preflight's answer.
PREFLIGHT_SECONDS = 600


def register_cors(app: Flask) -> None:
    app.after_request(add_cors_headers)


def add_cors_headers(response: Response) -> Response:
    """Answers to other origins stay unreadable for their pages. No cookie is ever accepted from another origin."""
    environment = _environment_of(request.path)
    if environment is None or not environment.config.api_options.cors_origins:
        return response
    response.vary.add("Origin")
    origin = request.headers.get("Origin")
    if origin not in environment.config.api_options.cors_origins:
        return response
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        response.headers["Access-Control-Allow-Methods"] = ALLOWED_METHODS
        response.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
        response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
    return response


def _environment_of(path: str) -> Environment | None:
    if path in PRODUCTION_PATHS or path.startswith(PRODUCTION_PREFIXES):
        return production_environment()
    return test_environment() if path in TEST_PATHS else None
