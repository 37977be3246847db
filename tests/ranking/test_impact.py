from __future__ import annotations

import pytest

from services.ranking.domain import read_counters, read_impact
from services.ranking.errors import TooManyScopes
from shared.errors import NotFound, NotSignedIn
from tests.ranking.world import World


def test_impact_adds_up_on_every_level_and_withdrawals_take_it_back(world: World) -> None:
    league = world.leagues[0]
    team = world.teams[league][0]
    players = [world.join(team) for _ in range(5)]
    for player in players:
        last = world.record(team, player, 2, co2e_g=300)
    world.record(team, None, 5, co2e_g=None)
    world.record(team, players[-1], 2, co2e_g=300, completion=last, withdrawn=True)
    caller = world.pupil()
    with world.reading(caller) as session:
        for asked in ({"league_id": league}, {"team_id": team}, {"edition_id": world.edition}, {}):
            total = read_impact(session, caller, **asked)
            assert (total.co2e_g, total.completions, total.unquantified) == (1200, 5, 1)


def test_fewer_than_five_people_are_hidden(world: World) -> None:
    team = world.teams[world.leagues[0]][0]
    players = [world.join(team) for _ in range(4)]
    world.record(team, players[0], 2)
    with world.reading(world.pupil()) as session:
        total = read_impact(session, world.pupil(), team_id=team)
    assert (total.is_hidden, total.co2e_g, total.completions) == (True, None, None)


def test_impact_is_the_tenants_own(world: World) -> None:
    with world.reading(world.employee()) as session:
        with pytest.raises(NotFound):
            read_impact(session, world.employee(), league_id=world.leagues[0])
        with pytest.raises(TooManyScopes):
            read_impact(session, world.employee(), league_id=world.leagues[0], edition_id=world.edition)
    with world.reading(None) as session:
        assert read_impact(session, None, edition_id=world.edition).is_hidden
        with pytest.raises(NotSignedIn):
            read_impact(session, None, league_id=world.leagues[0])


def test_counters_count_players_who_left_and_not_what_was_withdrawn(world: World) -> None:
    team = world.teams[world.leagues[0]][0]
    player = world.join(team)
    completion = world.record(team, player, 3)
    world.record(team, player, 3, 1, completion=completion, withdrawn=True)
    world.record(team, player, 4, 1)
    world.leave(player, team, 2)
    with world.reading(None) as session:
        counters = read_counters(session)
    assert {name: counters[name] for name in ("players", "leagues", "editions", "completions", "co2e_g")} == {
        "players": 1,
        "leagues": 3,
        "editions": 1,
        "completions": 1,
        "co2e_g": 100,
    }
