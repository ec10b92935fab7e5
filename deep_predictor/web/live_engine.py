"""Engine.IO for live events: polls that wait without a thread, or in a slot; one thread for all pings; small answers.

The library's own server holds a thread for each poll and each ping, and answers more packets at once than its own
Python client takes. https://socket.io/docs/v4/engine-io-protocol/
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import engineio
from engineio import packet
from engineio.exceptions import EngineIOError
from engineio.packet import Packet
from engineio.socket import Socket

from deep_predictor.live.outbox import Outbox
from deep_predictor.predictions.waiting import WaitSlots
from deep_predictor.web.parking import PARKING, Parked, parking_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

logger = logging.getLogger(__name__)
#: The libraries' own. Under ERROR they write down what clients send, tokens among it.
LIBRARY_LOGGER = logging.getLogger(f"{__name__}.library")
LIBRARY_LOGGER.setLevel(logging.ERROR)

#: An idle viewer asks once in so many seconds; under the minute after which proxies give up.
PING_SECONDS = 25
#: A client that says nothing for so long after a ping is gone.
PING_TIMEOUT_SECONDS = 20
#: A connection that has not joined by then is closed.
JOIN_SECONDS = 10.0
#: Connections at a time, those that have not joined among them.
MOST_CONNECTIONS = 1000
#: What one client may leave unread, and what it may send at once.
MOST_UNREAD = 2000
MOST_BYTES = 20_000
#: Packets in one answer: the Python client takes no more.
MOST_PACKETS = 16
#: Polls without a thread of their own wait for nobody; those with one take slots by this name.
SLOT_NAME = "/socket.io/"
#: What the connection's first request leaves behind; it may be asked for years later.
_PASSING = frozenset(
    {PARKING, "wsgi.input", "wsgi.file_wrapper", "waitress.client_disconnected", "werkzeug.request", "werkzeug.socket"}
)
#: What the libraries raise for what is no Engine.IO, or no Socket.IO.
_UNREADABLE = (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError)


class LiveSocket(Socket):
    """One connection."""

    queue: Outbox
    #: Unix second of the ping that is not answered yet.
    last_ping: float | None

    def __init__(self, server: LiveEngine, sid: str) -> None:
        super().__init__(server, sid)
        self.begun_at = time.monotonic()
        self.has_joined = False
        self._ping_at = 0.0
        self._closed_at: float | None = None

    def schedule_ping(self) -> None:
        if self.last_ping:
            self.last_ping, self._ping_at = None, time.time() + self.server.ping_interval

    def send(self, pkt: Packet) -> None:
        self.queue.put(pkt)

    def close(self, wait: bool = True, abort: bool = False, reason: str | None = None) -> None:
        """Never waits: a client that asks no more would hold whoever closes it."""
        super().close(False, abort, reason)

    def poll(self) -> list[Packet]:
        """A websocket's writer waits here; whoever polls has waited before."""
        return super().poll() if self.upgraded else self.queue.take(MOST_PACKETS)

    def handle_post_request(self, environ: WSGIEnvironment) -> None:
        """Raises EngineIOError for whatever is no Engine.IO."""
        try:
            super().handle_post_request(environ)
        except _UNREADABLE as error:
            raise EngineIOError("not Engine.IO") from error

    def keep(self) -> bool:
        """Send a ping when it is due, close what is silent; False when nobody needs to know it any longer."""
        now = time.monotonic()
        if self.closed:
            self._closed_at = self._closed_at or now
            return now - self._closed_at < self.server.ping_timeout
        if (not self.has_joined and now - self.begun_at > JOIN_SECONDS) or self.queue.qsize() > MOST_UNREAD:
            self.close(reason=self.server.reason.TRANSPORT_ERROR)
        elif self.last_ping is not None:
            self.check_ping_timeout()
        elif time.time() >= self._ping_at:
            self.last_ping = time.time()
            self.send(Packet(packet.PING))
        return True


