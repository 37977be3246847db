"""The events that could not be handled: looked at, tried again, or given up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from shared.clock import utc_now
from shared.consumer import DeadLetter, Handlers, InboxRow, error_text, read_envelope
from shared.database import Database, insert_new
from shared.outbox import Envelope
from shared.tenancy import across_tenants

log = structlog.get_logger(__name__)
AT_A_TIME = 500


class Letter(NamedTuple):
    """A dead letter as an operator sees it; `kind`, `tenant_id` and `event_id` are None when it cannot be read."""

    dead_letter_id: UUID
    parked_at: datetime
    kind: str | None
    tenant_id: UUID | None
    error: str
    event_id: UUID | None = None

    def __str__(self) -> str:
        about = f"{self.kind or 'unreadable'} of tenant {self.tenant_id or 'unknown'}"
        return f"{self.dead_letter_id}  {self.parked_at.isoformat(timespec='seconds')}  {about}  {self.error}"


def list_dead_letters(database: Database, limit: int = 100) -> list[Letter]:
    """The oldest dead letters."""
    return [_letter(row) for row in _oldest(database, None, limit)]


def _letter(row: DeadLetter) -> Letter:
    try:
        envelope = msgspec.json.decode(row.envelope, type=Envelope)
    except msgspec.MsgspecError:
        return Letter(row.dead_letter_id, row.parked_at, None, None, row.error)
    return Letter(row.dead_letter_id, row.parked_at, envelope.type, envelope.tenant_id, row.error, envelope.id)


def count_dead_letters(session: Session) -> int:
    """How many there are."""
    return session.scalar(sa.select(sa.func.count()).select_from(DeadLetter)) or 0


def replay_dead_letters(database: Database, handlers: Handlers, only: UUID | None = None) -> tuple[int, int]:
    """Tries every dead letter again, or the one named; returns how many were handled and how many are left.

    Of those that fail again the new reason is kept.
    """
    replayed = left = 0
    after: UUID | None = None
    while letters := _oldest(database, after, AT_A_TIME, only):
        for letter in letters:
            is_handled = _replay(database, handlers, letter)
            replayed, left = replayed + is_handled, left + (not is_handled)
        after = letters[-1].dead_letter_id
    return replayed, left


def _replay(database: Database, handlers: Handlers, letter: DeadLetter) -> bool:
    try:
        with database.transaction(across_tenants()) as session:
            received = read_envelope(letter.envelope.encode())
            handler = handlers.get(type(received.data))
            row = {"event_id": received.id, "handled_at": utc_now()}
            if handler is not None and insert_new(session, InboxRow, [row]):
                handler(session, [received])
            session.delete(session.merge(letter, load=True))
    except Exception as error:
        log.exception("replay_failed", dead_letter_id=str(letter.dead_letter_id))
        _keep_reason(database, letter, error_text(error))
        return False
    return True


def _keep_reason(database: Database, letter: DeadLetter, reason: str) -> None:
    statement = sa.update(DeadLetter).where(DeadLetter.dead_letter_id == letter.dead_letter_id).values(error=reason)
    with database.transaction(across_tenants()) as session:
        session.execute(statement.execution_options(synchronize_session=False))


def drop_dead_letters(database: Database, only: UUID | None = None) -> int:
    """Forgets every dead letter, or the one named; returns how many. What they said is then known to nobody here."""
    statement = sa.delete(DeadLetter)
    if only is not None:
        statement = statement.where(DeadLetter.dead_letter_id == only)
    with database.transaction(across_tenants()) as session:
        result = session.execute(statement.execution_options(synchronize_session=False))
        return int(result.rowcount)  # type: ignore[attr-defined]


def _oldest(database: Database, after: UUID | None, limit: int, only: UUID | None = None) -> Sequence[DeadLetter]:
    statement = sa.select(DeadLetter).order_by(DeadLetter.dead_letter_id).limit(limit)
    if after is not None:
        statement = statement.where(DeadLetter.dead_letter_id > after)
    if only is not None:
        statement = statement.where(DeadLetter.dead_letter_id == only)
    with database.transaction(across_tenants(), read_only=True) as session:
        return session.scalars(statement).all()
