"""Where what a run reads lies: snapshots of data sets, and folders of cut-outs and backgrounds made of them.

<runs_folder>/snapshots/<uuid>/dataset/          what is trained on, or augmented
                              /shelf-<id>/       <class>/<item>.<ext>: cut-outs or backgrounds
                              /augmented/        what `augment` writes
                              /order.json        what becomes of that
                              /check.cfg         the cfg, while it is checked
"""

from __future__ import annotations

import json
import re
import shutil
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deep_predictor.datasets.folders import link_or_copy
from deep_predictor.datasets.library import DatasetLibrary
from deep_predictor.datasets.snapshots import LISTING_FILE
from deep_predictor.errors import NotFound
from deep_predictor.images.folder_names import safe_folder_name
from deep_predictor.training.job_files import read_object, write_object

SNAPSHOTS_FOLDER = "snapshots"
_ORDER_FILE = "order.json"
_WORKPLACE_NAME = re.compile("[0-9a-f]{32}")
#: Where a cfg names its workplace. No client writes there; what else a cfg holds may be a client's.
_OWN_KEYS = (("training_options", "dataset_options", "path"), ("augmentation_options", "output_folder"))


class Workplace:
    """One run's. Methods raise OSError for what the disk refuses."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def dataset(self) -> Path:
        return self.path / "dataset"

    @property
    def listing(self) -> Path:
        return self.dataset / LISTING_FILE

    @property
    def augmented(self) -> Path:
        return self.path / "augmented"

    @property
    def check_cfg(self) -> Path:
        return self.path / "check.cfg"

    def shelf(self, dataset_id: int) -> Path:
        return self.path / f"shelf-{dataset_id}"

    def write_shelf(self, datasets: DatasetLibrary, dataset_id: int) -> None:
        """Fill a folder with a data set's pictures, a folder a label. Raises NotFound."""
        shelf, snapshot = self.shelf(dataset_id), self.path / f".snapshot-{dataset_id}"
        listing = datasets.snapshot(dataset_id, snapshot)
        shelf.mkdir(parents=True)
        with listing.open(encoding="utf-8") as lines:
            for item in map(json.loads, lines):
                source = snapshot / item["file"]
                target = shelf / safe_folder_name(item["label"]) / source.name
                target.parent.mkdir(exist_ok=True)
                link_or_copy(source, target)
        shutil.rmtree(snapshot)

    def write_order(self, order: Mapping[str, Any]) -> None:
        write_object(self.path / _ORDER_FILE, order)

    def read_order(self) -> dict[str, Any]:
        """{} where there is none."""
        return read_object(self.path / _ORDER_FILE)

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


class Workplaces:
    """All runs'."""

    def __init__(self, runs_folder: Path) -> None:
        self._folder = runs_folder.resolve() / SNAPSHOTS_FOLDER

    def new(self) -> Workplace:
        """Raises OSError."""
        path = self._folder / uuid.uuid4().hex
        path.mkdir(parents=True)
        return Workplace(path)

    def get(self, cfg: Mapping[str, Any]) -> Workplace:
        """The one that a job's cfg names. Raises NotFound for a cfg that names none."""
        for keys in _OWN_KEYS:
            path = Path(str(_inner(cfg, keys) or ""))
            if path.is_relative_to(self._folder):
                name = path.relative_to(self._folder).parts[:1]
                if name and _WORKPLACE_NAME.fullmatch(name[0]):
                    return Workplace(self._folder / name[0])
        raise NotFound("workplace", "")

    def remove_of(self, cfg: Mapping[str, Any]) -> None:
        """Nothing, where a cfg names none."""
        try:
            self.get(cfg).remove()
        except NotFound:
            return


def _inner(cfg: Mapping[str, Any], keys: Sequence[str]) -> Any:
    found: Any = cfg
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found
