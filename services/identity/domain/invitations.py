"""Invitations: a link with which somebody joins the tenant. How one for many is made: `open_invitations`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.identity.domain import audit
from services.identity.domain.addresses import each_once
from services.identity.domain.gate import (
    INVITATION,
    enter_tenant,
    forget_secrets,
    issue_secret,
    own_tenant_id,
    owner_of_link,
)
from services.identity.domain.mails import post_mail
from services.identity.domain.passwords import hash_password
from services.identity.domain.people import GRANTABLE, insert_person, normalise_email
from services.identity.domain.tenants import get_tenant
from services.identity.errors import (
    AlreadyHere,
    EverybodyHere,
    InvitationFull,
    InvitationUsed,
    LinkExpired,
    OperatorsByCommandLine,
)
from services.identity.models import Invitation, Person, SignInName, Tenant
from shared.auth import ROLES, Suspended
from shared.clock import transaction_time
from shared.database import new_id
from shared.errors import Invalid, NotFound, message
from shared.settings import Settings

LASTS = timedelta(days=7)
MOST_AT_ONCE = 300
"""How many people one form invites."""
EMAIL_MISSING = message("Give your e-mail: you will sign in with it.")
EMAIL_DIFFERS = message("This invitation was sent to another e-mail: leave this field out or ask for a new invitation.")


def invite(
    session: Session, settings: Settings, *, roles: Iterable[str], language: str | None = None, email: str | None = None
) -> tuple[Invitation, str]:
    """Makes an invitation and its link, which is told once; mails it when there is an e-mail.

    Raises AlreadyHere, OperatorsByCommandLine.
    """
    wanted = _grantable(roles)
    tenant = get_tenant(session, own_tenant_id(session))
    if email:
        sort_out(session, [email])
        _replace_pending(session, tenant.tenant_id, [email])
    invitation, link = _make(session, settings, tenant, wanted, language, email)
    audit.record(session, "person_invited", "invitation", invitation.invitation_id, {"roles": invitation.roles})
    return invitation, link


class Wanted(NamedTuple):
    """Whom somebody wants to invite: those who are new, and those who are here already."""

    new: list[str]
    here: list[str]


def sort_out(session: Session, emails: Sequence[str]) -> Wanted:
    """Tells who of some addresses is here already; each is named once.

    Raises AlreadyHere, or EverybodyHere, when nobody is left to invite.
    """
    asked = each_once(emails)
    known = set(
        session.scalars(
            sa.select(SignInName.email_normalised).where(
                SignInName.tenant_id == own_tenant_id(session),
                SignInName.email_normalised.in_([normalise_email(email) for email in asked]),
            )
        )
    )
    here = [email for email in asked if normalise_email(email) in known]
    if len(here) == len(asked):
        raise EverybodyHere if len(here) > 1 else AlreadyHere
    return Wanted([email for email in asked if email not in here], here)


def invite_many(
    session: Session, settings: Settings, *, emails: Sequence[str], roles: Iterable[str], language: str | None = None
) -> list[Invitation]:
    """Invites the new ones of `sort_out` by mail, all in one transaction. Raises OperatorsByCommandLine."""
    wanted = _grantable(roles)
    tenant = get_tenant(session, own_tenant_id(session))
    _replace_pending(session, tenant.tenant_id, emails)
    made = [_make(session, settings, tenant, wanted, language, email)[0] for email in emails]
    ids = [str(invitation.invitation_id) for invitation in made]
    details = {"roles": wanted, "count": len(made), "invitations": ids}
    audit.record(session, "people_invited", "tenant", tenant.tenant_id, details)
    return made


def _grantable(roles: Iterable[str]) -> list[str]:
    wanted = set(roles)
    if not wanted <= set(GRANTABLE):
        raise OperatorsByCommandLine
    return [role for role in ROLES if role in wanted]


def _make(
    session: Session, settings: Settings, tenant: Tenant, roles: list[str], language: str | None, email: str | None
) -> tuple[Invitation, str]:
    now = transaction_time(session)
    invitation = Invitation(
        tenant_id=tenant.tenant_id,
        invitation_id=new_id(),
        email=email,
        roles=roles,
        language=language or tenant.language,
        invited_by=session.info.get("actor_id"),
        invited_at=now,
        expires_at=now + LASTS,
    )
    session.add(invitation)
    return invitation, _link(session, settings, tenant, invitation)


def _link(session: Session, settings: Settings, tenant: Tenant, invitation: Invitation) -> str:
    """A new link of an invitation, which is mailed when there is an e-mail."""
    token = issue_secret(session, INVITATION, invitation.invitation_id, invitation.expires_at)
    link = f"{settings.address}/identity/invitations/{token}"
    if invitation.email:
        post_mail(session, "invitation", invitation.email, invitation.language, tenant=tenant.name, link=link)
    return link


def _replace_pending(session: Session, tenant_id: UUID, emails: Iterable[str]) -> None:
    """Withdraws what is still waiting for the same addresses: the newest link is the one that opens."""
    asked = {normalise_email(email) for email in emails}
    lower = asked | {email.lower() for email in emails}  # what the database makes of capital letters
    waiting = sa.select(Invitation.invitation_id, Invitation.email).where(
        Invitation.tenant_id == tenant_id,
        Invitation.accepted_at.is_(None),
        sa.func.lower(Invitation.email).in_(lower),
    )
    for invitation_id, email in session.execute(waiting).all():
        if normalise_email(email or "") in asked:
            withdraw_invitation(session, invitation_id)


def invitations(*, is_waiting: bool = False) -> sa.Select[Invitation]:
    """The tenant's invitations for one person each, the newest first; or those that nobody has accepted."""
    found = sa.select(Invitation).where(Invitation.open_token.is_(None))
    if is_waiting:
        found = found.where(Invitation.accepted_at.is_(None))
    return found.order_by(Invitation.invited_at.desc(), Invitation.invitation_id.desc())


