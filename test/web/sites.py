"""An application for HTTP tests, reached in two ways: Flask's test client, and a socket with waitress behind it."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import requests
from flask import Flask
from waitress import wasyncore

import waitress_server
from deep_predictor.environment import Application, Environment
from test.app_builder import PRODUCTION_KEY, TEST_KEY
from test.fakes import picture
from test.server_process import new_id
from test.web.answer_checks import check_answer

WAIT_SECONDS = 20
WEB_THREADS = 8

Transport = Literal["in process", "socket"]
TRANSPORTS: tuple[Transport, ...] = ("in process", "socket")

#: name -> (file name, bytes) or (file name, bytes, content type)
Files = Mapping[str, tuple[Any, ...]]

JSON = {"Accept": "application/json"}


def short(value: object) -> str:
    """An id for a test's hostile or endless parameter."""
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:40]} and {len(text) - 40} more"


@dataclass(frozen=True)
class Sent:
    """One request, as both transports understand it."""

    params: Mapping[str, str] | None = None
    headers: Mapping[str, str] | None = None
    form: Mapping[str, str] | None = None
    files: Files | None = None
    body: bytes | None = None


@dataclass(frozen=True)
class Answer:
    status: int
    #: Looked up whatever the case.
    headers: Any
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def media_type(self) -> str:
        return self.headers.get("Content-Type", "").partition(";")[0]


class Http(Protocol):
    """A client; redirects are not followed."""

    def send(self, method: str, path: str, sent: Sent) -> Answer: ...

    def close(self) -> None: ...


@dataclass(eq=False)
class Site:
    """A built application and a client for it."""

    app: Flask
    folder: Path
    http: Http

    @property
    def application(self) -> Application:
        application: Application = self.app.extensions["deep_predictor"]
        return application

    @property
    def production(self) -> Environment:
        return self.application.production

    def request(self, method: str, path: str, **sent: Any) -> Answer:
        """`sent`: the fields of Sent. What is answered must be in the OpenAPI document."""
        answer = self.http.send(method, path, Sent(**sent))
        media_type = answer.headers.get("Content-Type", "")
        check_answer(self.app, method, path, answer.status, media_type, answer.body)
        return answer

    def get(self, path: str, **sent: Any) -> Answer:
        return self.request("GET", path, **sent)

    def post(self, path: str, **sent: Any) -> Answer:
        return self.request("POST", path, **sent)

    def upload(
        self, changes: Mapping[str, str | None] | None = None, headers: Mapping[str, str] | None = None, **more: Any
    ) -> Answer:
        """POST /upload. `changes` to the fields: None leaves one out. `more`: filename, image, path."""
        path = more.pop("path", "/upload")
        key = TEST_KEY if path == "/test-upload" else PRODUCTION_KEY
        fields: dict[str, str | None] = {"model_name": "dummy", "prediction_id": new_id(), "api_key": key}
        fields.update(changes or {})
        files = {"image": (more.pop("filename", "picture.png"), more.pop("image", picture()))}
        if "image" in fields and fields.pop("image") is None:
            files = {}
        assert not more
        form = {name: value for name, value in fields.items() if value is not None}
        return self.post(path, form=form, files=files, headers=headers)

    def upload_id(self, model_name: str = "dummy", **more: Any) -> str:
        """Upload a picture that is accepted; its id."""
        prediction_id = new_id()
        answer = self.upload({"model_name": model_name, "prediction_id": prediction_id}, JSON, **more)
        assert answer.status == 201, answer.text
        return prediction_id

    def final(self, prediction_id: str, path: str = "/api") -> dict[str, Any]:
        """The answer once it is final."""
        for _ in range(WAIT_SECONDS):
            answer: dict[str, Any] = self.get(path, params={"prediction_id": prediction_id, "wait": "1"}).json
            if answer["prediction_status"] != 100:
                return answer
        raise AssertionError(f"never final: {answer}")

    def stored(self) -> tuple[int, int]:
        """(unfinished rows, files in the temp folder) of both environments."""
        environments = self.application.environments
        rows = sum(len(environment.rows.unfinished()) for environment in environments)
        found = [one for env in environments for one in (self.folder / env.name / "temp").glob("[!.]*")]
        return rows, sum(one.is_file() for one in found)

    def close(self) -> None:
        self.http.close()
        self.application.close(1)


class InProcess:
    """Flask's test client, sent the very bytes that the socket would carry."""

    def __init__(self, app: Flask) -> None:
        self._client = app.test_client()

    def send(self, method: str, path: str, sent: Sent) -> Answer:
        prepared = _prepare(method, "http://localhost" + path, sent)
        response = self._client.open(
            path,
            method=method,
            query_string=sent.params,
            headers=list(prepared.headers.items()),
            data=prepared.body,
        )
        answer = Answer(response.status_code, response.headers, response.get_data())
        response.close()
        return answer

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class OverSocket:
    """waitress in a thread, asked with requests."""

    app: Flask
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self._server = waitress_server.build_server(self.app, "127.0.0.1", 0, WEB_THREADS)
        self.session.trust_env = False
        self.url = f"http://127.0.0.1:{self._server.effective_port}"
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()

    def send(self, method: str, path: str, sent: Sent) -> Answer:
        prepared = _prepare(method, self.url + path, sent)
        response = self.session.send(prepared, allow_redirects=False, timeout=60)
        return Answer(response.status_code, response.headers, response.content)

    def close(self) -> None:
        self.session.close()
        # The loop ends when nothing is left in its map; only its own thread may empty that.
        self._server.trigger.pull_trigger(lambda: wasyncore.close_all(self._server._map, ignore_all=True))
        self._thread.join(20)
        self._server.task_dispatcher.shutdown()


def _prepare(method: str, url: str, sent: Sent) -> requests.PreparedRequest:
    request = requests.Request(
        method,
        url,
        params=sent.params,
        headers=dict(sent.headers or {}),
        data=sent.body if sent.body is not None else sent.form,
        files=sent.files,
    )
    return request.prepare()
