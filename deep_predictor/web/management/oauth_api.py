"""OAuth2: /o/token/, /o/revoke_token/, /o/introspect/, and its clients."""

from __future__ import annotations

from typing import Literal

from flask import Blueprint, Response
from pydantic import ConfigDict, Field

from deep_predictor.accounts.oauth_clients import GrantType
from deep_predictor.web.access import OAUTH_CLIENT, register
from deep_predictor.web.management.oauth_clients_api import register_oauth_clients
from deep_predictor.web.management.oauth_server import OAuthServer
from deep_predictor.web.operations import Answer, AnswerModel, Operation, RequestModel

TAG = "OAuth2"
SERVER = OAuthServer()


class OAuthForm(RequestModel):
    """RFC 6749: what is not known is ignored."""

    model_config = ConfigDict(extra="ignore")


class TokenForm(OAuthForm):
    grant_type: GrantType
    username: str | None = Field(None, description="With password.")
    password: str | None = Field(None, description="With password.", repr=False)
    refresh_token: str | None = Field(None, description="With refresh_token.", repr=False)
    scope: str | None = Field(None, description="Scopes with a space between; absent: all that may be had.")


class KnownTokenForm(OAuthForm):
    token: str = Field(min_length=1, description="An access or a refresh token.", repr=False)
    token_type_hint: str | None = None


class TokenAnswer(AnswerModel):
    """RFC 6749 section 5.1."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int = Field(description="Seconds.")
    scope: str
    refresh_token: str | None = Field(None, description="Absent where the token cannot be refreshed.")


class OAuthErrorAnswer(AnswerModel):
    """RFC 6749 section 5.2."""

    error: str
    error_description: str | None = None


class RevokedAnswer(AnswerModel):
    """Nothing."""


class IntrospectionAnswer(AnswerModel):
    """RFC 7662: of a token that counts no more `active` alone."""

    active: bool
    scope: str | None = None
    client_id: str | None = None
    token_type: str | None = Field(None, description="Bearer, or refresh_token.")
    exp: int | None = None
    iat: int | None = None
    sub: str | None = Field(None, description="The user's id; absent for a client's own token.")
    username: str | None = None


_ERRORS = {
    400: Answer("What is wrong, in OAuth2's words", OAuthErrorAnswer),
    401: Answer("The client's id or secret is wrong", OAuthErrorAnswer),
}


def create_oauth_api() -> Blueprint:
    """The blueprint `oauth_api`."""
    blueprint = Blueprint("oauth_api", __name__)
    give = Operation("Get an OAuth2 token", {200: Answer("The token", TokenAnswer), **_ERRORS}, TAG, form=TokenForm)
    revoked = {200: Answer("It counts no more, if it ever did", RevokedAnswer), **_ERRORS}
    revoke = Operation("Revoke an OAuth2 token", revoked, TAG, form=KnownTokenForm)
    known = {200: Answer("What is known of it", IntrospectionAnswer), **_ERRORS}
    introspect = Operation("Ask about an OAuth2 token", known, TAG, form=KnownTokenForm)
    for end in ("/", ""):  # programs write the addresses both ways
        register(blueprint, f"/o/token{end}", give_token, ["POST"], OAUTH_CLIENT, give)
        register(blueprint, f"/o/revoke_token{end}", revoke_token, ["POST"], OAUTH_CLIENT, revoke)
        register(blueprint, f"/o/introspect{end}", introspect_token, ["POST"], OAUTH_CLIENT, introspect)
    register_oauth_clients(blueprint)
    return blueprint


def give_token() -> Response:
    return SERVER.token_response()


def revoke_token() -> Response:
    response: Response = SERVER.create_endpoint_response("revocation")
    return response


def introspect_token() -> Response:
    response: Response = SERVER.create_endpoint_response("introspection")
    return response
