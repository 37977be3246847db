"""A service tells its state again, out of its own tables, for a consumer that is new or has lost something.

What Kafka no longer keeps cannot be replayed, but what a service knows it can always say again. An announced event has
the revision and the moment it had when it was new, so that it never wins against a newer fact, in whatever order the
two arrive; and to somebody who knows it already it says nothing.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from shared.contracts import Event
from shared.database import Database
from shared.outbox import announce, pending
from shared.tenancy import across_tenants, of_tenant

PAGE = 500
MOST_WAITING = 2000
"""Events in the outbox that must leave before more are added: what people do now should not queue behind the past."""
RATE = 1000
REPORT_SECONDS = 5.0
PATIENCE_SECONDS = 10.0


class Fact(NamedTuple):
    """An event to be told again: whose it is, and its moment (or one before it, where that is not known)."""

    tenant_id: UUID
    at: datetime
    event: Event


class Announcement(msgspec.Struct, frozen=True, kw_only=True):
    """What a service can tell again of one of its tables.

    `rows` selects them, the class of the table first; `key` is the primary key, by which they are paged. A row with
    what it is joined to must come from that one statement: two statements may see two different moments.
    `facts` may look up only what is never changed.
    """

    name: str
    key: Sequence[Any]
    rows: sa.Select[*tuple[Any, ...]]
    facts: Callable[[Session, Sequence[Any]], Iterable[Fact]]
    owner: UUID | None = None
    """The tenant of a table that does not begin its key with one."""

    def page(self, after: Sequence[Any] | None, tenant_id: UUID | None, size: int) -> Any:
        """The next rows, from a key on."""
        statement = self.rows.order_by(*self.key).limit(size)
        if tenant_id is not None and self.owner is None:
            statement = statement.where(self.key[0] == tenant_id)
        if after is not None:
            literals = [sa.literal(value, column.type) for value, column in zip(after, self.key, strict=True)]
            statement = statement.where(sa.tuple_(*self.key) > sa.tuple_(*literals))
        return statement


def announce_pages(
    database: Database, announcements: Iterable[Announcement], *, tenant_id: UUID | None = None, size: int = PAGE
) -> Iterator[tuple[str, int]]:
    """Announces everything, or one tenant's share; after each page, once it is committed, gives (name, events)."""
    scope = across_tenants() if tenant_id is None else of_tenant(tenant_id)
    for announcement in announcements:
        if tenant_id is not None and announcement.owner not in (None, tenant_id):
            continue
        after: list[Any] | None = None
        is_last = False
        while not is_last:
            with database.transaction(scope) as session:
                rows = session.execute(announcement.page(after, tenant_id, size)).all()
                told = 0
                for fact in announcement.facts(session, rows):
                    announce(session, fact.event, at=fact.at, tenant_id=fact.tenant_id)
                    told += 1
                is_last = len(rows) < size
                if rows:
                    after = [getattr(rows[-1][0], column.key) for column in announcement.key]
            yield announcement.name, told


def announce_all(
    service: str,
    database: Database,
    announcements: Iterable[Announcement],
    *,
    tenant_id: UUID | None = None,
    rate: int = 0,
    report: Callable[[str], None] = lambda _: None,
) -> int:
    """Announces at `rate` events a second at most (0: as fast as they are published); returns how many.

    Waits for the relay, so that the outbox stays short, and tells `report` how far it is.
    """
    counts: Counter[str] = Counter()
    started = reported = time.monotonic()
    for name, told in announce_pages(database, announcements, tenant_id=tenant_id):
        counts[name] += told
        if rate:
            time.sleep(max(0.0, started + counts.total() / rate - time.monotonic()))
        _wait_for_relay(service, database, report)
        if time.monotonic() - reported > REPORT_SECONDS:
            reported = time.monotonic()
            report(f"{service}: {_listed(counts)}")
    report(f"{service}: {_listed(counts)}: {counts.total()} events announced")
    return counts.total()


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "nothing to announce"


def _wait_for_relay(service: str, database: Database, report: Callable[[str], None]) -> None:
    """Waits until the outbox is short; says so, once, when nobody seems to empty it."""
    fewest, since, has_complained = None, time.monotonic(), False
    while (waiting := _waiting(database)) > MOST_WAITING:
        if fewest is None or waiting < fewest:
            fewest, since = waiting, time.monotonic()
        elif not has_complained and time.monotonic() - since > PATIENCE_SECONDS:
            report(f"{service}: {waiting} events wait in the outbox and nobody publishes them: start the worker.")
            has_complained = True
        time.sleep(0.05)


def _waiting(database: Database) -> int:
    with database.transaction(across_tenants(), read_only=True) as session:
        return pending(session)[0]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `announce`."""
    parser.add_argument("--tenant", type=UUID, metavar="ID", help="only what belongs to this tenant")
    text = f"events a second at most, 0 for no limit (default {RATE}: whoever plays meanwhile waits no longer)"
    parser.add_argument("--rate", type=_rate, default=RATE, metavar="N", help=text)


def _rate(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is not a number of events: give 0 or more")
    return int(text)


def command(args: argparse.Namespace, service: str, database: Database, announcements: Sequence[Announcement]) -> int:
    """The command `announce`; returns the exit status."""
    try:
        announce_all(service, database, announcements, tenant_id=args.tenant, rate=args.rate, report=_say)
    except KeyboardInterrupt:
        _say(f"{service}: stopped before the end. Run it again when you like: what is told twice counts once.")
        return 1
    return 0


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
