"""`waitress_server.py` that knows the tokens of `live_viewers` and has one job, whose run a test writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Flask

import waitress_server
from deep_predictor.web import authentication
from test.fakes import register_fault_backend
from test.web.live_viewers import Runs, find_known_principal

_create_app = waitress_server.create_app


def create_app(config_path: str, overrides: dict[str, Any]) -> Flask:
    app = _create_app(config_path, overrides)
    Runs(app, Path(config_path).parent).begin()
    return app


if __name__ == "__main__":
    register_fault_backend()
    authentication.find_principal = find_known_principal
    waitress_server.create_app = create_app
    raise SystemExit(waitress_server.main())
