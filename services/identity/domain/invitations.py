"""Invitations: a link with which one person joins the tenant."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.identity.domain import audit
from services.identity.domain.gate import (
    INVITATION,
    enter_tenant,
    forget_secrets,
    issue_secret,
    own_tenant_id,
    owner_of_link,
)
from services.identity.domain.mails import post_mail
from services.identity.domain.people import GRANTABLE, add_person, normalise_email
from services.identity.domain.tenants import get_tenant
from services.identity.errors import AlreadyHere, InvitationUsed, LinkExpired, OperatorsByCommandLine
from services.identity.models import Invitation, Person, SignInName, Tenant
from shared.auth import ROLES, Suspended
from shared.clock import transaction_time
from shared.database import new_id
from shared.errors import Invalid, NotFound, message
from shared.settings import Settings

LASTS = timedelta(days=7)
EMAIL_MISSING = message("Give your e-mail: you will sign in with it.")
EMAIL_DIFFERS = message("This invitation was sent to another e-mail: leave this field out or ask for a new invitation.")


def invite(
    session: Session, settings: Settings, *, roles: Iterable[str], language: str | None = None, email: str | None = None
) -> tuple[Invitation, str]:
    """Makes an invitation and its link, which is told once; mails it when there is an e-mail.

    Raises AlreadyHere, OperatorsByCommandLine.
    """
    wanted = set(roles)
    if not wanted <= set(GRANTABLE):
        raise OperatorsByCommandLine
    tenant = get_tenant(session, own_tenant_id(session))
    if email and session.get(SignInName, (normalise_email(email), tenant.tenant_id)):
        raise AlreadyHere
    now = transaction_time(session)
    if email:
        _replace_pending(session, tenant.tenant_id, email)
    invitation = Invitation(
        tenant_id=tenant.tenant_id,
        invitation_id=new_id(),
        email=email,
        roles=[role for role in ROLES if role in wanted],
        language=language or tenant.language,
        invited_by=session.info.get("actor_id"),
        invited_at=now,
        expires_at=now + LASTS,
    )
    session.add(invitation)
    token = issue_secret(session, INVITATION, invitation.invitation_id, invitation.expires_at)
    link = f"{settings.address}/identity/invitations/{token}"
    audit.record(session, "person_invited", "invitation", invitation.invitation_id, {"roles": invitation.roles})
    if email:
        post_mail(session, "invitation", email, invitation.language, tenant=tenant.name, link=link)
    return invitation, link


def _replace_pending(session: Session, tenant_id: UUID, email: str) -> None:
    """Withdraws what is still waiting for the same address: the newest link is the one that opens."""
    waiting = sa.select(Invitation).where(
        Invitation.tenant_id == tenant_id, Invitation.accepted_at.is_(None), Invitation.email.is_not(None)
    )
    for invitation in session.scalars(waiting).all():
        if normalise_email(invitation.email or "") == normalise_email(email):
            withdraw_invitation(session, invitation.invitation_id)


def invitations() -> sa.Select[Invitation]:
    """The tenant's invitations, the newest first."""
    return sa.select(Invitation).order_by(Invitation.invited_at.desc(), Invitation.invitation_id.desc())


def withdraw_invitation(session: Session, invitation_id: UUID) -> None:
    """The link opens nothing any more. Raises NotFound, InvitationUsed."""
    invitation = session.get(Invitation, (own_tenant_id(session), invitation_id), with_for_update=True)
    if invitation is None:
        raise NotFound
    if invitation.accepted_at is not None:
        raise InvitationUsed
    session.delete(invitation)
    forget_secrets(session, INVITATION, invitation_id)
    audit.record(session, "invitation_withdrawn", "invitation", invitation_id)


class Invited(NamedTuple):
    """Who invites by a link, and the address it was sent to; None for a link that anybody may use once."""

    tenant_name: str
    email: str | None


def invited_by(session: Session, token: str) -> Invited:
    """What the page of an invitation shows to whoever has its link. Raises LinkExpired."""
    owner = owner_of_link(session, INVITATION, token)
    enter_tenant(session, owner.tenant_id)
    invitation = session.get(Invitation, (owner.tenant_id, owner.subject_id))
    if invitation is None:
        raise LinkExpired
    return Invited(get_tenant(session, owner.tenant_id).name, invitation.email)


def accept_invitation(
    session: Session,
    *,
    token: str,
    display_name: str,
    password: str,
    email: str | None = None,
    language: str | None = None,
) -> tuple[Tenant, Person]:
    """Joins the tenant that the link is for, once. Raises LinkExpired, Suspended, EmailTaken, WeakPassword, Invalid."""
    owner = owner_of_link(session, INVITATION, token)
    person_id = new_id()
    enter_tenant(session, owner.tenant_id, person_id)
    invitation = session.get(Invitation, (owner.tenant_id, owner.subject_id), with_for_update=True)
    if invitation is None or invitation.accepted_at is not None:
        raise LinkExpired
    tenant = get_tenant(session, owner.tenant_id)
    if tenant.is_suspended:
        raise Suspended
    person = add_person(
        session,
        display_name=display_name,
        roles=invitation.roles,
        language=language or invitation.language,
        email=_email_of(invitation, email),
        password=password,
        person_id=person_id,
    )
    invitation.accepted_at = transaction_time(session)
    forget_secrets(session, INVITATION, invitation.invitation_id)
    audit.record(session, "invitation_accepted", "person", person_id, {"invitation_id": str(invitation.invitation_id)})
    return tenant, person


def _email_of(invitation: Invitation, given: str | None) -> str:
    email = invitation.email or given
    if email is None:
        raise Invalid(fields={"email": [EMAIL_MISSING]})
    if given is not None and normalise_email(given) != normalise_email(email):
        raise Invalid(fields={"email": [EMAIL_DIFFERS]})
    return email
