"""The head count can only grow after its freeze: nobody raises an average by dropping players."""

from __future__ import annotations

from datetime import timedelta

from services.ranking.domain import read_board
from services.ranking.domain.heads import Membership, Move, membership
from shared.database import new_id
from tests.ranking.world import START, World, minute

A, B = new_id(), new_id()
FREEZE = minute(10)


def place(*moves: tuple[int, object]) -> Membership | None:
    made = [Move(number, team, minute(at)) for number, (at, team) in enumerate(moves, 1)]  # type: ignore[arg-type]
    return membership(reversed(made), FREEZE, None)


def test_who_leaves_before_the_freeze_is_no_head() -> None:
    assert place((0, A), (9, None)) == Membership(None, None)


def test_who_leaves_after_the_freeze_stays_a_head() -> None:
    assert place((0, A), (11, None)) == Membership(None, A)


def test_who_moves_after_the_freeze_stays_a_head_of_the_team_held_at_it() -> None:
    assert place((0, A), (10, B), (11, A)) == Membership(A, B)


def test_who_joins_late_is_a_head_of_the_first_team() -> None:
    assert place((11, A), (12, B), (13, None)) == Membership(None, A)


def test_who_left_before_the_freeze_and_comes_back_is_added() -> None:
    assert place((0, A), (5, None), (20, B)) == Membership(B, B)


def test_without_a_known_freeze_heads_are_those_who_play() -> None:
    assert membership([Move(1, A, START), Move(2, None, minute(5))], None, None) == Membership(None, None)


def test_dropping_inactive_players_after_the_freeze_changes_no_average(world: World) -> None:
    world.heads_frozen_at = FREEZE
    league = world.leagues[0]
    world.create_league(league, "League 0", revision=2)
    team = world.teams[league][0]
    players = [world.join(team, f"Player {number}") for number in range(5)]
    world.record(team, players[0], 10)
    for player in players[1:]:
        world.leave(player, team, 11)
    with world.reading(world.pupil()) as session:
        line = read_board(session, world.pupil(), "edition_leagues", world.edition, around=league).standings[0]
    assert (line.heads, line.per_head) == (5, 2.0)


def test_a_freeze_that_is_heard_of_late_counts_again(world: World) -> None:
    league = world.leagues[0]
    team = world.teams[league][0]
    player = world.join(team)
    world.leave(player, team, 30)
    world.heads_frozen_at = START + timedelta(minutes=10)
    world.create_league(league, "League 0", revision=2)
    with world.reading(world.pupil()) as session:
        board = read_board(session, world.pupil(), "league_teams", league, around=team)
    assert board.heads_frozen_at == world.heads_frozen_at
    assert board.standings[0].heads == 1


def test_players_who_only_passed_through_a_team_are_not_on_its_board(world: World) -> None:
    first, second = world.teams[world.leagues[0]]
    player = world.join(first)
    world.move(player, second, 1)
    with world.reading(world.pupil()) as session:
        assert read_board(session, world.pupil(), "team_players", first).standings == []
        assert len(read_board(session, world.pupil(), "team_players", second).standings) == 1


def test_points_stay_where_they_were_won(world: World) -> None:
    first, second = world.teams[world.leagues[0]]
    player = world.join(first)
    world.record(first, player, 4)
    world.move(player, second, 1)
    world.record(second, player, 3, 2)
    with world.reading(world.pupil()) as session:
        won = [read_board(session, world.pupil(), "team_players", team).standings[0].points for team in (first, second)]
    assert won == [4, 3]
