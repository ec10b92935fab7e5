"""Authlib's authorization server over our accounts: the grants, and the revocation and introspection of tokens."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidRequestError, InvalidScopeError, OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant, RefreshTokenGrant
from authlib.oauth2.rfc6749.grants import ResourceOwnerPasswordCredentialsGrant as PasswordGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from flask import Response, request
from werkzeug.datastructures import MultiDict

from deep_predictor.accounts.accounts import Accounts
from deep_predictor.accounts.oauth import PlainToken, PresentedToken, TokenHolder
from deep_predictor.accounts.oauth_clients import GRANT_TYPES, find_allowed_scope
from deep_predictor.db.account_rows import User
from deep_predictor.db.oauth_rows import OAuthClient, OAuthToken
from deep_predictor.errors import CredentialRefused
from deep_predictor.web.client_address import client_address
from deep_predictor.web.current import current_management
from deep_predictor.web.oauth_client import current_oauth_client
from deep_predictor.web.operations import LONGEST_TEXT

#: Bytes of a form that asks for a token.
FORM_BYTES = 64 * 1024
#: Authlib refuses http by itself; whether there is TLS in front of us is the operator's word.
_SECURE_ADDRESS = "https://localhost"

logging.getLogger("authlib").setLevel(logging.INFO)  # its debug lines hold tokens


class OAuthServer(AuthorizationServer):
    """The access rule of the routes has found the client before any of this runs."""

    def __init__(self) -> None:
        super().__init__()
        for grant in (_PasswordGrant, ClientCredentialsGrant, _RefreshTokenGrant):
            self.register_grant(grant)
        for endpoint in (_RevocationEndpoint, _IntrospectionEndpoint):
            self.register_endpoint(endpoint)

    def token_response(self) -> Response:
        """The answer to POST /o/token/. Raises TooManyAttempts."""
        wanted = self.create_oauth2_request(request)
        try:
            _check_once_each(wanted.form)
            if wanted.payload.grant_type not in GRANT_TYPES:
                raise OAuth2Error(f"grant_type must be one of {', '.join(GRANT_TYPES)}", error=_grant_error(wanted))
        except OAuth2Error as error:
            return self.handle_error_response(wanted, error)
        return self.create_token_response()

    def create_oauth2_request(self, request: Any) -> _FormRequest:
        return request if isinstance(request, _FormRequest) else _FormRequest()

    def authenticate_client(self, request: OAuth2Request, methods: object, endpoint: str = "token") -> _Client:
        return _Client(current_oauth_client())

    def generate_token(
        self,
        grant_type: str,
        client: _Client,
        user: User | None = None,
        scope: str | None = None,
        expires_in: int | None = None,
        include_refresh_token: bool = True,
    ) -> dict[str, Any]:
        allowed = find_allowed_scope(scope, client.row, user.role if user else None)
        if allowed is None:
            raise InvalidScopeError("the client, or the user, may not have this scope")
        can_be_refreshed = include_refresh_token and client.check_grant_type("refresh_token")
        return _wire(_accounts().oauth_tokens.make(allowed, can_be_refreshed))

    def save_token(self, token: Mapping[str, Any], request: OAuth2Request) -> None:
        """A refreshed one takes the place of the old one, in one transaction."""
        tokens, user = _accounts().oauth_tokens, request.user
        plain = PlainToken(token["access_token"], token.get("refresh_token"), token["expires_in"], token["scope"])
        if request.refresh_token is None:
            holder = TokenHolder(request.client.row.client_id, *((user.id, user.session_version) if user else ()))
            tokens.save(plain, holder)
        elif not tokens.replace(request.refresh_token.presented, plain):
            raise InvalidGrantError("the refresh token was used before")


class _FormRequest(OAuth2Request):
    """The parameters of the request's form: those of an address would end up in logs."""

    def __init__(self) -> None:
        request.max_content_length = FORM_BYTES
        super().__init__(request.method, _SECURE_ADDRESS, headers=request.headers)
        self._form = request.form
        self.payload = BasicOAuth2Payload(self._form)

    @property
    def form(self) -> MultiDict[str, str]:
        return self._form


@dataclass(frozen=True)
class _Client:
    """A client as Authlib asks it."""

    row: OAuthClient

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.row.grant_types


