"""Where the files of data sets lie. Every name is made here; nothing that a client says becomes part of a path.

<datasets_folder>/<id>/pictures/<xx>/<uuid>.<ext>    the pictures as they were sent
<datasets_folder>/<id>/masks/<xx>/<uuid>.png         what is on the pictures of a segmenter, a class a pixel
<datasets_folder>/<id>/thumbs/<xx>/<uuid>.jpg        made when first asked for; .png of masks
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

#: What names of masks begin with.
MASKS = "masks/"
_MASK_NAME = re.compile(rf"{MASKS}([0-9a-f]{{2}}/[0-9a-f]{{32}})\.png")
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

    def mask(self, dataset_id: int, mask_file: str) -> Path:
        """Raises NotFound for a name that was not made here."""
        if not _MASK_NAME.fullmatch(mask_file):
            raise NotFound("mask", mask_file)
        return self.folder(dataset_id) / mask_file

    def mask_thumbnail(self, dataset_id: int, mask_file: str) -> Path:
        """Raises NotFound."""
        found = _MASK_NAME.fullmatch(mask_file)
        if not found:
            raise NotFound("mask", mask_file)
        return self.folder(dataset_id) / "thumbs" / f"{found[1]}.png"

    def write_picture(self, dataset_id: int, data: bytes, extension: str) -> str:
        """The file's name. Raises OSError."""
        name = new_file_name(extension)
        write_whole(self.picture(dataset_id, name), data)
        return name

    def keep_picture(self, dataset_id: int, source: Path, file_name: str) -> None:
        """Give a file its place too, unless it has it already. Raises OSError."""
        self._keep(source, self.picture(dataset_id, file_name))

    def keep_mask(self, dataset_id: int, source: Path, mask_file: str) -> None:
        """As for pictures."""
        self._keep(source, self.mask(dataset_id, mask_file))

    def _keep(self, source: Path, path: Path) -> None:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            link_or_copy(source, path)

    def remove_files(self, dataset_id: int, names: Iterable[str]) -> None:
        """Pictures and masks with their thumbnails; what cannot be removed stays, and nothing speaks of it."""
        for name in names:
            is_mask = _MASK_NAME.fullmatch(name)
            with suppress(OSError, NotFound):
                small = self.mask_thumbnail if is_mask else self.thumbnail
                small(dataset_id, name).unlink(missing_ok=True)
                (self.mask if is_mask else self.picture)(dataset_id, name).unlink(missing_ok=True)

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


def new_mask_name(import_key: str) -> str:
    """Below a data set's folder; always the same for one `import_key`."""
    name = hashlib.sha256(f"mask:{import_key}".encode()).hexdigest()[:32]
    return f"{MASKS}{name[:2]}/{name}.png"


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
