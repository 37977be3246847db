"""The audit trail: who changed what."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.identity.domain.gate import own_tenant_id
from services.identity.models import AuditEntry, Person, Tenant
from shared.clock import transaction_time
from shared.database import new_id
from shared.tenancy import PLATFORM_TENANT_ID


class NamedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An audit entry with the names of today; None for what is gone or is of a tenant the reader does not see."""

    entry_id: UUID
    tenant_id: UUID
    tenant_name: str | None
    at: datetime
    action: str
    actor_id: UUID | None
    actor_name: str | None
    subject_type: str
    subject_id: UUID
    subject_name: str | None
    league_name: str | None
    details: dict[str, Any]


def record(
    session: Session,
    action: str,
    subject_type: str,
    subject_id: UUID,
    details: dict[str, Any] | None = None,
    *,
    tenant_id: UUID | None = None,
) -> None:
    """Adds an entry in the caller's transaction. `details` hold no secret and no name of a person."""
    session.add(
        AuditEntry(
            tenant_id=tenant_id or own_tenant_id(session),
            entry_id=new_id(),
            at=transaction_time(session),
            action=action,
            actor_id=session.info.get("actor_id"),
            subject_type=subject_type,
            subject_id=subject_id,
            details=details or {},
        )
    )


def entries(action: str | None = None) -> sa.Select[AuditEntry]:
    """The audit trail, newest first."""
    found = sa.select(AuditEntry).order_by(AuditEntry.at.desc(), AuditEntry.entry_id.desc())
    return found.where(AuditEntry.action == action) if action else found


def entries_of(tenant_id: UUID | None, action: str | None = None) -> sa.Select[AuditEntry]:
    """The trail of one tenant, or of all of them, for the session of an operator.

    A suspension stands in the trail of the tenant and in that of the platform: beside each other it is shown once.
    """
    if tenant_id is not None:
        return entries(action).where(AuditEntry.tenant_id == tenant_id)
    return entries(action).where(
        sa.or_(
            AuditEntry.tenant_id != PLATFORM_TENANT_ID,
            AuditEntry.subject_type != "tenant",
            AuditEntry.subject_id == PLATFORM_TENANT_ID,
        )
    )


def with_names(session: Session, page: Sequence[AuditEntry]) -> list[NamedEntry]:
    """The entries of a page, with the names of their people and tenants as far as the session may see them."""
    owners = {entry.tenant_id for entry in page} | {PLATFORM_TENANT_ID}  # an operator acts in the trails of others
    people = {entry.actor_id for entry in page} | {entry.subject_id for entry in page}
    tenants = owners | {entry.subject_id for entry in page if entry.subject_type == "tenant"}
    names: dict[UUID | None, str] = {}
    for tenant_id, name in session.execute(
        sa.select(Tenant.tenant_id, Tenant.name).where(Tenant.tenant_id.in_(tenants))
    ):
        names[tenant_id] = name
    for person_id, name in session.execute(
        sa.select(Person.person_id, Person.display_name).where(
            Person.tenant_id.in_(owners), Person.person_id.in_(people - {None})
        )
    ):
        names[person_id] = name
    names |= _names_told(session, owners, page)
    return [
        NamedEntry(
            entry_id=entry.entry_id,
            tenant_id=entry.tenant_id,
            tenant_name=names.get(entry.tenant_id),
            at=entry.at,
            action=entry.action,
            actor_id=entry.actor_id,
            actor_name=names.get(entry.actor_id),
            subject_type=entry.subject_type,
            subject_id=entry.subject_id,
            subject_name=names.get(entry.subject_id),
            league_name=names.get(_league_of(entry)),
            details=entry.details,
        )
        for entry in page
    ]


def _names_told(session: Session, owners: set[UUID], page: Sequence[AuditEntry]) -> dict[UUID | None, str]:
    """The names of the editions and leagues of a page, as the trail was last told of them."""
    asked = {entry.subject_id for entry in page if entry.subject_type in ("edition", "league")}
    asked |= {league_id for entry in page if (league_id := _league_of(entry)) is not None}
    if not asked:
        return {}
    told = (
        sa.select(AuditEntry.subject_id, AuditEntry.details)
        .where(AuditEntry.tenant_id.in_(owners), AuditEntry.subject_id.in_(asked))
        .order_by(AuditEntry.at)
    )
    return {subject_id: details["name"] for subject_id, details in session.execute(told) if "name" in details}


def _league_of(entry: AuditEntry) -> UUID | None:
    """The league in which something was done to somebody."""
    league_id = entry.details.get("league_id")
    return UUID(league_id) if league_id else None
