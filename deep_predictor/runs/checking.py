"""Whether a cfg is right, asked of the training module in a process of its own: the server imports none of it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from deep_predictor.errors import ContentRefused, RequestInvalid
from deep_predictor.runs.children import Children

logger = logging.getLogger(__name__)

#: It takes under a second; longer where it reads thousands of backgrounds.
LONGEST_SECONDS = 60.0


def check_cfg(
    children: Children, cfg: Mapping[str, Any], path: Path, where_of: Callable[[str], str], *options: str
) -> None:
    """Raises RequestInvalid with all problems, TooManyWaiting, ContentRefused where no check came to an end, OSError.

    `path`: a file for the cfg. `where_of`: a key of the cfg -> where it stands in the request.
    """
    path.write_text(json.dumps(cfg), encoding="utf-8")
    finished = children.run(["check", str(path), "--json", *options], LONGEST_SECONDS)
    try:
        problems = json.loads(finished.printed)["problems"] if finished.status in (0, 2) else None
    except (ValueError, KeyError, TypeError):
        problems = None
    if problems is None:
        logger.error("a cfg could not be checked (status %d): %s", finished.status, finished.complained[-2000:])
        raise ContentRefused("settings_unchecked", "the settings could not be checked")
    if problems:
        raise RequestInvalid([(where_of(problem["key"]), problem["message"]) for problem in problems])
