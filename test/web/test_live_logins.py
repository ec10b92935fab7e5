"""Live events with real logins, keys and tokens: who may watch may, until it ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from socketio.exceptions import ConnectionError as NotConnected

from deep_predictor.management import EXTENSION, Management
from deep_predictor.web import live_engine
from deep_predictor.web.live import Live
from test.web.conftest import MakeSite
from test.web.live_viewers import Runs, Viewer, until
from test.web.sites import JSON, OverSocket, Site

PASSWORD = "a password of a test"


@pytest.fixture(scope="module")
def site(make_site: MakeSite) -> Iterator[Site]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live_engine, "PING_SECONDS", 1)
        site = make_site("socket")
        accounts_of(site).add_user("ann", PASSWORD, "admin")
        accounts_of(site).add_user("vera", PASSWORD, "viewer")
        yield site


def accounts_of(site: Site) -> Any:
    management: Management = site.app.extensions[EXTENSION]
    return management.accounts


def url_of(site: Site) -> str:
    assert isinstance(site.http, OverSocket)
    return site.http.url


def send(site: Site, path: str, token: str | None = None, **content: Any) -> Any:
    assert isinstance(site.http, OverSocket)
    headers = JSON | ({"Authorization": f"JWT {token}"} if token else {})
    answer = site.http.session.post(site.http.url + path, json=content, headers=headers, timeout=20)
    assert answer.status_code in (200, 201), answer.text
    return answer


@pytest.fixture
def admin_token(site: Site) -> str:
    token: str = send(site, "/auth", username="ann", password=PASSWORD).json()["access_token"]
    return token


def is_let_in(site: Site, **connect: Any) -> bool:
    viewer = Viewer(url_of(site))
    try:
        viewer.connect(**connect)
    except NotConnected:
        return False
    viewer.close()
    return True


def test_json_web_token_opens_as_auth_and_as_header(site: Site, admin_token: str) -> None:
    assert is_let_in(site, token=admin_token)
    assert is_let_in(site, token=None, headers={"Authorization": f"JWT {admin_token}"})
    assert not is_let_in(site, token=admin_token[:-4] + "AAAA")
    assert not is_let_in(site, token=None)


def test_cookie_of_a_login_opens(site: Site) -> None:
    answer = send(site, "/api/v1/session", username="vera", password=PASSWORD)
    cookie = "; ".join(f"{name}={value}" for name, value in answer.cookies.items())
    assert isinstance(site.http, OverSocket)
    site.http.session.cookies.clear()
    assert is_let_in(site, token=None, headers={"Cookie": cookie})
    assert not is_let_in(site, token="forged", headers={"Cookie": cookie})


def test_key_opens_by_its_scope_until_it_is_revoked(site: Site, admin_token: str) -> None:
    keys = {
        scope: send(site, "/api/v1/keys", admin_token, name=scope, scopes=[scope]).json()
        for scope in ("predict", "train")
    }
    assert not is_let_in(site, token=keys["predict"]["key"])
    assert is_let_in(site, token=None, headers={"X-API-Key": keys["train"]["key"]})
    job, _ = Runs(site.app, site.folder).begin()
    viewer = Viewer(url_of(site)).connect(keys["train"]["key"])
    assert viewer.watch(job.id) == {"ok": True}
    live: Live = site.app.extensions["deep_predictor_live"]
    live.check_viewers()
    assert viewer.client.connected

    path = f"/api/v1/keys/{keys['train']['id']}"
    assert site.request("DELETE", path, headers={"Authorization": f"Bearer {admin_token}"}).status == 204
    live.check_viewers()
    until(lambda: not viewer.client.connected, "sent away")
    assert not is_let_in(site, token=keys["train"]["key"])


def test_viewer_whose_password_is_changed_is_sent_away(site: Site, admin_token: str) -> None:
    token = send(site, "/auth", username="vera", password=PASSWORD).json()["access_token"]
    viewer = Viewer(url_of(site)).connect(token)
    user = next(user for user in accounts_of(site).users(10, 0)[0] if user.username == "vera")
    headers = {"Authorization": f"Bearer {admin_token}", "Content-Type": "application/json"}
    changed = site.request("PATCH", f"/api/v1/users/{user.id}", headers=headers, body=b'{"is_disabled": true}')
    assert changed.status == 200, changed.text
    site.app.extensions["deep_predictor_live"].check_viewers()
    until(lambda: not viewer.client.connected, "sent away")
