"""JSON Web Tokens: only what this server signed with HS256, and only for its time."""

from __future__ import annotations

import base64
import json
from functools import cache
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from deep_predictor.accounts.web_tokens import LONGEST_TOKEN, TokenClaims, WebTokens
from deep_predictor.errors import CredentialRefused

KEY = "a" * 64
NOW = 1_800_000_000.0


def tokens(now: float = NOW, key: str = KEY) -> WebTokens:
    return WebTokens(key, 60, lambda: now)


def part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def claims_of(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return claims


def test_token_says_whose_it_is_until_it_ends() -> None:
    token = tokens().make(7, 3)
    claims = claims_of(token)
    assert claims | {"jti": ""} == {"sub": "7", "iat": int(NOW), "exp": int(NOW) + 60, "sv": 3, "jti": ""}
    assert claims["jti"] != claims_of(tokens().make(7, 3))["jti"]
    assert tokens(NOW + 59).read(token) == TokenClaims(7, 3)
    with pytest.raises(CredentialRefused, match="ExpiredTokenError"):
        tokens(NOW + 60).read(token)


def signed(claims: dict[str, Any], key: Any = None, algorithm: str = "HS256") -> str:
    return jwt.encode({"alg": algorithm}, claims, key or OctKey.import_key(KEY), [algorithm])


GOOD = {"sub": "7", "sv": 3, "exp": int(NOW) + 60}


@cache
def forged() -> dict[str, str]:
    head, body, signature = tokens().make(7, 3).split(".")
    public = RSAKey.generate_key(2048, private=True)
    return {
        "alg none": f"{part({'alg': 'none', 'typ': 'JWT'})}.{body}.",
        "alg none with a signature": f"{part({'alg': 'none'})}.{body}.{signature}",
        "another key": tokens(key="b" * 64).make(7, 3),
        "another body": f"{head}.{part({**GOOD, 'sub': '1'})}.{signature}",
        "no signature": f"{head}.{body}.",
        "another algorithm": signed(GOOD, algorithm="HS512"),
        "a public key's": signed(GOOD, public, "RS256"),
        "crit": f"{part({'alg': 'HS256', 'crit': ['x'], 'x': 1})}.{body}.{signature}",
        "no end": signed({"sub": "7", "sv": 3}),
        "no version": signed({"sub": "7", "exp": int(NOW) + 60}),
        "no user": signed({"sv": 3, "exp": int(NOW) + 60}),
        "user is no number": signed({**GOOD, "sub": "anna"}),
        "end is no number": signed({**GOOD, "exp": "never"}),
        "empty": "..",
        "no token": "a.b.c",
        "not base64": "é.é.é",
        "half characters": "\ud800.\ud800.\ud800",
        "too long": "a" * LONGEST_TOKEN + ".b.c",
        "nested": f"{part({'alg': 'HS256'})}.{'[' * 1000}.x",
    }


@pytest.mark.parametrize("case", list(forged()))
def test_token_that_is_not_ours_is_refused(case: str) -> None:
    with pytest.raises(CredentialRefused):
        tokens().read(forged()[case])
