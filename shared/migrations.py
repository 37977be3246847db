"""Alembic for four services: one environment, each service's own numbered files in `services/<name>/migrations`."""

from __future__ import annotations

import contextlib
import importlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DatabaseError, OperationalError

from shared import row_security
from shared.database import Database, SharedBase
from shared.engines import send
from shared.settings import SettingsError

ROOT = Path(__file__).parent.parent
LOCK_SECONDS = 3
"""How long a migration waits for a table in use: whatever queues behind it waits as long."""
ATTEMPTS = 20
LOCK_NOT_AVAILABLE = "55P03"


class NewerDatabase(Exception):
    """The database was migrated by a newer version than this one; the text says what to do."""


def _config(service: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "shared" / "alembic"))
    config.set_main_option("version_locations", str(ROOT / "services" / service / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["metadata"] = metadata_of(service)
    return config


def metadata_of(service: str) -> list[Any]:
    """The tables of a service: its own and the shared ones."""
    for module in ("shared.auth", "shared.jobs", "shared.consumer", "shared.outbox"):
        importlib.import_module(module)
    models = importlib.import_module(f"services.{service}.models")
    return [models.Base.metadata, SharedBase.metadata]


def pending_migrations(service: str, database: Database) -> list[str]:
    """The revisions this version has and the database lacks, oldest first.

    Raises NewerDatabase, and SettingsError for a file that is no database.
    """
    scripts = ScriptDirectory.from_config(_config(service))
    try:
        with database.engine.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
    except DatabaseError as error:
        if "not a database" in str(error) or "malformed" in str(error):
            raise SettingsError(
                f"{database.url.database} is not a database, or a damaged one: move it away, or restore a copy of it."
            ) from error
        raise
    known = [script.revision for script in scripts.walk_revisions()]
    if current is not None and current not in known:
        raise NewerDatabase(
            f"The database of {service} is at revision {current}, which this version does not know: "
            "run the newer version that made it, or restore a copy from before the upgrade."
        )
    return list(reversed(known[: known.index(current)] if current else known))


def newest_revision(service: str) -> str:
    """The revision that this version brings a database to."""
    return str(ScriptDirectory.from_config(_config(service)).get_current_head())


def migrate(service: str, database: Database, *, run_time_role: str | None = None) -> list[str]:
    """Brings a database up to date; returns the revisions that were applied. Safe to run twice, and twice at once.

    Each revision is a transaction of its own. `run_time_role`: who may then read and write the tables (PostgreSQL).
    """
    with _alone(database):
        missing = pending_migrations(service, database)
        for revision in missing:
            _upgrade(service, database, revision)
        if run_time_role is not None and database.is_postgresql:
            with database.engine.begin() as connection:
                row_security.grant(connection, run_time_role)
    return missing


@contextlib.contextmanager
def _alone(database: Database) -> Iterator[None]:
    """While another process migrates the same database, we wait."""
    while True:
        with database.exclusive("migrate") as is_mine:
            if is_mine:
                yield
                return
        time.sleep(0.2)


def _upgrade(service: str, database: Database, revision: str) -> None:
    """One revision. Where tables are in use it gives way at once and tries again, so that nobody queues behind it."""
    for attempt in range(1, ATTEMPTS + 1):
        config = _config(service)
        try:
            with database.engine.begin() as connection:
                if database.is_postgresql:
                    send(connection, f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'; SET LOCAL statement_timeout = 0")
                config.attributes["connection"] = connection
                command.upgrade(config, revision)
                return
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE or attempt == ATTEMPTS:
                raise
            time.sleep(1)


def differences(service: str, database: Database) -> list[Any]:
    """What the models say and the migrated database does not; empty when they agree."""
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "target_metadata": None})
        found: list[Any] = compare_metadata(context, metadata_of(service))  # type: ignore[arg-type]
        return found


def write_migration(service: str, database: Database, number: str, text: str) -> None:
    """Writes a new numbered migration from the difference between models and database."""
    migrate(service, database)
    config = _config(service)
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        folder = str(ROOT / "services" / service / "migrations")
        command.revision(config, message=text, rev_id=number, autogenerate=True, version_path=folder)
