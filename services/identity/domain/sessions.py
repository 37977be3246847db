"""Signing in and out, and the tokens in between."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.identity.domain.access import revoke_access
from services.identity.domain.gate import (
    REFRESH,
    enter_tenant,
    forget_secrets,
    hash_secret,
    issue_secret,
    own_tenant_id,
    owner_of_secret,
)
from services.identity.domain.keys import LONGEST_TOKEN, signing_key
from services.identity.domain.passwords import is_right
from services.identity.domain.people import get_person, normalise_email
from services.identity.errors import CsrfMissing, RefreshTokenReused, SessionEnded, WrongCredentials
from services.identity.models import Person, PersonSession, RefreshToken, SignInName, Tenant
from shared.auth import Caller, Suspended, sign
from shared.clock import transaction_time
from shared.database import new_id
from shared.settings import Settings

DOUBLE_TAB = timedelta(seconds=10)
"""Two tabs of one browser may refresh with the same token this close together; later, it is a theft."""
ACCOUNTS_TRIED = 25
"""Of one e-mail, when no tenant is named; the oldest first, so that nobody is pushed out by accounts made later."""


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody gets who signed in or refreshed."""

    access_token: str
    expires_in: int
    refresh_token: str
    refresh_expires_in: int
    csrf_token: str
    person: Person
    tenant: Tenant


def sign_in(
    session: Session, settings: Settings, *, email: str, password: str, tenant_id: UUID | None = None
) -> SignedIn | list[Tenant]:
    """Signs in; or, when the e-mail opens accounts in several tenants with this password, lists the tenants.

    Raises WrongCredentials, Suspended.
    """
    accounts = _accounts_with(session, email, password, tenant_id)
    entered = [_enter(session, account) for account in accounts]
    active = [(tenant, person) for tenant, person in entered if not (tenant.is_suspended or person.is_suspended)]
    if not active:
        raise Suspended
    if len(active) > 1:
        return [tenant for tenant, _ in active]
    tenant, person = active[0]
    enter_tenant(session, tenant.tenant_id, person.person_id)
    return _open_session(session, settings, tenant, person)


def refresh(session: Session, settings: Settings, *, token: str, csrf: str | None = None) -> SignedIn:
    """Gives new tokens for a refresh token, which is thereby used up. `csrf`: what a page sent with a cookie.

    A token that comes back ends its whole session. Raises SessionEnded, RefreshTokenReused, CsrfMissing, Suspended.
    """
    owner = owner_of_secret(session, REFRESH, token)
    if owner is None:
        raise SessionEnded
    enter_tenant(session, owner.tenant_id)
    now = transaction_time(session)
    opened = session.get(PersonSession, (owner.tenant_id, owner.subject_id), with_for_update=True)
    used = session.get(RefreshToken, (owner.tenant_id, owner.secret_hash))
    if opened is None or used is None or opened.ended_at is not None:
        raise SessionEnded
    if csrf is not None and not hmac.compare_digest(csrf.encode(), opened.csrf.encode()):
        raise CsrfMissing
    session.info["actor_id"] = opened.person_id
    if used.used_at is not None and now - used.used_at > DOUBLE_TAB:
        _end(session, opened)
        raise RefreshTokenReused
    tenant = session.get_one(Tenant, owner.tenant_id)
    person = get_person(session, opened.person_id, is_locked=True)  # not while their roles change
    if tenant.is_suspended or person.is_suspended:
        raise Suspended
    used.used_at = used.used_at or now
    return _give_tokens(session, settings, opened, tenant, person)


def sign_out(session: Session, session_id: UUID) -> None:
    """Ends one session; its access token is refused from now on, everywhere."""
    opened = session.get(PersonSession, (own_tenant_id(session), session_id), with_for_update=True)
    if opened is not None and opened.ended_at is None:
        _end(session, opened)


def sign_out_everywhere(session: Session, person_id: UUID) -> None:
    """Ends every session of a person."""
    for opened in _open_sessions(session, person_id):
        _close(session, opened)
    revoke_access(session, person_id)


def end_other_sessions(session: Session, person_id: UUID, kept: UUID) -> None:
    """Ends the sessions of a person but one."""
    for opened in _open_sessions(session, person_id):
        if opened.session_id != kept:
            _end(session, opened)


def _accounts_with(session: Session, email: str, password: str, tenant_id: UUID | None) -> list[SignInName]:
    """The accounts that this e-mail and password open. An unknown e-mail costs as much time as a wrong password."""
    found = sa.select(SignInName).where(SignInName.email_normalised == normalise_email(email))
    if tenant_id is not None:
        found = found.where(SignInName.tenant_id == tenant_id)
    accounts = session.scalars(found.order_by(SignInName.person_id).limit(ACCOUNTS_TRIED)).all()
    right = [account for account in accounts if is_right(password, account.password_hash)]
    if not accounts:
        is_right(password, None)
    if not right:
        raise WrongCredentials
    return right


def _enter(session: Session, account: SignInName) -> tuple[Tenant, Person]:
    enter_tenant(session, account.tenant_id, account.person_id)  # the password was right
    person = get_person(session, account.person_id, is_locked=True)
    return session.get_one(Tenant, account.tenant_id), person


def _open_session(session: Session, settings: Settings, tenant: Tenant, person: Person) -> SignedIn:
    now = transaction_time(session)
    opened = PersonSession(
        tenant_id=tenant.tenant_id,
        session_id=new_id(),
        person_id=person.person_id,
        csrf=secrets.token_urlsafe(24),
        started_at=now,
        expires_at=now,
        ended_at=None,
    )
    session.add(opened)
    return _give_tokens(session, settings, opened, tenant, person)


def _give_tokens(
    session: Session, settings: Settings, opened: PersonSession, tenant: Tenant, person: Person
) -> SignedIn:
    now = transaction_time(session)
    lasts = timedelta(days=settings.refresh_token_days)
    opened.expires_at = now + lasts
    session.flush()  # tokens refer to it
    token = issue_secret(session, REFRESH, opened.session_id, opened.expires_at)
    session.add(
        RefreshToken(
            tenant_id=opened.tenant_id,
            secret_hash=hash_secret(token),
            session_id=opened.session_id,
            expires_at=opened.expires_at,
        )
    )
    seconds = min(settings.access_token_seconds, int(LONGEST_TOKEN.total_seconds()))
    caller = _caller(tenant, person, opened)
    return SignedIn(
        access_token=sign(signing_key(session), caller, now=now, seconds=seconds),
        expires_in=seconds,
        refresh_token=token,
        refresh_expires_in=int(lasts.total_seconds()),
        csrf_token=opened.csrf,
        person=person,
        tenant=tenant,
    )


def _caller(tenant: Tenant, person: Person, opened: PersonSession) -> Caller:
    return Caller(
        tenant_id=tenant.tenant_id,
        tenant_kind=tenant.kind,
        tenant_name=tenant.name,
        zone=tenant.zone,
        person_id=person.person_id,
        session_id=opened.session_id,
        roles=tuple(person.roles),
        language=person.language,
        csrf=opened.csrf,
    )


def _open_sessions(session: Session, person_id: UUID) -> Sequence[PersonSession]:
    return session.scalars(
        sa.select(PersonSession)
        .where(
            PersonSession.tenant_id == own_tenant_id(session),
            PersonSession.person_id == person_id,
            PersonSession.ended_at.is_(None),
        )
        .with_for_update()
    ).all()


def _end(session: Session, opened: PersonSession) -> None:
    _close(session, opened)
    revoke_access(session, opened.person_id, opened.session_id)


def _close(session: Session, opened: PersonSession) -> None:
    opened.ended_at = transaction_time(session)
    forget_secrets(session, REFRESH, opened.session_id)
