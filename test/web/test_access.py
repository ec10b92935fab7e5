"""Every route has its access rule, written beside its registration; a route without one is closed."""

from __future__ import annotations

import pytest
from flask import Blueprint, Flask, Request
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder

from deep_predictor.web import access
from deep_predictor.web.access import (
    ADMIN,
    KEY_OR_OPEN_UPLOADS,
    LOGIN,
    OAUTH_CLIENT,
    PASSWORD,
    PREDICT,
    PREDICT_CREDENTIAL,
    PUBLIC,
    TEST_CREDENTIAL,
    TRAIN,
    UPLOAD_CREDENTIAL,
    VIEW,
    enforce_access,
    register,
    wants_json,
)
from test.web.conftest import MakeSite
from test.web.sites import short

#: Every route that changes or stores something, and what it asks for. All others are public.
GUARDED = {
    "pages.send_upload": UPLOAD_CREDENTIAL,
    "test_api.send_upload": TEST_CREDENTIAL,
    "api_v1.predict": PREDICT_CREDENTIAL,
    "api_v1.delete": KEY_OR_OPEN_UPLOADS,
    "predictions_api.predictions": ADMIN,
    "predictions_api.export": ADMIN,
    "trainings_api.start_training": TRAIN,
    "trainings_api.start_search": TRAIN,
    "trainings_api.delete_training": TRAIN,
    "trainings_api.delete_search": TRAIN,
    "trainings_api.cancel_training": TRAIN,
    "trainings_api.cancel_search": TRAIN,
    "trainings_api.resume_training": TRAIN,
    "trainings_api.resume_search": TRAIN,
    "trainings_api.delete_job": TRAIN,
    "trainings_api.cancel_job": TRAIN,
    "trainings_api.list_trainings": VIEW,
    "trainings_api.list_searches": VIEW,
    "trainings_api.show_training": VIEW,
    "trainings_api.show_search": VIEW,
    "trainings_api.show_history": VIEW,
    "trainings_api.show_trials": VIEW,
    "trainings_api.show_training_log": VIEW,
    "trainings_api.show_search_log": VIEW,
    "trainings_api.list_architectures": VIEW,
    "trainings_api.list_examples": VIEW,
    "trainings_api.train_example": TRAIN,
    "trainings_api.list_jobs": VIEW,
    "trainings_api.show_job": VIEW,
    "trainings_api.ask_job": VIEW,
    "trainings_api.show_job_log": VIEW,
    "trainings_api.show_job_problems": VIEW,
    "trainings_api.show_evaluation": VIEW,
    "trainings_api.list_tested_pictures": VIEW,
    "trainings_api.preview_augmentation": TRAIN,
    "trainings_api.estimate_training": VIEW,
    "augment_api.augment": TRAIN,
    "augment_api.cut_out": TRAIN,
    "older_automation.segment": TRAIN,
    "older_automation.generate": TRAIN,
    "older_automation.train": TRAIN,
    "older_automation.ask_newest_model": PREDICT,
    "accounts_api.set_up": PASSWORD,
    "accounts_api.log_in": PASSWORD,
    "accounts_api.log_out": LOGIN,
    "accounts_api.change_password": LOGIN,
    "accounts_api.give_token": PASSWORD,
    "accounts_api.users": ADMIN,
    "accounts_api.create_user": ADMIN,
    "accounts_api.show_user": ADMIN,
    "accounts_api.change_user": ADMIN,
    "accounts_api.keys": LOGIN,
    "accounts_api.create_key": LOGIN,
    "accounts_api.show_key": LOGIN,
    "accounts_api.revoke_key": LOGIN,
    "oauth_api.give_token": OAUTH_CLIENT,
    "oauth_api.revoke_token": OAUTH_CLIENT,
    "oauth_api.introspect_token": OAUTH_CLIENT,
    "oauth_api.create_client": ADMIN,
    "oauth_api.list_clients": ADMIN,
    "oauth_api.show_client": ADMIN,
    "oauth_api.revoke_client": ADMIN,
    "datasets_api.create_dataset": TRAIN,
    "datasets_api.list_datasets": VIEW,
    "datasets_api.show_dataset": VIEW,
    "datasets_api.rename_dataset": TRAIN,
    "datasets_api.delete_dataset": TRAIN,
    "datasets_api.list_items": VIEW,
    "datasets_api.add_item": TRAIN,
    "datasets_api.change_items": TRAIN,
    "datasets_api.show_item": VIEW,
    "datasets_api.change_item": TRAIN,
    "datasets_api.delete_item": TRAIN,
    "datasets_api.item_image": VIEW,
    "datasets_api.item_thumbnail": VIEW,
    "datasets_api.change_class_names": TRAIN,
    "datasets_api.show_boxes": VIEW,
    "datasets_api.put_boxes": TRAIN,
    "datasets_api.suggest_boxes": TRAIN,
    "datasets_api.item_mask": VIEW,
    "datasets_api.add_dataset_zip": TRAIN,
    "datasets_api.import_predictions": TRAIN,
    "datasets_api.download_dataset": VIEW,
    "datasets_api.examine_dataset": TRAIN,
    "datasets_api.show_report": VIEW,
    "models_api.upload_model": TRAIN,
    "models_api.list_models": VIEW,
    "models_api.show_model": VIEW,
    "models_api.delete_model": TRAIN,
    "models_api.show_report": VIEW,
    "models_api.download_model": VIEW,
    "models_api.try_model": VIEW,
    "models_api.publish_model": TRAIN,
    "models_api.list_publications": VIEW,
    "models_api.roll_back_publication": TRAIN,
    "models_api.unpublish": TRAIN,
    "studio.list_datasets": VIEW,
    "studio.show_dataset": VIEW,
    "studio.examine_dataset": VIEW,
    "studio.draw_boxes": VIEW,
    "studio.cut_out_picture": TRAIN,
    "studio.list_trainings": VIEW,
    "studio.new_training": TRAIN,
    "studio.show_training": VIEW,
    "studio.compare_trainings": VIEW,
    "studio.list_models": VIEW,
    "studio.add_model": TRAIN,
    "studio.show_model": VIEW,
    "studio.first_page": VIEW,
    "studio.list_users": ADMIN,
    "studio.list_keys": VIEW,
    "studio.list_clients": ADMIN,
    "studio.show_account": VIEW,
    "studio.list_predictions": ADMIN,
}
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


