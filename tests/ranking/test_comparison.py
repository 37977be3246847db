"""Two databases of ranking are compared by what they hold, and every difference is a sentence."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from services.ranking import __main__ as command
from services.ranking.models import Base, HistogramBar, Leader, LedgerEntry, PlayerMove, Standing, Tenant
from shared.auth import EVERYBODY, AccessRule, SigningKey
from shared.database import Database, new_id
from shared.settings import SettingsError
from shared.tenancy import across_tenants
from shared.whole import in_order
from tests.ranking.world import NEVER, START, World

EVERY = sorted((mapper.class_ for mapper in Base.registry.mappers), key=lambda model: str(model.__tablename__))
Compare = Callable[[], tuple[int, str]]


@pytest.fixture
def played(world: World) -> World:
    for league in world.leagues:
        for team in world.teams[league]:
            world.record(team, world.join(team), 5)
    world.freeze(10)
    with world.everything() as session:
        session.add(
            Leader(
                tenant_id=world.school,
                league_id=world.leagues[0],
                person_id=new_id(),
                changed_at=START,
                has_resigned=False,
            )
        )
    return world


@pytest.fixture
def twin(played: World, tmp_path: Path) -> Iterator[Database]:
    """A copy, as it was before the test changes one of the two."""
    with played.database.engine.execution_options(isolation_level="AUTOCOMMIT", read_only=True).connect() as connection:
        connection.connection.driver_connection.execute(f"VACUUM INTO '{tmp_path}/twin.db'")  # type: ignore[union-attr]
    database = Database(f"sqlite:///{tmp_path}/twin.db")
    yield database
    database.close()


@pytest.fixture
def compared(played: World, twin: Database, capsys: pytest.CaptureFixture[str]) -> Compare:
    """Compares the twin with the other one, as an operator does; the exit status and what was printed."""

    def compare() -> tuple[int, str]:
        act = command.COMMANDS["verify"][2]
        status = act(Namespace(against=str(played.database.url.database)), None, twin)
        return status, capsys.readouterr().out

    return compare


def tamper(database: Database, *statements: Any) -> None:
    with database.transaction(across_tenants()) as session:
        for statement in statements:
            session.execute(statement.execution_options(synchronize_session=False))


def test_what_holds_the_same_is_equal_however_often_its_rows_were_written(
    played: World, twin: Database, compared: Compare
) -> None:
    tamper(twin, sa.update(Standing).values(batches=Standing.batches + 7))
    status, said = compared()
    assert status == 0, said
    assert "no differences between" in said
    assert said.count(" as of 2026-11-02T") == 2


def test_a_standing_is_told_with_board_contender_and_both_numbers(
    played: World, twin: Database, compared: Compare
) -> None:
    player = Standing.board == "league_players"
    tamper(twin, sa.update(Standing).where(player, Standing.view == "live").values(points=12))
    status, said = compared()
    assert status == 1
    [line, *_] = [line for line in said.splitlines() if "points 12 here, points 5 there" in line]
    assert line.startswith("standings ")
    assert "/league_players/" in line
    assert "« " in line
    assert "Facts and ledger are equal" in said


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (Tenant, {"name": "Somewhere else"}),
        (PlayerMove, {"team_id": None}),
        (LedgerEntry, {"co2e_g": 7}),
        (HistogramBar, {"contenders": 9}),
        *((model, None) for model in EVERY),
    ],
)
def test_a_change_or_loss_in_any_table_is_found_from_either_side(
    played: World, twin: Database, compared: Compare, model: Any, values: dict[str, Any] | None
) -> None:
    for database in (twin, played.database):
        tamper(database, sa.delete(model) if values is None else sa.update(model).values(**values))
        status, said = compared()
        if database is twin:
            assert status == 1
            assert f"\n{model.__tablename__} " in f"\n{said}"
    assert "no differences between" in said, "both were changed alike"


def test_who_lacks_entries_is_merely_behind_and_told_so(played: World, twin: Database, compared: Compare) -> None:
    played.record(played.teams[played.leagues[0]][0], played.join(played.teams[played.leagues[0]][0]), 3)
    status, said = compared()
    assert status == 1
    assert "ledger " in said
    assert "points 3), not here" in said
    assert "This one lacks 1 entries" in said
    assert "`catch-up`" in said


def test_two_that_know_different_things_are_neither_behind(played: World, twin: Database, compared: Compare) -> None:
    tamper(twin, sa.update(LedgerEntry).values(source=LedgerEntry.source + "x"))
    status, said = compared()
    assert status == 1
    assert "neither is merely behind" in said


def test_keys_and_suspensions_decide_who_may_read_a_board(played: World, twin: Database, compared: Compare) -> None:
    with played.everything() as session:
        session.add(AccessRule(tenant_id=new_id(), person_id=EVERYBODY, session_id=EVERYBODY, is_suspended=True))
        session.add(AccessRule(tenant_id=new_id(), person_id=new_id(), session_id=new_id()))  # an ended session
    tamper(twin, sa.delete(SigningKey))
    status, said = compared()
    assert status == 1
    assert "signing_keys test: there" in said
    assert said.count("access_rules ") == 1
    assert "`announce` in identity and leagues" in said


def test_no_more_than_a_hundred_are_told_but_all_are_counted(played: World, twin: Database, compared: Compare) -> None:
    with played.everything() as session:
        session.add_all(Tenant(tenant_id=new_id(), name="x", name_rank=1) for _ in range(150))
    status, said = compared()
    assert status == 1
    assert said.count("tenants ") == 100
    assert "150 differences" in said


def test_texts_are_read_in_the_order_in_which_python_sorts_them(played: World) -> None:
    with played.everything() as session:
        for key_id in ("b", "B", "é", "z", "a-b", "ab", "Œ", "😀", "\uffff"):
            session.add(SigningKey(key_id=key_id, jwk={}, expires_at=NEVER))
    with played.database.engine.connect() as connection:
        found = [row["key_id"] for row in in_order(connection, SigningKey.__table__)]
    assert found == sorted(found)
    assert len(found) == 10


@pytest.mark.parametrize(
    ("against", "words"),
    [
        ("itself", "itself"),
        ("/nowhere/there.db", "not there"),
        ("mysql://root:secret@127.0.0.1/ranking", "--against must be"),
    ],
)
def test_what_is_no_other_database_is_refused(twin: Database, against: str, words: str) -> None:
    named = str(twin.url.database) if against == "itself" else against
    with pytest.raises(SettingsError, match=words) as refused:
        command.COMMANDS["verify"][2](Namespace(against=named), None, twin)
    assert "secret" not in str(refused.value)


def test_a_database_that_is_not_migrated_is_refused(twin: Database, tmp_path: Path) -> None:
    Database(f"sqlite:///{tmp_path}/new.db").engine.connect().close()
    with pytest.raises(SettingsError, match="not migrated"):
        command.COMMANDS["verify"][2](Namespace(against=str(tmp_path / "new.db")), None, twin)
