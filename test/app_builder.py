"""Writes config files for tests, and builds the application from them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask

from deep_predictor.app import create_app

PRODUCTION_KEY = "production-key-of-a-test"
TEST_KEY = "test-key-of-a-test"

DUMMY: dict[str, Any] = {
    "predictor_backend": "dummy",
    "options": {"simulate": "keras", "image_class": "adanaKenap", "sleep": 0},
}
DUMMY_YOLO: dict[str, Any] = {
    "predictor_backend": "dummy",
    "options": {"simulate": "tf_yolo", "image_class": "person", "sleep": 0},
}


def fault_predictor(**options: Any) -> dict[str, Any]:
    """A predictor of `test.fakes.FaultBackend`."""
    return {"predictor_backend": "fault", "options": options}


def write_predictor(folder: Path, name: str, predictor: Mapping[str, Any]) -> Path:
    """Write one predictor cfg. `predictor`: predictor_backend, options, and optionally paths, model_info."""
    path = folder / f"{name.replace(' ', '_')}.cfg"
    model_info = {
        "predictor_backend": predictor["predictor_backend"],
        "method": "test",
        "model_id": 7,
        **predictor.get("model_info", {}),
    }
    model_options = {"predicted_image_action": "save", **predictor["options"]}
    model_paths = {"predictions_main_folder": str(folder / "predictions" / name), **predictor.get("paths", {})}
    sections = {"model_info": model_info, "model_options": model_options, "model_paths": model_paths}
    path.write_text(json.dumps({"predictor_options": sections}), encoding="utf-8")
    return path


def write_config(
    folder: Path,
    production: Mapping[str, Mapping[str, Any]] | None = None,
    test: Mapping[str, Mapping[str, Any]] | None = None,
    changes: Mapping[str, Any] | None = None,
    extra_production: Mapping[str, str] | None = None,
) -> Path:
    """Write a main config with its predictor cfgs.

    `changes`: {"production.api_options.api_key": value, …}; `extra_production`: {name: path of a cfg that is there}.
    """
    folder.mkdir(parents=True, exist_ok=True)
    environments = {
        "production": _environment(folder, "production", production or {"dummy": DUMMY}, PRODUCTION_KEY),
        "test": _environment(folder, "test", test or {"dummy": DUMMY}, TEST_KEY),
    }
    production_section = environments["production"]
    production_section["recaptcha_options"] = {"recaptcha_sitekey": "", "recaptcha_secret_key": ""}
    production_section["prediction_options"]["predictors"] |= extra_production or {}
    names = list(production_section["prediction_options"]["predictors"])
    production_section["prediction_options"]["default_predictor_name"] = names[0]
    config: dict[str, Any] = {
        "library_options": {
            "datasets_folder": str(folder / "datasets"),
            "runs_folder": str(folder / "runs"),
            "models_folder": str(folder / "library"),
        },
        "engine_options": {"timing_seconds": 0.02},
        "flask_options": {"secret_key": "a-secret-of-a-test", "max_content_length": "1024*1024*16", "debug": 0},
        **environments,
    }
    for key, value in (changes or {}).items():
        *parents, last = key.split(".")
        section = config
        for parent in parents:
            section = section[parent]
        section[last] = value
    path = folder / "deep_predictor.cfg"
    path.write_text(json.dumps({"deep_predictor_options": config}), encoding="utf-8")
    return path


def build_app(config_path: Path, **overrides: Any) -> Flask:
    """create_app without log files; its predictors are loaded when it returns, unless `wait=False`."""
    wait = overrides.pop("wait", True)
    app = create_app(config_path, {"loggers_path": None, "environ": {}, **overrides})
    if wait:
        assert app.extensions["deep_predictor"].registry.wait_until_loaded(60)
    return app


def _environment(folder: Path, name: str, predictors: Mapping[str, Mapping[str, Any]], api_key: str) -> dict[str, Any]:
    cfg_folder = folder / name
    cfg_folder.mkdir(exist_ok=True)
    cfg_paths = {key: str(write_predictor(cfg_folder, key, predictor)) for key, predictor in predictors.items()}
    return {
        "upload_options": {"supported_extensions": ["jpg", "jpeg", "png", "bmp", "gif", "heic"]},
        "api_options": {
            "api_key": api_key,
            "prediction_id_length": 32,
            "default_api_response": "no argument specified",
            "get_prediction_endpoint": "prediction_id",
            "get_predictors_endpoint": "predictors",
        },
        "path_options": {
            "temp_save_path": str(folder / name / "temp"),
            "database_path": str(folder / name / "predictions.db"),
        },
        "prediction_options": {"predictors": cfg_paths},
    }
