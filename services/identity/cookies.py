"""The three cookies of a browser's session: the short token, the one it is renewed with, and the proof for forms."""

from __future__ import annotations

from typing import Any

from flask import Response, after_this_request

from services.identity.api.context import current_settings
from services.identity.domain.sessions import SignedIn
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
        return response

    after_this_request(give)


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
