"""The third ring, below the ORM: raw SQL under the role that runs sees and writes what its transaction may, no more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa

from services.embedded import NAMES
from shared.database import Database, PublicRow, TenantRow, new_id
from shared.migrations import differences, metadata_of, migrate
from shared.row_security import unprotected
from shared.settings import SettingsError
from shared.tenancy import PUBLIC, across_tenants, of_tenant
from tests.servers.postgres import PostgresServer

MINE, THEIRS = new_id(), new_id()
REFUSED = psycopg.errors.InsufficientPrivilege


class Room(NamedTuple):
    """A service's migrated database, seen by the role that runs; two tenants have a row in each of its tables."""

    service: str
    url: str
    owner_url: str
    private: list[sa.Table]
    public: list[sa.Table]

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(self.url.replace("+psycopg", ""))


def tables_of(service: str, mixin: type[Any]) -> list[sa.Table]:
    metadata_of(service)
    return [
        mapper.local_table
        for base in (TenantRow.__subclasses__() + PublicRow.__subclasses__())
        if issubclass(base, mixin) and base.__module__ == f"services.{service}.models"
        for mapper in [sa.inspect(base)]
    ]


@pytest.fixture(scope="module", params=NAMES)
def room(request: pytest.FixtureRequest, postgres_server: PostgresServer) -> Iterator[Room]:
    service = request.param
    name = f"rows_{service}_{new_id().hex[-8:]}"  # its beginning is a moment: two workers share it
    owner_url, url = postgres_server.create_service_database(service, name)
    owner = Database(owner_url)
    migrate(service, owner, run_time_role=service)
    made = Room(service, url, owner_url, tables_of(service, TenantRow), tables_of(service, PublicRow))
    with postgres_server.connect(name) as superuser:
        superuser.execute("SET session_replication_role = replica")  # a row of each table, without its neighbours
        for table in (*made.private, *made.public):
            for tenant_id in (MINE, THEIRS):
                _insert(superuser, table, tenant_id, is_public=False)
        for table in made.public:
            _insert(superuser, table, new_id(), is_public=True)
    yield made
    owner.close()
    postgres_server.drop_database(name)


def _insert(connection: psycopg.Connection, table: sa.Table, tenant_id: UUID, *, is_public: bool) -> None:
    row = {column.name: _some(column) for column in table.columns} | {"tenant_id": tenant_id}
    if "is_public" in row:
        row["is_public"] = is_public
    connection.execute(_insert_text(table, row), row)


def _insert_text(table: sa.Table, row: dict[str, Any]) -> Any:
    columns = ", ".join(f'"{name}"' for name in row)
    return f"INSERT INTO {table.name} ({columns}) VALUES ({', '.join(f'%({name})s' for name in row)})"


def _some(column: sa.Column[Any]) -> Any:
    """A value the column takes; no two are alike where that matters."""
    kind = column.type
    if column.nullable:
        return None
    if isinstance(kind, sa.Uuid):
        return new_id()
    if isinstance(kind, sa.Boolean):
        return False
    if isinstance(kind, sa.Integer | sa.BigInteger | sa.Float):
        return 1
    if isinstance(kind, sa.Date):
        return date(2026, 3, 1)
    if isinstance(kind, sa.String | sa.Text):
        return new_id().hex[-(kind.length or 32) :]
    if isinstance(kind, sa.JSON):
        return "{}"
    aware = getattr(kind, "impl", kind).timezone
    return datetime(2026, 3, 1, tzinfo=UTC) if aware else datetime(2026, 3, 1)  # noqa: DTZ001 (a wall-clock time)


def seen(connection: psycopg.Connection, table: sa.Table) -> set[UUID]:
    return {row[0] for row in connection.execute(f"SELECT tenant_id FROM {table.name}")}  # type: ignore[arg-type]


def in_tenant(connection: psycopg.Connection, tenant_id: UUID) -> None:
    connection.execute("SELECT set_config('app.tenant_id', %s, true)", (str(tenant_id),))


