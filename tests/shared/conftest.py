from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from shared.database import Database, SharedBase, new_id
from shared.log import configure_logging
from shared.migrations import metadata_of  # noqa: F401  (imports every shared table)
from shared.tenancy import across_tenants
from tests.shared.tables import Base
from tests.shared.tiny import Tiny, open_tiny

POSTGRES = os.environ.get("TEST_POSTGRES_URL", "")
"""The address of a PostgreSQL database that these tests may fill, when there is one."""
DATABASES = ["sqlite", *(["postgresql"] if POSTGRES else [])]


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database with the shared tables and those of `tables.py`, on every database we know."""
    with contextlib.ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path}/tests.db?synchronous=off"
        else:
            url = stack.enter_context(_postgres_schema(f"test_{new_id().hex}"))
        opened = Database(url)
        stack.callback(opened.close)
        SharedBase.metadata.create_all(opened.engine)
        Base.metadata.create_all(opened.engine)
        yield opened


@contextlib.contextmanager
def _postgres_schema(name: str) -> Iterator[str]:
    """A schema of the test's own, so that tests may run beside each other."""
    engine = sa.create_engine(POSTGRES)
    with engine.begin() as connection:
        connection.execute(sa.schema.CreateSchema(name))
    url = engine.url.update_query_dict({"options": f"-csearch_path={name}"})
    yield url.render_as_string(hide_password=False)
    with engine.begin() as connection:
        connection.execute(sa.schema.DropSchema(name, cascade=True))
    engine.dispose()


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
