"""A tiny run of each task: its cfg, for tests that ask the same of all tasks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from deep_predictor.backends.base import Task

#: Sections that differ, the pictures and the network.
_SECTIONS: dict[Task, dict[str, Any]] = {
    "classification": {
        "dataset_options": {"name": "folder", "path": "pictures"},
        "input_options": {"width": 16, "height": 16, "scale": 1 / 127.5, "mean": 1},
        "fit_options": {"architecture": "convnet_small"},
    },
    "detection": {
        "dataset_options": {"name": "digit_scenes", "scene_options": {"task": "detection", "count": 48}},
        "input_options": {"width": 64, "height": 64},
        "fit_options": {"architecture": "yolo_small"},
    },
    "segmentation": {
        "dataset_options": {"name": "digit_scenes", "scene_options": {"task": "segmentation", "count": 48}},
        "input_options": {"width": 64, "height": 64},
        "fit_options": {"architecture": "unet"},
        "architecture_options": {"alpha": 0.35},
    },
}


def task_section(task: Task, epochs: int, **fit_changes: Any) -> dict[str, Any]:
    """`training_options` without folders. `pictures` of the classifier is below the cfg's root."""
    section = {key: dict(value) for key, value in _SECTIONS[task].items()}
    section["fit_options"] |= {"epochs": epochs, "batch_size": 8, "learning_rate": 0.003, **fit_changes}
    flip = {"name": "flip_horizontal", "probability": 0.5}
    mixing = [{"name": "mixup", "probability": 0.5}] if task == "classification" else []
    return {
        **section,
        "seed": 3,
        "augmentation": [flip, {"name": "gamma", "gamma_range": [0.8, 1.2], "probability": 0.5}, *mixing],
        "serving_options": {"method": "tiny", "predictions_main_folder": "predictions"},
    }


def write_task_cfg(path: Path, section: dict[str, Any]) -> Path:
    path.write_text(json.dumps({"training_options": section}), encoding="utf-8")
    return path
