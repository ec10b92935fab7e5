"""Every query on the tables users and api_keys. Usable from any thread, with or without a request."""

from __future__ import annotations

from sqlalchemy import Engine

from deep_predictor.db.account_columns import ApiKeyColumns, UserColumns
from deep_predictor.db.models import get_model


class AccountRows:
    """Production's. Every method is one transaction and may raise DatabaseBusy."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._users = get_model(UserColumns, "production").__table__  # type: ignore[attr-defined]
        self._keys = get_model(ApiKeyColumns, "production").__table__  # type: ignore[attr-defined]
