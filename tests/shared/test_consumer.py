from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import InterfaceError, OperationalError, TimeoutError
from sqlalchemy.orm import Session

from shared.clock import utc_now
from shared.consumer import (
    Consumer,
    ConsumerStopped,
    DeadLetter,
    Handlers,
    InboxRow,
    Received,
    merge_handlers,
    read_envelope,
    remove_handled,
)
from shared.contracts import BoardsRevealed, EditionFrozen, TenantSuspended
from shared.database import Database, new_id
from shared.dead_letters import replay_dead_letters
from shared.tenancy import across_tenants
from tests.builders import envelope
from tests.shared.tables import Sample
from tests.shared.waiting import wait_until

TENANT = new_id()
POISON = UUID(int=13)


class OneBatchBus:
    """A bus whose one group gets what the test gives it, and that remembers how it was answered."""

    def __init__(self, *batches: list[bytes]) -> None:
        self.batches = list(batches)
        self.committed = 0
        self.is_closed = False
        self.is_ours = True
        self.waits = 0

    def publish(self, topic: str, messages: list[tuple[str, bytes]]) -> None:
        raise NotImplementedError

    def subscribe(self, group: str, topics: list[str]) -> OneBatchBus:
        self.topics = topics
        return self

    def poll(self, timeout: float) -> list[bytes]:
        return self.batches.pop(0) if self.batches else []

    def commit(self) -> None:
        self.committed += 1

    def wait(self, seconds: float) -> bool:
        self.waits += 1
        time.sleep(seconds)
        return self.is_ours

    def lag(self) -> dict[str, int]:
        return {}

    def problems(self) -> list[str]:
        return []

    def close(self) -> None:
        self.is_closed = True


def count_reveals(session: Session, events: Sequence[Received[BoardsRevealed]]) -> None:
    for event in events:
        if event.data.edition_id == POISON:
            raise ValueError("this edition cannot be")
        session.add(Sample(sample_id=new_id(), word=str(new_id()), count=1))


HANDLERS: Handlers = {BoardsRevealed: count_reveals}


def reveal(edition_id: UUID | None = None, *, id: UUID | None = None) -> bytes:
    return envelope(BoardsRevealed(edition_id=edition_id or new_id()), TENANT, id=id)


def consumer_of(database: Database, handlers: Handlers = HANDLERS, *batches: list[bytes]) -> Consumer:
    return Consumer("leagues", database, OneBatchBus(*batches), handlers)


def letters(database: Database) -> list[DeadLetter]:
    with database.transaction(across_tenants(), read_only=True) as session:
        return list(session.scalars(sa.select(DeadLetter).order_by(DeadLetter.dead_letter_id)))


def test_a_batch_is_one_transaction(database: Database, count_rows: Callable[[type], int]) -> None:
    sessions: list[Session] = []

    def remember(session: Session, events: Sequence[Received[Any]]) -> None:
        sessions.append(session)
        count_reveals(session, events)

    batch = [reveal(), envelope(EditionFrozen(edition_id=new_id(), at=utc_now()), TENANT), reveal()]
    consumer = consumer_of(database, {BoardsRevealed: remember, EditionFrozen: lambda session, events: None})
    consumer.handle(batch)
    assert len(sessions) == 2
    assert sessions[0] is sessions[1]
    assert (count_rows(Sample), count_rows(InboxRow), consumer.handled) == (2, 3, 3)


def test_events_of_one_type_in_a_row_come_as_one_list(database: Database) -> None:
    runs: list[tuple[str, int]] = []

    def note(session: Session, events: Sequence[Received[Any]]) -> None:
        runs.append((type(events[0].data).__name__, len(events)))

    frozen = envelope(EditionFrozen(edition_id=new_id(), at=utc_now()), TENANT)
    consumer_of(database, {BoardsRevealed: note, EditionFrozen: note}).handle([reveal(), reveal(), frozen, reveal()])
    assert runs == [("BoardsRevealed", 2), ("EditionFrozen", 1), ("BoardsRevealed", 1)]


