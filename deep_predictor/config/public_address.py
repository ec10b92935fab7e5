"""What must not be so when the server is bound to an address that others can reach."""

from __future__ import annotations

import ipaddress

from deep_predictor.config.main_config import MainConfig
from deep_predictor.errors import ConfigError, ConfigProblem

#: Keys that stand in the sample files of earlier versions, where anybody can read them.
PUBLISHED_KEYS = frozenset(
    {"THISISMYSUPERSECRETKEY", "8833018ce0244a399c5bd05ef7fceec7", "4c98a83efe384b53b1db01516907cabb"}
)

#: Google's keys for automated tests, which let everybody pass:
#: https://developers.google.com/recaptcha/docs/faq#id-like-to-run-automated-tests-with-recaptcha.-what-should-i-do
RECAPTCHA_TEST_KEYS = frozenset(
    {"6LeIxAcTAAAAAJcZVRqyHh71UMIEGNQ_MXjiZKhI", "6LeIxAcTAAAAAGG-vFI1TnRWxMZNFuojJ4WifJWe"}
)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address: `localhost`, 127.0.0.0/8, ::1."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_bind_address(config: MainConfig, host: str) -> None:
    """Raises ConfigError with everything that is refused on a public address; on loopback everything is allowed."""
    if is_loopback(host):
        return
    recaptcha = config.production.recaptcha_options
    published = f"is published in old samples; choose another before serving on {host}"
    found = [
        (
            config.production.upload_options.open_uploads,
            "production.upload_options.open_uploads",
            f"must be 0 on {host}",
        ),
        (config.flask_options.debug, "flask_options.debug", f"must be 0 on {host}"),
        (config.flask_options.secret_key in PUBLISHED_KEYS, "flask_options.secret_key", published),
        (config.production.api_options.api_key in PUBLISHED_KEYS, "production.api_options.api_key", published),
        (config.test.api_options.api_key in PUBLISHED_KEYS, "test.api_options.api_key", published),
        (
            recaptcha.recaptcha_sitekey in RECAPTCHA_TEST_KEYS,
            "production.recaptcha_options.recaptcha_sitekey",
            f"is Google's test key, which lets everybody pass; not on {host}",
        ),
        (
            recaptcha.recaptcha_secret_key in RECAPTCHA_TEST_KEYS,
            "production.recaptcha_options.recaptcha_secret_key",
            f"is Google's test key, which lets everybody pass; not on {host}",
        ),
    ]
    problems = [ConfigProblem(config.file, key, message) for is_so, key, message in found if is_so]
    if problems:
        raise ConfigError(problems)
