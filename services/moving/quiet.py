"""Nobody is at work: what an installation must be before it is carried away, or before another one moves in."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

import sqlalchemy as sa

from services.four import everything_in_kafka, unhandled
from services.moving.rows import tables_of
from shared import whole
from shared.database import Database
from shared.migrations import newest_revision, pending_migrations
from shared.settings import Settings, SettingsError


def require_owners(settings: Settings) -> None:
    """Raises SettingsError when PostgreSQL is asked for without the roles that own the tables."""
    if not settings.uses_files and not settings.owner_database_url:
        raise SettingsError(
            "Set MPP_OWNER_DATABASE_URL too, to the owners' address, such as "
            "postgresql+psycopg://{service}_owner@host/{service}: only they may carry everything."
        )


@contextlib.contextmanager
def nobody_publishes(databases: Mapping[str, Database]) -> Iterator[None]:
    """Takes the place of every relay for the block. Raises SettingsError when one is at work: something runs."""
    with contextlib.ExitStack() as stack:
        for name, database in databases.items():
            if not stack.enter_context(database.exclusive("relay")):
                raise SettingsError(
                    f"{name} is at work: stop `python -m services` (or every worker and web of {name}), "
                    "then run this again."
                )
        yield


def require_nobody_connected(service: str, connection: sa.Connection, settings: Settings) -> None:
    """Raises SettingsError while webs or workers are connected: what they write would be left behind."""
    role = sa.engine.make_url(settings.database_url_for(service)).username
    others = whole.others_connected(connection, role)
    if others:
        raise SettingsError(
            f"{others} connections of {role} are open on the database of {service}: stop its webs and workers first, "
            "since what they write now would be left behind."
        )


def require_this_version(service: str, database: Database) -> str:
    """The revision of a database that this version brought up to date. Raises SettingsError for any other."""
    if not whole.exists(database):
        raise SettingsError(
            f"There is no database of {service} at {database.url.database}: set MPP_DATA or MPP_DATABASE_URL."
        )
    if pending_migrations(service, database):
        raise SettingsError(
            f"The database of {service} is not that of this version: run `python -m services.{service} migrate` first."
        )
    with database.engine.connect() as connection:
        found = set(sa.inspect(connection).get_table_names()) - {"alembic_version"}
    strange = found ^ {table.name for table in tables_of(service)}
    if strange:
        raise SettingsError(
            f"The database at {service}'s address has tables that are not its own ({', '.join(sorted(strange)[:3])}): "
            "is it another service's? Correct MPP_DATABASE_URL and MPP_OWNER_DATABASE_URL."
        )
    return newest_revision(service)


def require_everything_handled(settings: Settings) -> None:
    """Raises SettingsError while Kafka has events that a service has not handled: they would be left behind."""
    if settings.uses_files:
        return  # an outbox row is marked when its consumers have committed: what waits is in the outbox
    if settings.is_embedded:
        raise SettingsError("Set MPP_BUS_URL to Kafka's address: what waits in it would be left behind unseen.")
    for name, waiting in unhandled(settings).items():
        if waiting:
            raise SettingsError(
                f"{waiting} events wait in Kafka for {name}: start its worker again until nothing waits, "
                "with the webs stopped."
            )


def require_new_topics(settings: Settings) -> None:
    """Raises SettingsError when Kafka holds events of another life, which the services would take for their own."""
    if settings.is_embedded:
        return
    held = everything_in_kafka(settings)
    if held:
        raise SettingsError(
            f"Kafka holds {held} events already, which the services would take for their own: delete its topics, or "
            "name another Kafka in MPP_BUS_URL."
        )
