"""What somebody reads of their own play beside their account: their leagues, points, places and impact."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from shared.auth import Caller
from tests.house import House, caller_of
from tests.ranking.test_pages import FRENCH, HOSTILE
from tests.ranking.world import World


def piece(house: House, caller: Caller | None) -> Any:
    return house.client("ranking", caller).get("/ranking/fragments/me", headers=FRENCH)


def words(answer: Any) -> str:
    """What a person reads of it."""
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", answer.text)).replace("\xa0", " ").strip()


def test_a_player_reads_points_place_and_impact_of_each_league(house: House, world: World) -> None:
    me = caller_of(world.school, "player")
    first, second = world.leagues[:2]
    team = world.teams[first][0]
    mine = world.join(team, HOSTILE, person=me.person_id)
    world.record(team, world.join(team, "Zoé"), 9)
    world.record(team, mine, 5, co2e_g=1500)
    world.record(team, mine, -1, co2e_g=-200)
    world.record(team, None, 20, co2e_g=7000)
    told = words(piece(house, me))
    assert "place 2 sur 2" in told
    assert "+4 points" in told
    assert "1,3 kg CO₂e" in told, "their own, and neither the team's nor Zoé's"
    assert told.count("Mon historique") == 1
    assert f'href="/leagues/{first}/history"' in piece(house, me).text
    world.join(world.teams[second][0], "Elsewhere", person=me.person_id)
    told = words(piece(house, me))
    assert told.count("Mon historique") == 2
    assert "League 1 Edition · place 1 sur 1 Mon historique 0 point" in told


def test_a_shared_place_is_told_as_one(house: House, world: World) -> None:
    me = caller_of(world.school, "player")
    team = world.teams[world.leagues[0]][0]
    world.record(team, world.join(team, "Zoé"), 3)
    world.record(team, world.join(team, "Camille", person=me.person_id), 3)
    assert "place 1 sur 2, ex æquo" in words(piece(house, me))


def test_a_league_one_has_left_is_not_told(house: House, world: World) -> None:
    me = caller_of(world.school, "player")
    team = world.teams[world.leagues[0]][0]
    player = world.join(team, "Camille", person=me.person_id)
    world.record(team, player, 3)
    world.leave(player, team, 5)
    assert "Vous ne jouez encore dans aucune ligue" in words(piece(house, me))


def test_nobody_reads_anybody_elses(house: House, world: World) -> None:
    me = caller_of(world.school, "player")
    team = world.teams[world.leagues[0]][0]
    world.record(team, world.join(team, "Camille", person=me.person_id), 3)
    assert "Vous ne jouez encore dans aucune ligue" in words(piece(house, caller_of(world.school, "player")))
    elsewhere = caller_of(world.company, "player")
    stranger = msgspec.structs.replace(elsewhere, person_id=me.person_id)
    assert "+3" not in words(piece(house, stranger)), "the same person id in another tenant is somebody else"
    assert words(piece(house, world.teacher())) == "", "who organises and does not play is asked for nothing"
    assert piece(house, None).status_code == 303