def waiting_invitation(session: Session, invitation_id: UUID) -> Invitation:
    """An invitation for one person that nobody has accepted, locked. Raises NotFound, InvitationUsed."""
    invitation = locked_invitation(session, own_tenant_id(session), invitation_id)
    if invitation is None or invitation.open_token is not None:
        raise NotFound
    if invitation.accepted_at is not None:
        raise InvitationUsed
    return invitation


def send_again(session: Session, settings: Settings, invitation: Invitation) -> str:
    """Gives a `waiting_invitation` a new link, which is told once, and mails it when there is an e-mail.

    The link before opens nothing any more. Ask `sort_out` first whether they are here meanwhile.
    """
    forget_secrets(session, INVITATION, invitation.invitation_id)
    invitation.invited_at = transaction_time(session)
    invitation.expires_at = invitation.invited_at + LASTS
    link = _link(session, settings, get_tenant(session, invitation.tenant_id), invitation)
    details = {"roles": invitation.roles}
    audit.record(session, "invitation_sent_again", "invitation", invitation.invitation_id, details)
    return link


def withdraw_all(session: Session) -> int:
    """Withdraws every invitation for one person that nobody has accepted; returns how many."""
    waiting = invitations(is_waiting=True).with_for_update()
    found = session.scalars(waiting.execution_options(populate_existing=True)).all()
    for invitation in found:
        session.delete(invitation)
        forget_secrets(session, INVITATION, invitation.invitation_id)
    if found:
        audit.record(session, "invitations_withdrawn", "tenant", own_tenant_id(session), {"count": len(found)})
    return len(found)


def withdraw_invitation(session: Session, invitation_id: UUID) -> None:
    """The link opens nothing any more. Raises NotFound, InvitationUsed."""
    invitation = waiting_invitation(session, invitation_id)
    session.delete(invitation)
    forget_secrets(session, INVITATION, invitation_id)
    audit.record(session, "invitation_withdrawn", "invitation", invitation_id)


def locked_invitation(session: Session, tenant_id: UUID, invitation_id: UUID) -> Invitation | None:
    """An invitation as it is now that it is ours alone: somebody may have used it since we looked."""
    return session.get(Invitation, (tenant_id, invitation_id), with_for_update=True, populate_existing=True)


class Invited(NamedTuple):
    """What a link opens. `email`: the address it was sent to; None for one that was passed on by hand, or is open."""

    tenant_id: UUID
    invitation_id: UUID
    tenant_name: str
    tenant_kind: str
    email: str | None
    is_open: bool


def invited_by(session: Session, token: str) -> Invited:
    """What a link opens; moves the session into its tenant.

    Raises LinkExpired, InvitationFull, and Suspended for the link of a tenant that may not act.
    """
    owner = owner_of_link(session, INVITATION, token)
    enter_tenant(session, owner.tenant_id)
    invitation = _with_place(session.get(Invitation, (owner.tenant_id, owner.subject_id)))
    tenant = get_tenant(session, owner.tenant_id)
    if tenant.is_suspended:
        raise Suspended
    return Invited(
        tenant_id=tenant.tenant_id,
        invitation_id=invitation.invitation_id,
        tenant_name=tenant.name,
        tenant_kind=tenant.kind,
        email=invitation.email,
        is_open=invitation.open_token is not None,
    )


def _with_place(invitation: Invitation | None) -> Invitation:
    if invitation is None or invitation.accepted_at is not None:
        raise LinkExpired
    if invitation.places_left == 0:
        raise InvitationFull
    return invitation


def accept_invitation(
    session: Session,
    invited: Invited,
    *,
    display_name: str,
    password: str,
    email: str | None = None,
    language: str | None = None,
) -> tuple[Tenant, Person]:
    """Joins the tenant by what `invited_by` has just found: once, or as often as an open invitation allows.

    Raises LinkExpired, InvitationFull, Suspended, EmailTaken, WeakPassword, Invalid.
    """
    person_id = new_id()
    enter_tenant(session, invited.tenant_id, person_id)
    address = _email_of(invited, email)
    password_hash = hash_password(password, display_name, address)  # before the lock: others come by the same link
    invitation = _with_place(locked_invitation(session, invited.tenant_id, invited.invitation_id))
    tenant = get_tenant(session, invited.tenant_id)
    if tenant.is_suspended:
        raise Suspended
    person = insert_person(
        session,
        display_name=display_name,
        roles=invitation.roles,
        language=language or invitation.language,
        email=address,
        password_hash=password_hash,
        person_id=person_id,
    )
    details = {"invitation_id": str(invitation.invitation_id)}
    invitation.uses += 1
    if invited.is_open:
        audit.record(session, "open_invitation_used", "person", person_id, details)
        return tenant, person
    invitation.accepted_at = transaction_time(session)
    forget_secrets(session, INVITATION, invitation.invitation_id)
    audit.record(session, "invitation_accepted", "person", person_id, details)
    return tenant, person


def _email_of(invited: Invited, given: str | None) -> str:
    email = invited.email or given
    if email is None:
        raise Invalid(fields={"email": [EMAIL_MISSING]})
    if given is not None and normalise_email(given) != normalise_email(email):
        raise Invalid(fields={"email": [EMAIL_DIFFERS]})
    return email
