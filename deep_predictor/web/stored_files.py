"""What comes in large: written to the disk while it comes, never held in memory."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from deep_predictor.errors import RequestInvalid, TooLarge
from deep_predictor.web.upload_form import FORM_SLACK_BYTES, UploadRequest

_CHUNK_BYTES = 1024 * 1024
FORM_TYPE = "multipart/form-data"
#: Each file of a form holds one open.
_MAX_PARTS = 20


def store_file(request: Request, folder: Path, field: str, media_types: tuple[str, ...], max_bytes: int) -> Path:
    """Write the file of a request to `folder`: its body, or the file `field` of its form. Returns where it lies.

    `media_types`: what a body that is the file may be called. Raises RequestInvalid, TooLarge, UnsupportedMediaType,
    OSError; then nothing of it is left.
    """
    try:
        if request.mimetype == FORM_TYPE:
            return _store_form(request, folder, field, max_bytes)
        if request.mimetype in media_types:
            request.max_content_length = max_bytes
            return _stored(request.stream, folder)
    except RequestEntityTooLarge:
        raise TooLarge(max_bytes) from None
    raise UnsupportedMediaType


def _stored(source: IO[bytes], folder: Path) -> Path:
    path = folder / uuid.uuid4().hex
    try:
        with path.open("xb") as target:
            shutil.copyfileobj(source, target, _CHUNK_BYTES)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def _store_form(request: Request, folder: Path, field: str, max_bytes: int) -> Path:
    request.max_content_length = max_bytes + FORM_SLACK_BYTES
    request.max_form_parts = _MAX_PARTS
    with _files_of_form(request, folder) as written:
        file = request.files.get(field)
        if file is None:
            raise RequestInvalid([(field, "the form has no such file")])
        stream = file.stream
        path = Path(stream.name)
        if stream.seek(0, 2) > max_bytes:
            raise TooLarge(max_bytes)
        written.remove(stream)
        stream.close()
    return path


@contextmanager
def _files_of_form(request: Request, folder: Path) -> Iterator[list[IO[bytes]]]:
    """Every file of the form becomes a file of its own; what is still in the list at the end goes."""
    written: list[IO[bytes]] = []

    def open_file() -> IO[bytes]:
        written.append((folder / uuid.uuid4().hex).open("x+b"))
        return written[-1]

    assert isinstance(request, UploadRequest)
    request.open_file = open_file
    try:
        yield written
    finally:
        for file in written:
            file.close()
            with suppress(OSError):
                Path(file.name).unlink()
