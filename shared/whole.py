"""A whole database: read as it was at one moment, or filled while nobody else writes. For moving and comparing.

These connections are the owner's or an operator's and know no tenant: no request ever comes here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from shared.database import Database
from shared.engines import send

ONE_MOMENT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL app.every_tenant = 'on'"
LONG = "SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL statement_timeout = 0"
"""What takes its time here holds up nobody."""


def exists(database: Database) -> bool:
    """Whether there is such a database at all: SQLite would make an empty one by looking."""
    return database.is_postgresql or Path(str(database.url.database)).exists()


@contextlib.contextmanager
def snapshot(database: Database) -> Iterator[Connection]:
    """A connection that sees the database as it is now, for as long as the block takes, and changes nothing."""
    with database.engine.execution_options(no_begin=True, read_only=True).connect() as connection:
        if database.is_postgresql:
            send(
                connection,
                f"{ONE_MOMENT}; {LONG}",
            )
        sa.inspect(connection).get_table_names()  # the moment is that of the first look
        yield connection
        connection.rollback()


@contextlib.contextmanager
def watched(database: Database) -> Iterator[Callable[[], bool]]:
    """Gives a question: whether somebody has written into the file since. PostgreSQL knows who is connected instead."""
    if database.is_postgresql:
        yield lambda: False
        return
    with database.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection

        def version() -> int:  # outside any transaction: inside one it would stand still
            return int(driver.execute("PRAGMA data_version").fetchone()[0])

        before = version()
        yield lambda: version() != before


@contextlib.contextmanager
def sole_writer(database: Database, tables: Sequence[sa.Table]) -> Iterator[Connection]:
    """The transaction of the block; meanwhile nobody else writes into these tables. Rolls back on an exception."""
    with database.engine.begin() as connection:
        if database.is_postgresql:
            send(connection, LONG)
            names = ", ".join(connection.dialect.identifier_preparer.format_table(table) for table in tables)
            send(connection, f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE")
        yield connection


def count_on(connection: Connection, tables: Iterable[sa.Table]) -> None:
    """Lets the numbers that a database hands out go on above those that were inserted; SQLite does so by itself."""
    if connection.dialect.name != "postgresql":
        return
    for table in tables:
        column = table.autoincrement_column
        if column is None:
            continue
        sequence = connection.scalar(sa.select(sa.func.pg_get_serial_sequence(table.name, column.name)))
        if sequence is not None:
            highest = sa.select(sa.func.max(column)).scalar_subquery()
            connection.execute(sa.select(sa.func.setval(sequence, sa.func.coalesce(highest, 1), highest.is_not(None))))


def others_connected(connection: Connection, role: str | None) -> int:
    """How many connections of the role that runs are open on this database; none when it is our own role."""
    if connection.dialect.name != "postgresql":
        return 0
    found = sa.text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = :role "
        "AND usename <> current_user"
    )
    return connection.scalar(found, {"role": role}) or 0


def in_order(connection: Connection, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> Iterator[sa.RowMapping]:
    """The rows of a table by its primary key, in the same order on every database; a thousand at a time in memory."""
    ordered = sa.select(table).where(*conditions).order_by(*(_plainly(connection, key) for key in table.primary_key))
    yield from connection.execution_options(yield_per=1000).execute(ordered).mappings()


def _plainly(connection: Connection, column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """Texts by their characters' numbers, as SQLite and Python sort them, whatever the language of the database."""
    if connection.dialect.name == "postgresql" and isinstance(column.type, sa.String):
        return sa.collate(column, "C")
    return column
