"""Export: the four databases, each as it is at one moment while nobody is at work, into one file."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from services.demo import DEMO_PEOPLE
from services.four import four_databases
from services.moving import quiet
from services.moving.archive import ArchiveWriter, Manifest, ServiceFacts, written_beside
from services.moving.rows import lines_of, tables_of
from shared import whole
from shared.clock import utc_now
from shared.outbox import OutboxRow
from shared.settings import Settings, SettingsError

Say = Callable[[str], None]


def export_data(settings: Settings, path: Path, say: Say, *, ranking_database: str = "") -> Manifest:
    """Writes everything into a new file; `say` hears of each service. Raises SettingsError otherwise."""
    quiet.require_owners(settings)
    with contextlib.ExitStack() as stack:
        databases = stack.enter_context(four_databases(settings, as_owner=True, ranking_database=ranking_database))
        revisions = {name: quiet.require_this_version(name, database) for name, database in databases.items()}
        stack.enter_context(quiet.nobody_publishes(databases))
        quiet.require_everything_handled(settings)
        changes = {name: stack.enter_context(whole.watched(database)) for name, database in databases.items()}
        seen = {name: stack.enter_context(whole.snapshot(database)) for name, database in databases.items()}
        for name, connection in seen.items():
            quiet.require_nobody_connected(name, connection, settings)
        file = stack.enter_context(written_beside(path))
        writer = stack.enter_context(ArchiveWriter(file))
        services = {}
        for name, connection in seen.items():
            services[name] = _write(writer, name, connection, revisions[name])
            say(f"{name}: {_counted(services[name])}{_waiting(connection)}")
        manifest = Manifest(made_at=utc_now(), has_demo=_has_demo(seen["identity"]), services=services)
        writer.finish(manifest)
        for name, connection in seen.items():
            quiet.require_nobody_connected(name, connection, settings)
            if changes[name]():
                raise SettingsError(
                    f"Something was written into the database of {name} meanwhile, which the file would lack: stop "
                    "what runs, then export again."
                )
        return manifest


def _write(writer: ArchiveWriter, service: str, connection: sa.Connection, revision: str) -> ServiceFacts:
    tables = {
        table.name: writer.write_table(
            service, table.name, [column.name for column in table.columns], lines_of(connection, table)
        )
        for table in tables_of(service)
    }
    return ServiceFacts(revision=revision, tables=tables)


def _counted(facts: ServiceFacts) -> str:
    return f"{sum(table.rows for table in facts.tables.values())} rows of {len(facts.tables)} tables"


def _waiting(connection: sa.Connection) -> str:
    """What has not been published goes along, and is published by whoever imports it."""
    waiting = sa.select(sa.func.count()).select_from(OutboxRow).where(OutboxRow.published_at.is_(None))
    count = connection.scalar(waiting)
    return f"; {count} events that wait go along" if count else ""


def _has_demo(identity: sa.Connection) -> bool:
    """Whether somebody of the demo can sign in."""
    names = next(table for table in tables_of("identity") if table.name == "sign_in_names")
    known = names.c.email_normalised.in_([person.email for person in DEMO_PEOPLE])
    return bool(identity.scalar(sa.select(sa.func.count()).select_from(names).where(known)))
