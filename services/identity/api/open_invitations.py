"""/open-invitations: one link with which many people join a school or a company as players."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_smorest.pagination import PaginationParameters

from services.identity.api.context import PREFIX, current_settings
from services.identity.domain import open_invitations
from services.identity.errors import NoOpenDoor, TooManyDoors
from services.identity.models import Invitation
from services.identity.schemas import OpenInvitationCreateSchema, OpenInvitationSchema
from shared.api import Blueprint, paged
from shared.auth import ADMINISTRATOR, roles
from shared.openapi import refuses
from shared.web import current_session

blueprint = Blueprint(
    "open-invitations", __name__, url_prefix=PREFIX, description="One link with which many people join as players"
)


@blueprint.route("/open-invitations", methods=["POST"])
@roles(ADMINISTRATOR)
@refuses(NoOpenDoor, TooManyDoors)
@blueprint.arguments(OpenInvitationCreateSchema)
@blueprint.response(201, OpenInvitationSchema)
def make(form: dict[str, Any]) -> dict[str, Any]:
    """Make one link with which many people join as players.

    It works until it expires, has been used as often as it may, or is ended.
    """
    return _shown(open_invitations.make_open_invitation(current_session(), **form))


@blueprint.route("/open-invitations", methods=["GET"])
@roles(ADMINISTRATOR)
@blueprint.response(200, OpenInvitationSchema(many=True))
@blueprint.paginate()
def list_them(pagination_parameters: PaginationParameters) -> list[dict[str, Any]]:
    """List the open invitations that have not expired, the newest first, with their links."""
    session = current_session()
    found = paged(session, open_invitations.open_invitations(session), pagination_parameters)
    return [_shown(invitation) for invitation in found]


@blueprint.route("/open-invitations/<id:invitation_id>", methods=["GET"])
@roles(ADMINISTRATOR)
@blueprint.response(200, OpenInvitationSchema)
def get_one(invitation_id: UUID) -> dict[str, Any]:
    """Read an open invitation: how many have used it, and its link."""
    return _shown(open_invitations.get_open_invitation(current_session(), invitation_id))


@blueprint.route("/open-invitations/<id:invitation_id>", methods=["DELETE"])
@roles(ADMINISTRATOR)
@blueprint.response(204)
def end(invitation_id: UUID) -> None:
    """End an open invitation: its link opens nothing any more, and who joined by it stays."""
    open_invitations.end_open_invitation(current_session(), invitation_id)


def _shown(invitation: Invitation) -> dict[str, Any]:
    names = OpenInvitationSchema().fields.keys() - {"link"}
    link = open_invitations.link_of(current_settings(), invitation)
    return {name: getattr(invitation, name) for name in names} | {"link": link}