class LiveEngine(engineio.Server):
    """`on_connection`: called after each new one. The handlers are those of the Socket.IO server above it."""

    def __init__(self, slots: WaitSlots, has_websockets: bool, on_connection: Callable[[], object]) -> None:
        super().__init__(
            async_mode="threading",
            ping_interval=PING_SECONDS,
            ping_timeout=PING_TIMEOUT_SECONDS,
            max_http_buffer_size=MOST_BYTES,
            allow_upgrades=has_websockets,
            transports=["polling", "websocket"] if has_websockets else ["polling"],
            cors_allowed_origins=[],  # `live_gate` sees to origins
            monitor_clients=False,
            logger=LIBRARY_LOGGER,
            async_handlers=False,
        )
        self._slots, self._on_connection = slots, on_connection

    def create_queue(self, *args: Any, **kwargs: Any) -> Outbox:
        return Outbox()

    def keep(self) -> bool:
        """Look after every connection; whether there is any. To be called about every half second."""
        for sid, live in list(self.sockets.items()):
            if not live.keep():
                self.sockets.pop(sid, None)
        return bool(self.sockets)

    def close_all(self) -> None:
        """Whoever waits is answered."""
        for live in list(self.sockets.values()):
            live.close(reason=self.reason.SERVER_DISCONNECT)

    def disconnect(self, sid: str | None = None) -> None:
        """The client still gets what was said before; `keep` forgets it."""
        live = self.sockets.get(sid)
        if live:
            live.close(reason=self.reason.SERVER_DISCONNECT)

    def handle_request(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Raises Parked where the server parks requests and nothing is there to be told."""
        live: LiveSocket | None = self.sockets.get(parse_qs(environ.get("QUERY_STRING", "")).get("sid", [""])[0])
        is_poll = environ["REQUEST_METHOD"] == "GET" and "HTTP_UPGRADE" not in environ
        if live and live.closed and environ["REQUEST_METHOD"] == "POST":
            answer = self._ok()  # it crossed the end, of which the next poll tells
        elif live and live.closed and not (is_poll and live.queue.qsize()):
            answer = self._bad_request("the connection is closed")
        elif live and is_poll and live.connected and not live.upgraded:
            packets = self._packets_for(live, environ)
            answer = self._bad_request("another request waits") if packets is None else self._ok(packets)
        else:
            return super().handle_request(environ, start_response)
        start_response(answer["status"], answer["headers"])
        return [answer["response"]]

    def _get_socket(self, sid: str) -> LiveSocket:
        live: LiveSocket | None = self.sockets.get(sid)
        if live is None or live.closed:
            raise KeyError("the connection is closed")
        return live

    def _packets_for(self, live: LiveSocket, environ: WSGIEnvironment) -> list[Packet] | None:
        """What there is, or comes while the request waits; None when another one waits for the same."""
        if live.queue.empty() and not live.upgrading and not self._wait(live, environ):
            live.close(reason=self.reason.TRANSPORT_ERROR)
            return None
        return live.queue.take(MOST_PACKETS) or [Packet(packet.NOOP)]

    def _wait(self, live: LiveSocket, environ: WSGIEnvironment) -> bool:
        """False when another request waits already. Raises Parked."""
        parking = parking_of(environ)
        if parking:
            if live.queue.when_filled(parking.ask_again):
                raise Parked
            return False
        with self._slots.hold(SLOT_NAME, self._slots.count // 2) as granted:
            return not granted or live.queue.wait(self.ping_interval + self.ping_timeout)

    def _handle_connect(
        self, environ: WSGIEnvironment, start_response: StartResponse, transport: str, jsonp_index: int | None = None
    ) -> Any:
        """As the library does, with sockets of ours. Who it is, is asked when it joins."""
        if len(self.sockets) >= MOST_CONNECTIONS:
            busy = HTTPStatus.SERVICE_UNAVAILABLE
            return {"status": f"{busy.value} {busy.phrase}", "headers": [("Retry-After", "5")], "response": b"busy"}
        sid = self.generate_id()
        live = self.sockets[sid] = LiveSocket(self, sid)
        live.send(Packet(packet.OPEN, self._opening(sid, transport)))
        self._trigger_event("connect", sid, _lasting(environ), run_async=False)
        live.schedule_ping()
        self._on_connection()
        if transport == "websocket":
            return live.handle_get_request(environ, start_response)
        live.connected = True
        return self._ok(live.queue.take(MOST_PACKETS))

    def _opening(self, sid: str, transport: str) -> dict[str, Any]:
        seconds = {"pingInterval": self.ping_interval, "pingTimeout": self.ping_timeout}
        milliseconds = {name: int(value * 1000) for name, value in seconds.items()}
        return {"sid": sid, "upgrades": self._upgrades(sid, transport), "maxPayload": MOST_BYTES, **milliseconds}

    def _trigger_event(self, event: str, *args: Any, **kwargs: Any) -> Any:
        """What a client sends that is no Socket.IO ends its connection, and fills no log."""
        if event != "message":
            return super()._trigger_event(event, *args, **kwargs)
        sid, content = args
        try:
            if not isinstance(content, str):
                raise TypeError("no text")
            return self.handlers["message"](sid, content)
        except _UNREADABLE as error:
            is_viewer = sid in self.sockets and self.sockets[sid].has_joined
            level = logging.WARNING if is_viewer else logging.DEBUG
            logger.log(level, "a live connection is closed: %s", type(error).__name__, exc_info=is_viewer)
            self.disconnect(sid)


def _lasting(environ: Mapping[str, Any]) -> dict[str, Any]:
    return {**{key: value for key, value in environ.items() if key not in _PASSING}, "wsgi.input": BytesIO()}
