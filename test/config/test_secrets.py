"""The secret key and what is derived from it; what is refused on a public address."""

from __future__ import annotations

import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from deep_predictor.config.public_address import check_bind_address, is_loopback
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


def test_derived_keys_differ_by_purpose_and_are_those_of_rfc_5869() -> None:
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


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("localhost", True), ("::1", True), ("[::1]", True)]
    + [(host, False) for host in ("0.0.0.0", "::", "10.0.0.1", "example.org", "", "*")],
)
def test_is_loopback_knows_this_machine(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"production.upload_options.open_uploads": 1}, "open_uploads"),
        ({"flask_options.debug": 1}, "debug"),
        ({"flask_options.secret_key": "THISISMYSUPERSECRETKEY"}, "secret_key"),
        (
            {"production.recaptcha_options.recaptcha_secret_key": "6LeIxAcTAAAAAGG-vFI1TnRWxMZNFuojJ4WifJWe"},
            "recaptcha",
        ),
        ({"production.recaptcha_options.recaptcha_sitekey": "6LeIxAcTAAAAAJcZVRqyHh71UMIEGNQ_MXjiZKhI"}, "recaptcha"),
    ],
)
def test_public_address_refuses_what_only_this_machine_may_have(
    tmp_path: Path, changes: dict[str, Any], key: str
) -> None:
    config = load(tmp_path, changes)
    check_bind_address(config, "127.0.0.1")
    with pytest.raises(ConfigError, match=key):
        check_bind_address(config, "0.0.0.0")


def test_public_address_with_good_settings_is_fine(tmp_path: Path) -> None:
    check_bind_address(load(tmp_path), "0.0.0.0")
