from __future__ import annotations

import random
from uuid import UUID

import pytest

from services.ranking.domain import BoardPage, read_board, read_position
from services.ranking.domain.boards import read_place
from services.ranking.domain.scopes import find_board_scope
from services.ranking.errors import NotOnBoard
from services.ranking.schemas import BoardSchema, StandingSchema
from shared.contracts import LeaderAppointed
from shared.database import new_id
from shared.errors import NotFound
from tests.ranking.naive import places
from tests.ranking.world import World


def crowd(world: World, size: int, seed: int = 1) -> dict[UUID, int]:
    """Players of one team with a few different totals, some below zero."""
    chance = random.Random(seed)
    team = world.teams[world.leagues[0]][0]
    world.kept = []
    totals = {world.join(team, f"Player {number % 7}"): chance.randint(-3, 6) for number in range(size)}
    for player, points in totals.items():
        if points:
            world.record(team, player, points)
    world.deliver(world.kept)
    world.kept = None
    return totals


def league_page(world: World, **query: object) -> BoardPage:
    caller = world.pupil()
    with world.reading(caller) as session:
        return read_board(session, caller, "league_players", world.leagues[0], **query)  # type: ignore[arg-type]


@pytest.mark.parametrize("board", ["league_players", "team_players"])
def test_places_are_those_of_a_brute_force_and_ties_are_shown(world: World, board: str) -> None:
    totals = crowd(world, 60)
    scope = world.leagues[0] if board == "league_players" else world.teams[world.leagues[0]][0]
    caller, lines = world.pupil(), []
    with world.reading(caller) as session:
        for page in (1, 2, 3, 4, 5):
            lines += read_board(session, caller, board, scope, page=page, page_size=13).standings
    assert {line.contender_id: line.place for line in lines} == places(totals)
    scores = list(totals.values())
    assert all(line.is_tied == (scores.count(line.points) > 1) for line in lines)
    assert [(-line.points, line.name, line.contender_id) for line in lines] == sorted(
        (-line.points, line.name, line.contender_id) for line in lines
    )


def test_around_shows_five_on_either_side_with_their_true_places(world: World) -> None:
    totals = crowd(world, 60)
    order = [line.contender_id for page in (1, 2, 3) for line in league_page(world, page=page).standings]
    for index, contender in enumerate(order):
        around = league_page(world, around=contender).standings
        assert [line.contender_id for line in around] == order[max(0, index - 5) : index + 6]
        assert all(line.place == places(totals)[line.contender_id] for line in around)


def test_around_somebody_who_is_not_there_is_refused(world: World) -> None:
    with pytest.raises(NotOnBoard):
        league_page(world, around=world.edition)


def test_things_are_on_their_boards_as_soon_as_they_exist(world: World) -> None:
    caller = world.pupil()
    with world.reading(caller) as session:
        teams = read_board(session, caller, "league_teams", world.leagues[0])
        leagues = read_board(session, caller, "edition_leagues", world.edition, measure="total")
        tenants = read_board(session, caller, "edition_tenants", world.edition, measure="total")
    assert [(line.name, line.points, line.place) for line in teams.standings] == [("Team 0", 0, 1), ("Team 1", 0, 1)]
    assert [line.name for line in leagues.standings] == ["League 0", "League 1", "League 2"]
    assert [line.name for line in tenants.standings] == ["The company", "The school"]


def test_a_league_without_heads_has_no_score_per_head(world: World) -> None:
    world.record(world.teams[world.leagues[1]][0], None, 5)
    world.join(world.teams[world.leagues[0]][0])
    with world.reading(None) as session:
        board = read_board(session, None, "edition_leagues", world.edition)
    assert (board.measure, board.total, [line.name for line in board.standings]) == ("per_head", 1, ["League 0"])


def test_points_below_zero_are_divided_downwards(world: World) -> None:
    team = world.teams[world.leagues[0]][0]
    player, *_others = [world.join(team) for _ in range(3)]
    world.record(team, player, -1)
    with world.reading(None) as session:
        line = read_board(session, None, "edition_leagues", world.edition).standings[0]
    assert line.per_head == -0.333334


