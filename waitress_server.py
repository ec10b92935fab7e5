"""The production server: python waitress_server.py [--config PATH] [--host H] [--port N] [--threads N]."""

from __future__ import annotations

import argparse
import gc
import signal
import sys
from types import FrameType
from typing import Any

from flask import Flask

from deep_predictor.app import DEFAULT_CONFIG_PATH, PROJECT_ROOT, create_app
from deep_predictor.environment import Application
from deep_predictor.errors import ConfigError, DatabaseError
from deep_predictor.listening.parser import parser_class
from deep_predictor.listening.server import create_server
from deep_predictor.management import EXTENSION as MANAGEMENT
from deep_predictor.management import Management
from deep_predictor.os_limits import raise_file_limit, return_freed_memory, usable_cores
from deep_predictor.web.large_bodies import BodyLimits
from deep_predictor.web.parking import QUICK
from deep_predictor.web.setup_link import print_setup_link, shown_address
from deep_predictor.web.upload_form import video_body_bytes

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
        raise SystemExit(0)  # which the loop turns into the end, when nothing is locked any more

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
    application: Application = app.extensions["deep_predictor"]
    incoming = PROJECT_ROOT / library_options.datasets_folder / "incoming"
    forms = {"/upload": video_body_bytes(application.production), "/test-upload": video_body_bytes(application.test)}
    return create_server(
        app,
        threads,
        app.extensions[QUICK],
        application.wake_waiters,
        parser_class(BodyLimits(limit, library_options, forms), incoming),
        host=host,
        port=port,
        ident=None,
        connection_limit=connection_limit,
        backlog=CONNECTION_LIMIT,
        recv_bytes=RECEIVE_BYTES,
        max_request_body_size=limit,
        # Trusted proxies' are needed; `web.client_address` believes nobody else's.
        clear_untrusted_proxy_headers=not management.accounts_options.trusted_proxies,
    )


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
