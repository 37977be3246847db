"""An event leaves a service: `emit` writes a row with the change that caused it; the relay publishes them in order."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared import tracing
from shared.clock import transaction_time, utc_now
from shared.contracts import Event
from shared.database import Database, SharedBase, insert_new, insert_new_with, new_id, run
from shared.meter import Meter
from shared.tenancy import TenancyError, across_tenants, scope_of

log = structlog.get_logger(__name__)
LINGER = 0.1
"""Seconds to let events gather after a batch that was not full: ten large batches a second cost far less than a hundred
small ones, and the first event after a pause leaves at once."""
TAKE_OVER_SECONDS = 0.5
"""How often a relay that waits looks whether the active one has gone."""
LOOK_SECONDS = 2.0
"""How often the active one looks whether the lock is still its own."""


class Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What travels: the attributes of CloudEvents, and the event itself as `data`. Unknown attributes are ignored.

    `is_announced`: nothing new happened; a service told again what its tables hold (`shared/announcing.py`).
    """

    id: UUID
    type: str
    source: str
    tenant_id: UUID
    time: datetime
    key: str
    traceparent: str | None
    actor_id: UUID | None
    data: msgspec.Raw
    is_announced: bool = False


class OutboxRow(SharedBase):
    """One event on its way out; `published_at` is set once the bus answers for it."""

    __tablename__ = "outbox"

    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    key: Mapped[str] = mapped_column(sa.String(64))
    envelope: Mapped[str] = mapped_column(sa.Text)
    emitted_at: Mapped[datetime]
    published_at: Mapped[datetime | None]

    __table_args__ = (
        sa.Index(
            "ix_outbox_unpublished",
            "position",
            sqlite_where=sa.text("published_at IS NULL"),
            postgresql_where=sa.text("published_at IS NULL"),
        ),
        {"sqlite_autoincrement": True},
    )


class Publisher(Protocol):
    """The half of a bus that the relay needs."""

    def publish(self, topic: str, messages: list[tuple[str, bytes]]) -> None:
        """Returns once the messages (key, envelope) cannot be lost any more; raises otherwise."""


_encoder = msgspec.json.Encoder()


def emit(session: Session, event: Event, *, tenant_id: UUID | None = None) -> None:
    """Writes the event into the outbox, in the caller's transaction.

    The tenant is the session's own; a session across tenants names it.
    """
    emit_all(session, [event], tenant_id=tenant_id)


def emit_all(session: Session, events: Sequence[Event], *, tenant_id: UUID | None = None) -> None:
    """Like `emit`, for several events in one statement."""
    _write(session, events, tenant_id, transaction_time(session), is_announced=False)


def announce(session: Session, event: Event, *, at: datetime, tenant_id: UUID | None = None) -> None:
    """Like `emit`, for a fact that is told again. `at` is its moment, or one before it where that is not known.

    Of two facts without revisions the later moment wins: an announced one must not carry a later moment than its own.
    """
    _write(session, [event], tenant_id, at, is_announced=True)


def insert_and_emit(
    session: Session, model: type[Any], rows: Sequence[Mapping[str, Any]], events: Sequence[Event]
) -> list[bool]:
    """Inserts the rows that break no unique constraint, and emits the event of each; returns which they were.

    A single row and its event are one statement: together they are most of what a busy service writes.
    """
    if len(rows) != 1:
        new = set(insert_new(session, model, rows))
        keys = [column.name for column in sa.inspect(model).primary_key]
        is_new = [tuple(row[key] for key in keys) in new for row in rows]
        emit_all(session, [event for event, has_row in zip(events, is_new, strict=True) if has_row])
        return is_new
    envelope = _wrap(session, events[0], None, transaction_time(session), False)
    has_row = insert_new_with(session, model, rows[0], _TABLE, _outbox_row(envelope))
    if has_row:
        _note(session, [envelope])
    return [has_row]


_TABLE: Any = OutboxRow.__table__
_INSERT = sa.insert(_TABLE).inline()  # nobody wants the positions back


def _write(
    session: Session, events: Sequence[Event], tenant_id: UUID | None, at: datetime, *, is_announced: bool
) -> None:
    envelopes = [_wrap(session, event, tenant_id, at, is_announced) for event in events]
    if envelopes:
        run(session, _INSERT, list(map(_outbox_row, envelopes)))
        _note(session, envelopes)


def _outbox_row(envelope: Envelope) -> dict[str, Any]:
    return {"key": envelope.key, "envelope": _encoder.encode(envelope).decode(), "emitted_at": utc_now()}


