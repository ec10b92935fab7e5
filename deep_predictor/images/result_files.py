"""What a prediction leaves beside its picture: masks, heat maps, videos.

One folder a prediction, named by the SHA-256 of its id, which may hold dots and more.
Nothing outside the folder is ever written or deleted.
"""

from __future__ import annotations

import hashlib
import logging
import re
import shutil
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path

from deep_predictor.errors import ImageNotStored
from deep_predictor.images.retention import BYTES_PER_MB, SECONDS_PER_DAY
from deep_predictor.images.storage import disk_errors, draft_of, taken_over_at

logger = logging.getLogger(__name__)

MASK = "mask.png"
VIDEO = "video.mp4"
ORIGINAL_VIDEO = "original.mp4"
FRAMES = "frames.jsonl"
_NAME = re.compile(r"mask\.png|heat-[0-9]{1,9}\.png|video\.mp4|original\.mp4|frames\.jsonl")
_FOLDER_NAME = re.compile(r"[0-9a-f]{64}")


def heat_name(class_index: int) -> str:
    """The name of the heat map of a class."""
    return f"heat-{class_index}.png"


class ResultFiles:
    """The results of one environment; their folder is made with the first. Raises ImageNotStored for whatever the disk
    refuses.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._owner: str | None = None
        there = next(path for path in (folder, *folder.parents) if path.exists())
        if not there.is_dir():
            raise ImageNotStored(f"{folder} cannot be made: {there} is no folder")

    def save(self, prediction_id: str, name: str, data: bytes) -> Path:
        """Write a file; it is there whole or not at all, and takes the place of an earlier one."""
        path = self.path_for(prediction_id, name)
        draft = draft_of(path)
        with disk_errors(str(path)):
            try:
                draft.write_bytes(data)
                draft.replace(path)
            except OSError:
                with suppress(OSError):  # the first error tells more
                    draft.unlink(missing_ok=True)
                raise
        return path

    def path_for(self, prediction_id: str, name: str) -> Path:
        """Where a file belongs, its folder made: for who writes a long one, a draft beside it first."""
        _check_name(name)
        folder = self.folder_of(prediction_id)
        with disk_errors(str(folder)):
            is_first = not self.folder.is_dir()
            folder.mkdir(parents=True, exist_ok=True)
        if is_first and self._owner:
            taken_over_at(self.folder, self._owner)
        return folder / name

    def find(self, prediction_id: str, name: str) -> Path | None:
        """None where there is no such file."""
        _check_name(name)
        path = self.folder_of(prediction_id) / name
        return path if path.is_file() and not path.is_symlink() else None

    def remove(self, prediction_id: str) -> None:
        """Delete all that a prediction left; nothing there is fine. What cannot be deleted is logged and stays."""
        _remove_folder(self.folder_of(prediction_id))

    def folder_of(self, prediction_id: str) -> Path:
        return self.folder / hashlib.sha256(prediction_id.encode("utf-8", "surrogatepass")).hexdigest()

    def remove_orphans(self, known_ids: Iterable[str], owner: str | None = None) -> None:
        """Delete what no prediction of these ids left; `owner` as in ImageStore.remove_orphans."""
        self._owner = owner
        if not self.folder.is_dir():
            return
        since = taken_over_at(self.folder, owner) if owner else 0.0
        orphans = {folder for folder in _folders(self.folder) if _changed_at(folder) >= since}
        if not orphans:
            return
        orphans -= {self.folder_of(prediction_id) for prediction_id in known_ids}
        for folder in orphans:
            _remove_folder(folder)


def apply_results_retention(
    folder: Path,
    keep_days: float | None,
    max_disk_mb: float | None,
    now: float,
    keep: Collection[Path] = (),
) -> list[Path]:
    """Delete the results of whole predictions, oldest first; as `retention.apply_retention`.

    `keep`: folders of predictions that are at work.
    """
    aged = sorted((_changed_at(path), path, _size_of(path)) for path in _folders(folder))
    total_bytes = sum(size for _, _, size in aged)
    removed = []
    for changed_at, path, size in aged:
        too_old = keep_days is not None and now - changed_at > keep_days * SECONDS_PER_DAY
        too_much = max_disk_mb is not None and total_bytes > max_disk_mb * BYTES_PER_MB
        if (too_old or too_much) and path not in keep and _remove_folder(path):
            total_bytes -= size
            removed.append(path)
    return removed


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a result")


def _folders(folder: Path) -> list[Path]:
    """Those that this room named; links are none."""
    try:
        entries = list(folder.iterdir())
    except FileNotFoundError:
        return []
    return [path for path in entries if _FOLDER_NAME.fullmatch(path.name) and path.is_dir() and not path.is_symlink()]


def _changed_at(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:  # deleted since it was listed
        return 0.0


def _size_of(folder: Path) -> int:
    total = 0
    for path in folder.glob("*"):
        with suppress(FileNotFoundError):
            total += path.lstat().st_size
    return total


def _remove_folder(folder: Path) -> bool:
    try:
        if not folder.is_symlink():
            shutil.rmtree(folder)
    except FileNotFoundError:
        return True
    except OSError as error:
        logger.warning("results stay: %s: %s", folder, error.strerror)
        return False
    return True
