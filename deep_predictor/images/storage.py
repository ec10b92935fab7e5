"""Where pictures lie: the temp folder, and the class folders. Nothing is ever written or deleted outside them.

A picture keeps the random name that it got when it was accepted, `<uuid4>.<extension>`, wherever it is moved. Only
files of such names are moved or deleted, so a wrong path in a row or a wrong folder in a cfg costs nobody a file.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import shutil
import stat
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from deep_predictor.errors import ImageNotStored
from deep_predictor.images.folder_names import safe_folder_name

logger = logging.getLogger(__name__)

_UUID = r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}"
_EXTENSION = r"[A-Za-z0-9]{1,5}"
_REMOVING = ".removing"
_COPY_BYTES = 1024 * 1024
#: Of disks that know no second name for a file.
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EACCES})
_PICTURE_NAME = re.compile(rf"{_UUID}\.{_EXTENSION}")
#: Of a write that has not ended, and of a picture whose row is being written.
_PASSING_NAME = re.compile(rf"\.{_UUID}\.[A-Za-z0-9_]{{1,10}}\.part|{_UUID}\.{_EXTENSION}\{_REMOVING}")


def is_picture_name(name: str) -> bool:
    """Whether a file is called as this room calls the pictures it keeps."""
    return _PICTURE_NAME.fullmatch(name) is not None


class ImageStore:
    """The temp folder of one environment, and moves out of it. Raises ImageNotStored for whatever the disk refuses."""

    def __init__(self, temp_folder: Path) -> None:
        self.temp_folder = temp_folder
        with disk_errors(f"{temp_folder} cannot be made"):
            temp_folder.mkdir(parents=True, exist_ok=True)

    def save_upload(self, data: bytes, extension: str) -> Path:
        """Write a picture under a random name; it is there whole or not at all."""
        return _save(data, self.temp_folder / f"{uuid.uuid4()}.{extension}")

    def save_to_class(self, data: bytes, extension: str, main_folder: Path, class_name: str) -> Path:
        """As `save_upload`, to `<main_folder>/<class>/`."""
        return _save(data, _class_folder(main_folder, class_name) / f"{uuid.uuid4()}.{extension}")

    def open_spool(self) -> IO[bytes]:
        """A new file in the temp folder that is gone when it is closed: for uploads that are too large for memory."""
        with disk_errors(str(self.temp_folder)):
            self.temp_folder.mkdir(parents=True, exist_ok=True)
            return NamedTemporaryFile(dir=self.temp_folder, prefix=f".{uuid.uuid4()}.", suffix=".part")

    @contextmanager
    def spooled(self, file: IO[bytes]) -> Iterator[Path]:
        """Where an upload lies inside the block; what does not lie in the temp folder yet is copied there."""
        name = getattr(file, "name", None)
        if isinstance(name, str) and Path(name).parent.resolve() == self.temp_folder.resolve():
            file.flush()
            yield Path(name)
            return
        with self.open_spool() as copy:
            with disk_errors(copy.name):
                shutil.copyfileobj(file, copy, _COPY_BYTES)
                copy.flush()
            yield Path(copy.name)

    def keep_spooled(self, path: Path, extension: str) -> Path:
        """Give an upload that lies in the temp folder a random name of its own; the other name goes later."""
        kept = self.temp_folder / f"{uuid.uuid4()}.{extension}"
        _check_name(kept)
        with disk_errors(str(kept)):
            try:
                os.link(path, kept)
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                _copy(path, kept)
            kept.chmod(stat.S_IMODE(self.temp_folder.stat().st_mode) & 0o666)  # as open as its folder
        return kept

    def move_to_class(self, path: Path, main_folder: Path, class_name: str) -> Path:
        """Move a picture to `<main_folder>/<class>/`, also onto another disk; its name stays. Returns where it lies.

        A class folder that is a link to somewhere else is refused.
        """
        _check_name(path)
        folder = _class_folder(main_folder, class_name)
        with disk_errors(f"{path} to {folder}"):
            _move(path, folder / path.name)
        return folder / path.name

    def remove(self, path: Path) -> None:
        """Delete a picture, set aside or not. A missing file is fine; one that this room did not name is refused."""
        if not (_PICTURE_NAME.fullmatch(path.name) or _PASSING_NAME.fullmatch(path.name)):
            raise ImageNotStored(f"{path} is not deleted: it is not a picture that this server named")
        with disk_errors(str(path)):
            path.unlink(missing_ok=True)

    def set_aside(self, path: Path) -> Path:
        """Rename a picture that is to be deleted once its row is written; `restore` takes that back."""
        _check_name(path)
        aside = _aside_of(path)
        with disk_errors(str(path)):
            path.rename(aside)
        return aside

    def restore(self, path: Path) -> bool:
        """Bring back a picture that was set aside; False when there is none."""
        _check_name(path)
        with disk_errors(str(path)):
            try:
                _aside_of(path).rename(path)
            except FileNotFoundError:
                return False
        return True

    def find_moved(self, temp_path: Path, main_folder: Path) -> Path | None:
        """The picture of that name in one of the class folders, where a move was done before its row was written."""
        if not is_picture_name(temp_path.name):
            return None
        with disk_errors(str(main_folder)):
            folders = [entry for entry in _entries(main_folder) if entry.is_dir(follow_symlinks=False)]
        candidates = (Path(folder.path) / temp_path.name for folder in folders)
        return next((path for path in candidates if path.is_file() and not path.is_symlink()), None)

    def move_back(self, moved: Path, temp_path: Path) -> None:
        """Undo a move to a class folder, also from another disk."""
        _check_name(temp_path)
        with disk_errors(f"{moved} to {temp_path}"):
            _move(moved, temp_path)

    def remove_orphans(self, known_names: Collection[str], owner: str | None = None) -> None:
        """Delete uploads and drafts that a crash left behind: what this room named and no row speaks of.

        `owner` names the database that the rows are in: then only what came since it took the folder over is looked
        at, so that a new database never deletes what an older one spoke of. What cannot be deleted is logged and stays.
        """
        since = taken_over_at(self.temp_folder, owner) if owner else 0.0
        for entry in _entries(self.temp_folder):
            is_ours = is_picture_name(entry.name) or _PASSING_NAME.fullmatch(entry.name)
            if is_ours and entry.name.removesuffix(_REMOVING) not in known_names and not entry.is_dir():
                try:
                    if entry.stat(follow_symlinks=False).st_mtime >= since:
                        self.remove(Path(entry.path))
                except (ImageNotStored, OSError) as error:
                    logger.warning("an orphan stays: %s", error)


def taken_over_at(folder: Path, owner: str) -> float:
    """Unix second at which this owner's marker was put into a folder: now, when another's or none is there.

    Raises ImageNotStored.
    """
    marker = folder / ".owner"
    with disk_errors(str(marker)):
        if not marker.is_file() or marker.read_text(encoding="utf-8", errors="replace") != owner:
            marker.write_text(owner, encoding="utf-8")
        return marker.stat().st_mtime


@contextmanager
def disk_errors(what: str) -> Iterator[None]:
    """Turn what the disk refuses, and paths that are none (a NUL inside), into ImageNotStored."""
    try:
        yield
    except OSError as error:
        raise ImageNotStored(f"{what}: {error.strerror or error}") from error
    except ValueError as error:
        raise ImageNotStored(f"{what!r}: {error}") from error


def _save(data: bytes, path: Path) -> Path:
    _check_name(path)
    draft = draft_of(path)
    with disk_errors(str(path)):
        try:
            try:
                draft.write_bytes(data)
            except FileNotFoundError:  # somebody deleted the folder
                path.parent.mkdir(parents=True, exist_ok=True)
                draft.write_bytes(data)
            draft.rename(path)
        except OSError:
            _discard(draft)
            raise
    return path


def _class_folder(main_folder: Path, class_name: str) -> Path:
    """Made where it is missing. Raises ImageNotStored, also for one that is a link to somewhere else."""
    folder = main_folder / safe_folder_name(class_name)
    with disk_errors(str(folder)):
        if not _is_folder_itself(folder):
            folder.mkdir(parents=True, exist_ok=True)
            if not _is_folder_itself(folder):
                raise ImageNotStored(f"{folder} leads out of {main_folder}")
    return folder


def _is_folder_itself(path: Path) -> bool:
    """Whether it is a folder, and no link to one."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def _check_name(path: Path) -> None:
    if not is_picture_name(path.name):
        raise ImageNotStored(f"{path}: not a picture that this server named")


def _move(path: Path, target: Path) -> None:
    """Rename; onto another disk: copy under a draft name, rename, delete the source. Raises OSError."""
    if path.is_symlink():
        raise OSError(errno.ELOOP, "the picture is a link")
    try:
        path.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy(path, target)
        path.unlink()


def _copy(path: Path, target: Path) -> None:
    draft = draft_of(target)
    try:
        shutil.copyfile(path, draft)
        draft.rename(target)
    except OSError:
        _discard(draft)
        raise


def _discard(draft: Path) -> None:
    """Best effort: on a full or broken disk the first error is the one that tells something."""
    with suppress(OSError):
        draft.unlink(missing_ok=True)


def draft_of(path: Path) -> Path:
    """What a file is called until it is whole."""
    return path.with_name(f".{path.name}.part")


def _aside_of(path: Path) -> Path:
    return path.with_name(path.name + _REMOVING)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []
