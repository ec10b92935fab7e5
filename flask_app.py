"""The development server: `python flask_app.py`; `flask --app flask_app …` finds the application here too."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from types import FrameType

from flask import Flask

from deep_predictor.app import create_app as build_app
from deep_predictor.errors import ConfigError, DatabaseError
from deep_predictor.os_limits import return_freed_memory


def create_app() -> Flask:
    """The factory that Flask's command line calls; DEEP_PREDICTOR_CONFIG names another main config."""
    return build_app(os.environ.get("DEEP_PREDICTOR_CONFIG"), {"bind_host": _bind_host(sys.argv)})


def _bind_host(arguments: list[str]) -> str:
    """The address that `flask run` will bind, so that what is refused on a public one is refused here too."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-h", "--host", default=os.environ.get("FLASK_RUN_HOST", "127.0.0.1"))
    return str(parser.parse_known_args(arguments)[0].host)


def _stop(signum: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def main() -> int:
    """Serve on 127.0.0.1:5000. Exit code 2: the configuration is wrong, 3: the database cannot be used."""
    return_freed_memory()
    try:
        app = create_app()
    except ConfigError as error:
        print("The configuration is wrong, the server does not start:", *error.problems, sep="\n  ", file=sys.stderr)
        return 2
    except DatabaseError as error:
        print(f"The server does not start: {error}", file=sys.stderr)
        return 3
    signal.signal(signal.SIGTERM, _stop)
    try:
        # The reloader would start a second process on the same database.
        app.run(host="127.0.0.1", port=5000, threaded=True, use_reloader=False)
    finally:
        app.extensions["deep_predictor"].close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
