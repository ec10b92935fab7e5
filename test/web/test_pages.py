"""The pages at HTTP level: what they hold for each way a server can be set up, and what a plain form post gets."""

from __future__ import annotations

import html
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from deep_predictor.db.prediction_rows import NewPrediction
from deep_predictor.web import upload_limits
from test import fakes
from test.app_builder import DUMMY, DUMMY_YOLO, PRODUCTION_KEY, build_app, fault_predictor, write_config
from test.server_process import new_id
from test.web.browser_fixtures import HOSTILE_NAME
from test.web.sites import Site

WAIT_SECONDS = 20.0
PREDICTORS: dict[str, dict[str, Any]] = {
    "classes": DUMMY,
    "things": DUMMY_YOLO,
    "hostile": fault_predictor(class_name=HOSTILE_NAME),
    "forgets": fault_predictor(predicted_image_action="remove"),
}

MakeClient = Callable[..., FlaskClient]


@pytest.fixture
def make_client(tmp_path: Path) -> Iterator[MakeClient]:
    """`make_client({"production.api_options.api_key": ""})`: a client of a server set up so."""
    fakes.register_fault_backend()
    apps: list[Flask] = []

    def make_client(changes: dict[str, Any] | None = None) -> FlaskClient:
        app = build_app(write_config(tmp_path / str(len(apps)), PREDICTORS, changes=changes))
        apps.append(app)
        return app.test_client()

    yield make_client
    for app in apps:
        app.extensions["deep_predictor"].close()


def post(client: FlaskClient, prediction_id: str, model_name: str = "classes", **fields: str) -> Any:
    data = {
        "image": (io.BytesIO(fakes.picture()), "picture.png"),
        "model_name": model_name,
        "prediction_id": prediction_id,
        "api_key": PRODUCTION_KEY,
        **fields,
    }
    return client.post("/upload", data=data, content_type="multipart/form-data")


def drain(client: FlaskClient) -> None:
    assert client.application.extensions["deep_predictor"].production.drain(WAIT_SECONDS)


def test_home_lists_every_predictor_and_a_command_line(make_client: MakeClient) -> None:
    response = make_client().get("/")
    assert response.status_code == 200
    text = html.unescape(response.text)
    assert all(f"<h3>{name}</h3>" in text for name in PREDICTORS)
    assert "curl http://localhost/api/v1/predict" in text
    assert "X-API-Key" in text


@pytest.mark.parametrize(
    ("changes", "present", "absent"),
    [
        ({}, 'name="api_key"', "g-recaptcha"),
        ({"production.upload_options.open_uploads": 1}, "upload-button", 'name="api_key"'),
        (
            {"production.recaptcha_options": {"recaptcha_sitekey": "site", "recaptcha_secret_key": "secret"}},
            'class="g-recaptcha" data-sitekey="site"',
            'name="api_key"',
        ),
        ({"production.api_options.api_key": ""}, "Uploads are switched off", 'name="api_key"'),
    ],
)
def test_upload_page_asks_for_the_credential_of_this_server(
    make_client: MakeClient, changes: dict[str, Any], present: str, absent: str
) -> None:
    response = make_client(changes).get("/upload")
    assert response.status_code == 200
    assert present in response.text
    assert absent not in response.text
    assert ("google.com" in response.text) == ("g-recaptcha" in response.text)
    assert ("data-takes-many" in response.text) != ("g-recaptcha" in response.text), "a token works once"
    assert "secret" not in response.text


def test_upload_page_works_without_script_with_a_fresh_id_each_time(make_client: MakeClient) -> None:
    client = make_client()
    ids = [re.findall(r'name="prediction_id" value="([A-Za-z0-9]{32})"', client.get("/upload").text) for _ in range(2)]
    assert ids[0]
    assert ids[0] != ids[1]
    assert client.get("/upload").headers["Cache-Control"] == "no-store"
    assert post(client, ids[0][0]).status_code == 201


def test_upload_page_offers_the_model_of_the_link_else_the_default_one(make_client: MakeClient) -> None:
    client = make_client()
    for query, chosen in (("", "classes"), ("?model=things", "things"), ("?model=no+such", "classes")):
        assert re.findall(r'value="([^"]+)"[^>]* checked', client.get(f"/upload{query}").text) == [chosen]


