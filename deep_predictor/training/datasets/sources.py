"""`sources.json` in a set's folder: which picture each crop or augmentation was made from."""

from __future__ import annotations

import json
import posixpath
from pathlib import Path

from deep_predictor.errors import DatasetUnusable

SOURCES_FILE = "sources.json"
_MAX_BYTES = 1024**3


def read_sources(path: Path) -> dict[str, str]:
    """File name -> name of its source, both POSIX paths relative to the set's folder. Raises DatasetUnusable.

    Names of files that are not there are kept: an original need not lie in the set.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise DatasetUnusable(f"{SOURCES_FILE} has over {_MAX_BYTES} bytes")
        loaded = json.loads(path.read_bytes())
    except OSError as error:
        raise DatasetUnusable(f"{SOURCES_FILE} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise DatasetUnusable(f"{SOURCES_FILE} is not JSON: {error}") from error
    if not isinstance(loaded, dict):
        raise DatasetUnusable(f"{SOURCES_FILE} must be a JSON object: {{ file name: source name }}")
    for name, source in loaded.items():
        if not isinstance(source, str) or not source or not name:
            raise DatasetUnusable(f"{SOURCES_FILE}: {name!r} must name its source (got {str(source)[:80]!r})")
    return {posixpath.normpath(name): posixpath.normpath(source) for name, source in loaded.items()}
