"""An installation is carried from SQLite files into PostgreSQL, row by row, and goes on there as before."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from services.embedded import NAMES
from services.moving.rows import tables_of
from services.simulation.command import verify
from shared.clock import utc_now
from shared.consumer import DeadLetter
from shared.database import Database, UtcDateTime
from shared.outbox import OutboxRow
from shared.settings import Settings
from shared.tenancy import across_tenants
from tests.house import House
from tests.identity.steps import Steps
from tests.journeys.moved import Lived, live, move, new_databases, rows_of
from tests.journeys.process import Process, run, run_anyway
from tests.journeys.scene import GENEROUS
from tests.journeys.waiting import eventually
from tests.servers.postgres import PostgresServer

KINDS = (UUID, datetime, date, str, int, bool, float)
EMPTY = {
    *(f"{service}.dead_letters" for service in ("identity", "challenges", "ranking")),
    *(f"{service}.jobs" for service in ("challenges", "leagues", "ranking")),
}
"""Tables that no story fills: those of the same shape are filled in another service."""


@pytest.fixture(scope="module")
def lived(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    """Read only: tests share it."""
    there = live(template, tmp_path_factory.mktemp("lived") / "data")
    there.record(there.house, day=(utc_now() - timedelta(days=1)).date().isoformat())  # nobody hears of it here
    yield there
    there.house.close()


@pytest.fixture(scope="module")
def file(lived: Lived, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("file") / "everything.zip"
    assert move(lived.files(), "export-data", path) == 0
    return path


def environment(settings: Settings, service: str = "{service}") -> dict[str, str]:
    """What an operator sets: for all four, or for one."""
    return {
        "MPP_DATABASE_URL": settings.database_url.replace("{service}", service),
        "MPP_OWNER_DATABASE_URL": settings.owner_database_url.replace("{service}", service),
    }


@pytest.fixture
def target(postgres_server: PostgresServer) -> Iterator[Settings]:
    with new_databases(postgres_server) as settings:
        yield settings


def test_every_row_of_every_table_arrives_in_postgresql(lived: Lived, file: Path, target: Settings) -> None:
    assert move(target, "import-data", file) == 0
    before, after = rows_of(lived.files()), rows_of(target)
    assert before == after
    empty = {table for table, rows in before.items() if not rows}
    assert empty == EMPTY, "an empty table proves nothing"


def test_boards_are_the_same_and_the_play_goes_on(
    lived: Lived, file: Path, target: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    move(target, "import-data", file)
    house = House(None, tmp_path, database_url=target.database_url, **GENEROUS)
    try:
        assert lived.shown(house) == lived.shown()
        before = lived.points(house)
        house.settle()  # what waited in the outbox when it was carried away
        points = lived.challenge["tiers"][0]["points"]
        assert lived.points(house) == before + points
        lived.record(house, day=(utc_now() - timedelta(days=2)).date().isoformat())
        house.settle()
        assert lived.points(house) == before + 2 * points
        with house.databases["leagues"].transaction(across_tenants(), read_only=True) as session:
            assert session.scalars(sa.select(DeadLetter.error)).all() == ["« œ »"]
    finally:
        house.close()
    capsys.readouterr()
    assert verify(target) == 0
    assert " 0 wrong; " in capsys.readouterr().out


def test_numbers_that_the_database_hands_out_go_on_above_those_that_came(
    lived: Lived, file: Path, target: Settings
) -> None:
    move(target, "import-data", file)
    for service in NAMES:
        positions = []
        for settings in (lived.files(), target):
            database = Database(settings.database_url_for(service))
            with database.transaction(across_tenants()) as session:
                highest = session.scalar(sa.select(sa.func.max(OutboxRow.position))) or 0
                row = OutboxRow(key="", envelope="{}", emitted_at=utc_now())
                session.add(row)
                session.flush()
                positions.append((highest, row.position - highest))
                session.rollback()
            database.close()
        assert positions[1] == (positions[0][0], 1), service


def test_the_roles_that_run_may_read_and_write_but_own_nothing(file: Path, target: Settings) -> None:
    move(target, "import-data", file)
    for service in NAMES:
        database = Database(target.database_url_for(service))
        database.require_ordinary_role()
        database.close()


def test_who_signed_in_before_is_signed_in_afterwards_and_passwords_hold(
    lived: Lived, file: Path, target: Settings, tmp_path: Path
) -> None:
    move(target, "import-data", file)
    house = House(None, tmp_path, database_url=target.database_url, **GENEROUS)
    try:
        assert Steps(house).sign_in("lilas@example.org").status_code == 201
        assert Steps(house).sign_in("lilas@example.org", "pas le bon du tout").status_code == 401
    finally:
        house.close()


def test_the_file_is_its_owners_alone_and_says_what_is_in_it(
    file: Path, lived: Lived, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    move(lived.files(), "export-data", tmp_path / "again.zip")
    said = capsys.readouterr().out
    assert "leagues: " in said
    assert "; 1 events that wait go along" in said
    assert "Not in it: the folders mail" in said
    assert [path.name for path in tmp_path.iterdir()] == ["again.zip"]


def test_an_import_that_is_done_twice_changes_nothing(
    file: Path, target: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    move(target, "import-data", file)
    before = rows_of(target)
    capsys.readouterr()
    move(target, "import-data", file)
    assert capsys.readouterr().out.count("is there already, row by row") == len(NAMES)
    assert rows_of(target) == before


def test_databases_that_were_migrated_and_nothing_more_take_it_too(lived: Lived, file: Path, target: Settings) -> None:
    for service in NAMES:
        env = {"MPP_DATABASE_URL": target.database_url_for(service)}
        run(
            "-m",
            f"services.{service}",
            "migrate",
            env=env | {"MPP_OWNER_DATABASE_URL": target.owner_database_url_for(service)},
        )
    move(target, "import-data", file)
    assert rows_of(target) == rows_of(lived.files())


def test_an_import_that_is_killed_goes_on_where_it_was(
    lived: Lived, file: Path, target: Settings, watch: Callable[[Any], Any], tmp_path: Path
) -> None:
    env = environment(target)
    process = watch(Process(["-m", "services", "import-data", str(file)], tmp_path / "log", env))
    identity = Database(target.owner_database_url_for("identity"))

    def has_begun() -> bool:
        with identity.engine.connect() as connection:
            return sa.inspect(connection).has_table("tenants") and bool(
                connection.exec_driver_sql("SELECT count(*) FROM tenants").scalar()
            )

    eventually(has_begun, 30)
    process.kill()
    identity.close()
    assert run_anyway("-m", "services", "import-data", str(file), env=env).returncode == 0
    assert rows_of(target) == rows_of(lived.files())


def test_a_file_goes_into_sqlite_files_too(lived: Lived, file: Path, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    move(settings, "import-data", file)
    assert rows_of(settings) == rows_of(lived.files())


@pytest.mark.parametrize("service", NAMES)
def test_every_column_is_of_a_kind_that_a_line_carries_exactly(service: str) -> None:
    """A JSON column that may be empty could not tell an empty value from the JSON word null."""
    for table in tables_of(service):
        for column in table.columns:
            assert not (isinstance(column.type, sa.JSON) and column.nullable), f"{table.name}.{column.name}"
            is_ours = isinstance(column.type, (sa.JSON, UtcDateTime))
            assert is_ours or column.type.python_type in KINDS, f"{table.name}.{column.name}"
