"""Every query on the tables datasets and dataset_items. Usable from any thread, with or without a request."""

from __future__ import annotations

from sqlalchemy import Engine

from deep_predictor.db.library_columns import DatasetColumns, DatasetItemColumns
from deep_predictor.db.models import get_model


class DatasetRows:
    """Production's. Every method is one transaction and may raise DatabaseBusy."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._datasets = get_model(DatasetColumns, "production").__table__  # type: ignore[attr-defined]
        self._items = get_model(DatasetItemColumns, "production").__table__  # type: ignore[attr-defined]
