"""From the set-up link to a model of one's own that answers, as a program outside would do it: only HTTP."""

from __future__ import annotations

import io
import json
import re
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import requests
import socketio

from test.app_builder import PRODUCTION_KEY, write_config
from test.server_process import ServerProcess, new_id

pytestmark = pytest.mark.slow

PASSWORDS = {"ada": "the analytical engine", "tom": "a trainer's long password"}
PREDICTOR = "zeros and ones"
LABELS = ("zero", "one")
WAIT_SECONDS = 240.0
PREPROCESSING = {"width": 16, "height": 16, "color_mode": "grayscale", "scale": 1 / 255}
SETTINGS: dict[str, Any] = {
    "seed": 1,
    "dataset_options": {"val_share": 0.2, "test_share": 0.2},
    "input_options": PREPROCESSING,
    "fit_options": {"architecture": "convnet_small", "epochs": 2, "batch_size": 16, "learning_rate": 0.01},
    "serving_options": {"method": "made over HTTP"},
}


@dataclass
class Program:
    """What an outside program knows: an address, and the headers that it sends."""

    url: str
    session: requests.Session = field(default_factory=requests.Session)

    def ask(self, method: str, path: str, status: int, **sent: Any) -> Any:
        """The JSON of an answer that must have this status."""
        response = self.session.request(method, self.url + path, timeout=60, **sent)
        assert response.status_code == status, f"{method} {path}: {response.status_code} {response.text}"
        return response.json() if response.content and "json" in response.headers["Content-Type"] else response.content

    def job(self, job_id: int) -> dict[str, Any]:
        """A job once it has ended, and it must have ended well."""
        job = until(lambda: self.ended(job_id))
        assert job["state"] == "done", job["reason"]
        return job

    def ended(self, job_id: int) -> dict[str, Any] | None:
        job: dict[str, Any] = self.ask("GET", f"/api/v1/jobs/{job_id}", 200)
        return job if job["state"] not in ("queued", "running") else None

    def model(self, model_id: int) -> dict[str, Any]:
        """An uploaded model once it is checked."""
        return until(lambda: found if (found := self.find_model(model_id))["state"] != "checking" else None)

    def find_model(self, model_id: int) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("GET", f"/api/v1/models/{model_id}", 200)
        return found

    def publish(self, model_id: int) -> dict[str, Any]:
        body = {"environment": "production", "predictor_name": PREDICTOR}
        published: dict[str, Any] = self.ask("POST", f"/api/v1/models/{model_id}/publish", 200, json=body)
        assert published["state"] == "ready"
        return published


def until(find: Callable[[], Any]) -> Any:
    """What `find` finds, asked now and then."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not (found := find()):
        assert time.monotonic() < deadline
        threading.Event().wait(0.2)
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("management")
    with ServerProcess(write_config(folder), module=None, threads=32) as server:
        yield server.start()


def pictures() -> dict[str, list[bytes]]:
    """Small pictures of zeros and ones as PNG files, a list a label."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    made = {}
    for value, label in enumerate(LABELS):
        images = [cv2.resize(np.uint8(i * 15), (16, 16)) for i in digits.images[digits.target == value][:70]]
        made[label] = [cv2.imencode(".png", image)[1].tobytes() for image in images]
    return made


