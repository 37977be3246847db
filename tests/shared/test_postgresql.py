"""What only PostgreSQL has: connections that are cut, savepoints, a lock that can be lost, roles that are refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from shared.database import Database, explain, new_id
from shared.tenancy import PUBLIC, across_tenants, of_tenant
from tests.journeys.process import free_port
from tests.servers.postgres import PostgresServer
from tests.shared.gardens import MINE, settle_neighbours
from tests.shared.tables import Garden, Sample


@pytest.fixture
def database(empty_postgres: str) -> Iterator[Database]:
    opened = Database(empty_postgres, pool=3)
    yield opened
    opened.close()


def names(database: Database) -> list[str]:
    with database.transaction(across_tenants(), read_only=True) as session:
        return sorted(session.scalars(sa.select(Garden.name)))


def test_a_connection_that_the_server_cut_is_replaced_unnoticed(
    database: Database, postgres_server: PostgresServer
) -> None:
    settle_neighbours(database)
    before = names(database)
    assert database.connections()["idle"] > 0
    assert postgres_server.cut_connections(str(database.url.database)) > 0
    assert names(database) == before


def test_a_savepoint_stays_in_its_transaction_and_tenant(database: Database) -> None:
    two = settle_neighbours(database)
    with database.transaction(of_tenant(two.me)) as session:
        with session.begin_nested() as savepoint:
            session.add(Garden(tenant_id=two.me, garden_id=new_id(), name="undone"))
            session.flush()
            savepoint.rollback()
        with session.begin_nested():
            session.add(Garden(tenant_id=two.me, garden_id=new_id(), name="done"))
        assert sorted(session.scalars(sa.select(Garden.name))) == ["done", MINE]
    assert "undone" not in names(database)


def test_the_policies_follow_a_session_into_its_tenant(database: Database) -> None:
    """As a request does: it begins as nobody's, and moves into the tenant of its token."""
    two = settle_neighbours(database)
    with database.transaction(PUBLIC) as session:
        assert session.scalars(sa.select(Sample.word)).all() == []
        for tenant_id, garden in ((two.me, two.my_garden), (two.other, two.their_garden)):
            session.info["scope"] = of_tenant(tenant_id)
            session.expunge_all()
            assert session.scalars(sa.select(Garden.garden_id)).all() == [garden]
            assert session.connection().exec_driver_sql("SELECT count(*) FROM gardens").scalar() == 1


def test_nothing_of_a_transactions_tenant_is_left_for_the_next_one(database: Database) -> None:
    two = settle_neighbours(database)
    for scope in (across_tenants(), of_tenant(two.me)):
        with database.transaction(scope, read_only=True) as session:
            assert session.scalars(sa.select(Garden)).first() is not None
    with database.transaction(PUBLIC, read_only=True) as session:
        assert session.connection().exec_driver_sql("SELECT count(*) FROM gardens").scalar() == 0


def test_a_reading_transaction_cannot_write(database: Database) -> None:
    with pytest.raises(sa.exc.InternalError), database.transaction(PUBLIC, read_only=True) as session:
        session.add(Sample(sample_id=new_id(), word="late", count=0))


def test_a_reading_transaction_sees_one_moment(database: Database) -> None:
    two = settle_neighbours(database)
    with database.transaction(of_tenant(two.me), read_only=True) as session:
        before = session.scalars(sa.select(Garden.name)).all()
        with database.transaction(of_tenant(two.me)) as other:
            other.add(Garden(tenant_id=two.me, garden_id=new_id(), name="meanwhile"))
        assert session.scalars(sa.select(Garden.name)).all() == before == [MINE]
    assert "meanwhile" in names(database)


def test_a_lock_that_the_server_took_back_is_known_to_be_lost(
    database: Database, postgres_server: PostgresServer
) -> None:
    with database.exclusive("relay") as lock:
        assert lock.is_held()
        postgres_server.cut_connections(str(database.url.database))
        assert not lock.is_held()
        with database.exclusive("relay") as another:
            assert another


def test_a_held_lock_leaves_no_transaction_open(database: Database, postgres_server: PostgresServer) -> None:
    """One that stays open for hours would keep PostgreSQL from cleaning up."""
    with database.exclusive("relay"):
        states = postgres_server.query(
            "SELECT DISTINCT state FROM pg_stat_activity WHERE datname = %s AND state <> 'active'",
            database.url.database,
        )
    assert states == [("idle",)]


def test_our_clock_is_compared_with_the_servers(database: Database) -> None:
    assert abs(database.clock_skew()) < 60  # the same machine: this is no measurement
    assert Database("sqlite://").clock_skew() == 0


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"password": "wrong"}, "refuses the password: correct MPP_DATABASE_URL"),
        ({"username": "nobody_we_know"}, "MPP_DATABASE_URL"),
        ({"database": "nowhere"}, "does not exist: create database and role first"),
        ({"host": "host.invalid"}, "no such host"),
        ({"port": 0}, "nobody listens there"),
    ],
)
def test_a_start_that_cannot_reach_its_database_says_what_to_do(
    empty_postgres: str, changes: dict[str, str | int], advice: str
) -> None:
    if "port" in changes:
        changes = {"port": free_port()}
    url = sa.make_url(empty_postgres).set(**changes)  # type: ignore[arg-type]
    unreachable = Database(url.render_as_string(hide_password=False))
    with pytest.raises(OperationalError) as failed, unreachable.engine.connect():
        pass
    sentence = explain(failed.value)
    assert advice in sentence
    assert len(sentence.splitlines()) == 1
    assert "for-tests" not in sentence
