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
from services.identity.models import AuditEntry, Person
from shared.clock import transaction_time
from shared.database import new_id


class NamedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An audit entry with the names its people have today; None for somebody who left or is of another tenant."""

    entry_id: UUID
    at: datetime
    action: str
    actor_id: UUID | None
    actor_name: str | None
    subject_type: str
    subject_id: UUID
    subject_name: str | None
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


def with_names(session: Session, page: Sequence[AuditEntry]) -> list[NamedEntry]:
    """The entries of a page, with the names of their people."""
    ids = {entry.actor_id for entry in page} | {entry.subject_id for entry in page}
    people = session.execute(
        sa.select(Person.person_id, Person.display_name).where(
            Person.tenant_id == own_tenant_id(session), Person.person_id.in_(ids - {None})
        )
    )
    names: dict[UUID | None, str] = {row.person_id: row.display_name for row in people}
    return [
        NamedEntry(
            entry_id=entry.entry_id,
            at=entry.at,
            action=entry.action,
            actor_id=entry.actor_id,
            actor_name=names.get(entry.actor_id),
            subject_type=entry.subject_type,
            subject_id=entry.subject_id,
            subject_name=names.get(entry.subject_id),
            details=entry.details,
        )
        for entry in page
    ]
