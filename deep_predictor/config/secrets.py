"""The secret key: kept in a file when the cfg gives none, and the keys that are derived from it."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
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
        return _read_or_create(path)
    except OSError as error:
        message = f"is empty, and {path.name} cannot be kept in {folder}: {error.strerror}"
        raise ConfigError([ConfigProblem(config.file, "flask_options.secret_key", message)]) from error


def derive_key(secret_key: str, purpose: str) -> str:
    """A key for one purpose, 64 hexadecimal digits: HKDF with SHA-256, empty salt, one block (RFC 5869)."""
    extracted = hmac.new(bytes(KEY_BYTES), secret_key.encode(), hashlib.sha256).digest()
    return hmac.new(extracted, f"deep predictor {purpose}".encode() + b"\x01", hashlib.sha256).hexdigest()


def _read_or_create(path: Path) -> str:
    """Two servers that start at once agree: the file is written beside and linked, which only one can."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(KEY_BYTES))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    key = path.read_text(encoding="ascii").strip()
    if len(key) < KEY_BYTES:
        raise OSError(0, "the file holds no key; delete it")
    return key
