"""The ways in: found a school or a company, play among friends, accept an invitation, choose a new password."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, g, make_response, render_template, request
from flask.typing import ResponseReturnValue

from services.identity.api.context import count_acceptance, current_address, current_settings, current_throttle
from services.identity.cookies import set_cookies
from services.identity.domain import invitations, sessions, tenants
from services.identity.domain.password_changes import ask_for_reset, confirm_reset, require_reset
from services.identity.domain.people import sign_up_player
from services.identity.page_schemas import (
    AcceptPageSchema,
    FoundPageSchema,
    JoinCommunityPageSchema,
    NewPasswordPageSchema,
)
from services.identity.pages.choices import countries, zone_of, zones
from services.identity.pages.sessions import START
from services.identity.schemas import PasswordResetSchema
from shared.auth import public
from shared.errors import NotFound
from shared.forms import Form
from shared.i18n import current_language
from shared.pages import local_path, redirect_to
from shared.web import current_session

KINDS = ("school", "company")
OF_EMAIL = {"email_taken": "email"}

blueprint = Blueprint("account_pages", __name__)


@blueprint.get("/found")
@public
def choose_kind() -> str:
    """A class, or a company?"""
    return render_template("pages/choose_kind.html")


@blueprint.route("/found/<kind>", methods=["GET", "POST"])
@public
def found(kind: str) -> ResponseReturnValue:
    """Opens a school or a company, and signs its first administrator in."""
    if kind not in KINDS:
        raise NotFound
    form = Form(FoundPageSchema, {"country": "FR"})
    if form.is_sent:
        with form.refusals(OF_EMAIL):
            typed = form.data
            current_throttle().count_form("tenants", current_address())
            language = current_language()
            zone = typed.get("zone") or zone_of(typed["country"])
            facts = tenants.TenantFacts(
                kind=kind, name=typed["name"], country=typed["country"], language=language, zone=zone
            )
            first = tenants.FirstAdministrator(
                display_name=typed["display_name"], email=typed["email"], password=typed["password"]
            )
            tenant, _person = tenants.found_with_administrator(current_session(), facts, first)
            return _enter(typed["email"], typed["password"], tenant.tenant_id)
    offered = zones(form.values.get("zone", ""), of_country=form.values["country"])
    return form.page("pages/found.html", kind=kind, countries=countries(), zones=offered)


@blueprint.route("/players/new", methods=["GET", "POST"])
@public
def join_community() -> ResponseReturnValue:
    """Opens an account to play among friends."""
    form = Form(JoinCommunityPageSchema, {"to": local_path(request.args.get("to"), START)})
    if form.is_sent:
        with form.refusals(OF_EMAIL):
            typed = form.data
            current_throttle().count_form("players", current_address())
            person = sign_up_player(
                current_session(),
                display_name=typed["display_name"],
                email=typed["email"],
                password=typed["password"],
                language=current_language(),
            )
            return _enter(typed["email"], typed["password"], person.tenant_id, local_path(typed.get("to"), START))
    return form.page("pages/join_community.html")


@blueprint.route("/identity/invitations/<token>", methods=["GET", "POST"])
@public
def accept(token: str) -> ResponseReturnValue:
    """Joins a school or a company by the link of an invitation, and goes on to `?to=`, a league for example."""
    invited = invitations.invited_by(current_session(), token)
    form = Form(AcceptPageSchema, {"to": local_path(request.args.get("to"), START)})
    if g.caller is not None and g.caller.tenant_id == invited.tenant_id and invited.is_open and not form.is_sent:
        return redirect_to(form.values["to"], "You belong to {tenant} already.", tenant=invited.tenant_name)
    if form.is_sent:
        with form.refusals({} if invited.email else OF_EMAIL):
            typed = form.data
            to = local_path(typed.pop("to", None), START)
            count_acceptance(invited)
            tenant, person = invitations.accept_invitation(
                current_session(), invited, language=current_language(), **typed
            )
            return _enter(str(person.email), typed["password"], tenant.tenant_id, to)
    return form.page("pages/accept.html", invited=invited)


@blueprint.route("/reset", methods=["GET", "POST"])
@public
def ask_reset() -> ResponseReturnValue:
    """Asks for the link to a new password; the answer is the same whether or not there is an account."""
    form = Form(PasswordResetSchema)
    if form.is_sent:
        with form.refusals():
            email = form.data["email"]
            current_throttle().count_reset(email, current_address())
            ask_for_reset(current_session(), current_settings(), email)
            return make_response(render_template("pages/reset_sent.html", email=email), 202)
    return form.page("pages/reset.html")


@blueprint.route("/identity/password-resets/<token>", methods=["GET", "POST"])
@public
def choose_password(token: str) -> ResponseReturnValue:
    """A new password, by the link of a mail. Every session ends."""
    form = Form(NewPasswordPageSchema)
    require_reset(current_session(), token)
    if form.is_sent:
        with form.refusals():
            current_throttle().count_form("confirmations", current_address())
            confirm_reset(current_session(), token=token, password=form.data["password"])
            return redirect_to("/sign-in", "Your new password is set. Sign in with it.")
    return form.page("pages/new_password.html")


def _enter(email: str, password: str, tenant_id: UUID, to: str = START) -> ResponseReturnValue:
    """Signs in somebody whose account was made in this very request."""
    result = sessions.sign_in(
        current_session(), current_settings(), email=email, password=password, tenant_id=tenant_id
    )
    assert isinstance(result, sessions.SignedIn), "one tenant was named"
    set_cookies(result)
    return redirect_to(to, "Welcome! Your account is ready.")
