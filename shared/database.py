"""Engine, transactions, portable column types. The only place that knows which database is used."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry
from uuid6 import uuid7

from shared.settings import SettingsError
from shared.tenancy import GuardedSession, Scope, guard, scope_of

BUSY_SECONDS = 15
Row = TypeVar("Row")


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware moment. Naive values are refused; SQLite, which forgets the zone, gets it back on the way out."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuses a naive moment and stores UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}: times are aware, in UTC")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Gives back an aware moment on every database."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
Integer64 = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite counts up INTEGER keys only
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Columns:
    """Mixed into every declarative base: how Python types become columns, on any database."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime(),
        UUID: sa.Uuid(),
        dict[str, Any]: Json,
        list[str]: Json,
        int: Integer64,
    }


class SharedBase(Columns, DeclarativeBase):
    """The tables that every service has a copy of: outbox, inbox, dead letters, jobs, signing keys, access rules."""

    metadata = sa.MetaData(naming_convention=NAMES)


class TenantRow:
    """A row that belongs to one tenant, and is seen by that tenant alone."""

    tenant_id: Mapped[UUID] = mapped_column(sa.Uuid(), primary_key=True, sort_order=-100)


class PublicRow:
    """A row that belongs to one tenant, which may show it to everybody with `is_public`."""

    tenant_id: Mapped[UUID] = mapped_column(sa.Uuid(), primary_key=True, sort_order=-100)
    is_public: Mapped[bool] = mapped_column(sa.Boolean(), default=False, sort_order=100)


def new_id() -> UUID:
    """A UUIDv7: unique, and sorted by the moment it was made."""
    return uuid7()


class Database:
    """One service's database: opens transactions, and tells the relay when one of them emitted something."""

    def __init__(self, url: str) -> None:
        self.url = sa.engine.make_url(url)
        self.engine = _create_engine(self.url)
        self.emitted = threading.Event()
        self._writing = sessionmaker(self.engine, class_=GuardedSession, expire_on_commit=False)
        self._reading = sessionmaker(
            self.engine.execution_options(read_only=True), class_=GuardedSession, expire_on_commit=False
        )
        for maker in (self._writing, self._reading):
            guard(maker, TenantRow, PublicRow)
        event.listen(self._writing, "after_commit", self._after_commit)

    def session(self, scope: Scope | None, *, read_only: bool = False, now: datetime | None = None) -> Session:
        """An open session bound to a tenancy scope; the caller commits. Only `shared` calls this."""
        session = (self._reading if read_only else self._writing)()
        if scope is not None:
            session.info["scope"] = scope
        if now is not None:
            session.info["now"] = now
        return session

    @contextlib.contextmanager
    def transaction(
        self, scope: Scope | None, *, read_only: bool = False, now: datetime | None = None
    ) -> Iterator[Session]:
        """A session that commits at the end of the block and rolls back on an exception."""
        with self.session(scope, read_only=read_only, now=now) as session, session.begin():
            yield session

    def _after_commit(self, session: Session) -> None:
        if session.info.get("emitted"):
            self.emitted.set()

    @contextlib.contextmanager
    def exclusive(self, name: str) -> Iterator[bool]:
        """Holds the lock `name` for the block; gives False when another process or thread holds it.

        PostgreSQL: a session-level advisory lock. SQLite: a lock on a file beside the database, which the kernel lets
        go of when its holder dies.
        """
        if self.engine.dialect.name == "postgresql":
            with self.engine.connect() as connection:
                taken = connection.scalar(sa.select(sa.func.pg_try_advisory_lock(sa.func.hashtext(name))))
                try:
                    yield bool(taken)
                finally:
                    if taken:
                        connection.scalar(sa.select(sa.func.pg_advisory_unlock(sa.func.hashtext(name))))
        else:
            with _file_lock(Path(f"{self.url.database}.{name}.lock")) as taken:
                yield taken

    def close(self) -> None:
        """Gives back every connection."""
        self.engine.dispose()


@contextlib.contextmanager
def _file_lock(path: Path) -> Iterator[bool]:
    import fcntl

    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def insert_new(session: Session, model: type[Any], rows: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    """Inserts the rows that break no unique constraint, leaves the others, and returns the primary keys inserted.

    Every row of a tenant's table must belong to the session's tenant.
    """
    if not rows:
        return []
    scope_of(session).check_rows(model, rows)
    keys = sa.inspect(model).primary_key
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(model).on_conflict_do_nothing().returning(*keys)
    result = session.execute(statement, list(rows), execution_options={"rows_are_checked": True})
    return [tuple(row) for row in result]


def upsert_statement(session: Session, model: type[Any]) -> Any:
    """An INSERT of this database's dialect, to which `.on_conflict_do_update(...)` can be added.

    Only for tables written across tenants: run it with `execution_options={"rows_are_checked": True}`.
    """
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    return insert(model)


def _create_engine(url: sa.URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        return _create_sqlite_engine(url)
    return sa.create_engine(url, pool_pre_ping=True, hide_parameters=True)


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
