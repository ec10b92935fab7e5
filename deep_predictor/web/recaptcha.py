"""Asks Google whether a reCAPTCHA v2 answer is good."""

from __future__ import annotations

import logging
from typing import Any

import requests

from deep_predictor.errors import RecaptchaRefused, RecaptchaUnreachable

logger = logging.getLogger(__name__)

VERIFY_URL = "https://www.google.com/recaptcha/api/siteverify"
TIMEOUT_SECONDS = 5.0
#: Real answers have about 2,000 characters; longer ones are not worth a question.
LONGEST_ANSWER = 8192


def check_recaptcha(answer: str, secret_key: str) -> None:
    """Return when the answer is good. Raises RecaptchaRefused, or RecaptchaUnreachable when nobody can say."""
    if not secret_key or len(answer) > LONGEST_ANSWER:
        raise RecaptchaRefused
    verdict = ask_google(answer, secret_key)
    if verdict.get("success") is True:
        return
    logger.warning("recaptcha refused: %r", verdict.get("error-codes"))
    raise RecaptchaRefused


def ask_google(answer: str, secret_key: str) -> dict[str, Any]:
    """The service's verdict. Raises RecaptchaUnreachable; its text holds no secret."""
    try:
        response = requests.post(
            VERIFY_URL,
            data={"response": answer, "secret": secret_key},
            timeout=TIMEOUT_SECONDS,
            allow_redirects=False,
        )
        verdict = response.json() if response.status_code == 200 else None
    except (requests.RequestException, ValueError) as error:
        raise RecaptchaUnreachable(type(error).__name__) from None
    if not isinstance(verdict, dict):
        raise RecaptchaUnreachable(f"it answered {response.status_code} without a verdict")
    return verdict
