from __future__ import annotations

from argparse import Namespace
from typing import Any

import pytest
import sqlalchemy as sa

from services.ranking import __main__ as command
from services.ranking.domain import rebuild, verify
from services.ranking.models import Counters, HistogramBar, LedgerEntry, Standing, Summary
from shared.database import new_id
from tests.ranking.world import World


@pytest.fixture
def played(world: World) -> World:
    for league in world.leagues:
        for team in world.teams[league]:
            player = world.join(team)
            world.record(team, player, 5)
    world.freeze(10)
    return world


def differences(world: World) -> set[str]:
    with world.everything() as session:
        return {difference.table for difference in verify(session)}


def tamper(world: World, statement: Any) -> None:
    with world.everything() as session:
        session.execute(statement.execution_options(synchronize_session=False))


def test_what_the_handlers_wrote_is_what_the_ledger_says(played: World) -> None:
    assert differences(played) == set()


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (sa.update(LedgerEntry).values(points=LedgerEntry.points + 1), {"standings", "histogram"}),
        (sa.update(LedgerEntry).values(co2e_g=7), {"summaries"}),
        (sa.update(Standing).values(points=Standing.points + 1), {"standings"}),
        (sa.update(Standing).where(Standing.board == "edition_leagues").values(per_head=1), {"standings"}),
        (sa.update(Standing).where(Standing.board == "edition_leagues").values(heads=9), {"standings"}),
        (sa.delete(Standing).where(Standing.view == "frozen"), {"standings"}),
        (sa.update(HistogramBar).values(contenders=HistogramBar.contenders + 1), {"histogram"}),
        (sa.delete(HistogramBar).where(HistogramBar.measure == "per_head"), {"histogram"}),
        (sa.update(Summary).values(heads=Summary.heads + 1), {"summaries"}),
        (sa.update(Summary).where(Summary.scope == "league").values(begun=Summary.begun + 1), {"summaries"}),
        (sa.update(Counters).values(completions=1), {"counters"}),
    ],
)
def test_tampering_of_each_level_is_found_and_a_rebuild_mends_it(
    played: World, statement: Any, found: set[str]
) -> None:
    tamper(played, statement)
    assert differences(played) == found
    with played.everything() as session:
        rebuild(session)
    assert differences(played) == set()


def test_rows_of_things_that_do_not_exist_are_found(played: World) -> None:
    with played.everything() as session:
        row = dict.fromkeys(("points", "completions", "heads", "batches"), 0)
        session.add(
            Standing(
                tenant_id=new_id(),
                board="league_teams",
                scope_id=new_id(),
                view="live",
                contender_id=new_id(),
                name="Ghosts",
                **row,
            )
        )
    assert differences(played) == {"standings"}


def test_the_list_of_differences_is_bounded(played: World) -> None:
    tamper(played, sa.update(Standing).values(points=Standing.points + 1))
    with played.everything() as session:
        assert len(verify(session, limit=3)) == 3


def test_a_rebuild_keeps_names_and_places(played: World) -> None:
    def rows() -> set[Any]:
        with played.everything() as session:
            standings = session.scalars(sa.select(Standing)).all()
            return {
                (row.board, row.view, row.contender_id, row.name, row.bracket, row.points, row.is_public)
                for row in standings
            }

    before = rows()
    with played.everything() as session:
        rebuild(session)
    assert rows() == before


def test_the_commands_say_what_they_found(played: World, capsys: pytest.CaptureFixture[str]) -> None:
    run = {name: act for name, (_help, _arguments, act) in command.COMMANDS.items()}
    tamper(played, sa.update(Standing).values(points=Standing.points + 1))
    assert run["verify"](Namespace(against=""), None, played.database) == 1
    assert "standings" in capsys.readouterr().out
    assert run["rebuild"](None, None, played.database) == 0
    assert "1 editions, 3 leagues" in capsys.readouterr().out
    assert run["verify"](Namespace(against=""), None, played.database) == 0
    assert "no differences" in capsys.readouterr().out
