"""Darknet's `.cfg` as data: sections of `key=value` lines, read as darknet reads them and with every number checked."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

MAX_CFG_BYTES = 1024 * 1024
MAX_SECTIONS = 2000
_INTEGER = re.compile(r"[+-]?[0-9]{1,9}")


@dataclass(frozen=True)
class Section:
    """One `[name]` and its keys. Every getter raises ValueError, naming the section and the key."""

    name: str
    line: int
    values: Mapping[str, str]

    @property
    def title(self) -> str:
        return f"[{self.name}] in line {self.line}"

    def integer(self, key: str, default: int | None, low: int, high: int) -> int:
        """Between `low` and `high`; without a default the key must be there."""
        if key not in self.values and default is not None:
            return default
        (number,) = self.integers(key, low, high) or (None,)
        if number is None:
            raise ValueError(f"{self.title}: {key} is missing")
        return number

    def integers(self, key: str, low: int, high: int) -> tuple[int, ...]:
        """A list with commas; () where the key is not there."""
        pieces = self._pieces(key)
        if not all(_INTEGER.fullmatch(piece) and low <= int(piece) <= high for piece in pieces):
            raise ValueError(f"{self.title}: {key} must be between {low} and {high} (got {self._shown(key)})")
        return tuple(int(piece) for piece in pieces)

    def number(self, key: str, default: float, low: float, high: float) -> float:
        found = self.numbers(key, low, high)
        return found[0] if found else default

    def numbers(self, key: str, low: float, high: float) -> tuple[float, ...]:
        """A list with commas; () where the key is not there."""
        try:
            found = tuple(float(piece) for piece in self._pieces(key))
        except ValueError:
            found = (math.nan,)
        if not all(low <= number <= high for number in found):
            raise ValueError(f"{self.title}: {key} must be between {low:g} and {high:g} (got {self._shown(key)})")
        return found

    def flag(self, key: str) -> bool:
        return self.integer(key, 0, -(10**9), 10**9) != 0

    def _pieces(self, key: str) -> list[str]:
        return [piece for piece in self.values.get(key, "").split(",") if piece]

    def _shown(self, key: str) -> str:
        return repr(self.values[key][:40])


def parse_cfg(text: str) -> list[Section]:
    """The sections in order. White space counts nowhere, `#` and `;` begin comments, of equal keys the first counts.

    Raises ValueError.
    """
    sections: list[tuple[str, int, dict[str, str]]] = []
    for number, whole in enumerate(text.splitlines(), 1):
        line = re.sub(r"\s+", "", re.split(r"[#;]", whole, maxsplit=1)[0])
        if not line:
            continue
        if line.startswith("[") and line.endswith("]"):
            sections.append((line[1:-1], number, {}))
            continue
        key, equals, value = line.partition("=")
        if not equals or not key or not sections:
            raise ValueError(f"line {number} is neither [section] nor key=value: {line[:40]!r}")
        sections[-1][2].setdefault(key, value)
    if len(sections) > MAX_SECTIONS:
        raise ValueError(f"has {len(sections)} sections, more than {MAX_SECTIONS}")
    return [Section(*section) for section in sections]
