"""How each database is opened: SQLite made strict, PostgreSQL with short waits. Only `shared/database.py` asks."""

from __future__ import annotations

import contextlib
import functools
import select
import threading
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import sqlalchemy as sa
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from shared.settings import SettingsError
from shared.words import fold

BUSY_SECONDS = 15
BY_NAME = "by_name"
"""The collation that SQLite learns from us; PostgreSQL has its own."""
FAST_JSON = {"json_deserializer": msgspec.json.decode}
"""A page of challenges reads hundreds of small documents: Python's own reader took a tenth of its time."""
RESULTS = (ExecStatus.TUPLES_OK, ExecStatus.SINGLE_TUPLE, ExecStatus.TUPLES_CHUNK)
POSTGRESQL_OPTIONS = (
    "-c timezone=UTC -c lock_timeout=15s -c statement_timeout=60s -c idle_in_transaction_session_timeout=60s "
    # A machine that vanishes without a word gives its locks back after some ten seconds.
    "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3"
)


def create_engine(url: sa.URL, *, pool: int) -> Engine:
    """The engine of a URL, with at most `pool` connections on PostgreSQL. Raises SettingsError."""
    if url.get_backend_name() == "sqlite":
        return _create_sqlite_engine(url)
    return _create_postgresql_engine(url, pool)


def _create_postgresql_engine(url: sa.URL, pool: int) -> Engine:
    """PostgreSQL through psycopg.

    The driver begins no transaction of its own: ours begins with the tenant in the same message (`begin_text`), which
    saves a round trip of every request.
    """
    options = " ".join(filter(None, (POSTGRESQL_OPTIONS, url.query.get("options"))))  # type: ignore[arg-type]
    engine = sa.create_engine(
        url.difference_update_query(["options"]),
        pool_size=pool,
        max_overflow=0,
        pool_timeout=BUSY_SECONDS,
        pool_use_lifo=True,
        hide_parameters=True,
        **FAST_JSON,
        connect_args={"options": options, "connect_timeout": 10, "prepare_threshold": 3},
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: ConnectionPoolEntry) -> None:
        connection.autocommit = True
        connection.cursor_factory = PlainCursor
        connection.prepared_max = 500

    @event.listens_for(engine, "checkout")
    def _is_alive(connection: Any, _record: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
        """A server that went away has said so on the socket: a look costs less than asking it."""
        if connection.closed or select.select([connection.fileno()], [], [], 0)[0]:
            raise DisconnectionError

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if not connection.get_execution_options().get("no_begin"):
            begin(connection, "BEGIN")

    return engine


def for_sessions(engine: Engine) -> Engine:
    """The engine of sessions, on the same pool.

    On PostgreSQL a session begins its transactions itself. So its engine has no listener, which SQLAlchemy would go and
    look for around every statement.
    """
    if engine.dialect.name != "postgresql":
        return engine
    return Engine(engine.pool, engine.dialect, engine.url, hide_parameters=True)


class PlainCursor(psycopg.Cursor[Any]):
    """psycopg's cursor, with a plain `description` (PEP 249): SQLAlchemy looks at names and types alone.

    An object per column and statement, with what nobody asks for, took a tenth of a request's processor time.
    """

    @property
    def description(self) -> Any:
        """(name, type, and five more that are not known) for each column; None when there was no result."""
        result = self.pgresult
        if result is None or result.status not in RESULTS:
            return None
        return [(_name(result, i), result.ftype(i), None, None, None, None, None) for i in range(result.nfields)]


def _name(result: PGresult, column: int) -> str:
    return (result.fname(column) or b"").decode()


def begin(connection: Connection, text: str) -> None:
    """Sends what begins a transaction, past what SQLAlchemy does around a statement: it is sent for every request.

    What goes wrong is said by SQLAlchemy, which also gives up a connection that is broken: so it sends it again.
    """
    driver: Any = connection.connection.driver_connection
    with contextlib.suppress(psycopg.Error):
        if driver.pgconn.exec_(text.encode()).status == ExecStatus.COMMAND_OK:
            return
    send(connection, text)


def send(connection: Connection, text: str) -> None:
    """Sends commands that answer nothing, several in one message."""
    connection.exec_driver_sql(text, execution_options={"no_parameters": True})


def _compare_names(one: str, other: str) -> int:
    """Below 0 when `one` comes first in a list of names, as in a dictionary."""
    first, second = (_fold(one), one), (_fold(other), other)
    return (first > second) - (first < second)


_fold = functools.lru_cache(maxsize=32768)(fold)


def _create_sqlite_engine(url: sa.URL) -> Engine:
    """SQLite made strict: WAL, foreign keys on, a writer takes its lock when it begins instead of when it first writes.

    `?synchronous=off` in the URL gives up what a power cut would take (never what a killed process would).
    """
    synchronous = str(url.query.get("synchronous", "full"))
    if synchronous not in ("off", "normal", "full"):
        raise SettingsError(f"MPP_DATABASE_URL says synchronous={synchronous}: choose off, normal or full.")
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(
        url.difference_update_query(["synchronous"]),
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        hide_parameters=True,  # the text of an error reaches the log, and people's names are no business of it
        **FAST_JSON,
    )
    writer = threading.Lock()
    # Not in connection.info: a statement that was interrupted takes that away before its rollback.
    holding: set[Connection] = set()

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # BEGIN is ours: the driver's own comes too late
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "foreign_keys=ON", f"synchronous={synchronous}", "temp_store=MEMORY"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
        connection.create_collation(BY_NAME, _compare_names)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get("read_only"):
            connection.exec_driver_sql("BEGIN")
            return
        # Threads of this process queue here, fairly; SQLite's own wait polls, and a busy writer can starve a request.
        if writer.acquire(timeout=BUSY_SECONDS):
            holding.add(connection)
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except BaseException:
            _release(connection)
            raise

    def _release(connection: Connection) -> None:
        if connection in holding:
            holding.discard(connection)
            writer.release()

    event.listen(engine, "commit", _release)
    event.listen(engine, "rollback", _release)
    return engine
