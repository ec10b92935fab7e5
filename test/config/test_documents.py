"""docs/configuration.md names every setting, backend and engine."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from pydantic import BaseModel

from deep_predictor.backends.table import BACKENDS
from deep_predictor.config.logging_config import LoggerSections
from deep_predictor.config.main_config import ENVIRONMENT_KEYS, Sections
from deep_predictor.engines.table import ENGINES


def keys_of(model: type[BaseModel]) -> set[str]:
    """Every key of a model and of the models inside it, as a file spells it."""
    keys = set()
    for name, field in model.model_fields.items():
        keys.add(field.alias or name)
        annotation = field.annotation
        for inner in (annotation, *getattr(annotation, "__args__", ())):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                keys |= keys_of(inner)
    return keys


@pytest.fixture(scope="module")
def document(project_root: Path) -> str:
    return (project_root / "docs" / "configuration.md").read_text(encoding="utf-8")


def test_document_names_every_key_of_the_main_config(document: str) -> None:
    missing = {key for key in keys_of(Sections) | keys_of(LoggerSections) if key not in document}
    assert not missing


def test_document_names_every_environment_variable(document: str) -> None:
    assert not {name for name in ENVIRONMENT_KEYS if name not in document}


@pytest.mark.parametrize("name", ["keras", "tf_yolo", "dummy"])
def test_document_names_every_key_of_a_backend(document: str, name: str) -> None:
    module_name, class_name = BACKENDS[name].split(":")
    backend = getattr(import_module(module_name), class_name)
    missing = {key for key in keys_of(backend.Options) | keys_of(backend.Paths) if f"`{key}`" not in document}
    assert not missing


def test_document_names_every_backend_and_engine(document: str) -> None:
    known = {name for name in BACKENDS if name != "fault"} | set(ENGINES)
    assert not {name for name in known if f"`{name}`" not in document}
