"""docs/configuration.md names every setting with its default, every backend and engine, and no setting that is none."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import AliasChoices, BaseModel
from pydantic.fields import FieldInfo

from deep_predictor.backends.table import BACKENDS, backend_classes
from deep_predictor.config.logging_config import LoggerSections
from deep_predictor.config.main_config import ENVIRONMENT_KEYS, Sections
from deep_predictor.config.public_address import PUBLISHED_KEYS
from deep_predictor.config.written_values import product_of_integers
from deep_predictor.engines.table import ENGINES

SERVED_BACKENDS = sorted(name for name in BACKENDS if name != "fault")
#: A cell of a table that is a default in words, not a value.
IN_WORDS = re.compile(r"required|.*, or .*")


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from models_in(inner)


def fields_of(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    """Every key of a model and of the models inside it, in each spelling that a file may have."""
    for name, field in model.model_fields.items():
        alias = field.validation_alias
        for spelling in alias.choices if isinstance(alias, AliasChoices) else [alias or name]:
            yield str(spelling), field
        for inner in models_in(field.annotation):
            yield from fields_of(inner)


def sections() -> Iterator[type[BaseModel]]:
    for name, backend in backend_classes():
        if name != "fault":
            yield from (backend.Options, backend.Paths)


def all_fields() -> dict[str, list[FieldInfo]]:
    """Key -> the fields that have it; production's and test's are two of one kind."""
    found: dict[str, list[FieldInfo]] = {}
    for model in (Sections, LoggerSections, *sections()):
        for key, field in fields_of(model):
            found.setdefault(key, []).append(field)
    return found


@pytest.fixture(scope="module")
def document(project_root: Path) -> str:
    return (project_root / "docs" / "configuration.md").read_text(encoding="utf-8")


def table_rows(document: str) -> Iterator[tuple[list[str], str]]:
    """(keys, default cell) of each row of a table of settings."""
    in_table = False
    for line in document.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) != 3:
            in_table = False
        elif cells[1] == "default":
            in_table = True
        elif in_table and not cells[0].startswith("---"):
            yield re.findall(r"`([^`]+)`", cells[0]), cells[1]


def is_default(shown: str, field: FieldInfo) -> bool:
    """Whether a cell of the document says what the field's default is."""
    if IN_WORDS.fullmatch(shown):
        return shown != "required" or field.is_required()
    default, plain = field.default, shown.strip("`")
    if isinstance(default, tuple):
        return plain == (" ".join(default) or "none")
    if isinstance(default, str):
        return plain.strip('"') == default
    if default is None:
        return plain == "none"
    if isinstance(default, Path):
        return plain == default.as_posix()
    return math.isclose(float(product_of_integers(plain.strip('"')) if "*" in plain else plain), default)


def test_document_names_every_key_of_every_file(document: str) -> None:
    missing = {key for key in all_fields() if not re.search(rf"[`.]{re.escape(key)}[`.]", document)}
    assert not missing


def test_document_names_no_key_that_is_none(document: str) -> None:
    known = all_fields().keys()
    named = {part for keys, _ in table_rows(document) for key in keys for part in key.split(".")}
    assert len(named) > 40
    assert not named - known


def test_document_gives_every_default_as_it_is(document: str) -> None:
    fields, checked = all_fields(), 0
    for keys, cell in table_rows(document):
        shown = cell.split(", ") if len(keys) > 1 and cell.count(", ") == len(keys) - 1 else [cell] * len(keys)
        for key, default in zip(keys, shown, strict=True):
            for field in fields[key.split(".")[-1]]:
                assert is_default(default, field), f"{key}: the document says {default}, the class {field.default!r}"
                checked += 1
    assert checked > 60


def test_document_names_every_environment_variable(document: str) -> None:
    assert not {name for name in ENVIRONMENT_KEYS if f"`{name}`" not in document}


def test_document_names_every_backend_and_engine(document: str) -> None:
    assert not {name for name in [*SERVED_BACKENDS, *ENGINES] if f"`{name}`" not in document}


def test_published_keys_stand_in_no_file_of_the_project(project_root: Path) -> None:
    for path in [*(project_root / "cfg").rglob("*.cfg"), *(project_root / "docs").rglob("*.md")]:
        text = path.read_text(encoding="utf-8")
        assert not [key for key in PUBLISHED_KEYS if key in text], path
