"""What is refused on an address that others can reach."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deep_predictor.config.public_address import PUBLISHED_KEYS, check_bind_address, is_loopback
from deep_predictor.errors import ConfigError
from test.config.test_main_config import load

GOOGLES_SITEKEY = "6LeIxAcTAAAAAJcZVRqyHh71UMIEGNQ_MXjiZKhI"
GOOGLES_SECRET_KEY = "6LeIxAcTAAAAAGG-vFI1TnRWxMZNFuojJ4WifJWe"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "LOCALHOST", "::1", "[::1]"])
def test_is_loopback_knows_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "::", "[::]", "10.0.0.1", "example.org", "", "*", "localhost.example.org", "127.0.0.1.example.org"],
)
def test_is_loopback_trusts_nothing_else(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"production.upload_options.open_uploads": 1}, "production.upload_options.open_uploads"),
        ({"flask_options.debug": 1}, "flask_options.debug"),
        (
            {"production.recaptcha_options.recaptcha_secret_key": GOOGLES_SECRET_KEY},
            "production.recaptcha_options.recaptcha_secret_key",
        ),
        (
            {"production.recaptcha_options.recaptcha_sitekey": GOOGLES_SITEKEY},
            "production.recaptcha_options.recaptcha_sitekey",
        ),
        *(
            ({key: published}, key)
            for published in sorted(PUBLISHED_KEYS)
            for key in ("flask_options.secret_key", "production.api_options.api_key", "test.api_options.api_key")
        ),
    ],
)
def test_public_address_refuses_what_only_this_machine_may_have(
    tmp_path: Path, changes: dict[str, Any], key: str
) -> None:
    config = load(tmp_path, changes)
    check_bind_address(config, "127.0.0.1")
    with pytest.raises(ConfigError) as raised:
        check_bind_address(config, "0.0.0.0")
    assert [problem.key for problem in raised.value.problems] == [key]
    assert not [written for written in changes.values() if isinstance(written, str) and written in str(raised.value)]


def test_public_address_reports_all_that_it_refuses_at_once(tmp_path: Path) -> None:
    config = load(tmp_path, {"production.upload_options.open_uploads": 1, "flask_options.debug": 1})
    with pytest.raises(ConfigError) as raised:
        check_bind_address(config, "::")
    assert len(raised.value.problems) == 2


def test_public_address_with_good_settings_is_fine(tmp_path: Path) -> None:
    check_bind_address(load(tmp_path), "0.0.0.0")
    check_bind_address(load(tmp_path, {"flask_options.secret_key": ""}), "0.0.0.0")
