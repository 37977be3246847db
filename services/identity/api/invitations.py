"""/invitations: how colleagues join a tenant."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_smorest.pagination import PaginationParameters

from services.identity.api.context import (
    PREFIX,
    count_acceptance,
    current_address,
    current_settings,
    current_throttle,
)
from services.identity.domain import invitations
from services.identity.errors import EmailTaken, InvitationFull, InvitationUsed, LinkExpired, WeakPassword
from services.identity.schemas import (
    AcceptanceSchema,
    FoundedSchema,
    InvitationCreateSchema,
    InvitationSchema,
    InvitationsCreateSchema,
    InvitationsSentSchema,
    InvitedSchema,
)
from shared.api import Blueprint, paged
from shared.auth import ADMINISTRATOR, Suspended, public, roles
from shared.errors import Refusal
from shared.openapi import refuses
from shared.web import current_caller, current_session

blueprint = Blueprint("invitations", __name__, url_prefix=PREFIX, description="Links with which colleagues join")


@blueprint.route("/invitations", methods=["POST"])
@roles(ADMINISTRATOR)
@refuses(EmailTaken)
@blueprint.arguments(InvitationCreateSchema)
@blueprint.response(201, InvitedSchema)
def invite(form: dict[str, Any]) -> dict[str, Any]:
    """Invite somebody by a link.

    The link is shown once. It is also mailed when an e-mail is given, and works once, for seven days.
    """
    if "email" in form:
        current_throttle().count_invited(str(current_caller().tenant_id), 1)
    invitation, link = invitations.invite(current_session(), current_settings(), **form)
    return {name: getattr(invitation, name) for name in InvitationSchema().fields} | {"link": link}


@blueprint.route("/invitations/mailings", methods=["POST"])
@roles(ADMINISTRATOR)
@refuses(EmailTaken)
@blueprint.arguments(InvitationsCreateSchema)
@blueprint.response(201, InvitationsSentSchema)
def invite_many(form: dict[str, Any]) -> dict[str, Any]:
    """Invite many people by mail, all of them or none.

    Each gets a link that works once, for seven days. Those who are here already are left out and named.
    """
    wanted = invitations.sort_out(current_session(), form.pop("emails"))
    current_throttle().count_invited(str(current_caller().tenant_id), len(wanted.new))
    made = invitations.invite_many(current_session(), current_settings(), emails=wanted.new, **form)
    return {"invitations": made, "here_already": wanted.here}


@blueprint.route("/invitations", methods=["GET"])
@roles(ADMINISTRATOR)
@blueprint.response(200, InvitationSchema(many=True))
@blueprint.paginate()
def list_invitations(pagination_parameters: PaginationParameters) -> Any:
    """List the invitations for one person each, the newest first."""
    return paged(current_session(), invitations.invitations(), pagination_parameters)


@blueprint.route("/invitations/<id:invitation_id>", methods=["DELETE"])
@roles(ADMINISTRATOR)
@refuses(InvitationUsed)
@blueprint.response(204)
def withdraw_invitation(invitation_id: UUID) -> None:
    """Withdraw an invitation: its link opens nothing any more."""
    invitations.withdraw_invitation(current_session(), invitation_id)


@blueprint.route("/invitations/acceptances", methods=["POST"])
@public
@refuses(LinkExpired, InvitationFull, EmailTaken, WeakPassword, Suspended)
@blueprint.arguments(AcceptanceSchema)
@blueprint.response(201, FoundedSchema)
def accept_invitation(form: dict[str, Any]) -> dict[str, Any]:
    """Accept an invitation with the token of its link, be it for one person or an open one.

    Then sign in with the e-mail and the password.
    """
    invited = find_invited(form.pop("token"))
    tenant, person = invitations.accept_invitation(current_session(), invited, **form)
    return {"tenant": tenant, "person": person}


def find_invited(token: str) -> invitations.Invited:
    """What a link opens, for somebody who is about to join by it; counted. Raises LinkExpired, TooManyRequests, ..."""
    try:
        invited = invitations.invited_by(current_session(), token)
    except Refusal:
        current_throttle().count_form("acceptances", current_address())
        raise
    count_acceptance(invited)
    return invited
