"""An event arrives: a batch goes to the handlers in one transaction, which also remembers what was handled.

The same event three times counts once (the inbox). An event that cannot be handled is parked in `dead_letters` with its
error and can be replayed; too many of them in a row stop the consumer rather than drain the topic.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared import tracing
from shared.bulk import insert_new_columns
from shared.bus import Bus, BusError
from shared.clock import utc_now
from shared.contracts import EVENTS, Event
from shared.database import Database, SharedBase, is_passing, new_id
from shared.meter import Meter
from shared.outbox import Envelope
from shared.tenancy import across_tenants

log = structlog.get_logger(__name__)
E_co = TypeVar("E_co", bound=Event, covariant=True)
DEAD_LETTERS_IN_A_ROW = 50
LONGEST_PAUSE = 5.0
"""Seconds between two attempts to reach a database or bus that is away."""


class Received(msgspec.Struct, Generic[E_co], frozen=True, kw_only=True):
    """One event as a handler gets it: the fact, and what its envelope says of it."""

    id: UUID
    tenant_id: UUID
    time: datetime
    actor_id: UUID | None
    data: E_co
    is_announced: bool = False


Handler = Callable[[Session, Sequence[Received[Any]]], None]
"""Applies a run of events of one type; called again with the same events, it changes nothing."""
Handlers = Mapping[type[Event], Handler]


class InboxRow(SharedBase):
    """An event this service has handled."""

    __tablename__ = "inbox"

    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    handled_at: Mapped[datetime] = mapped_column(index=True)


INBOX = ("event_id", "handled_at")


class DeadLetter(SharedBase):
    """An event that could not be handled, with the reason."""

    __tablename__ = "dead_letters"

    dead_letter_id: Mapped[UUID] = mapped_column(primary_key=True)
    envelope: Mapped[str] = mapped_column(sa.Text)
    error: Mapped[str] = mapped_column(sa.Text)
    parked_at: Mapped[datetime]


def error_text(error: Exception) -> str:
    """What is kept of the reason why an event could not be handled."""
    return f"{type(error).__name__}: {error}"[:2000].replace("\0", "\ufffd")  # PostgreSQL's text has no NUL


class ConsumerStopped(Exception):
    """Too many events in a row could not be handled: something is wrong with us, not with them."""


def merge_handlers(*tables: Handlers) -> dict[type[Event], Handler]:
    """One table out of several; an event in two of them goes to each in turn."""
    merged: dict[type[Event], Handler] = {}
    for table in tables:
        for kind, handler in table.items():
            merged[kind] = _both(merged[kind], handler) if kind in merged else handler
    return merged


def _both(first: Handler, second: Handler) -> Handler:
    def handle(session: Session, events: Sequence[Received[Any]]) -> None:
        first(session, events)
        second(session, events)

    return handle


class Consumer:
    """Reads the topics a service listens to and runs its handlers.

    `group`: who remembers how far it has read; another one than the service's own fills a second database.
    """

    def __init__(
        self,
        service: str,
        database: Database,
        bus: Bus,
        handlers: Handlers,
        *,
        group: str = "",
        meter: Meter | None = None,
    ) -> None:
        self.service = service
        self.database = database
        self.handlers = handlers
        self.meter = meter or Meter()
        self.topics = sorted({kind.source for kind in handlers} - {service})
        self.subscription = bus.subscribe(group or service, self.topics)
        self.handled = 0
        self.parked_in_a_row = 0
        self.is_stopped = False
        self._lag: dict[str, int] = {}
        self._newest: datetime | None = None

    def run(self, stop: threading.Event) -> None:
        """Handles batches until `stop` is set. A database or bus that fails is tried again, with growing pauses.

        Raises ConsumerStopped after too many dead letters in a row.
        """
        pause = 0.1
        try:
            while not stop.is_set():
                try:
                    self._handle_next(stop)
                    pause = 0.1
                except BusError as error:
                    log.error("consumer_bus_failed", service=self.service, error=str(error), retry_in_seconds=pause)
                    stop.wait(pause)
                    pause = min(pause * 2, LONGEST_PAUSE)
        except ConsumerStopped:
            self.is_stopped = True
            log.error("consumer_stopped", service=self.service, dead_letters_in_a_row=self.parked_in_a_row)
            raise
        else:  # one that crashed does not leave its group: the relays would no longer wait for it
            self.subscription.close()

    def _handle_next(self, stop: threading.Event) -> None:
        """One batch, from its arrival to its commit; while the database is away, nothing more is read."""
        batch = self.subscription.poll(timeout=0.2)
        pause = 0.1
        while batch and not stop.is_set():
            try:
                self.handle(batch)
                self.subscription.commit()
                batch = []
            except Exception as error:
                if not is_passing(error):
                    raise
                log.exception("consumer_database_failed", service=self.service, retry_in_seconds=pause)
                if not self._wait(pause, stop):
                    log.info("batch_dropped", service=self.service, events=len(batch))
                    return
                pause = min(pause * 2, LONGEST_PAUSE)
        self._lag = self.subscription.lag()

    def _wait(self, seconds: float, stop: threading.Event) -> bool:
        """Waits, in small steps; whether the batch is still ours."""
        until = time.monotonic() + seconds
        while not stop.is_set() and time.monotonic() < until:
            if not self.subscription.wait(0.1):
                return False
        return True

    def lag(self) -> tuple[dict[str, int], float]:
        """Events that wait in our partitions, by topic, and the age of what is handled now, in seconds."""
        is_behind = any(self._lag.values()) and self._newest is not None
        return self._lag, (utc_now() - self._newest).total_seconds() if is_behind and self._newest else 0.0

    def handle(self, batch: list[bytes]) -> None:
        """Applies a batch in one transaction; when that fails, by halves, parking the events that cannot be applied."""
        started = time.monotonic()
        self._handle_part(batch)
        self.handled += len(batch)
        self._newest = _emitted_at(batch[-1]) or self._newest
        delay = (utc_now() - self._newest).total_seconds() if self._newest else 0.0
        self.meter.handled(len(batch), time.monotonic() - started, delay)

    def _handle_part(self, batch: list[bytes], *, is_whole: bool = True) -> None:
        """One bad event among thousands is found in a dozen transactions; the others are handled in their order."""
        try:
            with tracing.handling(self.service, batch), self.database.transaction(across_tenants()) as session:
                self._apply(session, batch)
            self.parked_in_a_row = 0
            return
        except Exception as error:
            if is_passing(error):
                raise
            if is_whole:
                log.warning("batch_failed", service=self.service, events=len(batch), exc_info=True)
            if len(batch) == 1:
                self._park(batch[0], error)
                return
        middle = len(batch) // 2
        self._handle_part(batch[:middle], is_whole=False)
        self._handle_part(batch[middle:], is_whole=False)

    def _park(self, raw: bytes, error: Exception) -> None:
        if self.parked_in_a_row >= DEAD_LETTERS_IN_A_ROW:
            raise ConsumerStopped(f"{self.service}: {self.parked_in_a_row} dead letters in a row") from error
        self.parked_in_a_row += 1
        log.exception("event_parked", service=self.service, event_id=_id_of(raw))
        with self.database.transaction(across_tenants()) as session:
            session.add(
                DeadLetter(
                    dead_letter_id=new_id(),
                    envelope=raw.decode(errors="replace").replace("\0", "\ufffd"),  # PostgreSQL's text has no NUL
                    error=error_text(error),
                    parked_at=utc_now(),
                )
            )
        self.meter.parked()

    def _apply(self, session: Session, batch: Iterable[bytes]) -> None:
        known = [received for received in map(read_envelope, batch) if type(received.data) in self.handlers]
        if not known:
            return
        ids, moments = [received.id for received in known], [utc_now()] * len(known)
        new = insert_new_columns(session, InboxRow, INBOX, [ids, moments], order=["event_id"])
        fresh = [known[position] for position in new]
        for kind, run in groupby(fresh, key=lambda received: type(received.data)):
            self.handlers[kind](session, list(run))
        if fresh:
            log.info("events_handled", service=self.service, events=len(fresh), first_event_id=str(known[0].id))


_decode_envelope = msgspec.json.Decoder(Envelope).decode
_decoders = {name: msgspec.json.Decoder(kind).decode for name, kind in EVENTS.items()}
_decode_unknown = msgspec.json.Decoder(Event).decode


def read_envelope(raw: bytes) -> Received[Any]:
    """Decodes an envelope and its event. Raises msgspec.ValidationError for one that breaks its contract.

    An event type this version does not know yet comes back as a bare Event: nobody handles it.
    """
    envelope = _decode_envelope(raw)
    decode = _decoders.get(envelope.type, _decode_unknown)
    return Received(
        id=envelope.id,
        tenant_id=envelope.tenant_id,
        time=envelope.time,
        actor_id=envelope.actor_id,
        data=decode(envelope.data),
        is_announced=envelope.is_announced,
    )


def _emitted_at(raw: bytes) -> datetime | None:
    """When an envelope was new; None for one that is broken, or tells again what happened before."""
    try:
        envelope = _decode_envelope(raw)
    except msgspec.MsgspecError:
        return None
    return None if envelope.is_announced else envelope.time


def _id_of(raw: bytes) -> str | None:
    """The id of an envelope that may be broken, for the log."""
    try:
        return str(_decode_envelope(raw).id)
    except msgspec.MsgspecError:
        return None


def remove_handled(session: Session, before: datetime, limit: int = 5000) -> int:
    """Deletes up to `limit` inbox rows handled before a moment; returns how many."""
    oldest = sa.select(InboxRow.event_id).where(InboxRow.handled_at < before).limit(limit)
    result: Any = session.execute(
        sa.delete(InboxRow).where(InboxRow.event_id.in_(oldest)).execution_options(synchronize_session=False)
    )
    return int(result.rowcount)
