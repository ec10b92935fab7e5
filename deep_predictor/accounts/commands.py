"""`flask --app flask_app user …`: users from the command line, also while the server runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click

from deep_predictor.accounts.accounts import Accounts
from deep_predictor.accounts.permissions import ROLES, Role
from deep_predictor.db.account_rows import User
from deep_predictor.errors import DeepPredictorError, NotFound

LISTED_AT_A_TIME = 500

ROLE_OPTION = click.option(
    "--role", type=click.Choice(ROLES), default="viewer", show_default=True, help="What the user may do."
)


def user_commands(connect: Callable[[], Accounts]) -> click.Group:
    """The group `user`. `connect` is called by a command that runs, not before."""

    @click.group("user", help="Add, list and disable users, and set their passwords.")
    def group() -> None:
        pass

    @group.command("add", help="Add a user; the password is asked for, or read from standard input.")
    @click.argument("username")
    @ROLE_OPTION
    def add(username: str, role: Role) -> None:
        with _told_errors():
            user = connect().add_user(username, _read_password(), role)
            click.echo(f"{user.username} is there, with the role {user.role}")

    @group.command("list", help="List all users.")
    def list_all() -> None:
        with _told_errors():
            for user in _all_users(connect()):
                click.echo(_line(user))

    @group.command("password", help="Set a user's password; logins and tokens from before count no more.")
    @click.argument("username")
    def password(username: str) -> None:
        with _told_errors():
            accounts = connect()
            user = _get_user(accounts, username)
            accounts.change_user(user.id, password=_read_password())
            click.echo(f"{user.username} has a new password")

    @group.command("disable", help="Let a user log in no more; logins, tokens and keys of theirs count no more.")
    @click.argument("username")
    @click.option("--undo", is_flag=True, help="Let the user log in again.")
    def disable(username: str, undo: bool) -> None:
        with _told_errors():
            accounts = connect()
            user = accounts.change_user(_get_user(accounts, username).id, is_disabled=not undo)
            click.echo(f"{user.username} {'is disabled' if user.is_disabled else 'may log in'}")

    return group


@contextmanager
def _told_errors() -> Iterator[None]:
    """What we foresee is said in a line; the command ends with 1."""
    try:
        yield
    except DeepPredictorError as error:
        raise click.ClickException(str(error)) from None


def _read_password() -> str:
    """From the terminal, twice and unseen, or the first line of standard input; never an argument: those are public."""
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


def _get_user(accounts: Accounts, username: str) -> User:
    """Raises NotFound."""
    user = accounts.find_user_by_name(username)
    if user is None:
        raise NotFound("user", username)
    return user


def _all_users(accounts: Accounts) -> Iterator[User]:
    some, _ = accounts.users(LISTED_AT_A_TIME, 0)
    offset = 0
    while some:
        yield from some
        offset += len(some)
        some, _ = accounts.users(LISTED_AT_A_TIME, offset)


def _line(user: User) -> str:
    seen = "never logged in"
    if user.last_login_at is not None:
        seen = f"last login {datetime.fromtimestamp(user.last_login_at, UTC):%Y-%m-%d %H:%M} UTC"
    state = ", disabled" if user.is_disabled else ""
    return f"{user.id}  {user.username}  {user.role}{state}  ({seen})"
