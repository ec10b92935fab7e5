"""Every query on the tables models and publications. Usable from any thread, with or without a request."""

from __future__ import annotations

from sqlalchemy import Engine

from deep_predictor.db.library_columns import ModelColumns, PublicationColumns
from deep_predictor.db.models import get_model


class ModelRows:
    """Production's. Every method is one transaction and may raise DatabaseBusy."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._models = get_model(ModelColumns, "production").__table__  # type: ignore[attr-defined]
        self._publications = get_model(PublicationColumns, "production").__table__  # type: ignore[attr-defined]
