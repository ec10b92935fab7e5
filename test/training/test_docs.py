"""docs/training.md and its chapters name every command, key, data set, operation, architecture and file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from deep_predictor.training import train_command
from deep_predictor.training.__main__ import COMMANDS
from deep_predictor.training.architectures.table import ARCHITECTURES
from deep_predictor.training.augmentation.table import OPERATIONS
from deep_predictor.training.config import TrainingOptions
from deep_predictor.training.datasets.table import FORMATS
from deep_predictor.training.model_folder import MODEL_FOLDER_FILES


@pytest.fixture(scope="module")
def text(project_root: Path) -> str:
    docs = project_root / "docs"
    return "\n".join(path.read_text(encoding="utf-8") for path in (docs / "training.md", *docs.glob("training/*.md")))


def option_keys() -> list[tuple[str, str]]:
    """(section or "", key) of all that a training cfg may hold."""
    keys: list[tuple[str, str]] = []
    for name, field in TrainingOptions.model_fields.items():
        inner = next((t for t in (field.annotation, *get_args(field.annotation)) if isinstance(t, type)), None)
        if inner and issubclass(inner, BaseModel):
            keys += [(name, key) for key in inner.model_fields]
        else:
            keys.append(("", name))
    return keys


@pytest.mark.parametrize(("section", "key"), option_keys())
def test_training_docs_have_a_line_for_each_key(text: str, section: str, key: str) -> None:
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    heads = [row.split("|")[1] for row in rows]

    assert any(
        f"`{key}`" in head or f"`.{key}`" in head or f"`{section}.{key}`" in head or (section and f".{key}`" in head)
        for head in heads
    )


#: Without their other names, which stand in the text.
OWN_NAMES = list({id(architecture): name for name, architecture in reversed(ARCHITECTURES.items())}.values())


@pytest.mark.parametrize("name", [*FORMATS, *OWN_NAMES, *OPERATIONS, *MODEL_FOLDER_FILES])
def test_training_docs_have_a_line_for_each_name(text: str, name: str) -> None:
    heads = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]

    assert any(f"`{name}`" in head or f"`{name}/`" in head for head in heads)


@pytest.mark.parametrize("name", COMMANDS)
def test_training_doc_has_a_line_for_each_command(project_root: Path, name: str) -> None:
    assert f"\n| `{name} " in (project_root / "docs/training.md").read_text(encoding="utf-8")


def test_training_doc_has_a_line_for_each_option_of_train(project_root: Path) -> None:
    parser = argparse.ArgumentParser(add_help=False)
    train_command.add_arguments(parser)
    doc = (project_root / "docs/training.md").read_text(encoding="utf-8")

    for action in parser._actions:
        for option in action.option_strings:
            assert f"| `{option}" in doc
