"""/api/v1/oauth-clients: the programs that may ask for OAuth2 tokens; for admins."""

from __future__ import annotations

from flask import Blueprint, Response, url_for
from pydantic import Field

from deep_predictor.accounts.oauth_clients import ClientWish, GrantType, OAuthClients
from deep_predictor.accounts.permissions import Scope
from deep_predictor.db.oauth_rows import OAuthClient
from deep_predictor.web.access import ADMIN, register
from deep_predictor.web.authentication import current_principal
from deep_predictor.web.current import current_management
from deep_predictor.web.operations import (
    Answer,
    AnswerModel,
    Line,
    Operation,
    Page,
    PageQuery,
    RequestModel,
    page_of,
    read_json,
    read_query,
    respond,
)

TAG = "OAuth2"
PATH = "/api/v1/oauth-clients"


class NewClientBody(RequestModel):
    name: Line
    scopes: list[Scope] = Field(min_length=1, max_length=10, description="What its tokens may have at most.")
    grant_types: list[GrantType] = Field(
        ["client_credentials"], min_length=1, max_length=10, description="How it may ask for tokens."
    )


class ClientAnswer(AnswerModel):
    """Times are seconds since 1970."""

    id: int
    client_id: str = Field(description="The name that it sends.")
    name: str
    scopes: list[Scope]
    grant_types: list[GrantType]
    created_by: int | None = Field(description="A user's id.")
    created_at: float
    revoked_at: float | None


class NewClientAnswer(ClientAnswer):
    client_secret: str = Field(description="Told here, and nowhere again.", repr=False)


def register_oauth_clients(blueprint: Blueprint) -> None:
    created = {201: Answer("The client, and its secret", NewClientAnswer)}
    create = Operation("Make an OAuth2 client", created, TAG, body=NewClientBody)
    pages = {200: Answer("Some of the clients, oldest first; revoked ones too", Page[ClientAnswer])}
    listing = Operation("List the OAuth2 clients", pages, TAG, query=PageQuery)
    show = Operation("Show an OAuth2 client", {200: Answer("The client", ClientAnswer)}, TAG)
    revoked = {204: Answer("The client and its tokens count no more", media_type=None)}
    revoke = Operation("Revoke an OAuth2 client and all its tokens", revoked, TAG)
    register(blueprint, PATH, create_client, ["POST"], ADMIN, create)
    register(blueprint, PATH, list_clients, ["GET"], ADMIN, listing)
    register(blueprint, f"{PATH}/<id:row_id>", show_client, ["GET"], ADMIN, show)
    register(blueprint, f"{PATH}/<id:row_id>", revoke_client, ["DELETE"], ADMIN, revoke)


def create_client() -> Response:
    body = read_json(NewClientBody)
    wish = ClientWish(body.name, body.scopes, body.grant_types, current_principal().user_id)
    client, secret = _clients().create(wish)
    response = respond(NewClientAnswer(**_facts(client), client_secret=secret), 201)
    response.headers["Location"] = url_for("oauth_api.show_client", row_id=client.id)
    return response


def list_clients() -> Response:
    query = read_query(PageQuery)
    clients, count = _clients().page(query.limit, query.offset)
    return respond(Page[ClientAnswer](**page_of([_facts(client) for client in clients], count, query)))


def show_client(row_id: int) -> Response:
    return respond(ClientAnswer(**_facts(_clients().get(row_id))))


def revoke_client(row_id: int) -> Response:
    _clients().revoke(row_id)
    return Response(status=204)


def _facts(client: OAuthClient) -> dict[str, object]:
    return {name: getattr(client, name) for name in ClientAnswer.model_fields}


def _clients() -> OAuthClients:
    return current_management().accounts.oauth_clients
