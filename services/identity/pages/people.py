"""The people of a tenant, its settings and its audit trail, for administrators."""

from __future__ import annotations

from collections.abc import Collection, Sequence
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
from services.identity.domain.tenants import change_tenant, get_tenant, head_count
from services.identity.page_schemas import InvitePageSchema, PersonPageSchema, TenantPageSchema
from services.identity.pages.choices import countries, languages, role_names, roles, roles_to_invite, zones
from services.identity.pages.trail import asked_action, words
from shared.auth import ADMINISTRATOR, ORGANISER, PLAYER, PUPIL
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
    kind = current_caller().tenant_kind
    form = Form(InvitePageSchema, {"roles": [PLAYER if kind == "company" else ORGANISER]})
    if form.is_sent:
        with form.refusals({"email_taken": "emails"}):
            return _send(form.data)
    has_pupils = PUPIL in head_count(current_session(), current_caller().tenant_id).roles
    offered = roles_to_invite(kind, has_pupils=has_pupils or PUPIL in form.values["roles"])
    return form.page("pages/invite.html", roles=offered, most=MOST_AT_ONCE, has_doors=kind in DOOR_KINDS)


def _send(typed: dict[str, Any]) -> str:
    session, settings, tenant_id = current_session(), current_settings(), str(current_caller().tenant_id)
    emails, wanted_roles = typed.pop("emails", []), typed["roles"]
    if not emails:
        _invitation, link = invitations.invite(session, settings, **typed)
        return _invited([], link, wanted_roles)
    wanted = invitations.sort_out(session, emails)
    current_throttle().count_invited(tenant_id, len(wanted.new))
    if len(wanted.new) == 1:
        _invitation, link = invitations.invite(session, settings, email=wanted.new[0], **typed)
        return _invited(wanted.new, link, wanted_roles, here=wanted.here)
    invitations.invite_many(session, settings, emails=wanted.new, **typed)
    return _invited(wanted.new, None, wanted_roles, here=wanted.here)


def _invited(
    emails: Sequence[str],
    link: str | None,
    given: Collection[str],
    *,
    here: Sequence[str] = (),
    is_again: bool = False,
) -> str:
    """What was sent to whom, as what; with the link where there is one alone."""
    names = [name for role, name in role_names().items() if role in given]
    return render_template("pages/invited.html", invited=emails, here=here, link=link, given=names, is_again=is_again)


@blueprint.get("/people/invitations")
@only(ADMINISTRATOR)
def waiting() -> str:
    """The invitations that nobody has accepted, the newest first."""
    page = listed(current_session(), invitations.invitations(is_waiting=True))
    now = transaction_time(current_session())
    return render_template("pages/invitations.html", page=page, now=now, role_names=role_names())


@blueprint.post("/people/invitations/clear")
@only(ADMINISTRATOR)
def withdraw_all() -> ResponseReturnValue:
    """The links of all invitations that wait open nothing any more."""
    invitations.withdraw_all(current_session())
    return redirect_to("/identity/people/invitations", "All invitations that waited are withdrawn.")


@blueprint.post("/people/invitations/<id:invitation_id>/again")
@only(ADMINISTRATOR)
def send_again(invitation_id: UUID) -> str:
    """An invitation gets a new link, by mail if it has an address; it counts like one that is new."""
    session = current_session()
    invitation = invitations.waiting_invitation(session, invitation_id)
    emails = [invitation.email] if invitation.email else []
    if emails:
        invitations.sort_out(session, emails)
        current_throttle().count_invited(str(current_caller().tenant_id), 1)
    link = invitations.send_again(session, current_settings(), invitation)
    return _invited(emails, link, invitation.roles, is_again=True)


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
