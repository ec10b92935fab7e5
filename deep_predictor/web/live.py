"""Socket.IO: what runs say while they run, pushed to who may see them. The events are in `live.events`."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import socketio
from flask import Flask, request
from flask_socketio import ConnectionRefusedError as Refused
from flask_socketio import SocketIO
from pydantic import Field

from deep_predictor.environment import Application
from deep_predictor.errors import (
    CredentialRefused,
    DatabaseBusy,
    DeepPredictorError,
    LoginNeeded,
    NotPermitted,
    RequestInvalid,
)
from deep_predictor.live.events import Event
from deep_predictor.live.feed import LiveFeed
from deep_predictor.live.ticker import Ticker
from deep_predictor.management import EXTENSION as MANAGEMENT
from deep_predictor.web import authentication
from deep_predictor.web.error_responses import row_of
from deep_predictor.web.live_engine import LIBRARY_LOGGER, LiveEngine
from deep_predictor.web.live_gate import PATH, LiveGate
from deep_predictor.web.operations import RequestModel, checked

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

logger = logging.getLogger(__name__)

EXTENSION = "deep_predictor_live"
#: Set by the starter in `app.config`: whether the web server can do websockets. waitress cannot.
WEBSOCKETS = "WEBSOCKETS"
NAMESPACE = "/"
#: Jobs that one viewer watches at a time.
MOST_JOBS = 20
#: Between two questions whether a viewer still may.
CHECK_SECONDS = 30.0
#: Between two looks at the connections.
LOOK_SECONDS = 0.5
LONGEST_TOKEN = 4096


class WatchRequest(RequestModel):
    job_id: int = Field(ge=1, le=999_999_999)
    #: Epochs that the viewer has seen already.
    since: int = Field(0, ge=0, le=1_000_000_000)


class UnwatchRequest(RequestModel):
    job_id: int = Field(ge=1, le=999_999_999)


def register_live(app: Flask) -> None:
    """Called once by register_web."""
    application: Application = app.extensions["deep_predictor"]
    following = app.wsgi_app
    websockets = bool(app.config.get(WEBSOCKETS))
    sockets = SocketIO(
        app,
        path=PATH,
        async_mode="threading",
        async_handlers=False,
        manage_session=False,
        transports=["polling"],
        monitor_clients=False,
        logger=LIBRARY_LOGGER,
        engineio_logger=LIBRARY_LOGGER,
    )
    live = app.extensions[EXTENSION] = Live(app, sockets, application)
    engine = LiveEngine(application.wait_slots, websockets, live.begin)
    engine.handlers = sockets.server.eio.handlers
    sockets.server.eio = live.engine = engine
    sockets.on("connect", NAMESPACE)(live.connect)
    sockets.on("disconnect", NAMESPACE)(live.disconnect)
    sockets.on("watch", NAMESPACE)(live.watch)
    sockets.on("unwatch", NAMESPACE)(live.unwatch)
    application.closers.append(live.close)
    app.wsgi_app = LiveGate(app, application, app.wsgi_app, following)  # type: ignore[method-assign]


class Live:
    """The viewers of one application."""

    engine: LiveEngine

    def __init__(self, app: Flask, sockets: SocketIO, application: Application) -> None:
        self._app, self._server, self._stopping = app, sockets.server, application.stopping
        self._feed: LiveFeed = app.extensions[MANAGEMENT].feed
        self._feed.audience = _Rooms(sockets.server)
        #: Who they are, as their first request said it.
        self._viewers: dict[str, WSGIEnvironment] = {}
        self._next_check = 0.0
        self._ticker = Ticker("live-connections", LOOK_SECONDS, self._look)

    def begin(self) -> None:
        """There is a connection to look after."""
        self._ticker.start()

    def close(self) -> None:
        """Answer all who wait, and end."""
        self._ticker.close()
        self.engine.close_all()

    def connect(self, auth: Any = None) -> None:
        """Raises ConnectionRefusedError."""
        sid = request.sid  # type: ignore[attr-defined]
        try:
            environ = _with_token(request.environ, auth)
            self._check(environ)
        except DeepPredictorError as error:
            described = _described(error)
            raise Refused(described["title"], described) from error
        self._viewers[sid] = environ
        self.engine.sockets[self._server.manager.eio_sid_from_sid(sid, NAMESPACE)].has_joined = True

    def disconnect(self, reason: object = None) -> None:
        """The connection goes with it: some clients end their last poll only when it is answered."""
        sid = request.sid  # type: ignore[attr-defined]
        self._forget(sid)
        self.engine.disconnect(self._server.manager.eio_sid_from_sid(sid, NAMESPACE))

    def watch(self, message: Any = None, *rest: Any) -> dict[str, Any]:
        """Acknowledged when what was missed is on its way."""
        viewer = request.sid  # type: ignore[attr-defined]

        def begin() -> None:
            wanted = checked(WatchRequest, message)
            others = self._feed.watched_by(viewer) - {wanted.job_id}
            if len(others) >= MOST_JOBS:
                raise RequestInvalid([("job_id", f"at most {MOST_JOBS} jobs are watched at a time")])
            self._feed.watch(viewer, wanted.job_id, wanted.since)

        return _acknowledged(begin)

    def unwatch(self, message: Any = None, *rest: Any) -> dict[str, Any]:
        viewer = request.sid  # type: ignore[attr-defined]
        return _acknowledged(lambda: self._feed.unwatch(viewer, checked(UnwatchRequest, message).job_id))

    def _check(self, environ: WSGIEnvironment) -> None:
        """Raises LoginNeeded, CredentialRefused, NotPermitted, DatabaseBusy."""
        with self._app.app_context(), self._app.request_context(environ):
            principal = authentication.find_principal(request)
        if principal is None:
            raise LoginNeeded
        if "view" not in principal.permissions:
            raise NotPermitted("view")

    def _look(self) -> bool:
        if self._stopping.is_set():
            self.engine.close_all()
        elif time.monotonic() >= self._next_check:
            self._next_check = time.monotonic() + CHECK_SECONDS
            self.check_viewers()
        return self.engine.keep()

    def check_viewers(self) -> None:
        """Send away who may no longer watch."""
        for sid, environ in list(self._viewers.items()):
            try:
                self._check(environ)
            except DatabaseBusy:
                continue  # asked again the next time
            except DeepPredictorError as error:
                logger.info("a viewer is sent away: %s", error.code)
                self._send_away(sid)

    def _send_away(self, sid: str) -> None:
        self._server.disconnect(sid, NAMESPACE)
        self._forget(sid)

    def _forget(self, sid: str) -> None:
        self._viewers.pop(sid, None)
        self._feed.forget(sid)


class _Rooms:
    """The feed's audience: a room a job."""

    def __init__(self, server: socketio.Server) -> None:
        self._server = server

    def tell(self, viewer: str, event: Event) -> None:
        self._server.emit(event.name, event.content, to=viewer, namespace=NAMESPACE)

    def tell_all(self, job_id: int, event: Event) -> None:
        self._server.emit(event.name, event.content, to=_room(job_id), namespace=NAMESPACE)

    def join(self, viewer: str, job_id: int) -> None:
        self._server.enter_room(viewer, _room(job_id), NAMESPACE)

    def leave(self, viewer: str, job_id: int) -> None:
        self._server.leave_room(viewer, _room(job_id), NAMESPACE)


def _room(job_id: int) -> str:
    return f"job:{job_id}"


def _with_token(environ: WSGIEnvironment, auth: Any) -> WSGIEnvironment:
    """A token in the `auth` of a client counts as one in the header. Raises CredentialRefused."""
    token = auth.get("token") if isinstance(auth, dict) else None
    if token is None:
        return environ
    if not isinstance(token, str) or not token.isascii() or not token.isprintable() or len(token) > LONGEST_TOKEN:
        raise CredentialRefused("the token is none")
    return {**environ, "HTTP_AUTHORIZATION": f"Bearer {token}"}


def _acknowledged(action: Callable[[], object]) -> dict[str, Any]:
    try:
        action()
    except DeepPredictorError as error:
        return {"ok": False, "error": _described(error)}
    return {"ok": True}


def _described(error: DeepPredictorError) -> dict[str, Any]:
    """As a problem document says it."""
    row = row_of(error)
    described = {"status": row.status, "code": error.code, "title": row.title}
    return {**described, "detail": str(error)} if row.tells_detail else described
