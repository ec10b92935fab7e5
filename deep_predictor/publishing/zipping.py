"""A folder as a zip, made while it is sent."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from deep_predictor.zip_stream import ZipStream


def zip_folder(folder: Path, without: Collection[str] = ()) -> Iterator[bytes]:
    """Every file below a folder, stored as it is: weights hardly compress. `without`: names right in the folder."""
    stream = ZipStream()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if name.parts[0] in without or not path.is_file():
            continue
        with path.open("rb") as source:
            yield from stream.add(name.as_posix(), source)
    yield stream.end()