def _note(session: Session, envelopes: Sequence[Envelope]) -> None:
    """For the log, and for the relay to be woken after the commit."""
    session.info.setdefault("emitted", []).extend(str(one.id) for one in envelopes)


def _wrap(session: Session, event: Event, tenant_id: UUID | None, at: datetime, is_announced: bool) -> Envelope:
    scope = scope_of(session)
    owner = tenant_id or scope.tenant_id
    if owner is None:
        raise ValueError(f"{type(event).__name__}: an event belongs to a tenant")
    if owner != scope.tenant_id and not scope.every_tenant:
        raise TenancyError(f"{type(event).__name__}: emitted for another tenant")
    return Envelope(
        id=new_id(),
        type=type(event).__name__,
        source=event.source,
        tenant_id=owner,
        time=at,
        key=str(getattr(event, event.key) if event.key else owner),
        traceparent=session.info.get("traceparent"),
        actor_id=session.info.get("actor_id"),
        data=msgspec.Raw(_encoder.encode(event)),
        is_announced=is_announced,
    )


class Relay:
    """Publishes a service's outbox, in order. One relay is active per service: the others wait for the lock."""

    def __init__(
        self, service: str, database: Database, bus: Publisher, *, batch: int = 1000, meter: Meter | None = None
    ) -> None:
        self.service = service
        self.meter = meter or Meter()
        self.database = database
        self.bus = bus
        self.batch = batch
        self.is_active = False

    def run(self, stop: threading.Event) -> None:
        """Publishes until `stop` is set. A bus or database that fails is tried again, with growing pauses."""
        pause = 0.1
        while not stop.is_set():
            try:
                with self.database.exclusive("relay") as lock:
                    self.is_active = bool(lock)
                    pause = 0.1
                    looked = time.monotonic()
                    while self.is_active and not stop.is_set():
                        self.database.emitted.clear()
                        if self.publish_once() < self.batch:
                            stop.wait(LINGER)
                            self.database.emitted.wait(0.2)
                        if time.monotonic() - looked > LOOK_SECONDS:
                            self.is_active, looked = lock.is_held(), time.monotonic()
                stop.wait(TAKE_OVER_SECONDS)
            except Exception:
                self.is_active = False
                log.exception("relay_failed", service=self.service, retry_in_seconds=pause)
                stop.wait(pause)
                pause = min(pause * 2, 5.0)
        self.is_active = False

    def publish_once(self) -> int:
        """Publishes the oldest unpublished rows and marks them; returns how many."""
        with self.database.transaction(across_tenants(), read_only=True) as session:
            rows = session.execute(
                sa.select(OutboxRow.position, OutboxRow.key, OutboxRow.envelope)
                .where(OutboxRow.published_at.is_(None))
                .order_by(OutboxRow.position)
                .limit(self.batch)
            ).all()
        if not rows:
            return 0
        with tracing.publishing(self.service, len(rows)):
            self.bus.publish(self.service, [(row.key, row.envelope.encode()) for row in rows])
        # Row by row, never « up to N »: positions are handed out before their transactions commit.
        with self.database.transaction(across_tenants()) as session:
            session.execute(
                sa.update(OutboxRow)
                .where(OutboxRow.position.in_([row.position for row in rows]))
                .values(published_at=utc_now())
                .execution_options(synchronize_session=False)
            )
        self.meter.published(len(rows))
        return len(rows)


def pending(session: Session) -> tuple[int, datetime | None]:
    """How many events wait in the outbox, and when the oldest of them was emitted."""
    count, oldest = session.execute(
        sa.select(sa.func.count(), sa.func.min(OutboxRow.emitted_at)).where(OutboxRow.published_at.is_(None))
    ).one()
    return count, oldest


def remove_published(session: Session, before: datetime, limit: int = 5000) -> int:
    """Deletes, of the `limit` oldest rows, those published before a moment; returns how many.

    It looks at no other row: a table of millions is not read through every minute to find that all are too young.
    """
    oldest = sa.select(OutboxRow.position, OutboxRow.published_at).order_by(OutboxRow.position).limit(limit).subquery()
    gone = sa.select(oldest.c.position).where(oldest.c.published_at < before)
    result: Any = session.execute(
        sa.delete(OutboxRow).where(OutboxRow.position.in_(gone)).execution_options(synchronize_session=False)
    )
    return int(result.rowcount)
