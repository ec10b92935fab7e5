"""Our own server as a benchmark starts it: its configs, its command, and the requests that are measured."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from other.benchmarks.models import predictor_cfg
from other.benchmarks.processes import PROJECT_ROOT, Request, ServerProcess, free_port

BENCH_FOLDER = PROJECT_ROOT / "var" / "bench"
RUN_FOLDER = BENCH_FOLDER / "run"
API_KEY = "key-of-the-benchmarks"
DONE = '"prediction_status":200'
READY = Request("/health/ready", abort='"state":"failed"')
KEY_HEADER = (f"X-API-Key: {API_KEY}",)


def start(
    names: Sequence[str] | Mapping[str, Mapping[str, Any]],
    run_name: str | Path,
    options: Mapping[str, Any] | None = None,
    arguments: Sequence[str] = (),
) -> ServerProcess:
    """Start waitress_server.py with these models, in a fresh folder.

    `names`: models of `other.benchmarks.models`, or whole predictor cfgs by name; `options` are added to each
    model's `model_options`, `arguments` to the command line.
    `run_name`: a folder of var/bench/run, or an absolute path.
    """
    folder = prepare_folder(run_name)
    write_config(folder, names, options or {})
    return start_again(run_name, arguments)


def start_again(run_name: str | Path, arguments: Sequence[str] = ()) -> ServerProcess:
    """Start it on the folder that `start` left, with its database."""
    folder = RUN_FOLDER / run_name
    config, port = folder / "deep_predictor.cfg", free_port()
    command = [sys.executable, "waitress_server.py", "--config", str(config), "--port", str(port), *arguments]
    return ServerProcess(command, port, folder / "server.log")


def prepare_folder(run_name: str | Path) -> Path:
    folder = RUN_FOLDER / run_name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def write_config(
    folder: Path, names: Sequence[str] | Mapping[str, Mapping[str, Any]], options: Mapping[str, Any]
) -> None:
    """Write the main config and the predictors' cfgs into `folder`."""
    cfgs = dict(names) if isinstance(names, Mapping) else {name: predictor_cfg(name, **options) for name in names}
    paths = {}
    for name, cfg in cfgs.items():
        cfg["predictor_options"]["model_paths"]["predictions_main_folder"] = str(folder / "predictions" / name)
        path = folder / f"{name}.cfg"
        path.write_text(json.dumps(cfg), encoding="utf-8")
        paths[name] = str(path)
    sections = {
        "flask_options": {"secret_key": "of-the-benchmarks", "max_content_length": "1024*1024*32", "debug": 0},
        "production": {**_environment(folder, "production"), "prediction_options": _predictors(paths)},
        "test": {**_environment(folder, "test"), "prediction_options": {"predictors": {}}},
    }
    sections["production"]["recaptcha_options"] = {"recaptcha_sitekey": "", "recaptcha_secret_key": ""}
    path = folder / "deep_predictor.cfg"
    path.write_text(json.dumps({"deep_predictor_options": sections}), encoding="utf-8")


def raw_request(photo: Path, store: bool = False) -> Request:
    path = f"/api/v1/predict?store={store:d}"
    return Request(path, photo, "image/jpeg", KEY_HEADER, expect=DONE)


def multipart_request(photo: Path) -> Request:
    return Request("/api/v1/predict", photo, headers=KEY_HEADER, fields=("store=0", "model_name="), expect=DONE)


def async_request(photo: Path) -> Request:
    fields = (f"api_key={API_KEY}", "model_name=")
    return Request("", photo, fields=fields, expect=DONE, mode="async")


def _predictors(paths: Mapping[str, str]) -> dict[str, Any]:
    return {"default_predictor_name": next(iter(paths)), "predictors": dict(paths)}


def _environment(folder: Path, name: str) -> dict[str, Any]:
    return {
        "upload_options": {"supported_extensions": ["jpg", "jpeg", "png"]},
        "api_options": {"api_key": API_KEY if name == "production" else ""},
        "path_options": {
            "temp_save_path": str(folder / name / "temp"),
            "database_path": str(folder / name / "predictions.db"),
        },
    }
