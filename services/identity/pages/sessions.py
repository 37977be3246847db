"""Signing in and out by page, and going on after the short token has ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, g, make_response, render_template, request
from flask.typing import ResponseReturnValue

from services.identity.api.context import current_address, current_settings, current_throttle
from services.identity.cookies import REFRESH_COOKIE, clear_cookies, set_cookies
from services.identity.domain import sessions
from services.identity.domain.people import get_person
from services.identity.errors import CsrfMissing, RefreshTokenReused, SessionEnded
from services.identity.page_schemas import SignInPageSchema
from shared.auth import Suspended, public, roles
from shared.forms import Form
from shared.pages import local_path, redirect_to
from shared.pages.moves import ACCOUNT_FIELD, CONTINUE, CSRF_FIELD, typed_fields
from shared.web import CSRF_COOKIE, current_caller, current_session

START = "/leagues/"
"""Where those who sign in are led, unless they were on their way elsewhere."""

KEPT_BY = "kept_by"
"""Says whose typing a sign-in form carries: whoever signs in instead is told before it is sent as theirs."""

blueprint = Blueprint("session_pages", __name__)


@blueprint.route("/sign-in", methods=["GET", "POST"])
@public
def sign_in() -> ResponseReturnValue:
    """Sign in. What was typed into a form before the session ended is kept, and can be sent afterwards."""
    form = Form(SignInPageSchema, {"to": local_path(request.args.get("to"), START)})
    if g.caller is not None and not form.is_sent:
        return redirect_to(form.values["to"])
    if form.is_sent:
        with form.refusals():
            asked = form.data
            current_throttle().count_sign_in(asked["email"], current_address())
            email, password, tenant_id = asked["email"], asked["password"], asked.get("tenant_id")
            result = sessions.sign_in(
                current_session(), current_settings(), email=email, password=password, tenant_id=tenant_id
            )
            current_throttle().forgive_sign_in(email)
            if isinstance(result, list):
                choices = [(str(tenant.tenant_id), tenant.name) for tenant in result]
                return _page(form, choices=choices, password=password)
            set_cookies(result)
            return _onward(asked, result)
    return _page(form)


def _page(form: Form, *, choices: Sequence[tuple[str, str]] = (), password: str = "") -> ResponseReturnValue:
    """The sign-in page, which goes on carrying what it was sent."""
    return form.page("pages/sign_in.html", choices=choices, password=password, kept=kept_fields(), kept_by=_kept_by())


def _onward(asked: dict[str, Any], result: sessions.SignedIn) -> ResponseReturnValue:
    to = local_path(asked.get("to"), START)
    kept, kept_by = kept_fields(), _kept_by()
    if kept:
        return render_template(
            "pages/send_again.html",
            to=to,
            kept=kept,
            hidden={CSRF_FIELD: result.csrf_token, ACCOUNT_FIELD: str(result.person.person_id)},
            person=result.person,
            kept_by=kept_by,
            is_anothers=kept_by not in ("", str(result.person.person_id)),
        )
    return redirect_to(to)


@blueprint.post("/sign-out")
@roles()
def sign_out() -> ResponseReturnValue:
    """Ends this session: its token is refused from now on, in every service. Whoever goes `to` a page signs in anew.

    With what was typed there as another account, that account may send it once it has signed in.
    """
    sessions.sign_out(current_session(), current_caller().session_id)
    clear_cookies()
    to, typed = local_path(request.form.get("to"), ""), kept_fields()
    if not typed:
        return redirect_to(f"/sign-in?{_query(to)}") if to else redirect_to("/", "See you soon.")
    g.caller = None
    return _asked_to_sign_in(to or START, typed, kept_by=_kept_by(), why="other")


@blueprint.get("/identity/fragments/who")
@public
def who() -> Response:
    """A piece of a page: who is signed in, by name; for the script that sends what was kept, their id and proof."""
    person = get_person(current_session(), g.caller.person_id) if g.caller else None
    response = make_response(render_template("pages/who.html", person=person))
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.post("/sign-out-everywhere")
@roles()
def sign_out_everywhere() -> ResponseReturnValue:
    """Ends every session of the reader, on all devices."""
    sessions.sign_out_everywhere(current_session(), current_caller().person_id)
    clear_cookies()
    return redirect_to("/", "Signed out on all devices.")


@blueprint.route(CONTINUE, methods=["GET", "POST"])
@public
def go_on() -> ResponseReturnValue:
    """Renews the session and leads back, with a form's body if there was one; or asks to sign in, and keeps it."""
    to = local_path(request.args.get("to"), START)
    if _renew():
        return _back(to, 307 if request.method == "POST" else 303)
    clear_cookies()
    g.keeps_changes = True  # a stolen token may have ended the session
    if request.args.get("guest"):
        return _back(to, 307 if request.method == "POST" else 303)
    if "HX-Request" in request.headers:
        page = local_path(_path_of(request.headers.get("HX-Current-URL", "")), START)
        return Response(status=200, headers={"HX-Redirect": f"/sign-in?{_query(page)}"})
    if request.method == "POST":
        kept_by = request.form.get(ACCOUNT_FIELD, "")
        return make_response(_asked_to_sign_in(to, typed_fields(), kept_by=kept_by, why="ended"), 401)
    return _back(f"/sign-in?{_query(to)}", 303)


def _asked_to_sign_in(to: str, kept: list[tuple[str, str]], *, kept_by: str, why: str) -> str:
    """The sign-in page on the way to `to`, with what was typed there by the account `kept_by`.

    `why`: ended, of the session | other, of the account wanted.
    """
    form = Form(SignInPageSchema, {})
    form.is_sent, form.values = False, {"to": to}
    return render_template(
        "pages/sign_in.html",
        form=form,
        choices=[],
        password="",
        kept=kept,
        kept_by=kept_by,
        why=why,
        path=f"/sign-in?{_query(to)}",  # the address of this answer is a form's, and opens no page
    )


def _renew() -> bool:
    """Whether the session goes on: its refresh token is used, and the answer gets the new cookies."""
    token = request.cookies.get(REFRESH_COOKIE)
    csrf = request.form.get(CSRF_FIELD) or request.cookies.get(CSRF_COOKIE, "")
    if token is None:
        return False
    try:
        set_cookies(sessions.refresh(current_session(), current_settings(), token=token, csrf=csrf))
    except (SessionEnded, RefreshTokenReused, CsrfMissing, Suspended):
        return False
    return True


def _back(to: str, status: int) -> Response:
    response = redirect_to(to)
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response


def _query(to: str) -> str:
    return urlencode({"to": to})


def _path_of(address: str) -> str:
    """The path and query of an address of this origin; nothing of another's."""
    parts = urlsplit(address)
    return parts._replace(scheme="", netloc="").geturl() if parts.netloc == request.host else ""


def _kept_by() -> str:
    """The account that had typed what a sign-in form carries; "" where nothing is carried."""
    return request.form.get(KEPT_BY, "")


def kept_fields() -> list[tuple[str, str]]:
    """What was typed before, carried by the sign-in form as `kept.<name>` fields."""
    return [
        (name.removeprefix("kept."), value)
        for name, value in request.form.items(multi=True)
        if name.startswith("kept.")
    ]
