"""How a log line looks, and why no text in it can pretend to be another line."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping

#: What a terminal or an editor could take for a line's end or for a command: C0, C1, DEL, and Unicode's line ends.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_TRACEBACK_MARGIN = "    | "


class OneLineFormatter(logging.Formatter):
    """`2026-01-01 12:00:00,000 INFO predictor: text`; control characters are escaped, tracebacks have a margin.

    `shown_names`: logger -> the name shown for it and for all below it; a logger without one is shown by its own.
    """

    def __init__(self, shown_names: Mapping[str, str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(shown_name)s: %(message)s")
        self._shown_names = dict(shown_names)

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.shown_name = self._shown_name(record.name)
        record.message = _CONTROLS.sub(_escaped, record.message)
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        # A record may carry what another handler's formatter made of the traceback.
        record.exc_text = None
        try:
            return super().format(record)
        finally:
            record.exc_text = None

    def formatException(self, ei: logging._SysExcInfoType) -> str:
        return _with_margin(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:
        return _with_margin(super().formatStack(stack_info))

    def _shown_name(self, name: str) -> str:
        known = name
        while known:
            if known in self._shown_names:
                return self._shown_names[known]
            known = known.rpartition(".")[0]
        return name


def _with_margin(text: str) -> str:
    lines = (_CONTROLS.sub(_escaped, line) for line in text.split("\n"))
    return "\n".join(f"{_TRACEBACK_MARGIN}{line}" for line in lines)


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")
