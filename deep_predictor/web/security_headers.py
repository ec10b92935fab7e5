"""Headers that every answer carries, whatever it is: a page, JSON, a picture, a static file, an error.

JSON is never kept by a cache: answers change until they are final, and may be deleted.
"""

from __future__ import annotations

from flask import Flask, Response

from deep_predictor.config.main_config import MainConfig

_GOOGLE_SCRIPTS = ("https://www.google.com/recaptcha/", "https://www.gstatic.com/recaptcha/")
_GOOGLE_FRAMES = ("https://www.google.com/recaptcha/", "https://recaptcha.google.com/recaptcha/")

#: What is no page needs nothing; as a page it can do nothing.
NOTHING_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"

FIXED_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: with it, browsers send `Origin: null` with forms of our own pages.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def register_security_headers(app: Flask, main_config: MainConfig) -> None:
    """Views that know better set a header themselves."""
    policy = page_policy(bool(main_config.production.recaptcha_options.recaptcha_secret_key))

    def add_security_headers(response: Response) -> Response:
        for name, value in FIXED_HEADERS.items():
            response.headers.setdefault(name, value)
        is_page = response.mimetype == "text/html"
        response.headers.setdefault("Content-Security-Policy", policy if is_page else NOTHING_POLICY)
        if response.mimetype == "application/json":
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    app.after_request(add_security_headers)


def page_policy(with_recaptcha: bool) -> str:
    """Content-Security-Policy of pages: everything from this server, nothing inline."""
    scripts = " ".join(("'self'", *(_GOOGLE_SCRIPTS if with_recaptcha else ())))
    frames = " ".join(_GOOGLE_FRAMES) if with_recaptcha else "'none'"
    connections = " ".join(("'self'", *(_GOOGLE_SCRIPTS[:1] if with_recaptcha else ())))
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {scripts}",
            "style-src 'self'",
            "img-src 'self' blob: data:",
            "media-src 'self' blob:",
            "font-src 'self'",
            f"connect-src {connections}",
            f"frame-src {frames}",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )
