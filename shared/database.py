"""Engine, transactions, portable column types. The only place that knows which database is used."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, TimeoutError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker
from sqlalchemy.sql.functions import FunctionElement
from uuid6 import uuid7

from shared import row_security
from shared.bulk import as_columns, insert_new_columns
from shared.clock import utc_now
from shared.engines import BY_NAME, begin, create_engine, for_sessions, send
from shared.tenancy import GuardedSession, Scope, guard, scope_of

Row = TypeVar("Row")
MANY = 10
"""Rows of one statement from which arrays pay."""
PASSING = (OperationalError, InterfaceError, TimeoutError)
"""Failures that are nobody's fault and pass: locked, away, no connection free."""
ADVICE = {
    "password authentication failed": "PostgreSQL refuses the password: correct MPP_DATABASE_URL",
    "no password supplied": "PostgreSQL asks for a password: add it to MPP_DATABASE_URL",
    "Connection refused": "nobody listens there: start PostgreSQL, or correct host and port in MPP_DATABASE_URL",
    "could not translate host name": "there is no such host: correct MPP_DATABASE_URL",
    "failed to resolve host": "there is no such host: correct MPP_DATABASE_URL",
    "does not exist": "it does not exist: create database and role first, or correct MPP_DATABASE_URL",
    "permission denied": "the role may not read it: run `migrate` again with MPP_OWNER_DATABASE_URL set to the owner",
}
READ_ONLY = "25006"
"""What PostgreSQL says (SQLSTATE) of a write while it is a standby, or was set read-only: this passes too."""


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


class ByName(FunctionElement[str]):
    """A column of names in the order of a dictionary, for an ORDER BY: Écureuil after Dauphin, and not after Zèbre.

    The databases compare bytes, which is what keys and indexes need.
    """

    name = "by_name"
    type = sa.String()
    inherit_cache = True


@compiles(ByName, "sqlite")
def _by_name_of_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    return f"{compiler.process(element.clauses, **options)} COLLATE {BY_NAME}"


@compiles(ByName, "postgresql")
def _by_name_of_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    return f'{compiler.process(element.clauses, **options)} COLLATE "und-x-icu"'


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

    def __init__(self, url: str, *, pool: int = 10) -> None:
        self.url = sa.engine.make_url(url)
        self.engine = create_engine(self.url, pool=pool)
        self.pool_size = pool
        self.emitted = threading.Event()
        used = for_sessions(self.engine)
        engines = [used.execution_options(read_only=read_only) for read_only in (False, True)]
        makers = [sessionmaker(engine, class_=GuardedSession, expire_on_commit=False) for engine in engines]
        self._writing, self._reading = makers
        for maker in makers:
            guard(maker, TenantRow, PublicRow)
            if self.is_postgresql:
                _tell_whose(maker)
        event.listen(self._writing, "after_commit", self._after_commit)

    @property
    def is_postgresql(self) -> bool:
        """Whether this database has roles and row-level security."""
        return self.engine.dialect.name == "postgresql"

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
    def exclusive(self, name: str) -> Iterator[Lock]:
        """Holds the lock `name` for the block; what it gives is false when another process or thread holds it.

        PostgreSQL: a session-level advisory lock. SQLite: a lock on a file beside the database, which the kernel lets
        go of when its holder dies.
        """
        if self.is_postgresql:
            # Without a transaction, which would stay open as long as the lock.
            with self.engine.execution_options(no_begin=True).connect() as connection:
                key = sa.func.hashtext(name)
                lock = Lock(bool(connection.scalar(sa.select(sa.func.pg_try_advisory_lock(key)))), connection)
                try:
                    yield lock
                finally:
                    if lock.is_held():
                        connection.scalar(sa.select(sa.func.pg_advisory_unlock(key)))
        else:
            with _file_lock(Path(f"{self.url.database}.{name}.lock")) as taken:
                yield Lock(taken)

    def require_ordinary_role(self) -> None:
        """Raises SettingsError when the role of this URL could see through row-level security."""
        if self.is_postgresql:
            with self.engine.connect() as connection:
                row_security.require_ordinary_role(connection)

    def connections(self) -> dict[str, int]:
        """How many connections of this process are in use and idle."""
        pool: Any = self.engine.pool
        return {"in_use": pool.checkedout(), "idle": pool.checkedin()}

    def is_read_only(self) -> bool:
        """Whether the server refuses writes now: a standby, a full disk's emergency, an operator's choice."""
        if not self.is_postgresql:
            return False
        with self.engine.connect() as connection:
            return bool(connection.scalar(sa.select(sa.func.current_setting("transaction_read_only") == "on")))

    def clock_skew(self) -> float:
        """How many seconds our clock is ahead of the database's; 0 for a database on this machine's own clock."""
        if not self.is_postgresql:
            return 0.0
        with self.engine.connect() as connection:
            before = utc_now()
            theirs: datetime = connection.scalar(sa.select(sa.func.clock_timestamp())) or before
            after = utc_now()
        return (before + (after - before) / 2 - theirs).total_seconds()

    def close(self) -> None:
        """Gives back every connection."""
        self.engine.dispose()