@dataclass(frozen=True)
class _Token:
    """A stored token as Authlib asks it."""

    presented: PresentedToken

    @property
    def stored(self) -> OAuthToken:
        return self.presented.stored

    def check_client(self, client: _Client) -> bool:
        return self.stored.client_id == client.row.client_id

    def get_scope(self) -> str:
        return self.stored.scope


class _PasswordGrant(PasswordGrant):
    def authenticate_user(self, username: str, password: str) -> User:
        try:
            if len(username) > LONGEST_TEXT:
                raise CredentialRefused("nobody has so long a name")
            return _accounts().check_password(username, password, client_address(request))
        except CredentialRefused:
            raise InvalidGrantError("the user name or the password is wrong") from None


class _RefreshTokenGrant(RefreshTokenGrant):
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> _Token | None:
        """One that was used before comes back too: `save_token` looks at that."""
        presented = _accounts().oauth_tokens.find_presented(refresh_token, ("refresh",))
        return _Token(presented) if presented and not _accounts().oauth_tokens.is_over(presented) else None

    def authenticate_user(self, refresh_token: _Token) -> User:
        user = _find_holder(refresh_token.stored)
        if user is None:
            raise InvalidGrantError("the user may not log in any more, or has another password or role by now")
        return user

    def revoke_old_credential(self, refresh_token: _Token) -> None:
        """`save_token` has done it."""


class _AnyToken:
    """What both endpoints below take: an access or a refresh token. The hint which it is may be ignored (RFC 7009)."""

    def check_params(self, request: OAuth2Request, client: _Client) -> None:
        _check_once_each(request.form)
        if not request.form.get("token"):
            raise InvalidRequestError("token is missing")

    def query_token(self, token_string: str, token_type_hint: str | None) -> _Token | None:
        presented = _accounts().oauth_tokens.find_presented(token_string)
        return _Token(presented) if presented else None


class _RevocationEndpoint(_AnyToken, RevocationEndpoint):
    def revoke_token(self, token: _Token, request: OAuth2Request) -> None:
        _accounts().oauth_tokens.revoke(token.presented)


class _IntrospectionEndpoint(_AnyToken, IntrospectionEndpoint):
    def check_permission(self, token: _Token, client: _Client, request: OAuth2Request) -> bool:
        """A client may ask about its own tokens, one of scope admin about all."""
        return token.check_client(client) or "admin" in client.row.scopes

    def create_introspection_payload(self, token: _Token | None) -> dict[str, Any]:
        if token is None or not _accounts().oauth_tokens.is_good(token.presented):
            return {"active": False}
        stored = token.stored
        user = _find_holder(stored)
        if stored.user_id is not None and user is None:
            return {"active": False}
        facts = {
            "active": True,
            "scope": stored.scope,
            "client_id": stored.client_id,
            "token_type": "Bearer" if token.presented.kind == "access" else "refresh_token",
            "exp": int(token.presented.expires_at),
            "iat": int(stored.issued_at),
        }
        return facts | ({"sub": str(user.id), "username": user.username} if user else {})


def _find_holder(stored: OAuthToken) -> User | None:
    """The user for whom a token was given out; None when that counts no more, and for a client's own."""
    if stored.user_id is None:
        return None
    user = _accounts().find_user(stored.user_id)
    if user is None or user.is_disabled or user.session_version != stored.session_version:
        return None
    return user


def _check_once_each(form: MultiDict[str, str]) -> None:
    """Raises InvalidRequestError for a parameter that comes twice (RFC 6749 section 3.2)."""
    if any(len(values) > 1 for values in form.listvalues()):
        raise InvalidRequestError("a parameter comes twice")


def _grant_error(wanted: OAuth2Request) -> str:
    return "unsupported_grant_type" if wanted.payload.grant_type else "invalid_request"


def _wire(token: PlainToken) -> dict[str, Any]:
    """What the client is told (RFC 6749 section 5.1)."""
    told = {
        "access_token": token.access_token,
        "token_type": "Bearer",
        "expires_in": token.expires_in,
        "scope": token.scope,
    }
    return told | ({"refresh_token": token.refresh_token} if token.refresh_token else {})


def _accounts() -> Accounts:
    return current_management().accounts
