"""Open uploads are for this machine only: a page of another site must not use them through the user's browser."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from flask import Request

from deep_predictor.config.public_address import is_loopback
from deep_predictor.errors import ForeignOrigin

#: What a browser says of a request that a page of another site, or of another port, makes.
_FOREIGN_FETCH_SITES = ("cross-site", "same-site")


def check_local_origin(request: Request, allowed_origins: Collection[str]) -> None:
    """Raises ForeignOrigin unless `Host` names this machine and `Origin` is absent, our own, or allowed by the cfg.

    A foreign Host is how DNS rebinding shows; a foreign Origin is a page of another site, or of another local server.
    """
    host = request.headers.get("Host", "")
    if not is_loopback(_host_name(host)):
        raise ForeignOrigin("Host")
    origin = request.headers.get("Origin")
    if origin is None:
        is_link = request.method in ("GET", "HEAD")  # a link on another page may lead here
        if not is_link and request.headers.get("Sec-Fetch-Site", "").lower() in _FOREIGN_FETCH_SITES:
            raise ForeignOrigin("Sec-Fetch-Site")
    elif origin not in allowed_origins and not is_own_origin(origin, host):
        raise ForeignOrigin("Origin")


def is_own_origin(origin: str, host: str) -> bool:
    """Whether a page of this very host sends the request."""
    scheme, _, netloc = origin.partition("://")
    return scheme.lower() in ("http", "https") and netloc.lower() == host.lower()


def _host_name(host: str) -> str:
    """`127.0.0.1:5000` -> `127.0.0.1`; "" where it is no host."""
    if not host or any(character in host for character in "/\\@?# \t"):
        return ""
    try:
        parts = urlsplit(f"//{host}")
        return parts.hostname or "" if parts.port is None or parts.port > 0 else ""
    except ValueError:
        return ""
