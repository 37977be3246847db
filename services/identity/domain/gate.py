"""The gate: how a request that comes from nowhere enters a tenant, by showing a secret."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.identity.errors import LinkExpired
from services.identity.models import SecretOwner
from shared.clock import transaction_time
from shared.tenancy import TenancyError, of_tenant, scope_of

REFRESH = "refresh"
INVITATION = "invitation"
RESET = "reset"
SECRET_BYTES = 32


def enter_tenant(session: Session, tenant_id: UUID, actor_id: UUID | None = None) -> None:
    """Binds the session of a public request to a tenant: the one place of identity that does.

    A public request sees no private row, and its tenant may never come from what it merely says. So call this only
    (1) for the owner of a secret that has just been verified: a password or the token of a link;
    (2) for a tenant that this very request founds, or the community, which is open to all;
    (3) to leave a mail for the owner of an account, when the answer shows nothing of what was found.
    """
    session.flush()  # what was written before belongs to the scope it was written in
    session.info["scope"] = of_tenant(tenant_id)
    session.info["actor_id"] = actor_id


def own_tenant_id(session: Session) -> UUID:
    """The tenant the session is bound to."""
    tenant_id = scope_of(session).tenant_id
    if tenant_id is None:
        raise TenancyError("this act needs a session that is bound to one tenant")
    return tenant_id


def hash_secret(token: str) -> str:
    """What is kept of a token. 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def issue_secret(
    session: Session, purpose: str, subject_id: UUID, expires_at: datetime, *, length: int = SECRET_BYTES
) -> str:
    """A new token for the session's tenant, of that many random bytes; only its hash is kept."""
    token = secrets.token_urlsafe(length)
    session.add(
        SecretOwner(
            secret_hash=hash_secret(token),
            purpose=purpose,
            tenant_id=own_tenant_id(session),
            subject_id=subject_id,
            expires_at=expires_at,
        )
    )
    return token


def owner_of_secret(session: Session, purpose: str, token: str) -> SecretOwner | None:
    """Whose token this is; None when it is unknown or has expired."""
    owner = session.get(SecretOwner, hash_secret(token))
    if owner is None or owner.purpose != purpose or owner.expires_at <= transaction_time(session):
        return None
    return owner


def owner_of_link(session: Session, purpose: str, token: str) -> SecretOwner:
    """Whose link this is. Raises LinkExpired when it is unknown, was used or withdrawn, or has expired."""
    owner = owner_of_secret(session, purpose, token)
    if owner is None:
        raise LinkExpired
    return owner


def forget_secrets(session: Session, purpose: str, subject_id: UUID) -> None:
    """The links to a subject open nothing any more."""
    session.execute(
        sa.delete(SecretOwner).where(
            SecretOwner.tenant_id == own_tenant_id(session),
            SecretOwner.purpose == purpose,
            SecretOwner.subject_id == subject_id,
        )
    )