def test_a_handler_gets_the_event_and_what_its_envelope_says(database: Database) -> None:
    got: list[Received[Any]] = []
    event_id, edition_id = new_id(), new_id()
    consumer = consumer_of(database, {BoardsRevealed: lambda session, events: got.extend(events)})
    consumer.handle([reveal(edition_id, id=event_id)])
    assert [(event.id, event.tenant_id, event.data.edition_id) for event in got] == [(event_id, TENANT, edition_id)]
    assert got[0].time.tzinfo is not None


@pytest.mark.parametrize("batches", [[3], [1, 1, 1], [2, 1]])
def test_the_same_event_three_times_counts_once(
    database: Database, count_rows: Callable[[type], int], batches: list[int]
) -> None:
    same, consumer = reveal(), consumer_of(database)
    for times in batches:
        consumer.handle([same] * times)
    assert (count_rows(Sample), count_rows(InboxRow)) == (1, 1)


def test_the_same_event_in_two_consumers_at_once_counts_once(
    database: Database, count_rows: Callable[[type], int]
) -> None:
    batch = [reveal() for _ in range(20)]
    threads = [threading.Thread(target=consumer_of(database).handle, args=(batch,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (count_rows(Sample), count_rows(DeadLetter)) == (20, 0)


def test_an_unknown_or_unwanted_event_is_ignored(database: Database, count_rows: Callable[[type], int]) -> None:
    unknown = json.loads(reveal()) | {"type": "MoonLanded", "data": {"where": [1, 2]}, "id": str(new_id())}
    unwanted = envelope(TenantSuspended(revision=1), TENANT)
    consumer_of(database).handle([json.dumps(unknown).encode(), unwanted, reveal()])
    assert (count_rows(Sample), count_rows(DeadLetter), count_rows(InboxRow)) == (1, 0, 1)


def test_an_event_with_fields_we_do_not_know_yet_is_read(database: Database, count_rows: Callable[[type], int]) -> None:
    newer = json.loads(reveal())
    newer["datacontenttype"] = "application/json"
    newer["data"] |= {"by": "somebody", "details": {"more": [1, 2, 3]}}
    consumer_of(database).handle([json.dumps(newer).encode()])
    assert (count_rows(Sample), count_rows(DeadLetter)) == (1, 0)


def test_a_poison_event_is_parked_while_its_neighbours_count(
    database: Database, count_rows: Callable[[type], int]
) -> None:
    poison = reveal(POISON)
    consumer = consumer_of(database)
    consumer.handle([reveal(), reveal(), poison, reveal()])
    assert (count_rows(Sample), consumer.handled) == (3, 4)
    [letter] = letters(database)
    assert letter.envelope.encode() == poison
    assert letter.error == "ValueError: this edition cannot be"


@pytest.mark.parametrize(
    "broken",
    [b"", b"{", b"null", b"[1]", b"\xff\xfe", b'{"id": 3}', reveal().replace(b"edition_id", b"addition_id")],
)
def test_an_envelope_that_cannot_be_read_is_parked(
    database: Database, count_rows: Callable[[type], int], broken: bytes
) -> None:
    consumer_of(database).handle([reveal(), broken, reveal()])
    assert (count_rows(Sample), count_rows(DeadLetter)) == (2, 1)


def test_too_many_in_a_row_stop_the_consumer_and_leave_the_rest(
    database: Database, count_rows: Callable[[type], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.consumer.DEAD_LETTERS_IN_A_ROW", 3)
    consumer = consumer_of(database, HANDLERS, [reveal(POISON) for _ in range(5)], [reveal()])
    with pytest.raises(ConsumerStopped):
        consumer.run(threading.Event())
    bus: Any = consumer.subscription
    assert consumer.is_stopped
    assert (count_rows(DeadLetter), count_rows(Sample)) == (3, 0)
    assert (bus.committed, len(bus.batches), bus.is_closed) == (0, 1, False)


def test_one_bad_event_among_thousands_is_found_in_a_dozen_transactions(
    database: Database, count_rows: Callable[[type], int]
) -> None:
    attempts = []

    def count_attempts(session: Session, events: Sequence[Received[Any]]) -> None:
        attempts.append(len(events))
        count_reveals(session, events)

    batch = [reveal() for _ in range(2000)]
    batch[1234] = reveal(POISON)
    consumer_of(database, {BoardsRevealed: count_attempts}).handle(batch)
    assert (count_rows(DeadLetter), count_rows(Sample)) == (1, 1999)
    assert len(attempts) < 30


def test_one_good_event_between_the_bad_ones_keeps_the_consumer_going(
    database: Database, count_rows: Callable[[type], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.consumer.DEAD_LETTERS_IN_A_ROW", 3)
    bad_and_good = [event for _ in range(4) for event in (reveal(POISON), reveal(POISON), reveal())]
    consumer_of(database).handle(bad_and_good)
    assert (count_rows(DeadLetter), count_rows(Sample)) == (8, 4)


@pytest.mark.parametrize(
    "failure",
    [
        OperationalError("SELECT 1", {}, Exception("database is locked")),
        InterfaceError("SELECT 1", {}, Exception("connection already closed")),
        TimeoutError("QueuePool limit of size 5 overflow 10 reached"),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_a_database_that_fails_is_tried_again_and_nothing_is_parked(
    database: Database, count_rows: Callable[[type], int], failure: Exception
) -> None:
    failures = [failure, failure]

    def fail_twice(session: Session, events: Sequence[Received[Any]]) -> None:
        count_reveals(session, events)
        if failures:
            raise failures.pop()

    consumer = consumer_of(database, {BoardsRevealed: fail_twice}, [reveal(), reveal()])
    stop = threading.Event()
    thread = threading.Thread(target=consumer.run, args=(stop,))
    thread.start()
    bus: Any = consumer.subscription
    wait_until(lambda: bus.committed)
    stop.set()
    thread.join(timeout=20)
    assert (count_rows(Sample), count_rows(DeadLetter), bus.committed) == (2, 0, 1)


def test_a_batch_that_became_somebody_elses_while_the_database_was_away_is_dropped(
    database: Database, count_rows: Callable[[type], int]
) -> None:
    tried = threading.Event()

    def fail(session: Session, events: Sequence[Received[Any]]) -> None:
        tried.set()
        raise OperationalError("SELECT 1", {}, Exception("away"))

    consumer = consumer_of(database, {BoardsRevealed: fail}, [reveal()])
    bus: Any = consumer.subscription
    bus.is_ours = False
    stop = threading.Event()
    thread = threading.Thread(target=consumer.run, args=(stop,))
    thread.start()
    assert tried.wait(20)
    wait_until(lambda: bus.waits > 0)
    stop.set()
    thread.join(timeout=20)
    assert (bus.committed, count_rows(DeadLetter)) == (0, 0)


def test_a_database_that_fails_while_parking_parks_later(
    database: Database, count_rows: Callable[[type], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer = consumer_of(database)
    with monkeypatch.context() as broken:
        broken.setattr("shared.consumer.DeadLetter", _raise_operational_error)
        with pytest.raises(OperationalError):
            consumer.handle([reveal(POISON)])
    consumer.handle([reveal(POISON)])
    assert count_rows(DeadLetter) == 1


def _raise_operational_error(**_: object) -> None:
    raise OperationalError("INSERT", {}, Exception("disk full"))


def test_a_consumer_that_is_stopped_leaves_and_hands_back(database: Database) -> None:
    consumer = consumer_of(database, HANDLERS, [reveal()])
    stop = threading.Event()
    stop.set()
    consumer.run(stop)
    bus: Any = consumer.subscription
    assert (bus.committed, bus.is_closed, consumer.is_stopped) == (0, True, False)


def test_a_consumer_that_crashes_is_still_waited_for(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """If it left its group, the relays would mark as published what it never saw."""
    consumer = consumer_of(database, HANDLERS, [reveal()])
    bus: Any = consumer.subscription
    monkeypatch.setattr(bus, "commit", _crash)
    with pytest.raises(RuntimeError):
        consumer.run(threading.Event())
    assert not bus.is_closed


def _crash() -> None:
    raise RuntimeError("a bug")


def test_dead_letters_are_handled_again_when_the_reason_is_gone(
    database: Database, count_rows: Callable[[type], int]
) -> None:
    consumer_of(database).handle([reveal(POISON), reveal(POISON), b"{"])
    assert count_rows(DeadLetter) == 3

    def cured(session: Session, events: Sequence[Received[Any]]) -> None:
        session.add(Sample(sample_id=new_id(), word=str(new_id()), count=len(events)))

    assert replay_dead_letters(database, {BoardsRevealed: cured}) == (2, 1)
    assert (count_rows(Sample), count_rows(DeadLetter), count_rows(InboxRow)) == (2, 1, 2)
    assert replay_dead_letters(database, {BoardsRevealed: cured}) == (0, 1)


def test_dead_letters_that_still_fail_stay_and_leave_nothing_half_done(
    database: Database, count_rows: Callable[[type], int]
) -> None:
    consumer_of(database).handle([reveal(POISON)])
    assert replay_dead_letters(database, HANDLERS) == (0, 1)
    assert (count_rows(DeadLetter), count_rows(InboxRow), count_rows(Sample)) == (1, 0, 0)


def test_a_dead_letter_that_was_handled_meanwhile_counts_once(
    database: Database, count_rows: Callable[[type], int]
) -> None:
    event_id = new_id()
    consumer_of(database).handle([reveal(POISON, id=event_id)])
    consumer_of(database).handle([reveal(id=event_id)])
    assert replay_dead_letters(database, HANDLERS) == (1, 0)
    assert (count_rows(Sample), count_rows(DeadLetter)) == (1, 0)


def test_two_tables_of_handlers_become_one_in_which_both_are_called(database: Database) -> None:
    called: list[str] = []

    def note(name: str) -> Any:
        return lambda session, events: called.append(name)

    merged = merge_handlers(
        {BoardsRevealed: note("first")}, {BoardsRevealed: note("second"), TenantSuspended: note("third")}
    )
    consumer_of(database, merged).handle([reveal(), envelope(TenantSuspended(revision=1), TENANT)])
    assert called == ["first", "second", "third"]


def test_a_consumer_listens_to_the_emitters_of_its_events_but_not_to_itself(database: Database) -> None:
    nothing: Any = lambda session, events: None  # noqa: E731
    bus = OneBatchBus()
    Consumer("leagues", database, bus, {BoardsRevealed: nothing, TenantSuspended: nothing, EditionFrozen: nothing})
    assert bus.topics == ["identity", "ranking"]


def test_old_inbox_rows_are_removed_in_small_steps(database: Database, count_rows: Callable[[type], int]) -> None:
    consumer_of(database).handle([reveal() for _ in range(7)])
    later, removed = utc_now() + timedelta(seconds=1), []
    for before in (utc_now() - timedelta(days=1), later, later, later, later):
        with database.transaction(across_tenants()) as session:
            removed.append(remove_handled(session, before, limit=3))
    assert removed == [0, 3, 3, 1, 0]
    assert count_rows(InboxRow) == 0


def test_an_event_comes_back_from_its_envelope_as_it_was_sent() -> None:
    event = EditionFrozen(edition_id=new_id(), at=utc_now())
    received = read_envelope(envelope(event, TENANT))
    assert (received.data, received.tenant_id) == (event, TENANT)
