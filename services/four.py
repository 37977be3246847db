"""The four databases, for the commands that concern all of them at once, and what is on its way between them."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError

from services.embedded import NAMES
from shared.bus import BusError
from shared.database import Database, explain, new_id
from shared.outbox import pending
from shared.service import load_service
from shared.settings import Settings, SettingsError
from shared.tenancy import across_tenants

if TYPE_CHECKING:
    from shared.bus.kafka import KafkaBus


CONNECTIONS = 4


def add_ranking_database(parser: argparse.ArgumentParser) -> None:
    """The option of a command that reads the four: ranking's database may have been rebuilt beside and switched."""
    parser.add_argument(
        "--ranking-database", default="", metavar="NAME", help="ranking's database, when it is called otherwise by now"
    )


@contextlib.contextmanager
def four_databases(
    settings: Settings, *, as_owner: bool = False, ranking_database: str = ""
) -> Iterator[dict[str, Database]]:
    """The four databases of one address, for the roles that run or for the owners.

    `ranking_database`: what ranking's is called since a rebuilt one took its place. Raises SettingsError when the
    address does not say which of the four is meant, and for a server that cannot be used in the block.
    """
    for name, url in (
        ("MPP_DATABASE_URL", settings.database_url),
        ("MPP_OWNER_DATABASE_URL", settings.owner_database_url or settings.database_url),
    ):
        if "{service}" not in url:
            raise SettingsError(
                f"{name} must contain {{service}}, which stands for each of {', '.join(NAMES)}: for example "
                "postgresql+psycopg://{service}@host/{service}, with the passwords in a file that PGPASSFILE names."
            )
    url_for = settings.owner_database_url_for if as_owner else settings.database_url_for
    urls = {name: make_url(url_for(name)) for name in NAMES}
    if ranking_database:
        urls["ranking"] = urls["ranking"].set(database=ranking_database)
    databases = {
        name: Database(url.render_as_string(hide_password=False), pool=CONNECTIONS) for name, url in urls.items()
    }
    try:
        yield databases
    except OperationalError as error:
        if settings.uses_files:
            raise
        named = "MPP_OWNER_DATABASE_URL" if as_owner else "MPP_DATABASE_URL"
        advice = explain(error).replace("MPP_DATABASE_URL", named)
        raise SettingsError(f"A database cannot be used: {advice}") from error
    finally:
        for database in databases.values():
            database.close()


def unhandled(settings: Settings, *names: str) -> dict[str, int]:
    """How many events wait in Kafka for each service, or those named. MPP_CONSUMER_GROUP is ranking's alone."""
    with _kafka(settings) as bus:
        waiting = {}
        for name in names or NAMES:
            topics = sorted({kind.source for kind in load_service(name).handlers} - {name})
            group = settings.consumer_group if name == "ranking" and settings.consumer_group else name
            waiting[name] = bus.waiting(group, topics)
        return waiting


def everything_in_kafka(settings: Settings) -> int:
    """How many events our topics hold: those that wait for a group that has never read."""
    with _kafka(settings) as bus:
        return bus.waiting(f"nobody-{new_id()}", list(NAMES))


@contextlib.contextmanager
def _kafka(settings: Settings) -> Iterator[KafkaBus]:
    from shared.bus.kafka import KafkaBus  # loaded by commands alone: a web process never does

    bus = KafkaBus(settings)
    try:
        bus.require_brokers()
        yield bus
    except BusError as error:
        raise SettingsError(str(error)) from error
    finally:
        bus.close()


def waiting_for_ranking(settings: Settings, databases: Mapping[str, Database]) -> int:
    """How many events are in an outbox, or in Kafka and not handled by ranking."""
    total = 0 if settings.is_embedded else sum(unhandled(settings, "ranking").values())
    for database in databases.values():
        with database.transaction(across_tenants(), read_only=True) as session:
            total += pending(session)[0]
    return total
