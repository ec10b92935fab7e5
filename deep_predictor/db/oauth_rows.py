"""Every query on the tables oauth_clients and oauth_tokens. Usable from any thread, with or without a request."""

from __future__ import annotations

from sqlalchemy import Engine

from deep_predictor.db.account_columns import OAuthClientColumns, OAuthTokenColumns
from deep_predictor.db.models import get_model


class OAuthRows:
    """Production's. Every method is one transaction and may raise DatabaseBusy."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._clients = get_model(OAuthClientColumns, "production").__table__  # type: ignore[attr-defined]
        self._tokens = get_model(OAuthTokenColumns, "production").__table__  # type: ignore[attr-defined]
