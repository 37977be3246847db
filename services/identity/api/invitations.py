"""/invitations: how colleagues join a tenant."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_smorest.pagination import PaginationParameters

from services.identity.api.context import PREFIX, current_address, current_settings, current_throttle
from services.identity.domain import invitations
from services.identity.errors import EmailTaken, InvitationUsed, LinkExpired, WeakPassword
from services.identity.schemas import (
    AcceptanceSchema,
    FoundedSchema,
    InvitationCreateSchema,
    InvitationSchema,
    InvitedSchema,
)
from shared.api import Blueprint, paged
from shared.auth import ADMINISTRATOR, Suspended, public, roles
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
        current_throttle().count_form("invitations", str(current_caller().tenant_id))
    invitation, link = invitations.invite(current_session(), current_settings(), **form)
    return {name: getattr(invitation, name) for name in InvitationSchema().fields} | {"link": link}


@blueprint.route("/invitations", methods=["GET"])
@roles(ADMINISTRATOR)
@blueprint.response(200, InvitationSchema(many=True))
@blueprint.paginate()
def list_invitations(pagination_parameters: PaginationParameters) -> Any:
    """List the invitations of the tenant, the newest first."""
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
@refuses(LinkExpired, EmailTaken, WeakPassword, Suspended)
@blueprint.arguments(AcceptanceSchema)
@blueprint.response(201, FoundedSchema)
def accept_invitation(form: dict[str, Any]) -> dict[str, Any]:
    """Accept an invitation with the token of its link.

    Then sign in with the e-mail and the password.
    """
    current_throttle().count_form("acceptances", current_address())
    tenant, person = invitations.accept_invitation(current_session(), **form)
    return {"tenant": tenant, "person": person}
