"""JSON Web Tokens of `POST /auth`: signed by this server's key with HS256, and read with nothing else."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from deep_predictor.errors import CredentialRefused

ALGORITHM = "HS256"
LONGEST_TOKEN = 2048


@dataclass(frozen=True)
class TokenClaims:
    user_id: int
    session_version: int


class WebTokens:
    """`lifetime_seconds`: of new tokens. `clock`: seconds since 1970."""

    def __init__(self, key: str, lifetime_seconds: int, clock: Callable[[], float] = time.time) -> None:
        self._key, self.lifetime_seconds, self._clock = OctKey.import_key(key), lifetime_seconds, clock

    def make(self, user_id: int, session_version: int) -> str:
        now = int(self._clock())
        claims = {"sub": str(user_id), "iat": now, "exp": now + self.lifetime_seconds, "jti": secrets.token_hex(16)}
        return jwt.encode({"alg": ALGORITHM}, claims | {"sv": session_version}, self._key, [ALGORITHM])

    def read(self, token: str) -> TokenClaims:
        """Raises CredentialRefused: expired, not ours, signed otherwise, or no token at all."""
        if len(token) > LONGEST_TOKEN:
            raise CredentialRefused("the token is too long")
        wanted = jwt.JWTClaimsRegistry(
            now=lambda: int(self._clock()),
            sub={"essential": True},
            exp={"essential": True},
            sv={"essential": True},
        )
        try:
            claims = jwt.decode(token, self._key, [ALGORITHM]).claims
            wanted.validate(claims)
            return TokenClaims(int(claims["sub"]), int(claims["sv"]))
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            raise CredentialRefused(f"the token is not valid: {type(error).__name__}") from None
