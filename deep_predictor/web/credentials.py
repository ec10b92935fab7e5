"""Who may upload and delete: the cfg's api_key, or whoever has the permission predict.

Keys are compared in constant time; an empty key in the cfg lets nobody in.
"""

from __future__ import annotations

import hashlib
import hmac

from flask import Request

from deep_predictor.accounts.api_keys import KEY_PREFIX
from deep_predictor.environment import Environment
from deep_predictor.errors import MissingField, NoCredential, WrongApiKey
from deep_predictor.web.authentication import KEY_HEADER, find_predictor_user
from deep_predictor.web.current import current_application, production_config, production_environment, test_environment
from deep_predictor.web.login_session import CSRF_FIELD
from deep_predictor.web.open_uploads import check_local_origin
from deep_predictor.web.predict_body import read_predict_body
from deep_predictor.web.recaptcha import check_recaptcha
from deep_predictor.web.upload_form import API_KEY_FIELD, read_form


def check_open_site(request: Request) -> None:
    """Every request: a site with open uploads is this machine's own, so none of it is for a foreign Host or Origin.

    A right key in the header passes. Raises ForeignOrigin, WrongApiKey.
    """
    config = production_config()
    if config.upload_options.open_uploads and not request.headers.get(KEY_HEADER):
        check_local_origin(request, config.api_options.cors_origins)


def check_upload(request: Request) -> None:
    """POST /upload: a key, a token, a recaptcha answer, or open uploads.

    Raises MissingField, WrongApiKey, CredentialRefused, NotPermitted, RecaptchaRefused, RecaptchaUnreachable,
    ForeignOrigin, NoCredential.
    """
    form = read_form(request, production_environment())
    config = production_config()
    if _has_credential(request, form.api_key, request.form.get(CSRF_FIELD, "")):
        return
    if config.upload_options.open_uploads:
        check_local_origin(request, config.api_options.cors_origins)
    elif form.recaptcha_answer:
        check_recaptcha(form.recaptcha_answer, config.recaptcha_options.recaptcha_secret_key)
    else:
        raise NoCredential


def check_test_upload(request: Request) -> None:
    """POST /test-upload: the test environment's key, in the form. Raises MissingField, WrongApiKey."""
    form = read_form(request, test_environment())
    if API_KEY_FIELD not in request.form:
        raise MissingField(API_KEY_FIELD)
    if not is_right_key(encoded_key(form.api_key), test_environment()):
        raise WrongApiKey


def check_predict(request: Request) -> None:
    """POST /api/v1/predict: a key in header or body, a token, or open uploads.

    Raises what read_predict_body raises, and what check_key_or_open raises.
    """
    body = read_predict_body(request, current_application().main_config.flask_options.max_content_length)
    _check_key_or_open(request, body.api_key)


def check_key_or_open(request: Request) -> None:
    """A key in the header, a token, or open uploads.

    Raises WrongApiKey, CredentialRefused, NotPermitted, ForeignOrigin, NoCredential.
    """
    _check_key_or_open(request, "")


def _check_key_or_open(request: Request, key_in_body: str) -> None:
    config = production_config()
    if _has_credential(request, key_in_body, ""):
        return
    if not config.upload_options.open_uploads:
        raise NoCredential
    check_local_origin(request, config.api_options.cors_origins)


def _has_credential(request: Request, key_in_body: str, csrf_in_form: str) -> bool:
    """Whether the right key, or a credential with the permission predict, was given.

    The cfg's own key comes first. Raises WrongApiKey, CredentialRefused, NotPermitted.
    """
    given = _given_key(request, key_in_body)
    try:
        if is_right_key(given, production_environment()):
            return True
    except WrongApiKey:
        if not given.startswith(KEY_PREFIX.encode()):
            raise
    return find_predictor_user(request, given.decode("utf-8", "replace"), csrf_in_form) is not None


def _given_key(request: Request, key_in_body: str) -> bytes:
    """The key as bytes, empty where none is given; one in the body wins over the header's."""
    return encoded_key(key_in_body) or request.headers.get(KEY_HEADER, "").encode("latin-1", "replace")


def is_right_key(given: bytes, environment: Environment) -> bool:
    """False when no key is given. Raises WrongApiKey for any key but the right one."""
    if not given:
        return False
    expected = encoded_key(environment.config.api_options.api_key)
    is_equal = hmac.compare_digest(hashlib.sha256(given).digest(), hashlib.sha256(expected).digest())
    if not expected or not is_equal:
        raise WrongApiKey
    return True


def encoded_key(key: str) -> bytes:
    return key.encode("utf-8", "surrogatepass")
