"""Settings of the main config that must fit each other. Read from the file as written, so that one wrong key hides
no other problem; what has the wrong type is passed over here, its own check names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deep_predictor.config.database_address import address_problem, is_same_database
from deep_predictor.errors import ConfigProblem

ENVIRONMENTS = ("production", "test")


def problems_between(options: Mapping[str, Any], file: str, root: Path) -> list[ConfigProblem]:
    """`options`: what stands inside `deep_predictor_options`, checked or not."""
    found = [*_recaptcha(options), *_predictors(options), *_examples(options)]
    found += [*_endpoints(options), *_shared(options, root)]
    return [ConfigProblem(file, key, message) for key, message in found]


def _recaptcha(options: Mapping[str, Any]) -> list[tuple[str, str]]:
    names = ("recaptcha_sitekey", "recaptcha_secret_key")
    given = [bool(find(options, "production", "recaptcha_options", name)) for name in names]
    if given[0] == given[1]:
        return []
    missing, there = names if given[1] else names[::-1]
    return [(f"production.recaptcha_options.{missing}", f"must be given too, or {there} be empty")]


def _predictors(options: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = []
    for environment in ENVIRONMENTS:
        names = _predictor_names(options, environment)
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            key = f"{environment}.prediction_options.predictors"
            found.append((key, f"must have different names (twice: {', '.join(twice)})"))
    names = _predictor_names(options, "production")
    default = _text(options, "production", "prediction_options", "default_predictor_name")
    if names and default is not None and default not in names:
        key = "production.prediction_options.default_predictor_name"
        found.append((key, f"must be one of {', '.join(map(repr, names))} (got {default!r})"))
    return found


def _examples(options: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a training would be served as must be free: a predictor of the cfg goes before it."""
    written = find(options, "library_options", "examples")
    names = _predictor_names(options, "production")
    found = []
    for place, example in enumerate(written if isinstance(written, list) else []):
        name = find(example, "predictor_name")
        if isinstance(name, str) and name in names:
            key = f"library_options.examples.{place}.predictor_name"
            found.append((key, f"must not be one of production's predictors (got {name!r})"))
    return found


def _predictor_names(options: Mapping[str, Any], environment: str) -> list[str]:
    written = find(options, environment, "prediction_options", "predictors")
    if isinstance(written, dict):
        return list(written)
    entries = written if isinstance(written, list) else []
    names = [entry.get("model_name", entry.get("name")) for entry in entries if isinstance(entry, dict)]
    return [name for name in names if isinstance(name, str)]


def _endpoints(options: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = []
    for environment in ENVIRONMENTS:
        prediction = _text(options, environment, "api_options", "get_prediction_endpoint")
        predictors = _text(options, environment, "api_options", "get_predictors_endpoint")
        if (prediction or "prediction_id") == (predictors or "predictors"):
            key = f"{environment}.api_options.get_predictors_endpoint"
            found.append((key, "must differ from get_prediction_endpoint"))
    return found


def _shared(options: Mapping[str, Any], root: Path) -> list[tuple[str, str]]:
    """What two environments must not share, or one would see the other's predictions."""
    found = []
    databases = [_text(options, name, "path_options", "database_path") or "" for name in ENVIRONMENTS]
    if not any(address_problem(database) for database in databases) and is_same_database(
        databases[0], databases[1], root
    ):
        found.append(("test.path_options.database_path", "must differ from production's"))
    for key in ("temp_save_path", "results_path"):
        folders = [_text(options, name, "path_options", key) or "" for name in ENVIRONMENTS]
        are_paths = all(folder and "\0" not in folder for folder in folders)
        if are_paths and (root / folders[0]).resolve() == (root / folders[1]).resolve():
            found.append((f"test.path_options.{key}", "must differ from production's"))
    return found


def _text(options: Mapping[str, Any], *path: str) -> str | None:
    value = find(options, *path)
    return value if isinstance(value, str) else None


def find(options: Mapping[str, Any], *path: str) -> Any:
    """None where the path leads nowhere."""
    value: Any = options
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
