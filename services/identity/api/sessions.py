"""/sessions: sign in, refresh, sign out."""

from __future__ import annotations

from typing import Any

from flask import jsonify, request

from services.identity.api.context import PREFIX, current_address, current_settings, current_throttle
from services.identity.cookies import REFRESH_COOKIE, clear_cookies, set_cookies
from services.identity.domain import sessions
from services.identity.errors import CsrfMissing, RefreshTokenReused, SessionEnded, WrongCredentials
from services.identity.schemas import ChoicesSchema, RefreshSchema, SignedInSchema, SignInSchema
from shared.api import Blueprint
from shared.auth import Suspended, public, roles
from shared.openapi import refuses
from shared.web import CSRF_HEADER, current_caller, current_session, is_own_origin

TOKENS = ("access_token", "refresh_token")

blueprint = Blueprint("sessions", __name__, url_prefix=PREFIX, description="Sign in and out")


@blueprint.route("/sessions", methods=["POST"])
@public
@refuses(WrongCredentials, Suspended)
@blueprint.arguments(SignInSchema)
@blueprint.response(201, SignedInSchema)
@blueprint.alt_response(200, schema=ChoicesSchema, description="Several tenants: choose one and send its tenant_id.")
def sign_in(form: dict[str, Any]) -> Any:
    """Sign in with an e-mail and a password.

    When the e-mail has accounts with this password in several tenants and none is named, the answer is the choice.
    With `cookies` the tokens come as HttpOnly cookies; the cookie `mpp_csrf` is then sent back in `X-CSRF-Token`
    with every change.
    """
    wants_cookies = form.pop("cookies")
    current_throttle().count_sign_in(form["email"], current_address())
    result = sessions.sign_in(current_session(), current_settings(), **form)
    current_throttle().forgive_sign_in(form["email"])
    if isinstance(result, list):
        return jsonify(ChoicesSchema().dump({"choices": result}))
    return _answer(result, has_cookies=wants_cookies)


@blueprint.route("/sessions/refresh", methods=["POST"])
@public
@refuses(SessionEnded, RefreshTokenReused, CsrfMissing, Suspended)
@blueprint.arguments(RefreshSchema)
@blueprint.response(200, SignedInSchema)
def refresh(form: dict[str, Any]) -> dict[str, Any]:
    """Get new tokens for a refresh token.

    Each refresh token is used once; one that comes back more than ten seconds later ends the session. A browser
    sends an empty object, its cookie and the header `X-CSRF-Token`.
    """
    token = form.get("refresh_token")
    if token is not None:
        return _answer(sessions.refresh(current_session(), current_settings(), token=token), has_cookies=False)
    cookie = request.cookies.get(REFRESH_COOKIE)
    if cookie is None:
        raise SessionEnded
    result = sessions.refresh(current_session(), current_settings(), token=cookie, csrf=_sent_csrf())
    return _answer(result, has_cookies=True)


@blueprint.route("/sessions/current", methods=["DELETE"])
@roles()
@blueprint.response(204)
def sign_out() -> None:
    """Sign out: end this session."""
    sessions.sign_out(current_session(), current_caller().session_id)
    clear_cookies()


@blueprint.route("/sessions", methods=["DELETE"])
@roles()
@blueprint.response(204)
def sign_out_everywhere() -> None:
    """Sign out everywhere: end every session of the caller."""
    sessions.sign_out_everywhere(current_session(), current_caller().person_id)
    clear_cookies()


def _sent_csrf() -> str:
    """What the page sent to prove that it is ours. Raises CsrfMissing for a page of another origin."""
    if not is_own_origin():
        raise CsrfMissing
    return request.headers.get(CSRF_HEADER, "")


def _answer(result: sessions.SignedIn, *, has_cookies: bool) -> dict[str, Any]:
    body = {name: getattr(result, name) for name in result.__struct_fields__}
    if has_cookies:
        set_cookies(result)
        for name in TOKENS:
            del body[name]
    return body
