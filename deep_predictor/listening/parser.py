"""waitress reads bodies by itself, before any view runs: here it learns which may be large, and where those go."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, ClassVar
from weakref import WeakSet

from waitress.buffers import OverflowableBuffer, TempfileBasedBuffer
from waitress.parser import HTTPRequestParser
from waitress.utilities import Error

from deep_predictor.web.large_bodies import BodyLimits

#: Large bodies that are received at a time, and as many forms: whoever sends them has not shown yet who they are.
MOST_LARGE_BODIES = 4
#: Of the disk, for everybody else. A body lies there twice for a moment, and is unpacked then.
_BYTES_KEPT_FREE = 1024**3


class _ServiceUnavailable(Error):
    code = 503
    reason = "Service Unavailable"


class LimitedParser(HTTPRequestParser):
    """The server's own limit is the usual one. A body without a Content-Length is never a large one."""

    limits: ClassVar[BodyLimits]
    #: Where large bodies are written.
    folder: ClassVar[Path]
    receiving: ClassVar[WeakSet[LimitedParser]]
    adj: Any
    content_length: int
    error: Any
    body_rcv: Any

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        if self.chunked or self.content_length < self.adj.max_request_body_size:
            return
        limit = self.limits.of(self.command, self.path, self.headers)
        if self.content_length > limit or limit <= self.adj.max_request_body_size:
            self.expect_continue = False  # the base class answers 413, and would first tell a client to go on
        elif problem := self._problem():
            self.error, self.completed, self.content_length = _ServiceUnavailable(problem), True, 0
            self.expect_continue = False
        else:
            self.adj = copy.copy(self.adj)
            self.adj.max_request_body_size = limit + 1  # it refuses what has just as many bytes
            self.receiving.add(self)
            self.body_rcv.buf = _FolderBuffer(self.adj.inbuf_overflow, self.folder)

    def _problem(self) -> str:
        """Why the body cannot be taken now, "" where it can."""
        alike = [one for one in self.receiving if (one.path in self.limits.forms) == (self.path in self.limits.forms)]
        if sum(not parser.completed for parser in alike) >= MOST_LARGE_BODIES:
            return "too many large bodies are being received"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(self.folder).free
        except OSError:
            free = 0
        return "" if free >= 2 * self.content_length + _BYTES_KEPT_FREE else "the disk has no room for it"


class _FolderBuffer(OverflowableBuffer):
    """Its file has no name, and is gone when it is closed."""

    buf: Any

    def __init__(self, overflow: int, folder: Path) -> None:
        super().__init__(overflow)
        self._folder = folder

    def _set_large_buffer(self) -> None:
        earlier, folder = self.buf, self._folder

        class _File(TempfileBasedBuffer):
            def newfile(self) -> IO[bytes]:
                return TemporaryFile("w+b", dir=folder)

        self.buf = _File(earlier)
        if hasattr(earlier, "close"):
            earlier.close()
        self.overflowed = True


def parser_class(limits: BodyLimits, folder: Path) -> type[LimitedParser]:
    """For one server."""
    return type("Parser", (LimitedParser,), {"limits": limits, "folder": folder, "receiving": WeakSet()})
