"""What a search says to people: a line a trial, and the table at the end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from deep_predictor.training.search.options import SearchOptions
from deep_predictor.training.search.study import TrialRecord


def table_of(trials: Sequence[TrialRecord], options: SearchOptions) -> str:
    """A row a trial, best first, then those without a figure."""
    names = _short_names(list(options.ranges))
    rows = [["trial", "state", options.metric, "epoch", "seconds", *names.values(), "reason"]]
    sign = 1 if options.is_lower_better else -1
    for record in sorted(trials, key=lambda r: (r.value is None, sign * (r.value or 0), r.number)):
        rows.append(
            [
                str(record.number),
                record.state,
                _shown(record.value),
                _shown(record.epoch),
                _shown(record.seconds),
                *(_shown(record.values.get(key)) for key in names),
                record.reason,
            ]
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def line_of(record: TrialRecord, options: SearchOptions) -> str:
    """One trial that has ended."""
    values = ", ".join(f"{name} {_shown(record.values.get(key))}" for key, name in _short_names(options.ranges).items())
    figure = f" {options.metric} {_shown(record.value)} in epoch {record.epoch}" if record.value is not None else ""
    reason = f": {record.reason}" if record.reason else ""
    return f"trial {record.number} {record.state}{figure} ({values}){reason}"


def _short_names(keys: Any) -> dict[str, str]:
    """The last word of each key where no other key ends so."""
    last = {key: key.rpartition(".")[2] for key in keys}
    return {key: word if list(last.values()).count(word) == 1 else key for key, word in last.items()}


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value)
