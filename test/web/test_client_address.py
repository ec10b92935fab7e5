"""Whose word on a request's address and scheme counts: that of the configured proxies, and nobody else's."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from flask import Flask, request

from deep_predictor.management import EXTENSION
from deep_predictor.web.client_address import client_address, is_https
from test.web.conftest import MakeSite

TRUSTED = ("127.0.0.1", "10.0.0.0/8", "2001:db8::/32")


def asked(
    peer: str, headers: dict[str, str], trusted: tuple[str, ...] = TRUSTED, scheme: str = "http"
) -> tuple[str, bool]:
    """(address, whether by https) of a request."""
    app = Flask("proxied")
    app.extensions[EXTENSION] = SimpleNamespace(accounts_options=SimpleNamespace(trusted_proxies=trusted))
    base = {"REMOTE_ADDR": peer, "wsgi.url_scheme": scheme}
    with app.test_request_context(headers=headers, environ_base=base, base_url=f"{scheme}://localhost"):
        return client_address(request), is_https(request)


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.1", None, "192.0.2.1"),
        ("192.0.2.1", "203.0.113.9", "192.0.2.1"),
        ("127.0.0.1", None, "127.0.0.1"),
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "203.0.113.9, 10.1.2.3", "203.0.113.9"),
        ("127.0.0.1", "10.1.2.3", "10.1.2.3"),
        ("127.0.0.1", "203.0.113.9:5000", "203.0.113.9"),
        ("127.0.0.1", "[2001:4860::1]:443", "2001:4860::1"),
        ("127.0.0.1", "2001:4860::1", "2001:4860::1"),
        ("127.0.0.1", "203.0.113.9, nonsense", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.9, nonsense, 10.1.2.3", "10.1.2.3"),
        ("127.0.0.1", " , ", "127.0.0.1"),
        ("::ffff:127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("2001:db8::7", "203.0.113.9", "203.0.113.9"),
        ("", "203.0.113.9", ""),
        ("localhost", "203.0.113.9", "localhost"),
        ("127.0.0.1", "203.0.113.9, " + "10.0.0.1, " * 1000 + "10.0.0.2", "10.0.0.1"),
    ],
)
def test_address_is_the_nearest_that_is_no_trusted_proxy(peer: str, forwarded: str | None, address: str) -> None:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    assert asked(peer, headers)[0] == address


def test_address_without_trusted_proxies_is_the_peer() -> None:
    headers = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    assert asked("127.0.0.1", headers, ()) == ("127.0.0.1", False)


@pytest.mark.parametrize(
    ("peer", "said", "scheme", "expected"),
    [
        ("127.0.0.1", "https", "http", True),
        ("127.0.0.1", "http, HTTPS", "http", True),
        ("127.0.0.1", "https, http", "http", False),
        ("127.0.0.1", "", "http", False),
        ("127.0.0.1", "", "https", True),
        ("192.0.2.1", "https", "http", False),
        ("192.0.2.1", "http", "https", True),
    ],
)
def test_scheme_is_the_proxys_word_or_our_own(peer: str, said: str, scheme: str, expected: bool) -> None:
    assert asked(peer, {"X-Forwarded-Proto": said}, scheme=scheme)[1] is expected


@pytest.mark.parametrize(("trusted", "is_secure"), [(["127.0.0.1"], True), ([], False)])
def test_waitress_passes_on_what_trusted_proxies_say(make_site: MakeSite, trusted: list[str], is_secure: bool) -> None:
    site = make_site("socket", {"accounts_options": {"trusted_proxies": trusted}})
    token = site.app.extensions[EXTENSION].accounts.setup_token()
    body = f'{{"token": "{token}", "username": "anna", "password": "correct horse"}}'.encode()
    headers = {"Content-Type": "application/json", "X-Forwarded-Proto": "https"}
    answer = site.post("/api/v1/setup", body=body, headers=headers)
    assert answer.status == 201
    assert ("Secure" in answer.headers["Set-Cookie"]) is is_secure
