"""docs/training/augmentation.md names every operation with its options and every key of the cfg; its examples work."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from deep_predictor.training.augmentation.config import SECTION, AugmentOptions
from deep_predictor.training.augmentation.table import (
    OPERATIONS,
    build_augmentation,
    find_problems,
    get_operation_class,
)


@pytest.fixture(scope="module")
def text(project_root: Path) -> str:
    return (project_root / "docs/training/augmentation.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", OPERATIONS)
def test_doc_has_a_line_for_each_operation_with_its_options_and_defaults(text: str, name: str) -> None:
    row = next(line for line in text.splitlines() if line.startswith(f"| `{name}` |"))

    for key, field in get_operation_class(name).options_class.model_fields.items():
        if key != "probability":
            assert f"`{key}`" in row
        if isinstance(field.default, tuple) and len(field.default) == 2:
            assert f"[{', '.join(f'{number:g}' for number in field.default)}]" in row


@pytest.mark.parametrize("key", AugmentOptions.model_fields)
def test_doc_has_a_line_for_each_key(text: str, key: str) -> None:
    assert f"\n| `{key}` |" in text


def test_examples_of_the_doc_are_right(text: str) -> None:
    training, augment = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    entries = json.loads("{" + training + "}")["augmentation"]
    written = json.loads(augment)[SECTION]

    assert [step.name for step in build_augmentation(entries, Path()).steps] == [entry["name"] for entry in entries]
    assert find_problems(written["training_transforms"], Path()) == []
    AugmentOptions.model_validate(written)
