from __future__ import annotations

import argparse
import threading
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from shared import announcing
from shared.announcing import Announcement, Fact, announce_all, announce_pages, command
from shared.auth import SigningKey
from shared.clock import utc_now
from shared.consumer import Received, read_envelope
from shared.contracts import BoardsRevealed
from shared.database import Database, new_id
from shared.outbox import OutboxRow, Relay, announce, emit
from shared.tenancy import PLATFORM_TENANT_ID, TenancyError, across_tenants, of_tenant
from tests.shared.tables import Garden
from tests.shared.waiting import wait_until

PLANTED = datetime(2026, 3, 1, 12, tzinfo=UTC)
TENANTS = sorted(new_id() for _ in range(3))


def facts_of_gardens(_session: Session, rows: Sequence[Any]) -> Iterable[Fact]:
    for (garden,) in rows:
        yield Fact(garden.tenant_id, PLANTED, BoardsRevealed(edition_id=garden.garden_id))


def facts_of_keys(_session: Session, rows: Sequence[Any]) -> Iterable[Fact]:
    return [Fact(PLATFORM_TENANT_ID, PLANTED, BoardsRevealed(edition_id=UUID(key.key_id))) for (key,) in rows]


GARDENS = Announcement(
    name="gardens", key=(Garden.tenant_id, Garden.garden_id), rows=sa.select(Garden), facts=facts_of_gardens
)
KEYS = Announcement(
    name="keys", key=(SigningKey.key_id,), rows=sa.select(SigningKey), facts=facts_of_keys, owner=PLATFORM_TENANT_ID
)


class NoBus:
    def publish(self, topic: str, messages: list[tuple[str, bytes]]) -> None:
        pass


def plant(database: Database, count: int) -> list[tuple[UUID, UUID]]:
    gardens = [(TENANTS[number % 3], new_id()) for number in range(count)]
    with database.transaction(across_tenants()) as session:
        for tenant_id, garden_id in gardens:
            session.add(Garden(tenant_id=tenant_id, garden_id=garden_id, name="A garden"))
    return sorted(gardens)


def outbox(database: Database) -> list[Received[Any]]:
    with database.transaction(across_tenants(), read_only=True) as session:
        rows = session.scalars(sa.select(OutboxRow.envelope).order_by(OutboxRow.position)).all()
    return [read_envelope(row.encode()) for row in rows]


def told(database: Database) -> list[tuple[UUID, UUID]]:
    return [(received.tenant_id, received.data.edition_id) for received in outbox(database)]


def test_an_announced_event_says_so_and_carries_the_moment_of_the_fact(database: Database) -> None:
    event = BoardsRevealed(edition_id=new_id())
    with database.transaction(of_tenant(TENANTS[0])) as session:
        announce(session, event, at=PLANTED)
        emit(session, event)
    announced, emitted = outbox(database)
    assert (announced.is_announced, announced.time, announced.data) == (True, PLANTED, event)
    assert not emitted.is_announced
    assert emitted.time > PLANTED


def test_an_ordinary_envelope_reads_as_it_did_before_events_could_be_announced(database: Database) -> None:
    with database.transaction(of_tenant(TENANTS[0])) as session:
        emit(session, BoardsRevealed(edition_id=new_id()))
    with database.transaction(across_tenants(), read_only=True) as session:
        assert "is_announced" not in session.scalars(sa.select(OutboxRow.envelope)).one()


def test_nobody_announces_for_another_tenant(database: Database) -> None:
    with pytest.raises(TenancyError), database.transaction(of_tenant(TENANTS[0])) as session:
        announce(session, BoardsRevealed(edition_id=new_id()), at=PLANTED, tenant_id=TENANTS[1])
    assert outbox(database) == []


@pytest.mark.parametrize("count", [0, 1, 5, 6, 7])
def test_every_row_is_told_once_in_pages_of_any_size(database: Database, count: int) -> None:
    gardens = plant(database, count)
    pages = list(announce_pages(database, [GARDENS], size=3))
    assert told(database) == gardens
    assert sum(page for _name, page in pages) == count
    assert max(page for _name, page in pages) <= 3


def test_each_page_is_committed_before_the_next_is_read(database: Database) -> None:
    gardens = plant(database, 7)
    pages = announce_pages(database, [GARDENS], size=3)
    next(pages)
    assert told(database) == gardens[:3]
    late = (TENANTS[2], new_id())
    with database.transaction(of_tenant(late[0])) as session:  # nobody is locked out between two pages
        session.add(Garden(tenant_id=late[0], garden_id=late[1], name="Late"))
    pages.close()
    assert told(database) == gardens[:3]


def test_one_tenants_share_alone_can_be_told(database: Database) -> None:
    gardens = plant(database, 8)
    list(announce_pages(database, [GARDENS], tenant_id=TENANTS[1], size=2))
    assert told(database) == [(tenant_id, garden_id) for tenant_id, garden_id in gardens if tenant_id == TENANTS[1]]


def test_a_table_without_tenants_is_told_with_its_owner(database: Database) -> None:
    key_id = new_id()
    with database.transaction(across_tenants()) as session:
        session.add(SigningKey(key_id=str(key_id), jwk={}, expires_at=utc_now()))
    assert list(announce_pages(database, [KEYS], tenant_id=TENANTS[0])) == []
    assert list(announce_pages(database, [KEYS], tenant_id=PLATFORM_TENANT_ID)) == [("keys", 1)]
    assert told(database) == [(PLATFORM_TENANT_ID, key_id)]


def test_announcing_waits_while_the_outbox_is_long_and_says_when_nobody_empties_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcing, "MOST_WAITING", 4)
    monkeypatch.setattr(announcing, "PATIENCE_SECONDS", 0.0)
    gardens = plant(database, 5)
    said: list[str] = []
    thread = threading.Thread(
        target=announce_all, args=("gardens", database, [GARDENS]), kwargs={"report": said.append}
    )
    thread.start()
    wait_until(lambda: said)
    assert said == ["gardens: 5 events wait in the outbox and nobody publishes them: start the worker."]
    Relay("gardens", database, NoBus()).publish_once()
    thread.join(timeout=15)
    assert said[1:] == ["gardens: 5 gardens: 5 events announced"]
    assert told(database) == gardens


def test_a_service_that_has_nothing_says_so(database: Database) -> None:
    said: list[str] = []
    assert announce_all("gardens", database, [], report=said.append) == 0
    assert said == ["gardens: nothing to announce: 0 events announced"]


def test_an_interrupted_announcement_says_how_to_go_on(
    database: Database, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> int:
        raise KeyboardInterrupt

    plant(database, 2)
    monkeypatch.setattr(announcing, "_waiting", interrupt)
    arguments = argparse.Namespace(tenant=None, rate=0)
    assert command(arguments, "gardens", database, [GARDENS]) == 1
    assert capsys.readouterr().err == (
        "gardens: stopped before the end. Run it again when you like: what is told twice counts once.\n"
    )
    assert len(told(database)) == 2


@pytest.mark.parametrize("text", ["-1", "fast", "1.5"])
def test_a_rate_is_a_number_of_events(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    announcing.add_arguments(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(["--rate", text])
    assert "give 0 or more" in capsys.readouterr().err
