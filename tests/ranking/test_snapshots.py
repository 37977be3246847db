"""Trap 4: a frozen board that leaks."""

from __future__ import annotations

from uuid import UUID

import pytest
import sqlalchemy as sa

from services.ranking.domain import read_board, read_counters, read_impact, read_position
from services.ranking.models import FROZEN, HistogramBar, Standing, Summary
from shared.auth import Caller
from shared.contracts import LeaderAppointed, LeaderResigned
from shared.outbox import OutboxRow
from tests.house import caller_of
from tests.ranking.world import World, minute


@pytest.fixture
def frozen(world: World) -> World:
    """Six players; 10 points and 100 g before the freeze at minute 20, 32 points and 700 g after it."""
    team = world.teams[world.leagues[0]][0]
    world.players = [world.join(team, f"Player {number}") for number in range(6)]  # type: ignore[attr-defined]
    world.record(team, world.players[0], 10, 5)  # type: ignore[attr-defined]
    world.freeze(20)
    world.record(team, world.players[1], 32, 25, co2e_g=700)  # type: ignore[attr-defined]
    return world


def boards_of(world: World) -> list[tuple[str, UUID]]:
    league = world.leagues[0]
    return [
        ("league_teams", league),
        ("league_players", league),
        ("team_players", world.teams[league][0]),
        ("edition_leagues", world.edition),
        ("edition_tenants", world.edition),
    ]


def points_seen(world: World, caller: Caller | None, boards: list[tuple[str, UUID]]) -> set[tuple[str, int]]:
    """Every way of reading: pages, around each contender, either measure."""
    seen = set()
    with world.reading(caller) as session:
        for board, scope in boards:
            for measure in ("total", "per_head"):
                page = read_board(session, caller, board, scope, measure=measure)
                pages = [
                    read_board(session, caller, board, scope, measure=measure, around=line.contender_id)
                    for line in page.standings
                ]
                for one in (page, *pages):
                    assert one.as_of is not None
                    seen.add((one.view, max(line.points for line in one.standings)))
                    assert one.view == "live" or one.as_of <= minute(20)
    return seen


def test_pupils_see_the_snapshot_on_every_board_and_in_every_way(frozen: World) -> None:
    assert points_seen(frozen, frozen.pupil(), boards_of(frozen)) == {("frozen", 10)}


def test_the_organisers_of_the_tenant_see_the_truth_of_its_leagues(frozen: World) -> None:
    seen = points_seen(frozen, frozen.teacher(), boards_of(frozen)[:3])
    assert {view for view, _points in seen} == {"live"}
    assert max(points for _view, points in seen) == 42


def test_the_organisers_of_a_taking_part_tenant_see_the_snapshot_of_the_edition(frozen: World) -> None:
    assert points_seen(frozen, frozen.teacher(), boards_of(frozen)[3:]) == {("frozen", 10)}
    assert points_seen(frozen, frozen.employee(), boards_of(frozen)[3:]) == {("frozen", 10)}
    assert points_seen(frozen, None, boards_of(frozen)[3:]) == {("frozen", 10)}


@pytest.mark.parametrize("role", ["administrator", "organiser", "operator"])
def test_the_organisers_of_the_edition_see_its_truth(frozen: World, role: str) -> None:
    caller = caller_of(frozen.owner, role)
    assert points_seen(frozen, caller, boards_of(frozen)[3:]) == {("live", 42)}


def test_a_leader_sees_the_truth_of_the_league_until_they_resign(frozen: World) -> None:
    leader, league = caller_of(frozen.school, "player"), frozen.leagues[0]
    fact = {**frozen.at(league), "person_id": leader.person_id}
    frozen.tell(frozen.school, LeaderAppointed(**fact), minute(1))
    assert ("live", 42) in points_seen(frozen, leader, boards_of(frozen)[:3])
    assert points_seen(frozen, leader, boards_of(frozen)[3:]) == {("frozen", 10)}
    frozen.tell(frozen.school, LeaderResigned(**fact), minute(2))
    frozen.tell(frozen.school, LeaderAppointed(**fact), minute(1))
    assert points_seen(frozen, leader, boards_of(frozen)[:3]) == {("frozen", 10)}


