"""/api/v1/models by HTTP: what is listed, sent, refused, downloaded and deleted."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from deep_predictor.db.model_rows import ModelRecord
from deep_predictor.publishing.library import ModelLibrary
from test import model_factory, onnx_factory
from test.fakes import picture, register_fault_backend
from test.publishing.models import done_job, write_model_folder
from test.web.management.conftest import AsPrincipal, management_of
from test.web.sites import Answer, Site

PREPROCESSING = {"width": 6, "height": 8, "color_mode": "rgb"}
NAMES = "dark\nbright\n日本\n"
LONGEST_SECONDS = 120.0


def library_of(site: Site) -> ModelLibrary:
    register_fault_backend()
    return management_of(site).models


def add_model(site: Site, job_id: int, name: str = "fruit", **options: Any) -> ModelRecord:
    job = done_job(site.folder, job_id, name=name, dataset_id=9)
    write_model_folder(Path(job.run_folder) / "model", name, **options)
    (Path(job.run_folder) / "report.html").write_text("<script>alert(1)</script>")
    library_of(site).take_in(job)
    model = library_of(site)._rows.find_by_job(job_id)
    assert model
    return model


def send(site: Site, path: Path, name: str = "sent", **changes: str | None) -> Answer:
    fields = {"name": name, "names": NAMES, "preprocessing": json.dumps(PREPROCESSING), **changes}
    form = {key: value for key, value in fields.items() if value is not None}
    return site.post("/api/v1/models", form=form, files={"model": (path.name, path.read_bytes())})


def checked(site: Site, answer: Answer) -> dict[str, Any]:
    """The model that was sent, when it has been looked at."""
    assert answer.status == 202, answer.text
    assert answer.json["state"] == "checking"
    job = management_of(site).jobs.wait(answer.json["job_id"], LONGEST_SECONDS)
    assert job.has_ended
    shown = site.get(answer.headers["Location"])
    assert shown.status == 200
    model: dict[str, Any] = shown.json
    return model


def no_incoming(site: Site) -> bool:
    return list((site.folder / "library" / "incoming").glob("*")) == []


def test_models_are_listed_newest_first_and_shown(admin_site: Site) -> None:
    first, second = add_model(admin_site, 901, "listed"), add_model(admin_site, 902, "listed")
    page = admin_site.get("/api/v1/models", params={"name": "listed", "limit": "1"}).json
    assert (page["count"], page["results"][0]["id"], page["previous"]) == (2, second.id, None)
    assert admin_site.get(page["next"]).json["results"][0]["id"] == first.id
    assert admin_site.get("/api/v1/models", params={"dataset_id": "8"}).json["count"] == 0
    shown = admin_site.get(f"/api/v1/models/{first.id}").json
    assert (shown["version"], shown["state"], shown["class_names"], shown["has_report"]) == (
        1,
        "ready",
        ["listed"],
        True,
    )
    assert (shown["metrics"]["test"]["accuracy"], shown["published"]) == (0.75, [])
    assert admin_site.get("/api/v1/models/999999999").json["code"] == "model_not_found"


def test_report_is_a_page_that_can_do_nothing(admin_site: Site) -> None:
    answer = admin_site.get(f"/api/v1/models/{add_model(admin_site, 903).id}/report")
    assert (answer.status, answer.media_type) == (200, "text/html")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "script-src" not in answer.headers["Content-Security-Policy"]


def test_folder_is_downloaded_as_a_zip_and_a_network_that_is_none_is_refused(admin_site: Site) -> None:
    model = add_model(admin_site, 904)
    answer = admin_site.get(f"/api/v1/models/{model.id}/download")
    assert (answer.status, answer.media_type) == (200, "application/zip")
    assert f"model-{model.id}.zip" in answer.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        assert "predictor.cfg" in archive.namelist()
    refused = admin_site.get(f"/api/v1/models/{model.id}/download", params={"format": "onnx"})
    assert (refused.status, refused.json["code"]) == (409, "no_such_export")
    assert admin_site.get(f"/api/v1/models/{model.id}/download", params={"format": "exe"}).status == 422


def test_deleted_model_is_gone(admin_site: Site) -> None:
    model = add_model(admin_site, 905)
    assert admin_site.request("DELETE", f"/api/v1/models/{model.id}").status == 204
    assert admin_site.get(f"/api/v1/models/{model.id}").status == 404
    assert admin_site.request("DELETE", f"/api/v1/models/{model.id}").status == 404


def test_sent_model_is_looked_at_and_can_be_had_again(admin_site: Site, tmp_path: Path) -> None:
    path = model_factory.brightness_classifier(tmp_path / "sent.keras")
    model = checked(admin_site, send(admin_site, path, "good"))
    assert (model["state"], model["reason"], model["origin"]) == ("ready", None, "uploaded")
    assert model["class_names"] == ["dark", "bright", "日本"]
    own = admin_site.get(f"/api/v1/models/{model['id']}/download", params={"format": "keras"})
    assert own.body == path.read_bytes()
    assert no_incoming(admin_site)


def test_format_that_is_not_there_yet_is_made_by_a_job(admin_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    job = done_job(admin_site.folder, 999, kind="export")
    monkeypatch.setattr(library_of(admin_site).exports, "get", lambda *arguments: job)
    answer = admin_site.get(f"/api/v1/models/{add_model(admin_site, 906).id}/download?format=litert")
    assert (answer.status, answer.json["kind"], answer.headers["Location"]) == (202, "export", "/api/v1/jobs/999")


def test_sent_model_with_a_lambda_layer_is_refused(admin_site: Site, tmp_path: Path) -> None:
    model = checked(admin_site, send(admin_site, model_factory.lambda_h5(tmp_path / "sent.h5")))
    assert model["state"] == "refused"
    assert model["reason"].startswith("model_unsafe: ")
    assert "Lambda" in model["reason"]
    assert no_incoming(admin_site)
    publish = admin_site.post(
        f"/api/v1/models/{model['id']}/publish",
        body=b'{"environment": "production"}',
        headers={"Content-Type": "application/json"},
    )
    assert (publish.status, publish.json["code"]) == (409, "model_not_ready")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": None}, "name"),
        ({"name": "a/b"}, "name"),
        ({"name": "\0"}, "name"),
        ({"names": "\n \n"}, "names"),
        ({"names": "a\n\x07"}, "names"),
        ({"names": "n" * 300}, "names"),
        ({"preprocessing": "[]"}, "preprocessing"),
        ({"preprocessing": "{"}, "preprocessing"),
        ({"preprocessing": '{"width": 8}'}, "height"),
        ({"preprocessing": '{"width": 8, "height": 8, "std": 0}'}, "preprocessing"),
        ({"preprocessing": '{"width": 8, "height": 8, "colour": "rgb"}'}, "colour"),
        ({"more": "x"}, "more"),
        ({"task": "pose"}, "task"),
        ({"options": "[]"}, "options"),
        ({"options": '{"engine": "litert"}'}, "engine"),
        ({"options": '{"probe_folder": "/etc"}'}, "probe_folder"),
        ({"options": '{"activation": "relu"}'}, "activation"),
        ({"options": '{"output_names": "a"}'}, "output_names"),
    ],
    ids=repr,
)
def test_fields_that_do_not_fit_are_named_and_nothing_is_kept(
    admin_site: Site, tmp_path: Path, changes: dict[str, Any], field: str
) -> None:
    (tmp_path / "sent.keras").write_bytes(b"x")
    answer = send(admin_site, tmp_path / "sent.keras", **changes)
    assert (answer.status, answer.json["problems"][0]["where"]) == (422, field)
    assert no_incoming(admin_site)


def test_sent_onnx_model_is_looked_at_and_asked(admin_site: Site, tmp_path: Path) -> None:
    path = onnx_factory.brightness_classifier(tmp_path / "sent.onnx", ends_in_logits=True)
    model = checked(admin_site, send(admin_site, path, "graph", options='{"activation": "softmax"}'))
    assert (model["state"], model["reason"], model["task"]) == ("ready", None, "classification")
    own = admin_site.get(f"/api/v1/models/{model['id']}/download", params={"format": "onnx"})
    assert own.body == path.read_bytes()
    answer = admin_site.post(f"/api/v1/models/{model['id']}/predict", files={"image": ("a.png", picture())})
    assert (answer.status, answer.json["results"]) == (200, "bright")
    assert answer.json["confidence"] == pytest.approx(0.9998, abs=1e-3)


def test_sent_model_of_another_task_is_looked_at_as_such(
    admin_site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = []

    def start(order: dict[str, Any], *_: object, **more: object) -> int:
        orders.append(order["check_model"])
        return done_job(admin_site.folder, 998, kind="check-model").id

    monkeypatch.setattr(management_of(admin_site).jobs, "start", start)
    (tmp_path / "sent.onnx").write_bytes(b"x")
    preprocessing = json.dumps({"width": 24, "height": 16, "color_mode": "rgb"})
    options = json.dumps({"output_axes": "classes_first", "input_layout": "nchw"})
    more = {"preprocessing": preprocessing, "task": "segmentation", "options": options}
    answer = send(admin_site, tmp_path / "sent.onnx", "pixels", **more)
    assert (answer.status, answer.json["task"]) == (202, "segmentation")
    (order,) = orders
    assert order["task"] == "segmentation"
    written = order["options"]
    assert (written["image_w"], written["output_axes"], written["input_layout"]) == (24, "classes_first", "nchw")
    assert not {"return_topN", "grayscale"} & set(written)
    shutil.rmtree(Path(order["upload"]).parent)  # what its job, which never ran, would take away


def test_form_without_a_model_and_other_bodies_are_refused(admin_site: Site) -> None:
    assert admin_site.post("/api/v1/models", form={"name": "a"}).status in (415, 422)
    assert admin_site.post("/api/v1/models", body=b"x", headers={"Content-Type": "text/plain"}).status == 415
    no_model = admin_site.post("/api/v1/models", form={"name": "a"}, files={"other": ("a", b"x")})
    assert (no_model.status, no_model.json["problems"][0]["where"]) == (422, "model")
    assert no_incoming(admin_site)


def test_model_that_is_too_large_is_refused(admin_site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library_of(admin_site), "max_model_bytes", 1000)
    (tmp_path / "sent.keras").write_bytes(bytes(1001))
    answer = send(admin_site, tmp_path / "sent.keras")
    assert (answer.status, answer.json["code"]) == (413, "too_large")
    assert no_incoming(admin_site)


@pytest.mark.parametrize(
    ("role", "reading", "changing"), [(None, 401, 401), ("predict", 403, 403), ("viewer", 200, 403)]
)
def test_who_may_read_and_change(
    managed_site: Site, as_principal: AsPrincipal, role: str | None, reading: int, changing: int
) -> None:
    as_principal(role)
    assert managed_site.get("/api/v1/models").status == reading
    assert managed_site.get("/api/v1/publications").status == reading
    assert managed_site.post("/api/v1/models").status == changing
    assert managed_site.post("/api/v1/models/1/publish").status == changing
    assert managed_site.request("DELETE", "/api/v1/publications/production/a").status == changing
