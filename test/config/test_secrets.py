"""The secret key and what is derived from it."""

from __future__ import annotations

import hmac
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deep_predictor.config.secrets import derive_key, ensure_secret_key
from deep_predictor.errors import ConfigError
from test.config.test_main_config import load


def test_secret_key_of_the_cfg_is_used(tmp_path: Path) -> None:
    assert ensure_secret_key(load(tmp_path, {"flask_options.secret_key": "mine"}), tmp_path / "var") == "mine"
    assert not (tmp_path / "var").exists()


def test_empty_secret_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    config = load(tmp_path, {"flask_options.secret_key": ""})
    with ThreadPoolExecutor(8) as starters:
        keys = set(starters.map(lambda _: ensure_secret_key(config, tmp_path / "var"), range(16)))
    assert len(keys) == 1
    assert len(keys.pop()) == 64
    path = tmp_path / "var" / "secret_key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in (tmp_path / "var").iterdir()] == ["secret_key"]


def test_secret_key_that_cannot_be_kept_is_a_config_error(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"flask_options\.secret_key"):
        ensure_secret_key(load(tmp_path, {"flask_options.secret_key": ""}), tmp_path / "var")


def test_secret_key_is_made_where_hard_links_are_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    config = load(tmp_path, {"flask_options.secret_key": ""})
    key = ensure_secret_key(config, tmp_path / "var")
    assert ensure_secret_key(config, tmp_path / "var") == key
    assert [entry.name for entry in (tmp_path / "var").iterdir()] == ["secret_key"]
    assert stat.S_IMODE((tmp_path / "var" / "secret_key").stat().st_mode) == 0o600


def test_secret_key_that_others_could_read_is_made_private(tmp_path: Path) -> None:
    config = load(tmp_path, {"flask_options.secret_key": ""})
    key = ensure_secret_key(config, tmp_path / "var")
    (tmp_path / "var" / "secret_key").chmod(0o644)
    assert ensure_secret_key(config, tmp_path / "var") == key
    assert stat.S_IMODE((tmp_path / "var" / "secret_key").stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 64, b"a key of\nseveral lines, long enough to be one"])
def test_secret_key_file_without_a_key_is_a_config_error_that_does_not_show_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "secret_key").write_bytes(content)
    with pytest.raises(ConfigError, match="the file holds no key") as raised:
        ensure_secret_key(load(tmp_path, {"flask_options.secret_key": ""}), tmp_path / "var")
    assert "several" not in str(raised.value)


def hkdf_by_the_book(secret: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869 with an empty salt, written as the RFC is."""
    pseudo_random_key = hmac.new(b"\0" * 32, secret, "sha256").digest()
    block, output = b"", b""
    for counter in range(1, 256):
        block = hmac.new(pseudo_random_key, block + info + bytes([counter]), "sha256").digest()
        output += block
        if len(output) >= length:
            break
    return output[:length]


def test_hkdf_by_the_book_gives_the_rfc_s_test_vector() -> None:
    """RFC 5869, appendix A.3."""
    expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    assert hkdf_by_the_book(b"\x0b" * 22, b"", 42).hex() == expected


def test_derived_keys_differ_by_purpose_and_are_those_of_rfc_5869() -> None:
    for purpose in ("session", "csrf", "token"):
        expected = hkdf_by_the_book("日本".encode(), f"deep predictor {purpose}".encode(), 32)
        assert derive_key("日本", purpose) == expected.hex()

    keys = {derive_key("secret", purpose) for purpose in ("session", "csrf", "token")}
    assert len(keys) == 3
    assert "secret" not in "".join(keys)
    assert derive_key("secret", "session") == derive_key("secret", "session")
    assert all(len(key) == 64 for key in keys)


def test_generate_secret_key_prints_another_one_each_time(project_root: Path) -> None:
    command = [sys.executable, str(project_root / "other" / "generate_secret_key.py")]
    first, second = (subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2))
    assert len(first.strip()) == 64
    assert first != second
