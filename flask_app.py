"""The development server: `python flask_app.py`; `flask --app flask_app …` finds the application here too.

`flask --app flask_app user …` works beside a running server: it takes no lock and loads no predictor.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from flask import Flask

from deep_predictor.accounts.accounts import Accounts
from deep_predictor.accounts.commands import user_commands
from deep_predictor.app import DEFAULT_CONFIG_PATH, PROJECT_ROOT
from deep_predictor.app import create_app as build_app
from deep_predictor.config.main_config import load_main_config
from deep_predictor.config.secrets import derive_key, ensure_secret_key
from deep_predictor.db.account_rows import AccountRows
from deep_predictor.db.oauth_rows import OAuthRows
from deep_predictor.db.setup import connect_beside_server
from deep_predictor.errors import ConfigError, DatabaseError
from deep_predictor.os_limits import return_freed_memory
from deep_predictor.web.setup_link import print_setup_link, shown_address

HOST, PORT = "127.0.0.1", "5000"
FLASK_MODULE = ("flask", "__main__.py")


def create_app() -> Flask:
    """The factory that Flask's command line calls; DEEP_PREDICTOR_CONFIG names another main config."""
    command = _flask_command(sys.argv)
    users = user_commands(_connect_accounts)
    if command in ("user", ""):
        app = Flask("deep_predictor", root_path=str(PROJECT_ROOT))
        app.cli.add_command(users)
        return app
    app = build_app(_config_path(), {"bind_host": _option(sys.argv, "host", HOST), "websockets": True})
    app.cli.add_command(users)
    if command == "db":
        from deep_predictor.db.upgrading import connect_flask_db  # nothing else needs it here

        connect_flask_db(app)
    if command == "run":
        print_setup_link(app, shown_address(_option(sys.argv, "host", HOST), int(_option(sys.argv, "port", PORT))))
    return app


def _connect_accounts() -> Accounts:
    """Raises ConfigError, DatabaseBusy, DatabaseNotUpgradable."""
    main_config = load_main_config(PROJECT_ROOT / (_config_path() or DEFAULT_CONFIG_PATH), PROJECT_ROOT)
    token_key = derive_key(ensure_secret_key(main_config, PROJECT_ROOT / "var"), "token")
    engine = connect_beside_server(main_config, "production")
    return Accounts(AccountRows(engine), OAuthRows(engine), main_config.accounts_options, token_key)


def _config_path() -> str | None:
    return os.environ.get("DEEP_PREDICTOR_CONFIG")


def _flask_command(arguments: list[str]) -> str | None:
    """`run`, `user`, … of `flask` or `python -m flask`, "" where that is to tell what there is; None elsewhere."""
    program = Path(arguments[0])
    if program.name not in ("flask", "flask.exe") and program.parts[-2:] != FLASK_MODULE:
        return None
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-A", "--app")
    parser.add_argument("-e", "--env-file")
    others = parser.parse_known_args(arguments[1:])[1]
    return next((one for one in others if not one.startswith("-")), "")


def _option(arguments: list[str], name: str, default: str) -> str:
    """What `flask run` will bind, so that what is refused on a public address is refused here too."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    default = os.environ.get(f"FLASK_RUN_{name.upper()}", default)
    parser.add_argument(f"-{name[0]}", f"--{name}", default=default)
    return str(vars(parser.parse_known_args(arguments)[0])[name])


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
    print_setup_link(app, shown_address(HOST, int(PORT)))
    try:
        # The reloader would start a second process on the same database.
        app.run(host=HOST, port=int(PORT), threaded=True, use_reloader=False)
    finally:
        app.extensions["deep_predictor"].close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
