from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from shared.bus import BusError
from shared.clock import utc_now
from shared.consumer import read_envelope
from shared.contracts import BoardsRevealed, EditionFrozen, TenantSuspended
from shared.database import Database, new_id
from shared.outbox import OutboxRow, Relay, emit, insert_and_emit, pending, remove_published
from shared.tenancy import PUBLIC, TenancyError, across_tenants, of_tenant
from tests.shared.tables import Garden
from tests.shared.waiting import wait_until

TENANT = new_id()


class RememberingBus:
    """Keeps what was published, or fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.batches: list[list[UUID]] = []
        self.keys: list[str] = []
        self.topics: set[str] = set()

    def publish(self, topic: str, messages: list[tuple[str, bytes]]) -> None:
        if self.failures:
            self.failures -= 1
            raise BusError("the broker is away")
        self.topics.add(topic)
        self.keys += [key for key, _ in messages]
        self.batches.append([read_envelope(envelope).data.edition_id for _, envelope in messages])

    @property
    def published(self) -> list[UUID]:
        return [edition_id for batch in self.batches for edition_id in batch]


def emit_some(database: Database, count: int) -> list[UUID]:
    ids = [new_id() for _ in range(count)]
    with database.transaction(of_tenant(TENANT)) as session:
        for edition_id in ids:
            emit(session, BoardsRevealed(edition_id=edition_id))
    return ids


def waiting(database: Database) -> int:
    with database.transaction(across_tenants(), read_only=True) as session:
        return pending(session)[0]


@contextmanager
def running(relay: Relay) -> Iterator[threading.Event]:
    stop = threading.Event()
    thread = threading.Thread(target=relay.run, args=(stop,))
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        relay.database.emitted.set()
        thread.join(timeout=20)
        assert not thread.is_alive()


def test_an_event_is_part_of_its_transaction(database: Database) -> None:
    emit_some(database, 1)
    assert waiting(database) == 1

    def fail_after_emitting() -> None:
        with database.transaction(of_tenant(TENANT)) as session:
            emit(session, BoardsRevealed(edition_id=new_id()))
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_emitting()
    assert waiting(database) == 1


def test_an_envelope_says_who_what_and_when(database: Database) -> None:
    now, actor_id, edition_id = datetime(2026, 3, 1, 12, tzinfo=UTC), new_id(), new_id()
    with database.transaction(of_tenant(TENANT), now=now) as session:
        session.info["actor_id"] = actor_id
        emit(session, EditionFrozen(edition_id=edition_id, at=now))
    with database.transaction(across_tenants(), read_only=True) as session:
        row = session.scalars(sa.select(OutboxRow)).one()
    received = read_envelope(row.envelope.encode())
    assert (received.tenant_id, received.time, received.actor_id) == (TENANT, now, actor_id)
    assert received.data == EditionFrozen(edition_id=edition_id, at=now)
    assert row.key == str(edition_id)


def test_an_event_without_a_key_is_ordered_by_its_tenant(database: Database) -> None:
    with database.transaction(of_tenant(TENANT)) as session:
        emit(session, TenantSuspended(revision=1))
    with database.transaction(across_tenants(), read_only=True) as session:
        assert session.scalars(sa.select(OutboxRow.key)).one() == str(TENANT)


def test_an_event_belongs_to_a_tenant(database: Database) -> None:
    for scope in (PUBLIC, across_tenants()):
        with pytest.raises(ValueError, match="belongs to a tenant"), database.transaction(scope) as session:
            emit(session, TenantSuspended(revision=1))
    with database.transaction(across_tenants()) as session:
        emit(session, TenantSuspended(revision=1), tenant_id=TENANT)
    assert waiting(database) == 1


def test_nobody_emits_for_another_tenant(database: Database) -> None:
    for scope in (of_tenant(TENANT), PUBLIC):
        with pytest.raises(TenancyError), database.transaction(scope) as session:
            emit(session, TenantSuspended(revision=1), tenant_id=new_id())
    assert waiting(database) == 0


def garden(name: str, garden_id: UUID | None = None, tenant_id: UUID = TENANT) -> dict[str, Any]:
    return {"tenant_id": tenant_id, "garden_id": garden_id or new_id(), "name": name}


@pytest.mark.parametrize("others", [0, 1, 3])
def test_a_row_and_its_event_are_written_together_or_not_at_all(database: Database, others: int) -> None:
    known = garden("known")
    rows = [known, *(garden(f"other {number}") for number in range(others))]
    for turn in range(2):
        with database.transaction(of_tenant(TENANT)) as session:
            again = [known, *(garden(f"new {number}") for number in range(others))] if turn else rows
            events = [BoardsRevealed(edition_id=new_id()) for _ in again]
            assert insert_and_emit(session, Garden, again, events) == [turn == 0] + [True] * others
            assert len(session.info.get("emitted", [])) == others + (turn == 0)
    assert waiting(database) == 1 + 2 * others
    with database.transaction(across_tenants(), read_only=True) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Garden)) == 1 + 2 * others


@pytest.mark.parametrize("others", [0, 1])
def test_a_row_of_another_tenant_is_not_written_with_its_event(database: Database, others: int) -> None:
    rows = [garden("theirs", tenant_id=new_id()), *(garden("mine") for _ in range(others))]
    with pytest.raises(TenancyError), database.transaction(of_tenant(TENANT)) as session:
        insert_and_emit(session, Garden, rows, [BoardsRevealed(edition_id=new_id()) for _ in rows])
    assert waiting(database) == 0


def test_a_commit_that_emitted_wakes_the_relay_and_others_do_not(database: Database) -> None:
    with database.transaction(of_tenant(TENANT)):
        pass
    assert not database.emitted.is_set()
    emit_some(database, 1)
    assert database.emitted.is_set()


def test_the_relay_publishes_in_order_and_marks_what_it_published(database: Database) -> None:
    bus = RememberingBus()
    relay = Relay("ranking", database, bus, batch=3)
    ids = emit_some(database, 7)
    assert [relay.publish_once() for _ in range(4)] == [3, 3, 1, 0]
    assert bus.published == ids
    assert bus.topics == {"ranking"}
    assert bus.keys == [str(edition_id) for edition_id in ids]
    assert waiting(database) == 0


def test_rows_that_became_visible_out_of_order_are_not_lost(database: Database) -> None:
    """Positions are handed out before their transactions commit: a later one may be seen first."""
    bus = RememberingBus()
    relay = Relay("ranking", database, bus)
    ids = emit_some(database, 3)
    with database.transaction(across_tenants()) as session:  # what a slow transaction looks like from outside
        hidden = session.scalars(sa.select(OutboxRow).order_by(OutboxRow.position)).first()
        assert hidden is not None
        late = {"position": hidden.position, "key": hidden.key, "envelope": hidden.envelope}
        session.delete(hidden)
    assert relay.publish_once() == 2
    with database.transaction(across_tenants()) as session:
        session.add(OutboxRow(**late, emitted_at=utc_now()))
    assert relay.publish_once() == 1
    assert bus.published == [ids[1], ids[2], ids[0]]


def test_a_bus_that_fails_leaves_the_rows_for_later(database: Database) -> None:
    bus = RememberingBus(failures=1)
    relay = Relay("ranking", database, bus)
    ids = emit_some(database, 2)
    with pytest.raises(BusError):
        relay.publish_once()
    assert waiting(database) == 2
    assert relay.publish_once() == 2
    assert bus.published == ids


def test_a_running_relay_survives_a_bus_that_fails(database: Database) -> None:
    bus = RememberingBus(failures=2)
    ids = emit_some(database, 2)
    with running(Relay("ranking", database, bus)):
        wait_until(lambda: waiting(database) == 0)
        assert bus.published == ids
        more = emit_some(database, 1)
        wait_until(lambda: bus.published == ids + more)


def test_of_two_relays_one_is_active_and_the_other_takes_over(database: Database) -> None:
    bus = RememberingBus()
    first, second = Relay("ranking", database, bus), Relay("ranking", database, bus)
    with running(first) as stop_first:
        wait_until(lambda: first.is_active)
        with running(second):
            ids = emit_some(database, 5)
            wait_until(lambda: waiting(database) == 0)
            assert (bool(first.is_active), bool(second.is_active)) == (True, False)
            stop_first.set()
            wait_until(lambda: second.is_active)
            ids += emit_some(database, 5)
            wait_until(lambda: waiting(database) == 0)
    assert bus.published == ids


def test_each_event_is_published_once_while_many_threads_emit(database: Database) -> None:
    bus = RememberingBus()
    emitted: list[UUID] = []
    with running(Relay("ranking", database, bus, batch=7)):
        threads = [threading.Thread(target=lambda: emitted.extend(emit_some(database, 5))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wait_until(lambda: waiting(database) == 0)
    assert sorted(bus.published) == sorted(emitted)


def test_pending_tells_how_many_wait_and_since_when(database: Database) -> None:
    with database.transaction(across_tenants(), read_only=True) as session:
        assert pending(session) == (0, None)
    before = utc_now()
    emit_some(database, 3)
    with database.transaction(across_tenants(), read_only=True) as session:
        count, oldest = pending(session)
    assert count == 3
    assert oldest is not None
    assert before <= oldest <= utc_now()


def test_published_rows_are_removed_in_small_steps_and_waiting_ones_never(
    database: Database, count_rows: Callable[[type], int]
) -> None:
    relay = Relay("ranking", database, RememberingBus())
    emit_some(database, 7)
    relay.publish_once()
    emit_some(database, 2)
    later = utc_now() + timedelta(seconds=1)
    removed = []
    for before in (utc_now() - timedelta(days=1), later, later, later, later):
        with database.transaction(across_tenants()) as session:
            removed.append(remove_published(session, before, limit=3))
    assert removed == [0, 3, 3, 1, 0]
    assert count_rows(OutboxRow) == waiting(database) == 2
