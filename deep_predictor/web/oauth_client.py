"""Which OAuth2 client sends a request: it shows its id and secret by HTTP Basic."""

from __future__ import annotations

import base64
from urllib.parse import unquote_plus

from flask import Request, Response, abort, g

from deep_predictor.db.oauth_rows import OAuthClient
from deep_predictor.web.client_address import client_address
from deep_predictor.web.current import current_management
from deep_predictor.web.json_format import json_response

REALM = "deep predictor"


def check_oauth_client(request: Request) -> None:
    """Raises an HTTPException that answers 401 as RFC 6749 section 5.2 says, TooManyAttempts."""
    client_id, secret = _basic_credential(request)
    client = None
    if client_id and secret:
        client = current_management().accounts.oauth_clients.check_secret(client_id, secret, client_address(request))
    if client is None:
        abort(_refusal())
    g.oauth_client = client


def current_oauth_client() -> OAuthClient:
    """The client that sends this request; the route's access rule has found it."""
    client: OAuthClient = g.oauth_client
    return client


def _basic_credential(request: Request) -> tuple[str, str]:
    """(id, secret), each "" where it is not given. Both are form-encoded first (RFC 6749 section 2.3.1)."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        client_id, _, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except ValueError:  # of base64 or of UTF-8
        return "", ""
    return unquote_plus(client_id), unquote_plus(secret)


def _refusal() -> Response:
    body = {"error": "invalid_client", "error_description": "the client's id and secret are needed by HTTP Basic"}
    response = json_response(body, 401)
    response.headers["WWW-Authenticate"] = f'Basic realm="{REALM}"'
    return response
