"""Where the files of data sets lie. Every name is made here; nothing that a client says becomes part of a path.

<datasets_folder>/<id>/pictures/<xx>/<uuid>.<ext>    the pictures as they were sent
<datasets_folder>/<id>/thumbs/<xx>/<uuid>.jpg        made when first asked for
<datasets_folder>/<id>/doctor.json                   the newest report
<datasets_folder>/<id>/snapshots/                    what the doctor is looking at
<datasets_folder>/incoming/                          uploads that jobs will take in
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from deep_predictor.errors import NotFound

_FILE_NAME = re.compile(r"pictures/([0-9a-f]{2}/[0-9a-f]{32})\.([a-z0-9]{1,5})")


class DatasetFolders:
    def __init__(self, root: Path) -> None:
        self._root = root

    def folder(self, dataset_id: int) -> Path:
        return self._root / str(dataset_id)

    def report(self, dataset_id: int) -> Path:
        return self.folder(dataset_id) / "doctor.json"

    def snapshots(self, dataset_id: int) -> Path:
        return self.folder(dataset_id) / "snapshots"

    def incoming(self) -> Path:
        """Made where it is not there. Raises OSError."""
        folder = self._root / "incoming"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def picture(self, dataset_id: int, file_name: str) -> Path:
        """Raises NotFound for a name that was not made here."""
        if not _FILE_NAME.fullmatch(file_name):
            raise NotFound("picture", file_name)
        return self.folder(dataset_id) / file_name

    def thumbnail(self, dataset_id: int, file_name: str) -> Path:
        """Raises NotFound."""
        found = _FILE_NAME.fullmatch(file_name)
        if not found:
            raise NotFound("picture", file_name)
        return self.folder(dataset_id) / "thumbs" / f"{found[1]}.jpg"

    def write_picture(self, dataset_id: int, data: bytes, extension: str) -> str:
        """The file's name. Raises OSError."""
        name = new_file_name(extension)
        write_whole(self.picture(dataset_id, name), data)
        return name

    def keep_picture(self, dataset_id: int, source: Path, file_name: str) -> None:
        """Give a file its place too, unless it has it already. Raises OSError."""
        path = self.picture(dataset_id, file_name)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            link_or_copy(source, path)

    def remove_pictures(self, dataset_id: int, file_names: Iterable[str]) -> None:
        """With their thumbnails; what cannot be removed stays, and nothing speaks of it."""
        for name in file_names:
            with suppress(OSError, NotFound):
                self.thumbnail(dataset_id, name).unlink(missing_ok=True)
                self.picture(dataset_id, name).unlink(missing_ok=True)

    def remove(self, dataset_id: int) -> None:
        """All of a data set, out of its place at once."""
        aside = self._root / f".deleted-{uuid.uuid4().hex}"
        with suppress(OSError):
            self.folder(dataset_id).rename(aside)
        shutil.rmtree(aside, ignore_errors=True)


def new_file_name(extension: str, import_key: str | None = None) -> str:
    """Below a data set's folder; always the same for one `import_key`. The extension is the decoded type's."""
    name = hashlib.sha256(import_key.encode()).hexdigest()[:32] if import_key else uuid.uuid4().hex
    return f"pictures/{name[:2]}/{name}.{extension}"


def write_whole(path: Path, data: bytes) -> None:
    """Written beside and renamed: there whole or not at all. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _part_of(path) as part:
        part.write_bytes(data)


def link_or_copy(source: Path, target: Path) -> None:
    """A second name for a file, or a copy where the disk has no second names. Raises OSError."""
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        with _part_of(target) as part:
            shutil.copyfile(source, part)


@contextmanager
def _part_of(path: Path) -> Iterator[Path]:
    """A file beside, which takes the place of `path` when the block ends, and goes when it raises."""
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        yield part
        part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
