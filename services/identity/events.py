"""What identity does when something happened in a league: it keeps the audit trail.

Its own facts (suspensions, revocations, keys) it writes directly, in the transaction that emits them: a service does
not listen to itself, and so `ACCESS_HANDLERS` are never called here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from services.identity.models import AuditEntry
from shared.auth import ACCESS_HANDLERS
from shared.consumer import Handler, Received, merge_handlers
from shared.contracts import (
    EditionFrozen,
    EditionRevealed,
    EditionScheduled,
    LeaderAppointed,
    LeaderResigned,
    LeagueCreated,
)
from shared.database import insert_new

Subject = tuple[str, UUID, dict[str, Any]]
"""What an entry is about: type, id, details."""


def add_entries(action: str, describe: Callable[[Any], Subject]) -> Handler:
    """A handler that adds one audit entry per event; the entry has the event's id, so it is added once.

    The trail is history, which identity owns: when a fact is only told again, nobody did anything.
    """

    def handle(session: Session, events: Sequence[Received[Any]]) -> None:
        new = [event for event in events if not event.is_announced]
        insert_new(session, AuditEntry, [_entry(action, event, describe(event.data)) for event in new])

    return handle


def _entry(action: str, event: Received[Any], subject: Subject) -> dict[str, Any]:
    subject_type, subject_id, details = subject
    is_change = getattr(event.data, "revision", 1) > 1
    return {
        "tenant_id": event.tenant_id,
        "entry_id": event.id,
        "at": event.time,
        "action": f"{subject_type}_changed" if is_change else action,
        "actor_id": event.actor_id,
        "subject_type": subject_type,
        "subject_id": subject_id,
        "details": details,
    }


def _edition(event: Any) -> Subject:
    return "edition", event.edition_id, {"name": event.name} if isinstance(event, EditionScheduled) else {}


def _league(event: LeagueCreated) -> Subject:
    return "league", event.league_id, {"name": event.name, "edition_id": str(event.edition_id)}


def _leader(event: LeaderAppointed | LeaderResigned) -> Subject:
    return "person", event.person_id, {"league_id": str(event.league_id)}


HANDLERS = merge_handlers(
    ACCESS_HANDLERS,
    {
        EditionScheduled: add_entries("edition_scheduled", _edition),
        EditionFrozen: add_entries("edition_frozen", _edition),
        EditionRevealed: add_entries("edition_revealed", _edition),
        LeagueCreated: add_entries("league_created", _league),
        LeaderAppointed: add_entries("leader_appointed", _leader),
        LeaderResigned: add_entries("leader_resigned", _leader),
    },
)