def test_an_age_band_is_a_board_of_its_own(world: World) -> None:
    for number, league in enumerate(world.leagues):
        team = world.teams[league][0]
        world.record(team, world.join(team), 10 * number)
    with world.reading(None) as session:
        board = read_board(session, None, "edition_leagues", world.edition, bracket="6-10")
    assert [(line.place, line.name) for line in board.standings] == [(1, "League 1"), (2, "League 0")]
    assert board.total == 2


def test_a_new_name_is_on_every_board(world: World) -> None:
    team = world.teams[world.leagues[0]][0]
    player = world.join(team, "Camille")
    world.move(player, team, 3, name="Zoé 🌱")
    world.create_league(world.leagues[0], "Les Lucioles", revision=2)
    world.create_league(world.leagues[0], "An older name", revision=1)
    assert league_page(world).standings[0].name == "Zoé 🌱"
    with world.reading(None) as session:
        names = {
            line.name for line in read_board(session, None, "edition_leagues", world.edition, measure="total").standings
        }
    assert names == {"Les Lucioles", "League 1", "League 2"}


def test_a_board_says_what_it_contains(world: World) -> None:
    team = world.teams[world.leagues[0]][0]
    player = world.join(team, when=1)
    world.record(team, player, 3, 7)
    world.record(team, player, 3, 5)
    as_of = league_page(world).as_of
    assert as_of is not None
    assert as_of.minute == 7


def test_my_position_shows_league_and_team(world: World) -> None:
    totals = crowd(world, 20)
    player, caller = next(iter(totals)), world.pupil()
    with world.reading(caller) as session:
        position = read_position(session, caller, player)
    assert position.league is not None
    assert position.team is not None
    mine = [line.place for line in position.league.standings if line.contender_id == player]
    assert mine == [places(totals)[player]]
    assert position.team.scope_id == world.teams[world.leagues[0]][0]


def test_a_place_asked_for_alone_is_the_one_on_the_board(world: World) -> None:
    totals = crowd(world, 30)
    caller = world.pupil()
    with world.reading(caller) as session:
        scope = find_board_scope(session, caller, "league", world.leagues[0])
        found = {player: read_place(session, scope, "league_players", player) for player in totals}
        with pytest.raises(NotOnBoard):
            read_place(session, scope, "league_players", new_id())
    assert found == places(totals)


def test_the_lines_of_a_board_are_what_their_schema_says(world: World) -> None:
    crowd(world, 5)
    lines = league_page(world).standings
    assert BoardSchema().dump({"standings": lines})["standings"] == StandingSchema(many=True).dump(lines)


def test_the_boards_of_a_league_are_closed_to_other_tenants_and_strangers(world: World) -> None:
    team = world.teams[world.leagues[0]][0]
    player = world.join(team)
    for caller in (world.employee(), None):
        with world.reading(caller) as session:
            for board, scope in (("league_teams", world.leagues[0]), ("team_players", team)):
                with pytest.raises(NotFound):
                    read_board(session, caller, board, scope)
            if caller is not None:
                with pytest.raises(NotFound):
                    read_position(session, caller, player)


def test_an_edition_that_closes_is_no_longer_public(world: World) -> None:
    world.schedule(is_open=False, revision=2)
    with world.reading(None) as session, pytest.raises(NotFound):
        read_board(session, None, "edition_leagues", world.edition)
    world.schedule(is_open=True, revision=3)
    with world.reading(None) as session:
        assert read_board(session, None, "edition_leagues", world.edition, measure="total").total == 3


def test_a_league_heard_of_before_its_creation_gets_its_name_later(world: World) -> None:
    stranger = World(world.database, world.consumer)
    league = stranger.leagues[0]
    stranger.record(stranger.teams[league][0], None, 4)
    stranger.tell(stranger.school, LeaderAppointed(**stranger.at(league), person_id=stranger.school))
    stranger.founded()
    with world.reading(None) as session:
        board = read_board(session, None, "edition_leagues", stranger.edition, measure="total")
    assert next((line.name, line.points) for line in board.standings) == ("League 0", 4)
