"""The people of a tenant, its settings and its audit trail, for administrators."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from services.identity.api.context import current_settings, current_throttle
from services.identity.domain import audit, invitations, people
from services.identity.domain.invitations import MOST_AT_ONCE
from services.identity.domain.open_invitations import KINDS as DOOR_KINDS
from services.identity.domain.open_invitations import all_open
from services.identity.domain.people import GRANTABLE
from services.identity.domain.tenants import change_tenant, get_tenant
from services.identity.page_schemas import InvitePageSchema, PersonPageSchema, TenantPageSchema
from services.identity.pages.choices import countries, languages, role_names, roles, zones
from services.identity.pages.trail import asked_action, words
from shared.auth import ADMINISTRATOR
from shared.auth import roles as only
from shared.clock import transaction_time
from shared.errors import NotFound
from shared.forms import Form
from shared.pages import redirect_to
from shared.pages.listing import listed
from shared.web import current_caller, current_session

WAITING_SHOWN = 5
"""How many of the invitations that wait are on the page of the people; the others have a page of their own."""

blueprint = Blueprint("people_pages", __name__, url_prefix="/identity")


@blueprint.get("/people")
@only(ADMINISTRATOR)
def list_people() -> str:
    """The people of the tenant, found by a part of their name, and the invitations that are open."""
    name = request.args.get("name", "").strip()[:80]
    return render_template(
        "pages/people.html",
        page=listed(current_session(), people.people(name=name or None)),
        name=name,
        waiting=listed(current_session(), invitations.invitations(is_waiting=True), size=WAITING_SHOWN, page=1),
        now=transaction_time(current_session()),
        doors=all_open(current_session()),
        has_doors=current_caller().tenant_kind in DOOR_KINDS,
        role_names=role_names(),
    )


@blueprint.route("/people/invite", methods=["GET", "POST"])
@only(ADMINISTRATOR)
def invite() -> ResponseReturnValue:
    """Invites people by mail, however many, or somebody by a link to pass on; that link is shown once."""
    form = Form(InvitePageSchema, {"roles": ["organiser"]})
    if form.is_sent:
        with form.refusals({"email_taken": "emails"}):
            return _send(form.data)
    kind = current_caller().tenant_kind
    return form.page("pages/invite.html", roles=roles(kind), most=MOST_AT_ONCE, has_doors=kind in DOOR_KINDS)


def _send(typed: dict[str, Any]) -> str:
    session, settings, tenant_id = current_session(), current_settings(), str(current_caller().tenant_id)
    emails = typed.pop("emails", [])
    if not emails:
        _invitation, link = invitations.invite(session, settings, **typed)
        return render_template("pages/invited.html", invited=[], here=[], link=link)
    wanted = invitations.sort_out(session, emails)
    current_throttle().count_invited(tenant_id, len(wanted.new))
    if len(wanted.new) == 1:
        _invitation, link = invitations.invite(session, settings, email=wanted.new[0], **typed)
        return render_template("pages/invited.html", invited=wanted.new, here=wanted.here, link=link)
    invitations.invite_many(session, settings, emails=wanted.new, **typed)
    return render_template("pages/invited.html", invited=wanted.new, here=wanted.here, link=None)


@blueprint.get("/people/invitations")
@only(ADMINISTRATOR)
def waiting() -> str:
    """The invitations that nobody has accepted, the newest first."""
    page = listed(current_session(), invitations.invitations(is_waiting=True))
    return render_template("pages/invitations.html", page=page, now=transaction_time(current_session()))


@blueprint.post("/people/invitations/<id:invitation_id>/withdraw")
@only(ADMINISTRATOR)
def withdraw(invitation_id: UUID) -> ResponseReturnValue:
    """The link of an invitation opens nothing any more."""
    invitations.withdraw_invitation(current_session(), invitation_id)
    return redirect_to("/identity/people/invitations", "The invitation is withdrawn.")


@blueprint.route("/people/<id:person_id>", methods=["GET", "POST"])
@only(ADMINISTRATOR)
def person(person_id: UUID) -> ResponseReturnValue:
    """A person: name and roles."""
    found = people.get_person(current_session(), person_id)
    form = Form(PersonPageSchema, {"display_name": found.display_name, "roles": list(found.roles)})
    if form.is_sent:
        with form.refusals():
            found = people.get_person(current_session(), person_id, is_locked=True)
            typed = form.data
            kept = [role for role in found.roles if role not in GRANTABLE]  # the form has no box for it
            people.change_person(current_session(), found, typed | {"roles": [*kept, *typed["roles"]]})
            return redirect_to("/identity/people", "Saved.")
    return form.page("pages/person.html", person=found, roles=roles(current_caller().tenant_kind, found.roles))


@blueprint.post("/people/<id:person_id>/<action>")
@only(ADMINISTRATOR)
def act(person_id: UUID, action: str) -> ResponseReturnValue:
    """Suspends, resumes or removes a person."""
    session = current_session()
    if action == "suspend":
        people.suspend_person(session, person_id)
        return redirect_to(f"/identity/people/{person_id}", "The person is suspended.")
    if action == "resume":
        people.resume_person(session, person_id)
        return redirect_to(f"/identity/people/{person_id}", "The person may act again.")
    if action == "remove":
        name = people.get_person(session, person_id).display_name
        people.remove_person(session, person_id)
        return redirect_to("/identity/people", "{name} has left.", name=name)
    raise NotFound


@blueprint.route("/tenant", methods=["GET", "POST"])
@only(ADMINISTRATOR)
def tenant() -> ResponseReturnValue:
    """The name, country, language and time zone of the tenant."""
    found = get_tenant(current_session(), current_caller().tenant_id)
    form = Form(TenantPageSchema, {name: getattr(found, name) for name in ("name", "country", "language", "zone")})
    if form.is_sent:
        with form.refusals():
            found = get_tenant(current_session(), current_caller().tenant_id, is_locked=True)
            change_tenant(current_session(), found, form.data)
            return redirect_to("/identity/tenant", "Saved.")
    choices = {"countries": countries(), "zones": zones(found.zone), "languages_offered": languages()}
    return form.page("pages/tenant.html", tenant=found, **choices)


@blueprint.get("/audit")
@only(ADMINISTRATOR)
def trail() -> str:
    """Who changed what, the newest first; all of it, or one kind of change."""
    action = asked_action()
    page = listed(current_session(), audit.entries(action))
    return render_template(
        "pages/audit.html",
        page=page,
        entries=audit.with_names(current_session(), page.items),
        action=action,
        role_names=role_names(),
        **words(),
    )
