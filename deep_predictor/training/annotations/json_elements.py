"""The elements of the arrays in a JSON object, one at a time: a file of gigabytes never stands in memory.

Only brackets and strings are looked at to find where an element ends, so a broken one costs no other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from deep_predictor.errors import DatasetUnusable

#: Longer elements are passed over.
MAX_ELEMENT_BYTES = 16 * 1024**2
_CHUNK_BYTES = 1024**2
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_IN_STRING = re.compile(rb'["\\]')
_OUTSIDE = re.compile(rb'["\[\]{}]')
#: An object that holds no other and no escaped character, as most do: its end is found at once.
_PLAIN_OBJECT = re.compile(rb'\{(?:[^{}"\\]++|"[^"\\]*+")*+\}')
_SCALAR_END = re.compile(rb"[,\]}\s]")
_NO_BLANK = re.compile(rb"[^ \t\r\n]")


@dataclass(frozen=True)
class Element:
    """Bytes of element number `index` of the array `key`. None: it is longer than MAX_ELEMENT_BYTES."""

    key: str
    index: int
    text: bytes | None


def read_elements(path: Path, keys: Set[str]) -> Iterator[Element]:
    """Those of the arrays under `keys` of the outermost object, as they stand; everything else is passed over.

    Raises DatasetUnusable where the file cannot be read, is cut short or no JSON object: what came before is good.
    """
    try:
        with path.open("rb") as file:
            yield from _Elements(file).read(keys)
    except OSError as error:
        raise DatasetUnusable(error.strerror or str(error)) from error


class _Elements:
    """A window on the file: `_data`, of which all before `_at` is done."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._data = b""
        self._at = 0
        #: Bytes of the file before `_data`.
        self._before = 0
        #: Where the value begins that is to be given whole; None: nothing before `_at` is needed.
        self._kept: int | None = None

    def read(self, keys: Set[str]) -> Iterator[Element]:
        self._fill()
        self._at = len(_BYTE_ORDER_MARK) if self._data.startswith(_BYTE_ORDER_MARK) else 0
        self._take(b"{")
        if self._next() == b"}":
            return
        while True:
            if self._next() != b'"':
                raise self._wrong("a key in quotes")
            key = (self._value() or b"").strip(b'"').decode("utf-8", "replace")
            self._take(b":")
            if key in keys and self._next() == b"[":
                yield from self._array(key)
            else:
                self._value(is_wanted=False)
            if self._take(b",}") == b"}":
                return

    def _array(self, key: str) -> Iterator[Element]:
        self._take(b"[")
        if self._next() == b"]":
            self._take(b"]")
            return
        index = 0
        while True:
            yield Element(key, index, self._value())
            index += 1
            if self._take(b",]") == b"]":
                return

    def _value(self, is_wanted: bool = True) -> bytes | None:
        """The next value; None where it is not wanted, or too long."""
        first = self._next()
        if is_wanted and first == b"{" and (match := _PLAIN_OBJECT.match(self._data, self._at)):
            self._at = match.end()
            return match.group() if len(match.group()) <= MAX_ELEMENT_BYTES else None
        if first in b",:]}":
            raise self._wrong("a value")
        self._kept = self._at if is_wanted else None
        if first == b'"':
            self._pass_string()
        elif first in b"[{":
            self._pass_brackets()
        else:
            self._find(_SCALAR_END)
            self._at -= 1
        start, self._kept = self._kept, None
        return None if start is None or self._at - start > MAX_ELEMENT_BYTES else self._data[start : self._at]

    def _pass_brackets(self) -> None:
        depth = 0
        while True:
            token = self._find(_OUTSIDE)
            if token == b'"':
                self._at -= 1
                self._pass_string()
                continue
            depth += 1 if token in b"[{" else -1
            if depth == 0:
                return

    def _pass_string(self) -> None:
        self._at += 1
        while self._find(_IN_STRING) == b"\\":
            if self._at == len(self._data):
                self._fill()
            self._at += 1

    def _next(self) -> bytes:
        """The next byte that is no white space; it is not passed."""
        found = self._find(_NO_BLANK)
        self._at -= 1
        return found

    def _take(self, wanted: bytes) -> bytes:
        """Pass the next byte, which must be one of these."""
        found = self._next()
        if found not in wanted:
            raise self._wrong(" or ".join(repr(chr(one)) for one in wanted))
        self._at += 1
        return found

    def _find(self, pattern: re.Pattern[bytes]) -> bytes:
        """Pass everything up to the next match and it too."""
        while (match := pattern.search(self._data, self._at)) is None:
            self._at = len(self._data)
            self._fill()
        self._at = match.end()
        return match.group()

    def _fill(self) -> None:
        chunk = self._file.read(_CHUNK_BYTES)
        if not chunk:
            raise DatasetUnusable("it ends in the middle; what comes before was read")
        if self._kept is not None and self._at - self._kept > MAX_ELEMENT_BYTES:
            self._kept = None
        done = self._at if self._kept is None else self._kept
        self._data = self._data[done:] + chunk
        self._at -= done
        self._before += done
        self._kept = None if self._kept is None else 0

    def _wrong(self, wanted: str) -> DatasetUnusable:
        where = self._before + self._at
        return DatasetUnusable(f"it is no JSON object at byte {where}, where {wanted} was expected")
