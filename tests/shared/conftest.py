from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from shared.database import Database, PublicRow, SharedBase, TenantRow, new_id
from shared.log import configure_logging
from shared.migrations import metadata_of  # noqa: F401  (imports every shared table)
from shared.row_security import protect
from shared.tenancy import across_tenants
from tests.servers.postgres import PostgresServer
from tests.shared.tables import Base
from tests.shared.tiny import Tiny, open_tiny


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database with the shared tables and those of `tables.py`, on every database we know."""
    if request.param == "postgresql":
        url = request.getfixturevalue("empty_postgres")
    else:
        url = f"sqlite:///{tmp_path}/tests.db?synchronous=off"
    opened = Database(url)
    if request.param == "sqlite":
        create_tables(opened.engine)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def postgres_tables(postgres_server: PostgresServer) -> Iterator[tuple[str, str]]:
    """A PostgreSQL database of this process with the tables: its owner's URL and that of the role that runs."""
    name = f"tests_{new_id().hex}"
    owner, runs = postgres_server.create_service_database("tests", name)
    engine = sa.create_engine(owner)
    with engine.begin() as connection:
        for rights in ("SELECT, INSERT, UPDATE, DELETE ON TABLES", "USAGE ON SEQUENCES"):
            connection.exec_driver_sql(f"ALTER DEFAULT PRIVILEGES GRANT {rights} TO tests")
    create_tables(engine)
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        for is_public, kind in ((False, TenantRow), (True, PublicRow)):
            models = [*SharedBase.__subclasses__(), *Base.__subclasses__()]
            protect(*(model.__tablename__ for model in models if issubclass(model, kind)), is_public=is_public)
    engine.dispose()
    yield owner, runs
    postgres_server.drop_database(name)


@pytest.fixture
def empty_postgres(postgres_server: PostgresServer, postgres_tables: tuple[str, str]) -> str:
    """The same database, emptied: a database of its own would cost every test ten times as much."""
    owner, runs = postgres_tables
    postgres_server.cut_connections(sa.make_url(owner).database or "")  # what a failed test left open
    engine = sa.create_engine(owner)
    with engine.begin() as connection:
        tables = [table for base in (SharedBase, Base) for table in base.metadata.tables]
        connection.exec_driver_sql(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY")
    engine.dispose()
    return runs


def create_tables(engine: sa.Engine) -> None:
    SharedBase.metadata.create_all(engine)
    Base.metadata.create_all(engine)


@pytest.fixture
def count_rows(database: Database) -> Callable[[type], int]:
    """Counts the rows of a table, whoever owns them."""

    def count(model: type) -> int:
        with database.transaction(across_tenants(), read_only=True) as session:
            return session.scalar(sa.select(sa.func.count()).select_from(model)) or 0

    return count


@pytest.fixture
def read_log() -> Iterator[Callable[[], str]]:
    """What standard error got of the log so far, from INFO up."""
    stderr = io.StringIO()
    with contextlib.redirect_stderr(stderr):
        configure_logging("INFO")
    yield stderr.getvalue
    with contextlib.redirect_stderr(sys.__stderr__):
        configure_logging("ERROR")


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tiny]:
    """The tiny service of `tiny.py`."""
    with open_tiny(tmp_path, monkeypatch) as opened:
        yield opened
