"""Which predictions a list is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy.sql.elements import ColumnElement


@dataclass(frozen=True)
class PredictionFilter:
    """Which predictions are meant; None: all. Times are those of the last status change, in Unix seconds."""

    predictor_name: str | None = None
    #: That of the most confident item.
    top_class: str | None = None
    status: int | None = None
    #: The first second that is meant, and the first after it that is not.
    from_time: int | None = None
    to_time: int | None = None

    def conditions(self, columns: Any) -> list[ColumnElement[bool]]:
        equal = {
            "predictor_name": self.predictor_name,
            "top_class": self.top_class,
            "prediction_status": self.status,
        }
        found = [columns[name] == value for name, value in equal.items() if value is not None]
        if self.from_time is not None:
            found.append(columns.prediction_time >= self.from_time)
        if self.to_time is not None:
            found.append(columns.prediction_time < self.to_time)
        return found
