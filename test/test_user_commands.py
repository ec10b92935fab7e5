"""`flask --app flask_app user …`, beside a server that holds the database."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

import flask_app
from deep_predictor.accounts import commands, passwords
from deep_predictor.db.setup import MIGRATIONS_FOLDER
from deep_predictor.management import EXTENSION
from test.app_builder import build_app, write_config

ROOT = Path(__file__).resolve().parents[1]
PASSWORD = "correct horse"
Run = Callable[..., Result]


@pytest.fixture(scope="module")
def config_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_config(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def server(config_path: Path) -> Iterator[Flask]:
    """It runs, and holds the lock of the database."""
    app = build_app(config_path)
    yield app
    app.extensions["deep_predictor"].close(1)


@pytest.fixture
def run(server: Flask, config_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run("add", "anna", input="…")` -> what `flask user add anna` does."""
    make = passwords.generate_password_hash
    monkeypatch.setattr(passwords, "generate_password_hash", lambda password: make(password, "pbkdf2:sha256:1"))
    monkeypatch.setenv("DEEP_PREDICTOR_CONFIG", str(config_path))
    monkeypatch.setattr(sys, "argv", ["/bin/flask", "--app", "flask_app", "user"])
    runner = flask_app.create_app().test_cli_runner()
    return lambda *arguments, **more: runner.invoke(args=["user", *arguments], **more)


def test_flask_db_knows_the_newest_revision(tmp_path: Path) -> None:
    environment = {**os.environ, "DEEP_PREDICTOR_CONFIG": str(write_config(tmp_path))}
    command = [sys.executable, "-m", "flask", "--app", "flask_app", "db", "heads"]
    said = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    newest = max(path.name[1:5] for path in (MIGRATIONS_FOLDER / "versions").glob("v*.py"))
    assert said.stdout.split() == [newest, "(head)"], said.stderr


def test_user_goes_from_added_to_disabled_while_the_server_runs(server: Flask, run: Run) -> None:
    accounts = server.extensions[EXTENSION].accounts
    assert run("list").output == ""
    assert run("add", "boss", "--role", "admin", input=PASSWORD + "\n").output == "boss is there, with the role admin\n"
    assert run("add", "アンナ", input=PASSWORD).exit_code == 0
    anna = accounts.check_password("アンナ", PASSWORD, "")
    assert anna.role == "viewer"
    assert "new password" in run("password", "アンナ", input="another one\r\n").output
    assert accounts.check_password("アンナ", "another one", "").session_version == 2
    assert "is disabled" in run("disable", "アンナ").output
    listed = run("list").output.splitlines()
    assert listed[0] == "1  boss  admin  (never logged in)"
    assert listed[1].startswith("2  アンナ  viewer, disabled  (last login 2")
    assert "may log in" in run("disable", "アンナ", "--undo").output
    assert accounts.check_password("アンナ", "another one", "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "boss2"), "password: must have 10 to 1024 characters"),
        (("add", "a b"), "username: must be"),
        (("password", "nobody"), "there is no user 'nobody'"),
        (("disable", "no body"), "there is no user 'no body'"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(run: Run, arguments: tuple[str, ...], said: str) -> None:
    done = run(*arguments, input="" if arguments[0] == "add" and said.startswith("pass") else PASSWORD)
    assert done.exit_code == 1
    assert said in done.output
    assert "Traceback" not in done.output


def test_last_admin_is_not_disabled(run: Run) -> None:
    run("add", "boss", "--role", "admin", input=PASSWORD)
    done = run("disable", "boss")
    assert (done.exit_code, "last admin" in done.output) == (1, True)


def test_password_is_asked_twice_on_a_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, object]] = []

    def prompt(text: str, **options: object) -> str:
        asked.append(options)
        return PASSWORD

    class Terminal:
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(commands.click, "prompt", prompt)
    monkeypatch.setattr(commands, "sys", type("Sys", (), {"stdin": Terminal()}))
    assert run("add", "typed").exit_code == 0
    assert asked == [{"hide_input": True, "confirmation_prompt": True}]


def test_list_has_all_users_however_many(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "LISTED_AT_A_TIME", 2)
    for number in range(5):
        run("add", f"user{number}", input=PASSWORD)
    assert [f"user{number}" in run("list").output for number in range(5)] == [True] * 5


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["flask", "--app", "flask_app", "user", "add", "run"], "user"),
        (["/x/bin/flask", "-A", "flask_app", "--debug", "run", "--port", "1"], "run"),
        (["C:/x/flask.exe", "--env-file", "x", "routes"], "routes"),
        (["/x/site-packages/flask/__main__.py", "--app=flask_app", "user"], "user"),
        (["flask", "--help"], ""),
        (["/x/bin/gunicorn", "flask_app:create_app()"], None),
        (["/x/user", "user"], None),
        ([""], None),
    ],
)
def test_flask_command_is_read_from_the_arguments(arguments: list[str], command: str | None) -> None:
    assert flask_app._flask_command(arguments) == command


def test_help_names_the_command_without_a_server(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["flask", "--help"])
    assert "user" in flask_app.create_app().cli.commands
