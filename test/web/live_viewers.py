"""A site with a run that a test writes by hand, and viewers of it: the official Python client, and bare requests."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import socketio
from flask import Flask, Request

from deep_predictor.accounts.permissions import Permission, Principal
from deep_predictor.db.setup import training_job_rows_for
from deep_predictor.db.training_job_rows import JobState, NewTrainingJob, TrainingJob
from deep_predictor.errors import CredentialRefused
from test.live.runs import WrittenRun

SECONDS = 20
OWNER = "a-test"
EVENTS = ("batch", "epoch", "trial", "ended")
#: Token -> what its owner may.
TOKENS: dict[str, set[Permission]] = {"viewer": {"view", "predict"}, "uploader": {"predict"}}
COOKIE = "session=viewer"


def find_known_principal(request: Request) -> Principal | None:
    """In place of `authentication.find_principal`; a wrong token is refused also beside a good cookie."""
    header = request.headers.get("Authorization")
    if header is None:
        return (
            Principal("session", "a cookie", frozenset({"view"})) if request.headers.get("Cookie") == COOKIE else None
        )
    permissions = TOKENS.get(header.removeprefix("Bearer "))
    if permissions is None:
        raise CredentialRefused("of a test")
    return Principal("jwt", "a token", frozenset(permissions))


def until(condition: Callable[[], Any], what: str = "") -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, what
        threading.Event().wait(0.01)


@dataclass
class Runs:
    """Jobs of an application whose runs a test writes."""

    app: Flask
    folder: Path

    def begin(self, kind: str = "train", epochs: int = 3) -> tuple[TrainingJob, WrittenRun]:
        rows = training_job_rows_for(self.app)
        rows.insert(NewTrainingJob(kind, "digits", {}), lambda job_id: str(self.folder / f"written-{job_id}"))
        job = rows.claim_next(OWNER, 1000)
        assert job
        return job, WrittenRun(Path(job.run_folder), epochs)

    def finish(self, job: TrainingJob, state: JobState = JobState.DONE, reason: str | None = None) -> None:
        assert training_job_rows_for(self.app).finish(job.id, OWNER, state, reason)


@dataclass
class Viewer:
    """The official Python client. `heard`: (event, content) in the order in which they came."""

    url: str
    client: socketio.Client = field(default_factory=lambda: socketio.Client(reconnection=False))
    heard: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in EVENTS:
            self.client.on(name, lambda content, name=name: self.heard.append((name, content)))

    def connect(self, token: str | None = "viewer", **options: Any) -> Viewer:
        auth = {"token": token} if token else None
        self.client.connect(self.url, auth=auth, wait_timeout=SECONDS, **options)
        return self

    def watch(self, job_id: int, since: int = 0) -> Any:
        return self.client.call("watch", {"job_id": job_id, "since": since}, timeout=SECONDS)

    def shown(self) -> list[tuple[str, int]]:
        return [(name, content["seq"]) for name, content in list(self.heard)]

    def wait_for(self, name: str, seq: int) -> None:
        until(lambda: (name, seq) in self.shown(), f"{name} {seq} never came: {self.shown()}")

    def close(self) -> None:
        self.client.disconnect()
        until(lambda: self.client.eio.state == "disconnected")


@dataclass
class BareViewer:
    """Engine.IO by hand: what a client sends is what the test says."""

    url: str
    sid: str = ""
    http: requests.Session = field(default_factory=requests.Session)

    def request(self, method: str, body: str | None = None, **more: Any) -> requests.Response:
        params = {
            "EIO": "4",
            "transport": "polling",
            **({"sid": self.sid} if self.sid else {}),
            **more.pop("params", {}),
        }
        data = body.encode() if body is not None else None
        return self.http.request(method, f"{self.url}/socket.io/", params=params, data=data, timeout=60, **more)

    def open(self, **more: Any) -> BareViewer:
        answer = self.request("GET", **more)
        assert answer.status_code == 200, answer.text
        assert answer.text.startswith("0{")
        self.sid = json.loads(answer.text[1:])["sid"]
        return self

    def join(self, token: str | None = "viewer") -> BareViewer:
        self.post("40" + (f'{{"token": "{token}"}}' if token else ""))
        answer = self.poll()
        assert answer.text.startswith("40{"), answer.text
        return self

    def post(self, body: str) -> requests.Response:
        return self.request("POST", body)

    def poll(self) -> requests.Response:
        return self.request("GET")

    def close(self) -> None:
        self.post("1")
        self.http.close()
