"""Where pictures lie: the temp folder, and the class folders. Nothing is ever written outside them."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import unicodedata
import uuid
from pathlib import Path

from deep_predictor.errors import ImageNotStored

MAX_NAME_BYTES = 100
_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_OWN_NAME = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[a-z]{3,4}(\.removing)?|\..+\.part")
_REMOVING = ".removing"


def safe_folder_name(class_name: str) -> str:
    """A class name as one part of a path. A name that had to change gets a hash, so that no two share a folder."""
    name = unicodedata.normalize("NFC", class_name)
    safe = _UNSAFE.sub("_", name).strip().rstrip(". ")
    if safe in ("", ".", "..") or safe.startswith("."):
        safe = "_" + safe.lstrip(".")
    if _RESERVED.fullmatch(safe):
        safe = "_" + safe
    encoded = safe.encode("utf-8", "replace")
    if len(encoded) > MAX_NAME_BYTES:
        safe = encoded[:MAX_NAME_BYTES].decode("utf-8", "ignore")
    else:
        safe = encoded.decode("utf-8")
    if safe == class_name:
        return safe
    if not class_name.strip():
        safe = "unnamed"
    return f"{safe} {hashlib.sha256(class_name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


class ImageStore:
    """The temp folder of one environment, and moves out of it. Every method raises ImageNotStored on an OSError."""

    def __init__(self, temp_folder: Path) -> None:
        self.temp_folder = temp_folder
        temp_folder.mkdir(parents=True, exist_ok=True)

    def save_upload(self, data: bytes, extension: str) -> Path:
        """Write a picture under a random name; it is there whole or not at all."""
        path = self.temp_folder / f"{uuid.uuid4()}.{extension}"
        draft = self.temp_folder / f".{path.name}.part"
        try:
            self.temp_folder.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(data)
            draft.rename(path)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise ImageNotStored(f"{path}: {error.strerror}") from error
        return path

    def move_to_class(self, path: Path, main_folder: Path, class_name: str) -> Path:
        """Move a picture to `<main_folder>/<class>/`, also onto another disk; its name stays."""
        folder = main_folder / safe_folder_name(class_name)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if folder.resolve().parent != main_folder.resolve():
                raise ImageNotStored(f"{folder} leads out of {main_folder}")
            target = folder / path.name
            try:
                path.rename(target)
            except OSError:
                self._copy_over(path, target)
        except OSError as error:
            raise ImageNotStored(f"{path} to {folder}: {error.strerror}") from error
        return target

    def remove(self, path: Path) -> None:
        """A missing file is fine."""
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise ImageNotStored(f"{path}: {error.strerror}") from error

    def set_aside(self, path: Path) -> Path:
        """Rename a picture that is to be deleted once its row is written."""
        aside = path.with_name(path.name + _REMOVING)
        try:
            path.rename(aside)
        except OSError as error:
            raise ImageNotStored(f"{path}: {error.strerror}") from error
        return aside

    def restore(self, path: Path) -> bool:
        """Bring back a picture that was set aside; False when there is none."""
        try:
            path.with_name(path.name + _REMOVING).rename(path)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise ImageNotStored(f"{path}: {error.strerror}") from error
        return True

    def find_moved(self, temp_path: Path, main_folder: Path) -> Path | None:
        """The picture of that name in one of the class folders, if a move was done before its row was written."""
        if not _OWN_NAME.fullmatch(temp_path.name) or not main_folder.is_dir():
            return None
        return next((path for path in main_folder.glob(f"*/{temp_path.name}") if path.is_file()), None)

    def remove_orphans(self, known_names: set[str]) -> None:
        """Delete what this store named and no row speaks of: uploads and drafts that a crash left behind."""
        for entry in os.scandir(self.temp_folder):
            name = entry.name.removesuffix(_REMOVING)
            if entry.is_file(follow_symlinks=False) and _OWN_NAME.fullmatch(entry.name) and name not in known_names:
                self.remove(Path(entry.path))

    def _copy_over(self, path: Path, target: Path) -> None:
        draft = target.with_name(f".{target.name}.part")
        try:
            shutil.copyfile(path, draft)
            draft.rename(target)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        path.unlink()