def test_upload_page_says_the_limits_of_the_config(make_client: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_limits, "is_video_supported", lambda: True)
    changes = {
        "flask_options.max_content_length": "2*1024*1024",
        "production.upload_options.supported_extensions": ["png", "webp"],
        "production.upload_options.supported_video_extensions": ["mp4"],
        "production.upload_options.max_video_bytes": 5 * 1024 * 1024,
        "production.upload_options.max_video_seconds": 90,
        "production.api_options.prediction_id_length": 12,
        "production.api_options.get_prediction_endpoint": "the id",
    }
    text = make_client(changes).get("/upload").text
    assert "PNG, WEBP, up to 2 MB" in text
    assert "Videos: MP4, up to 5 MB and 90.0 s" in text
    assert 'accept=".png,.webp,.mp4"' in text
    assert 'data-id-length="12"' in text
    assert 'data-api-url="/api?the+id=PREDICTION_ID"' in text


def test_upload_page_without_the_library_for_videos_asks_for_pictures(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_limits, "is_video_supported", lambda: False)
    text = make_client({"production.upload_options.supported_extensions": ["png"]}).get("/upload").text
    assert 'accept=".png"' in text
    assert "Videos:" not in text
    assert "or a video" not in text


def test_upload_by_a_form_answers_the_result_page_and_its_address_shows_the_answer(make_client: MakeClient) -> None:
    client = make_client()
    prediction_id = new_id()
    posted = post(client, prediction_id)
    assert (posted.status_code, posted.mimetype) == (201, "text/html")
    assert f'data-prediction-id="{prediction_id}"' in posted.text
    drain(client)
    page = client.get(f"/result/{prediction_id}")
    assert page.status_code == 200
    assert "The model is 72.2% confident." in page.text
    assert 'http-equiv="refresh"' not in page.text
    assert f'src="/api/v1/predictions/{prediction_id}/image"' in page.text
    assert page.headers["Cache-Control"] == "no-store"


def test_result_page_of_a_waiting_prediction_looks_again_by_itself(make_client: MakeClient) -> None:
    client = make_client()
    prediction_id = new_id()
    rows = client.application.extensions["deep_predictor"].production.rows
    rows.insert(NewPrediction(prediction_id, "classes", "no/such/file.png", {"method": "test"}, 7))
    text = client.get(f"/result/{prediction_id}").text
    assert f'http-equiv="refresh" content="2;url=/result/{prediction_id}"' in text
    assert "was not kept" not in text


def test_result_page_escapes_what_models_and_clients_say(make_client: MakeClient) -> None:
    client = make_client()
    prediction_id = new_id()
    post(client, prediction_id, "hostile")
    drain(client)
    text = client.get(f"/result/{prediction_id}").text
    assert HOSTILE_NAME not in text
    assert "&lt;img src=x onerror=" in text
    assert "<img src=x" not in client.get("/result/<img src=x>").text


def test_result_page_of_a_removed_picture_says_so(make_client: MakeClient) -> None:
    client = make_client()
    prediction_id = new_id()
    post(client, prediction_id, "forgets")
    drain(client)
    text = client.get(f"/result/{prediction_id}").text
    assert "The picture was not kept." in text
    assert f'src="/api/v1/predictions/{prediction_id}/image"' not in text


def test_result_page_as_json_is_the_answer(make_client: MakeClient) -> None:
    client = make_client()
    prediction_id = new_id()
    post(client, prediction_id)
    drain(client)
    response = client.get(f"/result/{prediction_id}", headers={"Accept": "application/json"})
    assert json.loads(response.text)["prediction_status"] == 200


def test_result_of_an_unknown_id_is_a_page_with_404(make_client: MakeClient) -> None:
    response = make_client().get("/result/" + "x" * 32)
    assert (response.status_code, response.mimetype) == (404, "text/html")
    assert "There is no such prediction" in response.text


def test_upload_refused_for_an_empty_field_shows_the_form_again_with_the_choice_kept(make_client: MakeClient) -> None:
    response = post(make_client(), "", "things")
    assert response.status_code == 400
    assert 'role="alert">Required form elements are empty' in response.text
    assert re.findall(r'value="([^"]+)"[^>]* checked', response.text) == ["things"]


def test_upload_refused_otherwise_shows_the_contracts_text(make_client: MakeClient) -> None:
    response = post(make_client(), new_id(), "no such model")
    assert response.status_code == 400
    assert "This predictor is not exists" in response.text


@pytest.mark.parametrize("path", ["/result", "/test-upload"])
def test_moved_address_leads_home(make_client: MakeClient, path: str) -> None:
    response = make_client().get(path)
    assert (response.status_code, response.headers["Location"]) == (308, "/")


@pytest.mark.parametrize("path", ["/", "/upload"])
def test_page_for_a_json_client_is_json(site: Site, path: str) -> None:
    answer = site.get(path, headers={"Accept": "application/json"})
    assert (answer.status, answer.media_type) == (200, "application/json")
    assert "dummy" in [predictor["model_name"] for predictor in answer.json["predictors"]]
    if path == "/upload":
        assert "jpg" in answer.json["supported_extensions"]
