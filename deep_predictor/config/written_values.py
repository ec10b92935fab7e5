"""How single values of the main config are read. Each raises ValueError, saying what the value must be."""

from __future__ import annotations

import re
from typing import Any

from deep_predictor.config.database_address import address_problem

_PRODUCT = re.compile(r"\s*\d{1,15}(\s*\*\s*\d{1,15})*\s*", re.ASCII)
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+")

#: Extension -> nothing else is ever opened, whatever a cfg lists.
KNOWN_EXTENSIONS = ("jpg", "jpeg", "png", "bmp", "gif", "heic", "heif", "webp")
DEFAULT_EXTENSIONS = ("jpg", "jpeg", "png", "bmp", "gif", "heic")
KNOWN_VIDEO_EXTENSIONS = ("mp4", "m4v", "mov", "avi", "webm", "mkv")
DEFAULT_VIDEO_EXTENSIONS = ("mp4", "avi", "mov", "webm")


def product_of_integers(value: Any) -> Any:
    """`"1024*1024*16"` -> 16777216; multiplied, never evaluated."""
    if not isinstance(value, str):
        return value
    if not _PRODUCT.fullmatch(value):
        raise ValueError("must be an integer or a product of integers such as 1024*1024*16")
    product = 1
    for factor in value.split("*"):
        product *= int(factor)
    return product


def plain_extensions(value: Any) -> Any:
    """Lower case, no dot, each once: old files list `.jpg` and `.JPG`."""
    extensions = _known_extensions(value, KNOWN_EXTENSIONS)
    if not extensions:
        raise ValueError(f"must be some of {', '.join(KNOWN_EXTENSIONS)} (not none)")
    return extensions


def plain_video_extensions(value: Any) -> Any:
    """As `plain_extensions`; an empty list takes no videos."""
    return _known_extensions(value, KNOWN_VIDEO_EXTENSIONS)


def _known_extensions(value: Any, known: tuple[str, ...]) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"must be a list of extensions such as {known[0]}")
    extensions = tuple(dict.fromkeys(item.strip().lstrip(".").lower() for item in value))
    unknown = [extension for extension in extensions if extension not in known]
    if unknown:
        raise ValueError(f"must be some of {', '.join(known)} (not {', '.join(unknown)})")
    return extensions


def origin(value: str) -> str:
    """As browsers send it: lower case."""
    if not _ORIGIN.fullmatch(value):
        raise ValueError("must be an origin such as https://example.org")
    return value.lower()


def database_address(value: str) -> str:
    problem = address_problem(value)
    if problem:
        raise ValueError(problem)
    return value


def is_unicode(text: str) -> bool:
    """False where a variable's bytes were not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
