"""Cfg files and data sets for the tests of `augment`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from deep_predictor.training.augmentation.config import SECTION, AugmentConfig, load_augment_config
from test.training.augmentation.pictures import write_png

FLIP: Mapping[str, Any] = {"name": "flip_horizontal"}


def photo(seed: int, side: int = 24) -> np.ndarray:
    """A picture that no other looks like: 6 x 6 fields of random colours."""
    fields = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return np.repeat(np.repeat(fields, side // 6, axis=0), side // 6, axis=1)


def write_photos(folder: Path, counts: Mapping[str, int], first_seed: int = 0) -> None:
    """PNG files `<class or part/class>/<number>.png`."""
    seed = first_seed
    for class_name, count in counts.items():
        for number in range(count):
            write_png(folder / class_name / f"{number}.png", photo(seed))
            seed += 1


def write_cfg(root: Path, **options: Any) -> Path:
    """A cfg that augments `<root>/set` into `<root>/out`."""
    written = {
        "output_folder": "out",
        "dataset_options": {"name": "folder", "path": "set", "val_share": 0.2, "test_share": 0.3},
        "training_transforms": [FLIP],
        **options,
    }
    path = root / "augment.cfg"
    path.write_text(json.dumps({SECTION: written}))
    return path


def config(root: Path, **options: Any) -> AugmentConfig:
    return load_augment_config(write_cfg(root, **options), root)


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