def zipped(labelled: dict[str, list[bytes]]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for label, images in labelled.items():
            for number, image in enumerate(images):
                archive.writestr(f"digits/{label}/{number}.png", image)
    return file.getvalue()


def set_up(server: ServerProcess) -> tuple[str, str]:
    """(client id, secret) of an OAuth2 client, made by the first user, whom the printed link made; and a trainer."""
    admin = Program(server.url)
    link = until(lambda: re.search(r"http://127\.0\.0\.1:\d+(/setup\?token=(\S+))", server.log))
    assert b"<form" in admin.ask("GET", link[1], 200)
    account = {"username": "ada", "password": PASSWORDS["ada"]}
    admin.ask("POST", "/api/v1/setup", 201, json={"token": link[2], **account})
    assert Program(server.url).session.get(server.url + link[1], timeout=60).status_code == 404

    token = admin.ask("POST", "/api/v1/session", 201, json=account)["csrf_token"]
    admin.session.headers["X-CSRF-Token"] = token
    trainer = {"username": "tom", "password": PASSWORDS["tom"], "role": "trainer"}
    admin.ask("POST", "/api/v1/users", 201, json=trainer)
    wanted = {"name": "outside", "scopes": ["predict", "train"], "grant_types": ["password", "refresh_token"]}
    client = admin.ask("POST", "/api/v1/oauth-clients", 201, json=wanted)
    return client["client_id"], client["client_secret"]


def log_in(server: ServerProcess, client: tuple[str, str]) -> Program:
    program = Program(server.url)
    form = {"grant_type": "password", "username": "tom", "password": PASSWORDS["tom"], "scope": "predict train"}
    token = program.ask("POST", "/o/token/", 200, data=form, auth=client)
    assert token["token_type"] == "Bearer"
    program.session.headers["Authorization"] = f"Bearer {token['access_token']}"
    return program


def make_dataset(program: Program, labelled: dict[str, list[bytes]]) -> int:
    dataset = program.ask("POST", "/api/v1/datasets", 201, json={"name": "digits"})
    headers = {"Content-Type": "application/zip"}
    path = f"/api/v1/datasets/{dataset['id']}"
    job = program.ask("POST", f"{path}/zips", 202, data=zipped(labelled), headers=headers)
    program.job(job["id"])
    shown = program.ask("GET", path, 200)
    assert {one["label"]: one["count"] for one in shown["labels"]} == dict.fromkeys(LABELS, 70)
    program.job(program.ask("POST", f"{path}/doctor", 202)["id"])
    report = program.ask("GET", f"{path}/doctor", 200)
    assert report["is_current"]
    assert report["findings"]
    return int(dataset["id"])


def train_watching(program: Program, dataset_id: int) -> int:
    """Train two epochs, following them with the official client; the job's number."""
    heard: list[tuple[str, dict[str, Any]]] = []
    has_ended = threading.Event()
    watcher = socketio.Client(logger=False)
    watcher.on("batch", lambda event: heard.append(("batch", event)))
    watcher.on("epoch", lambda event: heard.append(("epoch", event)))
    watcher.on("ended", lambda event: (heard.append(("ended", event)), has_ended.set()))
    token = program.session.headers["Authorization"].removeprefix("Bearer ")
    watcher.connect(program.url, auth={"token": token}, transports=["polling"])
    try:
        job = program.ask("POST", "/api/v1/trainings", 202, json={"dataset_id": dataset_id, "settings": SETTINGS})
        assert watcher.call("watch", {"job_id": job["id"]})["ok"]
        assert has_ended.wait(WAIT_SECONDS)
    finally:
        watcher.disconnect()
    epochs = [event for name, event in heard if name == "epoch"]
    assert [event["epoch"] for event in epochs] == [1, 2]
    assert heard[-1][0] == "ended"
    assert heard[-1][1]["state"] == "done", heard[-1][1]
    history = program.ask("GET", f"/api/v1/trainings/{job['id']}/history", 200)
    assert history["training_loss"] == [event["loss"] for event in epochs]
    assert history["testing_accuracy"] == [event["val_accuracy"] for event in epochs]
    return int(job["id"])


def upload_second_version(program: Program, first: dict[str, Any]) -> dict[str, Any]:
    """The first version's network, brought back as one that was trained elsewhere."""
    network = program.ask("GET", f"/api/v1/models/{first['id']}/download?format=keras", 200)
    form = {
        "name": first["name"],
        "names": "\n".join(first["class_names"]),
        "preprocessing": json.dumps({**PREPROCESSING, "resize_filter": "area"}),
    }
    sent = program.ask("POST", "/api/v1/models", 202, data=form, files={"model": ("model.keras", network)})
    second = program.model(sent["id"])
    assert (second["state"], second["version"]) == ("ready", 2), second["reason"]
    return second


def answer_of(server: ServerProcess, image: bytes) -> dict[str, Any]:
    prediction_id = new_id()
    assert server.upload(image, prediction_id, PREDICTOR).status_code == 201
    answer = server.final_answer(prediction_id)
    assert answer["prediction_status"] == 200, answer
    return answer


def test_program_outside_makes_a_model_of_its_own_and_it_answers(server: ServerProcess) -> None:
    labelled = pictures()
    program = log_in(server, set_up(server))
    dataset_id = make_dataset(program, labelled)
    job_id = train_watching(program, dataset_id)

    [first] = program.ask("GET", f"/api/v1/models?dataset_id={dataset_id}", 200)["results"]
    assert (first["job_id"], first["version"], set(first["class_names"])) == (job_id, 1, set(LABELS))
    program.publish(first["id"])
    for label in LABELS:
        assert answer_of(server, labelled[label][0])["predictions"][0]["class_name"] == label

    second = upload_second_version(program, first)
    assert program.publish(second["id"])["model_version"] == 2
    served = answer_of(server, labelled["one"][0])
    assert served["predictions"][0]["class_name"] == "one"
    path = f"/api/v1/publications/production/{PREDICTOR}"
    assert program.ask("POST", f"{path}/rollback", 200)["model_version"] == 1
    assert answer_of(server, labelled["one"][1])["predictions"][0]["class_name"] == "one"
    program.ask("DELETE", path, 204)
    refused = server.upload(labelled["one"][0], new_id(), PREDICTOR)
    assert (refused.status_code, "This predictor is not exists" in refused.text) == (400, True)
    assert PRODUCTION_KEY not in server.log


def test_server_log_holds_no_secret(server: ServerProcess) -> None:
    assert not any(password in server.log for password in PASSWORDS.values())
    assert Path(server.log_path).exists()
