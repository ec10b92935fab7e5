"""Pages of people and programs: users, keys, OAuth2 clients, and one's own password."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from deep_predictor.web.access import ADMIN, register
from deep_predictor.web.studio.rendering import page_operation, render_studio


def add_access_pages(blueprint: Blueprint) -> None:
    register(blueprint, "/studio/users", list_users, ["GET"], ADMIN, page_operation("The page of users"))


def list_users() -> ResponseReturnValue:
    return render_studio("users.html", "users")
