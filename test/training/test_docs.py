"""docs/training.md names every key, data set, architecture and file."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from deep_predictor.training.architectures import ARCHITECTURES
from deep_predictor.training.config import TrainingOptions
from deep_predictor.training.datasets import DATASETS
from deep_predictor.training.model_folder import MODEL_FOLDER_FILES


def option_keys() -> list[tuple[str, str]]:
    """(section or "", key) of all that a training cfg may hold."""
    keys: list[tuple[str, str]] = []
    for name, field in TrainingOptions.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            keys += [(name, key) for key in inner.model_fields]
        else:
            keys.append(("", name))
    return keys


@pytest.mark.parametrize(("section", "key"), option_keys())
def test_training_doc_has_a_line_for_each_key(project_root: Path, section: str, key: str) -> None:
    lines = (project_root / "docs/training.md").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith(f"| `{section}." if section else f"| `{key}`")]

    assert any(f"`{key}`" in row or f".{key}`" in row for row in rows)


@pytest.mark.parametrize("name", [*DATASETS, *ARCHITECTURES, *MODEL_FOLDER_FILES])
def test_training_doc_has_a_line_for_each_name(project_root: Path, name: str) -> None:
    assert f"\n| `{name}` |" in (project_root / "docs/training.md").read_text(encoding="utf-8")
