"""Connects the web room to the application: every blueprint, the access rules, error answers and headers."""

from __future__ import annotations

from flask import Flask

from deep_predictor.web.access import PUBLIC, enforce_access, grant
from deep_predictor.web.api import create_api, create_test_api
from deep_predictor.web.api_v1 import create_api_v1
from deep_predictor.web.cors import register_cors
from deep_predictor.web.current import current_application
from deep_predictor.web.error_handlers import register_error_handlers
from deep_predictor.web.health import create_health
from deep_predictor.web.live import register_live
from deep_predictor.web.load_shedding import LoadShedder
from deep_predictor.web.login_session import prepare_sessions
from deep_predictor.web.management.blueprints import create_management
from deep_predictor.web.openapi import create_openapi
from deep_predictor.web.operations import IdConverter
from deep_predictor.web.pages import create_pages
from deep_predictor.web.parking import QUICK, ParkedAnswers
from deep_predictor.web.plain_answers import PlainAnswers
from deep_predictor.web.plain_predict import PlainPredict
from deep_predictor.web.plain_upload import PlainUpload
from deep_predictor.web.plain_way import NeverQuick
from deep_predictor.web.security_headers import register_security_headers
from deep_predictor.web.studio.blueprint import create_studio
from deep_predictor.web.upload_form import UploadRequest


def register_web(app: Flask) -> None:
    """Called once by create_app, after `app.extensions["deep_predictor"]` is there."""
    app.request_class = UploadRequest
    app.before_request(enforce_access)
    app.url_map.converters["id"] = IdConverter
    serving = [create_pages(), create_api(), create_test_api(), create_api_v1(), create_health()]
    for blueprint in [*serving, *create_management(), create_openapi(), create_studio()]:
        app.register_blueprint(blueprint)
    register_live(app)
    if app.has_static_folder:
        grant(app, "static", PUBLIC)
    register_error_handlers(app)
    with app.app_context():
        main_config = current_application().main_config
    prepare_sessions(app, main_config.accounts_options.session_hours)
    register_security_headers(app, main_config)
    register_cors(app)
    with app.app_context():
        application = current_application()
        plain_answers = PlainAnswers(app, application, NeverQuick(app.wsgi_app))
        plain_upload = PlainUpload(app, application, plain_answers)
        plain_predict = PlainPredict(app, application, plain_upload)
        load_shedder = LoadShedder(app, application, plain_predict)
    app.wsgi_app = ParkedAnswers(load_shedder)  # type: ignore[method-assign]
    app.extensions[QUICK] = load_shedder.is_quick
