"""The commands that every service has, beside its roles: topics, dead letters, outbox, catching up."""

from __future__ import annotations

import argparse
import sys
import threading
import time
from uuid import UUID

import sqlalchemy as sa

from shared import dead_letters as letters
from shared.bus import Bus
from shared.clock import utc_now
from shared.consumer import Consumer, ConsumerStopped
from shared.database import Database
from shared.outbox import OutboxRow, pending
from shared.service import Service
from shared.settings import Settings, SettingsError
from shared.tenancy import across_tenants

LONG_SECONDS = 60.0
QUIET_SECONDS = 5.0
FEW_EVENTS = 1000
"""A database counts as filled when no more events than this have waited for so long, and none waits now."""


def topics(service: str, settings: Settings) -> int:
    """Makes the topics of all services, which one broker holds together."""
    if settings.is_embedded:
        raise SettingsError("MPP_BUS_URL is memory://, which has no topics: set it to kafka://host:9092.")
    from shared.bus.kafka import KafkaBus
    from shared.bus.topics import TOPICS, create_topics

    bus = KafkaBus(settings)
    bus.require_brokers()
    new = create_topics(bus.admin, settings, sorted({*TOPICS, settings.consumer_group or service}))
    print(f"topics: {', '.join(new) or 'none'} made, {len(TOPICS) - len(new)} were there")
    return 0


def open_kafka(settings: Settings) -> Bus:
    """The bus. Raises SettingsError when the brokers do not answer, or the topics are not those of the settings.

    Kafka's client is loaded here, by workers and commands alone: a web process never does.
    """
    from shared.bus.kafka import KafkaBus
    from shared.bus.topics import TOPICS, require_topics

    bus = KafkaBus(settings)
    bus.require_brokers()
    require_topics(bus.admin, settings, TOPICS)
    return bus


def add_dead_letters(parser: argparse.ArgumentParser) -> None:
    """list, replay or drop."""
    parser.add_argument("action", nargs="?", choices=("list", "replay", "drop"), default="list")
    parser.add_argument("--id", type=UUID, help="this one alone")
    parser.add_argument("--all", action="store_true", help="with drop: every one of them")


def dead_letters(args: argparse.Namespace, service: Service, database: Database) -> int:
    """Shows the dead letters, tries them again, or gives them up."""
    if args.action == "list":
        found = letters.list_dead_letters(database)
        for letter in found:
            print(letter)
        print(f"{service.name}: {len(found) or 'no'} dead letters" + (", the oldest first" if found else ""))
        return 0
    if args.action == "replay":
        replayed, left = letters.replay_dead_letters(database, service.handlers, args.id)
        print(f"{service.name}: {replayed} handled, {left} left")
        return 1 if left else 0
    if args.id is None and not args.all:
        raise SettingsError("Say which one to drop with --id, or --all: what is dropped is lost to this service.")
    print(f"{service.name}: {letters.drop_dead_letters(database, args.id)} dropped")
    return 0


def add_outbox(parser: argparse.ArgumentParser) -> None:
    """status."""
    parser.add_argument("action", choices=("status",))


def outbox(service: str, database: Database) -> int:
    """What waits to be published; exit status 1 when something has waited for a minute."""
    with database.transaction(across_tenants(), read_only=True) as session:
        waiting, oldest = pending(session)
        last = session.scalar(sa.select(sa.func.max(OutboxRow.published_at)))
    age = (utc_now() - oldest).total_seconds() if oldest else 0.0
    said = f", the oldest for {age:.0f} s" if oldest else ""
    print(f"{service}: {waiting} events wait{said}; last published {last.isoformat() if last else 'never'}")
    if age > LONG_SECONDS:
        print(f"Is the worker of {service} running, and Kafka? Its /{service}/health/ready says more.", file=sys.stderr)
    return 1 if age > LONG_SECONDS else 0


def _wait_until_filled(consumer: Consumer, thread: threading.Thread) -> None:
    """Until nothing waits, also while the live services go on emitting; or until the thread ends by itself."""
    told, behind_at = 0, time.monotonic()
    while thread.is_alive():
        waiting = consumer.lag()[0]  # empty until the partitions have come
        if not waiting or sum(waiting.values()) > FEW_EVENTS:
            behind_at = time.monotonic()
        if not sum(waiting.values()) and time.monotonic() - behind_at > QUIET_SECONDS:
            return
        if consumer.handled != told:
            told = consumer.handled
            print(f"{consumer.service}: {told} events handled", file=sys.stderr)
        thread.join(0.5)


def catch_up(service: Service, settings: Settings, database: Database) -> int:
    """Handles every event that Kafka keeps, in a database beside the live one; then says how to switch.

    What this service itself emits on the way was published by the live one before: it is marked so.
    """
    if settings.consumer_group in ("", service.name):
        raise SettingsError(
            f"MPP_CONSUMER_GROUP is the group of the live {service.name}: set it to another name, such as "
            f"{service.name}-2, and MPP_DATABASE_URL to an empty, migrated database."
        )
    bus = open_kafka(settings)
    consumer = Consumer(service.name, database, bus, service.handlers, group=settings.consumer_group)
    stop = threading.Event()
    failures: list[ConsumerStopped] = []

    def run() -> None:
        try:
            consumer.run(stop)
        except ConsumerStopped as error:
            failures.append(error)

    thread = threading.Thread(target=run, name="catch-up")
    thread.start()
    _wait_until_filled(consumer, thread)
    stop.set()
    thread.join()
    with database.transaction(across_tenants()) as session:
        session.execute(
            sa.update(OutboxRow)
            .where(OutboxRow.published_at.is_(None))
            .values(published_at=utc_now())
            .execution_options(synchronize_session=False)
        )
    bus.close()
    if failures:
        raise SettingsError(f"Stopped: {failures[0]}. Look at `dead-letters list`, then run this again.")
    print(
        f"{service.name}: {consumer.handled} events handled, nothing waits. To switch, stop the workers, then start "
        "web and worker with this MPP_DATABASE_URL and MPP_CONSUMER_GROUP."
    )
    return 0
