"""The folder of a written set: whole or absent. Its files are written beside it and renamed at the end.

train/<class>/…  test/<class>/…  val/<class>/…    pictures
sources.json          {file: name of the picture that it was made from}, POSIX paths below the folder
augmentation.json     how the set was made
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from deep_predictor.errors import OutputUnwritable
from deep_predictor.training.datasets.sources import SOURCES_FILE
from deep_predictor.training.folder_swap import clear_leftovers, part_beside, put_in_place

FACTS_FILE = ".augmentation.json"
_SHOWN_STRANGERS = 3


def check_replaceable(folder: Path) -> None:
    """Raises OutputUnwritable for a folder that holds anything that `augment` did not write: it would be lost."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise OutputUnwritable(folder, "is a file, not a folder")
    own = {SOURCES_FILE, FACTS_FILE, *_read_sources(folder)}
    strangers = [name for name in _files_in(folder) if name not in own]
    if strangers or (any(folder.iterdir()) and not (folder / FACTS_FILE).is_file()):
        shown = ", ".join(strangers[:_SHOWN_STRANGERS]) or "folders"
        more = f" and {len(strangers) - _SHOWN_STRANGERS} more" if len(strangers) > _SHOWN_STRANGERS else ""
        raise OutputUnwritable(
            folder,
            f"holds what augment did not write ({shown}{more}), and it would be lost; "
            "move it away, or name another output_folder",
        )


@contextmanager
def written_beside(folder: Path) -> Iterator[Path]:
    """An empty folder beside `folder`; when the block ends it takes its place, when the block raises it goes.

    Raises OutputUnwritable when another process writes the set, or the disk refuses, in the block too.
    """
    part = part_beside(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.parent / f".{folder.name}.lock", timeout=0):
            clear_leftovers(folder)
            check_replaceable(folder)
            try:
                part.mkdir()
                yield part
                os.sync()  # the pictures reach the disk before the rename makes them count
                put_in_place(folder, part)
            finally:
                shutil.rmtree(part, ignore_errors=True)
    except Timeout as error:
        raise OutputUnwritable(folder, "another process is writing it") from error
    except OSError as error:
        raise OutputUnwritable(folder, f"cannot be written: {error}") from error


def write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def _read_sources(folder: Path) -> list[str]:
    """The files that the folder's index names; none where there is no index that can be read."""
    try:
        sources = json.loads((folder / SOURCES_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return []
    return list(sources) if isinstance(sources, dict) else []


def _files_in(folder: Path) -> Iterator[str]:
    for place, folders, files in os.walk(folder):
        folders.sort()
        linked = [name for name in folders if (Path(place) / name).is_symlink()]
        for name in sorted([*files, *linked]):
            yield (Path(place) / name).relative_to(folder).as_posix()