def test_impact_position_and_counters_do_not_leak(frozen: World) -> None:
    caller = frozen.pupil()
    league = frozen.leagues[0]
    with frozen.reading(caller) as session:
        totals = [
            read_impact(session, caller, league_id=league),
            read_impact(session, caller, team_id=frozen.teams[league][0]),
            read_impact(session, caller, edition_id=frozen.edition),
            read_impact(session, caller),
        ]
        position = read_position(session, caller, frozen.players[1])  # type: ignore[attr-defined]
        counters = read_counters(session)
    assert {(total.view, total.co2e_g, total.completions) for total in totals} == {("frozen", 100, 1)}
    assert position.view == "frozen"
    for page in (position.league, position.team):
        assert page is not None
        assert max(line.points for line in page.standings) == 10
    assert (counters["co2e_g"], counters["completions"]) == (100, 1)


def test_a_freeze_that_is_heard_of_late_leaves_out_what_came_after_it(frozen: World) -> None:
    team = frozen.teams[frozen.leagues[0]][0]
    frozen.reveal(26)
    frozen.record(team, frozen.players[2], 5, 35)  # type: ignore[attr-defined]
    frozen.join(team, when=35)
    frozen.freeze(30)
    with frozen.reading(None) as session:
        board = read_board(session, None, "edition_leagues", frozen.edition)
    assert (board.view, board.standings[0].points, board.standings[0].heads) == ("frozen", 42, 6)


def test_a_late_word_of_something_before_the_freeze_is_in_the_snapshot(frozen: World) -> None:
    team = frozen.teams[frozen.leagues[0]][0]
    frozen.record(team, frozen.players[2], 3, 19)  # type: ignore[attr-defined]
    with frozen.reading(None) as session:
        line = read_board(session, None, "edition_leagues", frozen.edition).standings[0]
    assert line.points == 13


def test_a_league_that_appears_during_the_freeze_shows_none_of_its_points(frozen: World) -> None:
    late = World(frozen.database, frozen.consumer)
    late.owner, late.edition = frozen.owner, frozen.edition
    league = late.leagues[0]
    late.create_league(league, "Late")
    team = late.teams[league][0]
    late.record(team, late.join(team, when=30), 8, 31)
    with frozen.reading(caller_of(late.school, "pupil")) as session:
        caller = caller_of(late.school, "pupil")
        edition = read_board(session, caller, "edition_leagues", frozen.edition, measure="total", around=league)
        own = read_board(session, caller, "league_players", league)
    assert [line.points for line in edition.standings if line.contender_id == league] == [0]
    assert (own.view, own.standings) == ("frozen", [])


def test_a_team_that_appears_during_the_freeze_shows_none_of_its_points(frozen: World) -> None:
    team = frozen.teams[frozen.leagues[1]][1]
    frozen.record(team, frozen.join(team, when=30), 8, 31)
    assert points_seen(frozen, None, boards_of(frozen)[3:]) == {("frozen", 10)}


def test_revealed_boards_show_the_truth_and_are_announced_once(frozen: World) -> None:
    frozen.reveal(40)
    frozen.reveal(40)
    assert points_seen(frozen, frozen.pupil(), boards_of(frozen)[3:]) == {("live", 42)}
    with frozen.everything() as session:
        for model in (Standing, HistogramBar, Summary):
            assert session.scalar(sa.select(sa.func.count()).where(model.view == FROZEN)) == 0
        sent = session.scalars(sa.select(OutboxRow.envelope)).all()
        assert read_counters(session)["co2e_g"] == 800
    assert len(sent) == 1
    assert '"BoardsRevealed"' in sent[0]
