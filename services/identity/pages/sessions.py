"""Signing in and out by page, and going on after the short token has ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
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
from shared.pages.moves import ACCOUNT_FIELD, CONTINUE, CSRF_FIELD, HAS_PAGE, KEPT, ON_ITS_WAY, typed_fields
from shared.web import CSRF_COOKIE, current_caller, current_session

START = "/leagues/"
"""Where those who sign in are led, unless they were on their way elsewhere."""

SIGN_OUT = "/sign-out"
KEPT_BY = "kept_by"
"""Says whose typing a sign-in form carries: whoever signs in instead is told before it is sent as theirs."""


class Carried(NamedTuple):
    """What a form carries of another one that has not been sent yet.

    `kept`: its fields; `kept_by`: the account it was shown to, or ""; `is_on_its_way`: whether it was sent once, with
    fields or without; `has_page`: whether it can be changed before it is sent again.
    """

    kept: list[tuple[str, str]]
    kept_by: str
    is_on_its_way: bool
    has_page: bool

    @property
    def is_a_form(self) -> bool:
        """Whether there is another one at all."""
        return bool(self.kept) or self.is_on_its_way


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
    return form.page("pages/sign_in.html", choices=choices, password=password, **_carried()._asdict())


def _onward(asked: dict[str, Any], result: sessions.SignedIn) -> ResponseReturnValue:
    to = local_path(asked.get("to"), START)
    carried = _carried()
    if carried.is_a_form:
        return render_template(
            "pages/send_again.html",
            to=to,
            hidden={CSRF_FIELD: result.csrf_token, ACCOUNT_FIELD: str(result.person.person_id)},
            person=result.person,
            is_anothers=carried.kept_by not in ("", str(result.person.person_id)),
            **carried._asdict(),
        )
    return redirect_to(to)


@blueprint.post(SIGN_OUT)
@roles()
def sign_out() -> ResponseReturnValue:
    """Ends this session: its token is refused from now on, in every service. Whoever goes `to` a page signs in anew.

    With what was typed there as another account, that account may send it once it has signed in.
    """
    sessions.sign_out(current_session(), current_caller().session_id)
    clear_cookies()
    to, carried = local_path(request.form.get("to"), ""), _carried()
    if not carried.is_a_form:
        return redirect_to(f"/sign-in?{_query(to)}") if to else redirect_to("/", "See you soon.")
    g.caller = None
    return _asked_to_sign_in(to or START, carried, why="other")


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
    if request.method == "POST" and to == SIGN_OUT:
        return redirect_to("/", "See you soon.")
    if request.method == "POST":
        carried = Carried(
            kept=typed_fields(),
            kept_by=request.form.get(ACCOUNT_FIELD, ""),
            is_on_its_way=True,
            has_page=HAS_PAGE in request.args,
        )
        return make_response(_asked_to_sign_in(to, carried, why="ended"), 401)
    return _back(f"/sign-in?{_query(to)}", 303)


def _asked_to_sign_in(to: str, carried: Carried, *, why: str) -> str:
    """The sign-in page on the way to `to`, which carries what was sent there.

    `why`: ended, of the session | other, of the account wanted.
    """
    form = Form(SignInPageSchema, {})
    form.is_sent, form.values = False, {"to": to}
    return render_template(
        "pages/sign_in.html",
        form=form,
        choices=[],
        password="",
        why=why,
        path=f"/sign-in?{_query(to)}",  # the address of this answer is a form's, and opens no page
        page_here=f"/sign-in?{_query(to)}",
        **carried._asdict(),
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


def _carried() -> Carried:
    return Carried(
        kept=kept_fields(),
        kept_by=request.form.get(KEPT_BY, ""),
        is_on_its_way=ON_ITS_WAY in request.form,
        has_page=HAS_PAGE in request.form,
    )


def kept_fields() -> list[tuple[str, str]]:
    """What was typed before, carried by the sign-in form as `kept.<name>` fields."""
    return [(name.removeprefix(KEPT), value) for name, value in request.form.items(multi=True) if name.startswith(KEPT)]
