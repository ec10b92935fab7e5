"""What `database_path` names: a SQLite file, or a database by its URL. Only `db/` opens it."""

from __future__ import annotations

import re
from pathlib import Path

_URL = re.compile(r"[a-z][a-z0-9+_]*://", re.IGNORECASE)
_SQLITE_URL = re.compile(r"sqlite(\+\w+)?://(?P<host>[^/?]*)(/(?P<path>[^?]*))?(\?.*)?", re.IGNORECASE)
_SERVER_URL = re.compile(
    r"(?P<dialect>[a-z][a-z0-9_]*)(\+\w+)?://([^:/]*(:[^@]*)?@)?(?P<host>\[[^\]]*\]|[^/:?]*)(?P<rest>[:/?].*)?",
    re.IGNORECASE,
)


def address_problem(written: str) -> str | None:
    """None, or what is wrong with it; never the value, which may hold a password."""
    if not written.strip():
        return "must name a SQLite file or a database URL"
    if any(ord(character) < 32 or ord(character) == 127 for character in written):
        return "must not hold control characters"
    sqlite = _SQLITE_URL.fullmatch(written)
    if sqlite and sqlite["host"]:
        return "must have three slashes before a relative SQLite file: sqlite:///path"
    if sqlite and (sqlite["path"] or "").startswith("file:"):
        return "must name the SQLite file itself: sqlite:///path"
    if _URL.match(written) and not sqlite and not _SERVER_URL.fullmatch(written):
        return "must be a URL such as postgresql://user:password@host/name"
    return None


def database_file(written: str, root: Path) -> Path | None:
    """The SQLite file; None for a database in memory or on a server."""
    sqlite = _SQLITE_URL.fullmatch(written)
    if sqlite:
        return None if sqlite["path"] in (None, "", ":memory:") else root / sqlite["path"]
    return None if _URL.match(written) else root / written


def database_url(written: str, root: Path) -> str:
    """The SQLAlchemy URL; it may hold a password."""
    file = database_file(written, root)
    return f"sqlite:///{file}" if file else written


def is_same_database(one: str, other: str, root: Path) -> bool:
    """Whether two addresses name one database, however they are spelled and whoever logs in. Memory is never shared."""
    files = database_file(one, root), database_file(other, root)
    if files[0] and files[1]:
        return files[0].resolve() == files[1].resolve()
    if any(files) or _SQLITE_URL.fullmatch(one) or _SQLITE_URL.fullmatch(other):
        return False
    return _server_identity(one) == _server_identity(other)


def _server_identity(url: str) -> tuple[str, ...]:
    found = _SERVER_URL.fullmatch(url)
    if not found:
        return (url,)
    return found["dialect"].lower(), (found["host"] or "localhost").lower(), found["rest"] or ""
