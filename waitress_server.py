"""The production server: python waitress_server.py [--config PATH] [--host H] [--port N] [--threads N]."""

from __future__ import annotations

import argparse
import gc
import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from types import FrameType
from typing import Any

import waitress
from flask import Flask
from waitress.channel import HTTPChannel
from waitress.task import ErrorTask, WSGITask

from deep_predictor.app import DEFAULT_CONFIG_PATH, PROJECT_ROOT, create_app
from deep_predictor.environment import Application
from deep_predictor.errors import ConfigError, DatabaseError
from deep_predictor.management import EXTENSION as MANAGEMENT
from deep_predictor.management import Management
from deep_predictor.os_limits import raise_file_limit, return_freed_memory, usable_cores
from deep_predictor.web.error_responses import TOO_LARGE_TEXT
from deep_predictor.web.large_bodies import BodyLimits
from deep_predictor.web.parking import PARK, Parked
from deep_predictor.web.setup_link import print_setup_link, shown_address
from deep_predictor.web.upload_form import video_body_bytes
from deep_predictor.web.waitress_parser import parser_class

#: Requests that wait for their prediction hold one each, and cost next to nothing meanwhile.
DEFAULT_WEB_THREADS = 48 + 8 * usable_cores()
#: A worker that comes out of a network waits so long at most for the interpreter, and not Python's usual 5 ms.
SWITCH_SECONDS = 0.0005
#: Running predictions may take this long to finish after SIGTERM.
GRACE_SECONDS = 10.0
#: Open connections, most of them idle or waiting for a prediction.
CONNECTION_LIMIT = 2000
#: Files that connections leave to models, databases, pictures and logs.
SPARE_FILES = 300
#: A picture comes in a few calls and not in dozens.
RECEIVE_BYTES = 256 * 1024
#: A body a little too large is read, so that Flask answers; a much larger one is refused at its first bytes.
BODY_SLACK_BYTES = 16 * 1024 * 1024


class _ErrorTask(ErrorTask):
    """Answers what waitress refuses by itself: without its signature, and a body too large in the contract's words."""

    def execute(self) -> None:
        error = self.request.error
        text = TOO_LARGE_TEXT if error.code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else error.reason
        is_json = "json" in self.request.headers.get("ACCEPT", "")
        kind = "application/problem+json" if is_json else "text/plain; charset=utf-8"
        problem = {"type": "about:blank", "title": text, "status": error.code}
        body = (json.dumps(problem) if is_json else text).encode()
        self.status = f"{error.code} {error.reason}"
        self.content_length = len(body)
        self.response_headers += [
            ("Content-Type", kind),
            ("X-Content-Type-Options", "nosniff"),
            ("Content-Security-Policy", "default-src 'none'"),
        ]
        self.set_close_on_finish()
        self.write(body)


class _Task(WSGITask):
    """Sends the head of an answer and the first part of its body in one go: one system call, one packet.

    Its request may be parked, see `web.parking`.
    """

    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        environ[PARK] = self.channel.ask_again
        return environ

    def write(self, data: bytes) -> None:
        if self.wrote_header or not data:
            super().write(data)
        else:
            with self.channel.together():
                super().write(data)


class _Channel(HTTPChannel):
    task_class = _Task
    error_task_class = _ErrorTask
    _parts: list[bytes] | None = None

    def service(self) -> None:
        with suppress(Parked):  # the request stays the first one, so nothing else is read or answered meanwhile
            super().service()

    def ask_again(self) -> None:
        """Serve a parked request: in this thread when the server stops and has none left."""
        if self.server.task_dispatcher.threads:
            self.server.add_task(self)
        else:
            self.service()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Send what is written inside the block at its end."""
        self._parts = []
        try:
            yield
        finally:
            parts, self._parts = self._parts, None
            super().write_soon(b"".join(parts))

    def write_soon(self, data: Any) -> int:
        if self._parts is None:
            return int(super().write_soon(data))
        self._parts.append(data)
        return len(data)


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C. Exit code 2: the configuration is wrong, 3: the database cannot be used."""
    args = _parse(arguments)
    return_freed_memory()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        app = create_app(args.config, {"bind_host": args.host, "web_threads": args.threads})
    except ConfigError as error:
        print("The configuration is wrong, the server does not start:", *error.problems, sep="\n  ", file=sys.stderr)
        return 2
    except DatabaseError as error:
        print(f"The server does not start: {error}", file=sys.stderr)
        return 3
    application: Application = app.extensions["deep_predictor"]

    def stop(signum: int, frame: FrameType | None) -> None:
        application.wake_waiters()
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        gc.collect()
        gc.freeze()  # what was made up to here stays: full collections need not look at it again
        server = build_server(app, args.host, args.port, args.threads)
        address = shown_address(args.host, args.port)
        print(f"deep predictor serves on {address}", flush=True)
        print_setup_link(app, address)
        server.run()
    except OSError as error:
        print(f"The server cannot listen on {args.host}:{args.port}: {error.strerror}", file=sys.stderr)
        return 4
    except SystemExit:
        pass
    finally:
        application.close(GRACE_SECONDS)
    return 0


def build_server(app: Flask, host: str, port: int, threads: int) -> Any:
    """A bound waitress server; `run` serves, `close` ends it. Raises OSError when the address cannot be bound."""
    management: Management = app.extensions[MANAGEMENT]
    library_options = management.library_options
    limit = app.config["MAX_CONTENT_LENGTH"] * 4 // 3 + BODY_SLACK_BYTES  # base64 inside JSON takes a third more
    connection_limit = min(CONNECTION_LIMIT, max(64, raise_file_limit(CONNECTION_LIMIT + SPARE_FILES) - SPARE_FILES))
    server = waitress.create_server(
        app,
        host=host,
        port=port,
        threads=threads,
        ident=None,
        connection_limit=connection_limit,
        backlog=CONNECTION_LIMIT,
        asyncore_use_poll=True,
        recv_bytes=RECEIVE_BYTES,
        max_request_body_size=limit,
        # Trusted proxies' are needed; `web.client_address` believes nobody else's.
        clear_untrusted_proxy_headers=not management.accounts_options.trusted_proxies,
    )
    incoming = PROJECT_ROOT / library_options.datasets_folder / "incoming"
    application: Application = app.extensions["deep_predictor"]
    forms = {"/upload": video_body_bytes(application.production), "/test-upload": video_body_bytes(application.test)}
    own_classes = {"parser_class": parser_class(BodyLimits(limit, library_options, forms), incoming)}
    for listener in [server, *getattr(server, "map", {}).values()]:
        if hasattr(listener, "channel_class"):
            listener.channel_class = type("Channel", (_Channel,), own_classes)
    return server


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="waitress_server.py", description="Serve the predictors of a config file.")
    parser.add_argument("--config", default=str(DEFAULT_CONFIG_PATH), help="main config (default: %(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="address to bind (default: %(default)s)")
    parser.add_argument("--port", type=int, default=5000, help="port to bind (default: %(default)s)")
    parser.add_argument(
        "--threads", type=_thread_count, default=DEFAULT_WEB_THREADS, help="web server threads (default: %(default)s)"
    )
    return parser.parse_args(arguments)


def _thread_count(text: str) -> int:
    count = int(text)
    if count < 5:
        raise argparse.ArgumentTypeError("must be at least 5: four threads never wait for predictions")
    return count


if __name__ == "__main__":
    raise SystemExit(main())