def test_access_every_route_of_the_application_has_its_rule(make_site: MakeSite) -> None:
    app = make_site().app
    rules = app.extensions[access.EXTENSION]
    for route in app.url_map.iter_rules():
        assert route.endpoint in rules, f"{route} has no access rule"
        assert rules[route.endpoint] is GUARDED.get(route.endpoint, PUBLIC), route
        if rules[route.endpoint] is PUBLIC:
            assert set(route.methods or ()) <= SAFE_METHODS, f"{route} changes something and is public"
    assert set(GUARDED) <= set(rules)


def test_access_of_a_route_without_a_rule_is_closed() -> None:
    app = Flask(__name__)
    app.extensions[access.EXTENSION] = {}
    app.before_request(enforce_access)
    app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    assert app.test_client().get("/forgotten").status_code == 403


def test_register_of_two_rules_for_one_endpoint_is_refused() -> None:
    def view() -> str:
        return ""

    blueprint = Blueprint("b", __name__)
    register(blueprint, "/one", view, ["GET"], PUBLIC)
    register(blueprint, "/two", view, ["GET"], UPLOAD_CREDENTIAL)
    with pytest.raises(ValueError, match="two access rules"):
        Flask(__name__).register_blueprint(blueprint)


def test_register_of_an_options_view_is_refused() -> None:
    with pytest.raises(ValueError, match="OPTIONS"):
        register(Blueprint("b", __name__), "/one", lambda: "", ["OPTIONS"], PUBLIC)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, False),
        ("", False),
        ("*/*", False),
        ("text/html", False),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", False),
        ("application/json", True),
        ("application/problem+json", True),
        ("application/json, text/plain, */*", True),
        ("text/html;q=0.5, application/json", True),
        ("text/html, application/json;q=0.5", False),
        ("APPLICATION/JSON", True),
        ("image/png", False),
        ("application/json;q=0", False),
        (";;;,,=,q=nan", False),
        ("a/b;q=1e999," * 1000, False),
    ],
    ids=short,
)
def test_wants_json_follows_the_accept_header(accept: str | None, expected: bool) -> None:
    headers = Headers({} if accept is None else {"Accept": accept})
    assert wants_json(Request(EnvironBuilder(headers=headers).get_environ())) is expected
