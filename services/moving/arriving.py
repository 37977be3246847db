"""Import: a file into four databases in which nothing has happened yet, each in one transaction, and proven in it.

Stopped at any moment, it is started again: a database that is filled already is recognised by its checksums.
"""

from __future__ import annotations

import contextlib
import functools
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import DataError, IntegrityError

from services.embedded import NAMES
from services.four import four_databases
from services.moving import quiet
from services.moving.archive import Archive, Manifest, ServiceFacts
from services.moving.rows import digest_of, insert_lines, tables_of
from shared import whole
from shared.database import Database
from shared.migrations import migrate, newest_revision, pending_migrations
from shared.outbox import OutboxRow
from shared.run import migrate_service
from shared.service import load_service
from shared.settings import Settings, SettingsError

Say = Callable[[str], None]


def import_data(settings: Settings, path: Path, say: Say) -> Manifest:
    """Fills the four databases; `say` hears of each table. Raises SettingsError for what stands against it."""
    quiet.require_owners(settings)
    with contextlib.ExitStack() as stack:
        archive = stack.enter_context(contextlib.closing(Archive(path)))
        require_same_version(archive)
        say("the file is read and compared with its own checksums")
        archive.check()
        databases = stack.enter_context(four_databases(settings, as_owner=True))
        quiet.require_new_topics(settings)
        for name, database in databases.items():
            _prepare(name, database, settings)
        stack.enter_context(quiet.nobody_publishes(databases))
        filled = {name: _is_filled(archive, name, database, settings) for name, database in databases.items()}
        for name, database in databases.items():
            if filled[name]:
                say(f"{name}: is there already, row by row")
            else:
                _fill(archive, name, database, say)
        return archive.manifest


def require_same_version(archive: Archive) -> None:
    """Raises SettingsError when another version exported the file: rows are carried, not translated."""
    for name in NAMES:
        facts = archive.manifest.services.get(name)
        ours = newest_revision(name)
        theirs = facts.revision if facts else "none"
        if facts is None or theirs != ours or _shape(facts) != _own_shape(name):
            raise SettingsError(
                f"{archive.path} was exported by another version ({name} at {theirs}, here {ours}): export with the "
                "same version as you import, and upgrade before or afterwards."
            )


def _shape(facts: ServiceFacts) -> dict[str, list[str]]:
    return {name: table.columns for name, table in facts.tables.items()}


def _own_shape(service: str) -> dict[str, list[str]]:
    return {table.name: [column.name for column in table.columns] for table in tables_of(service)}


def _prepare(service: str, database: Database, settings: Settings) -> None:
    """An empty database gets its tables; one that has some must be this version's."""
    with database.engine.connect() as connection:
        is_blank = not sa.inspect(connection).get_table_names()
    if is_blank:
        role = sa.engine.make_url(settings.database_url_for(service)).username
        migrate(service, database, run_time_role=role)
    if pending_migrations(service, database):
        raise SettingsError(
            f"The database of {service} is an older version's: import goes into a new database, whose tables it makes."
        )
    quiet.require_this_version(service, database)


def _is_filled(archive: Archive, service: str, database: Database, settings: Settings) -> bool:
    """Whether this very import was done before; False when nothing has happened in the database yet.

    Raises SettingsError when it holds anything else.
    """
    expected = archive.manifest.services[service].tables
    with whole.snapshot(database) as connection:
        quiet.require_nobody_connected(service, connection, settings)
        counts = _counts(connection, service)
        if any(counts.values()) and counts == {name: facts.rows for name, facts in expected.items()}:
            sums = {table.name: digest_of(connection, table).checksum for table in tables_of(service)}
            if sums == {name: facts.checksum for name, facts in expected.items()}:
                return True
        _require_new(connection, service)
        return False


def _require_new(connection: sa.Connection, service: str) -> None:
    """Raises SettingsError when anything has happened in a database but its migration."""
    counts = _counts(connection, service)
    if any(counts.values()) and (counts != _counts_after_migrate(service) or _has_published(connection)):
        raise SettingsError(
            f"The database of {service} is in use: import goes into new databases only. Name others, or drop and "
            "create these again if nothing in them is needed."
        )


def _counts(connection: sa.Connection, service: str) -> dict[str, int]:
    return {
        table.name: connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
        for table in tables_of(service)
    }


def _has_published(connection: sa.Connection) -> bool:
    found = sa.select(sa.func.count()).select_from(OutboxRow).where(OutboxRow.published_at.is_not(None))
    return bool(connection.scalar(found))


@functools.cache
def _counts_after_migrate(service: str) -> dict[str, int]:
    """What `migrate` alone puts into a database: the catalogue, the first tenants, a key. An import takes its place."""
    with tempfile.TemporaryDirectory(prefix="mpp-migrated-") as folder:
        settings = Settings(data=Path(folder), database_url=f"sqlite:///{folder}/{{service}}.db?synchronous=off")
        migrate_service(load_service(service), settings)
        database = Database(settings.database_url_for(service))
        try:
            with whole.snapshot(database) as connection:
                return _counts(connection, service)
        finally:
            database.close()


def _fill(archive: Archive, service: str, database: Database, say: Say) -> None:
    """One transaction: every row, then every row counted and summed again where it has arrived."""
    tables = tables_of(service)
    expected = archive.manifest.services[service].tables
    said = []
    with whole.sole_writer(database, tables) as connection:
        _require_new(connection, service)  # somebody may have come since we looked
        for table in reversed(tables):
            connection.execute(sa.delete(table))
        for table in tables:
            _insert(archive, service, connection, table)
        whole.count_on(connection, tables)
        for table in tables:
            found, facts = digest_of(connection, table), expected[table.name]
            if (found.rows, found.checksum) != (facts.rows, facts.checksum):
                raise SettingsError(
                    f"{service}.{table.name} arrived with {found.rows} of {facts.rows} rows, or changed on the way: "
                    "nothing of it was kept. Please report this."
                )
            if found.rows:
                said.append(f"{service}.{table.name}: {found.rows} rows, equal ({found.checksum[:12]})")
    for line in said:
        say(line)
    say(f"{service}: {len(said)} tables are equal to the file's, {len(tables) - len(said)} are empty in both")


def _insert(archive: Archive, service: str, connection: sa.Connection, table: sa.Table) -> None:
    try:
        insert_lines(connection, table, archive.lines(service, table.name))
    except (DataError, IntegrityError, msgspec.ValidationError, OverflowError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise SettingsError(
            f"A row of {service}.{table.name} does not fit into the new database ({reason}): nothing of {service} was "
            "kept. Correct the row where it comes from, and export again."
        ) from error
