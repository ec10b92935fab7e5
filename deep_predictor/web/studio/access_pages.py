"""Pages of people and programs: users, keys, OAuth2 clients, and one's own password."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from deep_predictor.web.access import ADMIN, VIEW, register
from deep_predictor.web.current import current_management
from deep_predictor.web.studio.rendering import page_operation, render_studio

SECTION = "access"


def add_access_pages(blueprint: Blueprint) -> None:
    register(blueprint, "/studio/users", list_users, ["GET"], ADMIN, page_operation("The page of users"))
    register(blueprint, "/studio/keys", list_keys, ["GET"], VIEW, page_operation("The page of API keys"))
    register(blueprint, "/studio/clients", list_clients, ["GET"], ADMIN, page_operation("The page of OAuth2 clients"))
    register(blueprint, "/studio/account", show_account, ["GET"], VIEW, page_operation("The page of one's own account"))


def list_users() -> ResponseReturnValue:
    return render_studio("users.html", SECTION, min_length=_min_password_length())


def list_keys() -> ResponseReturnValue:
    """One's own; an admin's page has everybody's."""
    return render_studio("keys.html", SECTION)


def list_clients() -> ResponseReturnValue:
    return render_studio("clients.html", SECTION)


def show_account() -> ResponseReturnValue:
    return render_studio("account.html", SECTION, min_length=_min_password_length())


def _min_password_length() -> int:
    return current_management().accounts_options.min_password_length