def test_a_transaction_that_says_nothing_sees_public_rows_alone(room: Room) -> None:
    with room.connect() as connection:
        for table in room.private:
            assert seen(connection, table) == set(), table.name
        for table in room.public:
            assert seen(connection, table).isdisjoint({MINE, THEIRS}), table.name
            assert seen(connection, table), table.name


def test_a_tenant_sees_its_own_rows_and_the_public_ones(room: Room) -> None:
    with room.connect() as connection:
        in_tenant(connection, MINE)
        for table in room.private:
            assert seen(connection, table) == {MINE}, table.name
        for table in room.public:
            assert MINE in seen(connection, table), table.name
            assert THEIRS not in seen(connection, table), table.name
            assert len(seen(connection, table)) > 1, table.name


def test_a_tenant_changes_its_own_rows_alone_whatever_the_statement_says(room: Room) -> None:
    mine = {table.name for table in (*room.private, *room.public)}
    first = metadata_of(room.service)[0].sorted_tables
    with room.connect() as connection:
        in_tenant(connection, MINE)
        for name in [table.name for table in reversed(first) if table.name in mine]:  # who refers goes first
            assert connection.execute(f"UPDATE {name} SET tenant_id = tenant_id").rowcount == 1, name  # type: ignore[arg-type]
            assert connection.execute(f"DELETE FROM {name}").rowcount == 1, name  # type: ignore[arg-type]
        connection.rollback()


def test_a_tenant_cannot_give_or_write_rows_to_another(room: Room) -> None:
    for table in (*room.private, *room.public):
        with room.connect() as connection:
            in_tenant(connection, MINE)
            with pytest.raises(REFUSED):
                connection.execute(f"UPDATE {table.name} SET tenant_id = '{THEIRS}'")  # type: ignore[arg-type]
        with room.connect() as connection:
            in_tenant(connection, MINE)
            with pytest.raises(REFUSED):
                _insert(connection, table, THEIRS, is_public=False)


def test_what_a_transaction_said_ends_with_it(room: Room) -> None:
    with room.connect() as connection:
        in_tenant(connection, MINE)
        connection.commit()
        for table in room.private:
            assert seen(connection, table) == set(), table.name


def test_the_named_escape_sees_everybody(room: Room) -> None:
    with room.connect() as connection:
        connection.execute("SELECT set_config('app.every_tenant', 'on', true)")
        for table in (*room.private, *room.public):
            assert {MINE, THEIRS} <= seen(connection, table), table.name


def test_the_scopes_of_our_sessions_are_what_the_policies_read(room: Room) -> None:
    database = Database(room.url)
    for scope, expected in ((PUBLIC, set()), (of_tenant(MINE), {MINE}), (across_tenants(), {MINE, THEIRS})):
        with database.transaction(scope, read_only=True) as session:
            driver: Any = session.connection().connection.dbapi_connection
            for table in room.private:
                assert seen(driver, table) == expected, table.name
    database.close()


def test_no_table_of_a_tenant_is_without_policies(room: Room) -> None:
    with Database(room.owner_url).engine.connect() as connection:
        assert unprotected(connection, [table.name for table in (*room.private, *room.public)]) == []


def test_migrations_equal_models_on_postgresql_too(room: Room) -> None:
    assert not differences(room.service, Database(room.owner_url))


def test_the_role_that_runs_can_neither_bypass_nor_change_the_policies(room: Room) -> None:
    Database(room.url).require_ordinary_role()
    table = (*room.private, *room.public)[0].name
    for statement in (
        f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
        f"DROP POLICY of_tenant ON {table}",
        f"TRUNCATE {table}",
        "CREATE TABLE loot (id int)",
        "UPDATE alembic_version SET version_num = '0001'",
    ):
        with room.connect() as connection, pytest.raises(REFUSED):
            connection.execute(statement)  # type: ignore[arg-type]


def test_an_owner_or_superuser_is_refused_as_the_role_that_runs(room: Room, postgres_server: PostgresServer) -> None:
    with pytest.raises(SettingsError, match=r"owns the table .*MPP_OWNER_DATABASE_URL"):
        Database(room.owner_url).require_ordinary_role()
    with pytest.raises(SettingsError, match="is a superuser"):
        Database(postgres_server.superuser_url).require_ordinary_role()
