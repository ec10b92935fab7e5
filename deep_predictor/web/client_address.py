"""Where a request comes from, and by which scheme: what trusted proxies say of it counts, what others say does not."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from flask import Request

from deep_predictor.web.current import current_management

#: Proxies between a client and this server; of a longer header the last ones are read.
MOST_HOPS = 32


def client_address(request: Request) -> str:
    """The nearest address that is no trusted proxy; "" where the server knows none."""
    trusted = current_management().accounts_options.trusted_proxies
    address = request.remote_addr or ""
    hops = request.headers.get("X-Forwarded-For", "").split(",")[-MOST_HOPS:]
    while hops and _is_trusted(address, trusted):
        hop = _plain(hops.pop())
        if hop is None:
            break
        address = hop
    return address


def is_https(request: Request) -> bool:
    """Whether the client's browser speaks https, to us or to the trusted proxy before us."""
    trusted = current_management().accounts_options.trusted_proxies
    if _is_trusted(request.remote_addr or "", trusted):
        said = request.headers.get("X-Forwarded-Proto", "").rpartition(",")[2].strip().lower()
        if said:
            return said == "https"
    return request.is_secure


def _is_trusted(address: str, trusted: Sequence[str]) -> bool:
    if not trusted:
        return False
    plain = _plain(address)
    if plain is None:
        return False
    parsed = ip_address(plain)
    return any(parsed in network for network in _networks(tuple(trusted)))


@lru_cache(maxsize=8)
def _networks(trusted: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(one) for one in trusted)


def _plain(written: str) -> str | None:
    """`[2001:db8::1]:80` and `192.0.2.1:80` without the port; None for what is no address."""
    text = written.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        parsed = ip_address(text)
    except ValueError:
        return None
    return str(parsed.ipv4_mapped or parsed) if isinstance(parsed, IPv6Address) else str(parsed)