class Lock:
    """What `exclusive` gives: true when the lock was taken."""

    def __init__(self, is_taken: bool, connection: Connection | None = None) -> None:
        self._is_taken = is_taken
        self._connection = connection

    def __bool__(self) -> bool:
        return self._is_taken

    def is_held(self) -> bool:
        """Whether we still have it: PostgreSQL takes it back when it restarts or the connection breaks."""
        if not self._is_taken or self._connection is None:
            return self._is_taken
        try:
            self._connection.exec_driver_sql("SELECT 1")
        except DBAPIError:
            self._is_taken = False
        return self._is_taken


def is_passing(error: BaseException) -> bool:
    """Whether a failure is no statement's fault: the database is away, locked or read-only for now."""
    if isinstance(error, PASSING):
        return True
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) == READ_ONLY


def explain(error: DBAPIError) -> str:
    """What an operator should do about a database that cannot be used, without a password or a name in it."""
    said = str(error.orig).strip().splitlines()
    reason = said[0] if said else type(error).__name__
    for part, advice in ADVICE.items():
        if part in str(error.orig):
            return f"{advice} ({reason.rpartition('FATAL:')[2].strip() or reason})"
    return reason


def _tell_whose(maker: Any) -> None:
    """Begins each transaction with the scope of its session, and follows the session into another one."""

    def begin_in_scope(session: Session, transaction: Any, connection: Connection) -> None:
        if transaction.nested:  # a savepoint: the transaction around it has begun
            return
        scope: Scope | None = session.info.get("scope")
        read_only = bool(connection.get_execution_options().get("read_only"))
        session.info["told_scope"] = scope
        begin(connection, row_security.begin_text(scope, read_only=read_only))

    event.listen(maker, "after_begin", begin_in_scope)
    event.listen(maker, "do_orm_execute", lambda state: _follow(state.session), insert=True)
    event.listen(maker, "before_flush", lambda session, *_: _follow(session), insert=True)


def _follow(session: Session) -> None:
    """Tells a transaction, on a database that wants to know, that its session has moved into another scope."""
    scope = scope_of(session)
    told = session.info.get("told_scope", scope)
    if told is not scope and told != scope and session.in_transaction():
        session.info["told_scope"] = scope
        send(session.connection(), row_security.scope_text(scope))


def run(session: Session, statement: sa.Executable, parameters: Any = None) -> sa.CursorResult[Any]:
    """Runs a statement on tables, not classes, in the session's transaction, at a third of what the ORM takes.

    The tenant filter does not see it. So only `shared` calls this: for tables that are nobody's, and for rows whose
    tenant was checked. What the session still holds back is written first.
    """
    session.flush()
    _follow(session)
    return session.connection().execute(statement, parameters)


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

    Every row of a tenant's table must belong to the session's tenant, and all rows name the same columns.
    """
    if not rows:
        return []
    scope_of(session).check_rows(model, rows)
    keys = sa.inspect(model).primary_key
    if len(rows) >= MANY and all(row.keys() == rows[0].keys() for row in rows):
        names = list(rows[0])
        new = [rows[position] for position in insert_new_columns(session, model, names, as_columns(names, rows))]
        return [tuple(row[key.name] for key in keys) for row in new]
    table: Any = model.__table__
    statement = _insert_statement(table, session.get_bind().dialect.name)
    return [tuple(row) for row in run(session, statement, list(rows))]


@functools.lru_cache(maxsize=256)
def _insert_statement(table: Any, dialect: str) -> sa.Executable:
    """Made once per table: half of what a statement costs is making it."""
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return insert(table).on_conflict_do_nothing().returning(*table.primary_key)


def insert_new_with(
    session: Session, model: type[Any], row: Mapping[str, Any], other: Any, its: Mapping[str, Any]
) -> bool:
    """Inserts a row unless a constraint refuses it, and with it one of another table; returns whether it did.

    One statement where the database has such a one. Both rows name every column that has a default in Python.
    """
    scope_of(session).check_rows(model, [row])
    table: Any = model.__table__
    if session.get_bind().dialect.name != "postgresql":
        is_new = bool(insert_new(session, model, [row]))
        if is_new:
            run(session, sa.insert(other).inline(), its)
        return is_new
    statement = _insert_both_statement(table, tuple(row), other, tuple(its))
    values = {**row, **{f"other_{name}": value for name, value in its.items()}}
    return run(session, statement, values).first() is not None


@functools.lru_cache(maxsize=256)
def _insert_both_statement(table: Any, names: tuple[str, ...], other: Any, others: tuple[str, ...]) -> sa.Executable:
    new = postgresql.insert(table).values({name: sa.bindparam(name, type_=table.c[name].type) for name in names})
    inserted = new.on_conflict_do_nothing().returning(*table.primary_key).cte("inserted")
    values = [sa.bindparam(f"other_{name}", type_=other.c[name].type) for name in others]
    beside = sa.insert(other).from_select(others, sa.select(*values).select_from(inserted), include_defaults=False)
    return sa.select(*inserted.c).add_cte(beside.cte("beside"))


def upsert_statement(session: Session, model: type[Any]) -> Any:
    """An INSERT of this database's dialect, to which `.on_conflict_do_update(...)` can be added.

    Only for tables written across tenants: run it with `execution_options={"rows_are_checked": True}`.
    """
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    return insert(model)
