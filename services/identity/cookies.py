"""The three cookies of a browser's session: the short token, the one it is renewed with, and the proof for forms.

A fourth, which outlives it, is the language. Whoever signs in or is renewed reads in the language of their account: so
what they choose on one device is there on the others within minutes, and nobody gets that of who sat there before.
"""

from __future__ import annotations

from typing import Any

from flask import Response, after_this_request

from services.identity.api.context import current_settings
from services.identity.domain.sessions import SignedIn
from shared.i18n import LANGUAGE_COOKIE
from shared.pages.static import YEAR
from shared.web import ACCESS_COOKIE, CSRF_COOKIE

REFRESH_COOKIE = "mpp_refresh"
PATHS = {ACCESS_COOKIE: "/", REFRESH_COOKIE: "/identity", CSRF_COOKIE: "/"}


def set_cookies(result: SignedIn) -> None:
    """Gives the answer of this request the cookies of a session."""
    values = {
        ACCESS_COOKIE: (result.access_token, result.expires_in),
        REFRESH_COOKIE: (result.refresh_token, result.refresh_expires_in),
        CSRF_COOKIE: (result.csrf_token, result.refresh_expires_in),
    }

    def give(response: Response) -> Response:
        for name, (value, seconds) in values.items():
            response.set_cookie(name, value, max_age=seconds, **_options(name))
        keep_language(response, result.person.language)
        return response

    after_this_request(give)


def keep_language(response: Response, language: str) -> None:
    """From now on this browser reads our pages in a language."""
    is_secure = current_settings().has_tls
    response.set_cookie(LANGUAGE_COOKIE, language, max_age=YEAR, httponly=True, samesite="Lax", secure=is_secure)


def clear_cookies() -> None:
    """Takes them away with the answer of this request."""

    def take(response: Response) -> Response:
        for name in PATHS:
            response.delete_cookie(name, **_options(name))
        return response

    after_this_request(take)


def _options(name: str) -> dict[str, Any]:
    """The page reads the CSRF cookie, and no script the others."""
    return {
        "path": PATHS[name],
        "secure": current_settings().has_tls,
        "httponly": name != CSRF_COOKIE,
        "samesite": "Lax",
    }
