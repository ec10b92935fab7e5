"""Values as rows hold them, read without trust: JSON, Python literals, numbers and texts of any stored type."""

from __future__ import annotations

import ast
import json
import logging
import math
import re
from typing import Any

logger = logging.getLogger(__name__)

#: Limits for a Python literal of an old row: characters, tokens (a detection is about 25), depth of brackets.
MAX_LITERAL_LENGTH = 2_000_000
MAX_LITERAL_TOKENS = 200_000
MAX_LITERAL_DEPTH = 32

_ESCAPE = r"""\\(?:[\\'"nrt]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})"""
#: What `repr` writes for lists, dicts, texts and numbers, and nothing else: no names, operators, calls or prefixes.
_LITERAL_TOKEN = re.compile(
    rf"""
      (?P<open>[\[({{])
    | (?P<close>[\])}}])
    | [,:]
    | '[^'\\\n]*(?:{_ESCAPE}[^'\\\n]*)*'
    | "[^"\\\n]*(?:{_ESCAPE}[^"\\\n]*)*"
    | -?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?
    | (?:None|True|False)
    | [ \t\n]+
    """,
    re.VERBOSE | re.ASCII,
)


def read_items(text: object) -> list[dict[str, Any]]:
    """The items in a `prediction` value: a list, or under the key `predictions` of a dict; [] when unreadable."""
    value = read_stored(text)
    if isinstance(value, dict):  # the earliest versions stored the whole answer
        value = value.get("predictions")
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        return []
    return value


def read_object(text: object) -> dict[str, Any]:
    """The object in a `model_info` value; {} when unreadable."""
    value = read_stored(text)
    return value if isinstance(value, dict) else {}


def read_stored(text: object) -> Any:
    """JSON or a Python literal, as what JSON can say; None when it is neither, is not finite, or breaks a limit."""
    if not isinstance(text, str) or not text.strip():
        return None
    try:
        return _finite(json.loads(text))
    except (ValueError, RecursionError):
        pass
    try:
        if _is_plain_literal(text):
            return json.loads(json.dumps(ast.literal_eval(text.strip()), allow_nan=False))
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        pass
    logger.warning("a stored text of %d characters is neither JSON nor a plain Python literal", len(text))
    return None


def read_int(value: object, default: int = 0) -> int:
    """A whole number of any stored type, rounded down; `default` when it is none."""
    number = read_number(value)
    return default if number is None else math.floor(number)


def read_number(value: object) -> float | None:
    """A finite number of any stored type; None when it is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def read_text(value: object) -> str | None:
    """A text; None when it is empty or nothing. Bytes are read as UTF-8."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return str(value) if value is not None and value != "" else None


def storable_text(text: str) -> str:
    """A text that every database can hold: without NUL, and with U+FFFD for lone surrogates."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\x00", "")


def _is_plain_literal(text: str) -> bool:
    """Whether a text is made of literal tokens only, within the limits: then the parser cannot be harmed by it."""
    if len(text) > MAX_LITERAL_LENGTH:
        return False
    position = depth = tokens = 0
    while position < len(text):
        match = _LITERAL_TOKEN.match(text, position)
        if match is None:
            return False
        depth += (match.lastgroup == "open") - (match.lastgroup == "close")
        tokens += 1
        if depth > MAX_LITERAL_DEPTH or tokens > MAX_LITERAL_TOKENS:
            return False
        position = match.end()
    return True


def _finite(value: Any) -> Any:
    """The value itself; ValueError when a number in it is not finite (`NaN`, `1e999`)."""
    json.dumps(value, allow_nan=False)
    return value
