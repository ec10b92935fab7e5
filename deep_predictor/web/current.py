"""Where views find what `create_app` built."""

from __future__ import annotations

from flask import current_app

from deep_predictor.config.main_config import ProductionConfig
from deep_predictor.environment import Application, Environment
from deep_predictor.management import EXTENSION, Management


def current_application() -> Application:
    application: Application = current_app.extensions["deep_predictor"]
    return application


def current_management() -> Management:
    management: Management = current_app.extensions[EXTENSION]
    return management


def production_environment() -> Environment:
    return current_application().production


def production_config() -> ProductionConfig:
    """What production's environment holds as `config`, as the class it is."""
    return current_application().main_config.production


def test_environment() -> Environment:
    return current_application().test
