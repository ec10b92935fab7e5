"""The secret key: kept in a file when the cfg gives none, and the keys that are derived from it."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import hmac
import os
import re
import secrets
import stat
from pathlib import Path

from deep_predictor.config.main_config import MainConfig
from deep_predictor.errors import ConfigError, ConfigProblem

KEY_BYTES = 32


def ensure_secret_key(config: MainConfig, folder: Path) -> str:
    """The cfg's key, or a random one of 256 bits that is kept in `folder/secret_key`, mode 0600.

    Raises ConfigError when that file cannot be written or read.
    """
    if config.flask_options.secret_key:
        return config.flask_options.secret_key
    path = folder / "secret_key"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _create(path)
        return _read(path)
    except OSError as error:
        message = f"is empty, and {path.name} cannot be kept in {folder}: {error.strerror}"
    raise ConfigError([ConfigProblem(config.file, "flask_options.secret_key", message)])


def derive_key(secret_key: str, purpose: str) -> str:
    """A key for one purpose, 64 hexadecimal digits: HKDF with SHA-256, empty salt, one block (RFC 5869)."""
    extracted = hmac.new(bytes(KEY_BYTES), secret_key.encode(), hashlib.sha256).digest()
    return hmac.new(extracted, f"deep predictor {purpose}".encode() + b"\x01", hashlib.sha256).hexdigest()


def _create(path: Path) -> None:
    """Two servers that start at once agree: the file is written beside and linked, which only one of them can."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    _write_private(draft)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    except OSError:  # a file system without hard links: whoever comes second may have to be started again
        with contextlib.suppress(FileExistsError):
            _write_private(path)
    finally:
        draft.unlink()


def _write_private(path: Path) -> None:
    """Raises FileExistsError; nobody else can read the file at any moment."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(KEY_BYTES))
        file.flush()
        os.fsync(descriptor)


def _read(path: Path) -> str:
    """A file that was copied may have become readable for others; that ends here."""
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        path.chmod(0o600)
    key = path.read_bytes().strip()
    if not re.fullmatch(rb"[!-~]{%d,}" % KEY_BYTES, key):
        raise OSError(errno.EINVAL, "the file holds no key; delete it")
    return key.decode("ascii")
