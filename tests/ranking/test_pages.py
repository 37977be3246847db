from __future__ import annotations

from typing import Any

import pytest

from services.ranking.domain.mine import STAGES, stage_of
from shared.database import new_id
from tests.house import House, caller_of
from tests.ranking.world import World

FRENCH = {"Accept-Language": "fr"}
HOSTILE = '<script>alert(1)</script>"&'


@pytest.fixture
def played(world: World) -> World:
    for league in world.leagues:
        for index, team in enumerate(world.teams[league]):
            for number in range(4):
                player = world.join(team, f"Player {number}" if number else HOSTILE)
                world.record(team, player, number + index)
    return world


def get(house: House, caller: Any, path: str, **headers: str) -> Any:
    return house.client("ranking", caller).get(f"/ranking{path}", headers=FRENCH | headers)


@pytest.mark.parametrize("name", ["teams", "players"])
def test_the_boards_of_a_league_are_a_page_for_its_tenant(house: House, played: World, name: str) -> None:
    league = played.leagues[0]
    page = get(house, played.pupil(), f"/leagues/{league}/{name}")
    assert page.status_code == 200
    assert '<table class="board">' in page.text
    assert "Ce que disent les chiffres" in page.text
    assert "<script>alert" not in page.text
    assert get(house, played.employee(), f"/leagues/{league}/{name}").status_code == 404
    assert get(house, None, f"/leagues/{league}/{name}").status_code == 303
    assert get(house, played.pupil(), f"/leagues/{league}/nonsense").status_code == 404


@pytest.mark.parametrize("name", ["leagues", "tenants"])
@pytest.mark.parametrize("query", ["", "?measure=total", "?measure=nonsense", "?page=9", "?page=x", "?around=me"])
def test_the_board_of_an_open_edition_is_read_by_visitors(house: House, played: World, name: str, query: str) -> None:
    page = get(house, None, f"/editions/{played.edition}/{name}{query}")
    assert page.status_code == 200
    assert "Points par personne" in page.text


def test_ties_are_told_as_ties(house: House, played: World) -> None:
    page = get(house, played.pupil(), f"/leagues/{played.leagues[0]}/players?measure=total")
    assert "ex æquo" in page.text


def test_a_closed_edition_and_an_unknown_one_are_not_there_for_visitors(house: House) -> None:
    own = World(house.databases["ranking"], house.consumers["ranking"], is_open=False, own=True).founded()
    assert get(house, None, f"/editions/{own.edition}/leagues").status_code == 404
    assert get(house, own.pupil(), f"/editions/{own.edition}/leagues").status_code == 200
    assert get(house, None, f"/editions/{new_id()}/leagues").status_code == 404


def test_the_pieces_are_no_whole_pages_and_stay_in_their_tenant(house: House, played: World) -> None:
    for piece in ("planet", "race"):
        path = f"/fragments/leagues/{played.leagues[0]}/{piece}"
        answer = get(house, played.pupil(), path)
        assert answer.status_code == 200
        assert "<html" not in answer.text
        assert "<script>alert" not in answer.text
    assert get(house, played.employee(), f"/fragments/leagues/{played.leagues[0]}/race").status_code == 404
    assert "stage-0" in get(house, played.employee(), f"/fragments/leagues/{played.leagues[0]}/planet").text


def test_the_planet_grows_with_the_points_per_head() -> None:
    assert [stage_of(points, 1) for points in (0, *STAGES)] == [0, 1, 2, 3, 4, 5, 6]
    assert stage_of(10, 10) == 1
    assert stage_of(0, 0) == 0
    assert stage_of(-50, 2) == 0


def test_organisers_see_the_figures_of_their_leagues_with_the_table_behind(house: House, played: World) -> None:
    teacher = caller_of(played.school, "organiser")
    page = get(house, teacher, "/overview")
    assert page.status_code == 200
    assert "<canvas" in page.text
    assert page.text.count("data-value=") == 2, "the school's two leagues, not the company's"
    assert get(house, played.pupil(), "/overview").status_code == 403


def test_the_start_lists_the_boards_that_concern_the_reader(house: House, played: World) -> None:
    teacher = get(house, caller_of(played.school, "organiser"), "/")
    assert str(played.leagues[0]) in teacher.text
    assert str(played.leagues[2]) not in teacher.text
    nobody = get(house, caller_of(played.school, "pupil"), "/")
    assert "Pas encore de classement" in nobody.text


def test_the_counters_are_a_piece_for_everybody(house: House, played: World) -> None:
    assert 'class="stats"' in get(house, None, "/counters").text
