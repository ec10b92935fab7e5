"""Where the library's models lie: a folder a version, as a training run writes it, under a name of chance.

<models_folder>/<folder of a model>/     model file, names.txt, predictor.cfg, metrics.json, golden/, report.html
                            /exports/    what it was converted to
<models_folder>/incoming/<folder>/       an upload that is not checked yet
<models_folder>/pictures/<environment>/<predictor>/   what the published predictor keeps of its pictures
"""

from __future__ import annotations

import json
import os
import shutil
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from deep_predictor.backends.base import Task
from deep_predictor.config.predictor_config import PredictorConfig, load_predictor_config
from deep_predictor.db.model_rows import ModelRecord
from deep_predictor.images.folder_names import safe_folder_name

PREDICTOR_FILE = "predictor.cfg"
MANIFEST_FILE = "manifest.json"
METRICS_FILE = "metrics.json"
NAMES_FILE = "names.txt"
REPORT_FILE = "report.html"
EXPORTS_FOLDER = "exports"
#: Figures of a part of the split that lists show; the rest stands in metrics.json.
_SHOWN_FIGURES = (
    *("count", "accuracy", "top5_accuracy", "ece", "loss"),
    *("map50", "map50_95", "miou", "miou_without_background"),
)
_SHOWN = ("best_epoch", "temperature")
#: An upload that nobody began to check, left by a server that died.
_OLD_SECONDS = 24 * 3600.0


class ModelFolders:
    """The folders of one library. `root`: where relative paths of a cfg start."""

    def __init__(self, root: Path, models_folder: Path) -> None:
        self.root, self._models_folder = root, root / models_folder

    def new_name(self) -> str:
        return uuid.uuid4().hex

    def of(self, model: ModelRecord) -> Path:
        return self._models_folder / model.folder

    def named(self, name: str) -> Path:
        return self._models_folder / name

    def incoming(self, name: str) -> Path:
        return self._models_folder / "incoming" / name

    def pictures(self, environment: str, predictor_name: str) -> Path:
        return self._models_folder / "pictures" / environment / safe_folder_name(predictor_name)

    def served_config(
        self, model: ModelRecord, pictures: Path, options: Mapping[str, Any] | None = None
    ) -> PredictorConfig:
        """The predictor cfg of a model's folder, its paths leading into that folder, wherever it was written.

        `options` replace those of the cfg that are there. Raises ConfigError.
        """
        folder = self.of(model)
        config = load_predictor_config(folder / PREDICTOR_FILE, self.root)
        paths = dict(config.model_paths)
        for key in ("model_path", "names_path"):
            if isinstance(paths.get(key), str):
                paths[key] = str(folder / Path(paths[key]).name)
        paths["predictions_main_folder"] = str(pictures)
        return replace(config, model_paths=paths, model_options={**config.model_options, **(options or {})})

    def copy_in(self, source: Path, report: Path | None, name: str) -> None:
        """Take over the model folder of a run and its report: all of it, or nothing. Raises OSError."""
        target = self.named(name)
        part = target.with_name(f".{name}.part")
        for leftover in (part, target):  # of a server that died here
            shutil.rmtree(leftover, ignore_errors=True)
        part.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, part, copy_function=_link_or_copy)
        if report:
            _link_or_copy(str(report), str(part / REPORT_FILE))
        part.rename(target)

    def remove(self, name: str) -> None:
        """A model's folder, and what may be left of its upload."""
        for folder in (self.named(name), self.named(f".{name}.part"), self.incoming(name)):
            shutil.rmtree(folder, ignore_errors=True)

    def remove_old_uploads(self) -> None:
        """Those whose server died while they came in."""
        for folder in self.incoming("").glob("*"):
            with suppress(OSError):
                if time.time() - folder.stat().st_mtime > _OLD_SECONDS:
                    shutil.rmtree(folder, ignore_errors=True)


def class_names_of(folder: Path) -> list[str]:
    """[] where there are none."""
    try:
        text = (folder / NAMES_FILE).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return []
    return [line.strip() for line in text.splitlines() if line.strip()]


def task_of(folder: Path) -> str:
    """What a training's model does, by its manifest; classification where it says nothing."""
    task = _object_in(folder / MANIFEST_FILE).get("task")
    return str(task) if task in get_args(Task) else "classification"


def metrics_of(folder: Path) -> dict[str, Any]:
    """What lists show of metrics.json; {} where there is none."""
    written = _object_in(folder / METRICS_FILE)
    shown: dict[str, Any] = {name: written[name] for name in _SHOWN if isinstance(written.get(name), int | float)}
    threshold = written.get("threshold")
    if isinstance(threshold, dict) and isinstance(threshold.get("threshold"), int | float):
        shown["threshold"] = threshold["threshold"]
    for part in ("val", "test"):
        if isinstance(figures := written.get(part), dict):
            numbers = {name: figures.get(name) for name in _SHOWN_FIGURES}
            shown[part] = {name: value for name, value in numbers.items() if isinstance(value, int | float)}
    return shown


def _object_in(path: Path) -> dict[str, Any]:
    """{} where there is none."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _link_or_copy(source: str, target: str) -> None:
    """A run's files are replaced and never written into, so that both may have the same bytes."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # another disk
        shutil.copyfile(source, target)
