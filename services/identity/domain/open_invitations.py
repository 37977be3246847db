"""Open invitations: one link, on a poster or in a mail to all, with which many people join as players."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.identity.domain import audit
from services.identity.domain.gate import INVITATION, forget_secrets, issue_secret, own_tenant_id
from services.identity.domain.invitations import locked_invitation
from services.identity.domain.tenants import get_tenant
from services.identity.errors import NoOpenDoor, TooManyDoors
from services.identity.models import Invitation
from shared.auth import PLAYER
from shared.clock import transaction_time
from shared.database import new_id
from shared.errors import NotFound
from shared.settings import Settings

KINDS = ("school", "company")
"""Who may have one: the community is open anyway, and the platform is its operators'."""
LONGEST_DAYS = 366
MOST_USES = 10_000
MOST = 20
"""How many a tenant has at a time."""
TOKEN_BYTES = 16
"""Enough that nobody guesses it, and half as long a link: its QR code is coarser, and is read from further away."""


def make_open_invitation(
    session: Session, *, days: int, max_uses: int | None = None, language: str | None = None
) -> Invitation:
    """A link that makes players, for so many days and people. Raises NoOpenDoor, TooManyDoors."""
    tenant = get_tenant(session, own_tenant_id(session))
    if tenant.kind not in KINDS:
        raise NoOpenDoor
    if len(all_open(session)) >= MOST:
        raise TooManyDoors(maximum=MOST)
    now = transaction_time(session)
    invitation = Invitation(
        tenant_id=tenant.tenant_id,
        invitation_id=new_id(),
        email=None,
        roles=[PLAYER],
        language=language or tenant.language,
        invited_by=session.info.get("actor_id"),
        invited_at=now,
        expires_at=now + timedelta(days=days),
        max_uses=max_uses,
        uses=0,
    )
    invitation.open_token = issue_secret(
        session, INVITATION, invitation.invitation_id, invitation.expires_at, length=TOKEN_BYTES
    )
    session.add(invitation)
    details = {"days": days, "max_uses": max_uses}
    audit.record(session, "open_invitation_made", "invitation", invitation.invitation_id, details)
    return invitation


def open_invitations(session: Session) -> sa.Select[Invitation]:
    """The tenant's open invitations that have not expired, the newest first."""
    return (
        sa.select(Invitation)
        .where(Invitation.open_token.is_not(None), Invitation.expires_at > transaction_time(session))
        .order_by(Invitation.invited_at.desc(), Invitation.invitation_id.desc())
    )


def all_open(session: Session) -> Sequence[Invitation]:
    """All of them: there are never many."""
    return session.scalars(open_invitations(session)).all()


def get_open_invitation(session: Session, invitation_id: UUID) -> Invitation:
    """An open invitation that has not expired. Raises NotFound."""
    found = session.scalars(open_invitations(session).where(Invitation.invitation_id == invitation_id)).first()
    if found is None:
        raise NotFound
    return found


def link_of(settings: Settings, invitation: Invitation) -> str:
    """The link of an open invitation."""
    return f"{settings.address}/identity/invitations/{invitation.open_token}"


def end_open_invitation(session: Session, invitation_id: UUID) -> None:
    """The link opens nothing any more; who joined by it stays. Raises NotFound."""
    invitation = locked_invitation(session, own_tenant_id(session), invitation_id)
    if invitation is None or invitation.open_token is None:
        raise NotFound
    session.delete(invitation)
    forget_secrets(session, INVITATION, invitation_id)
    audit.record(session, "open_invitation_ended", "invitation", invitation_id, {"count": invitation.uses})
