from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.house import House, caller_of
from tests.ranking.world import World

BASE = "/ranking/api/v1"


@pytest.fixture
def played(world: World) -> World:
    for league in world.leagues:
        for team in world.teams[league]:
            for number in range(3):
                player = world.join(team, f"Player {number}")
                world.record(team, player, number)
    world.last = player  # type: ignore[attr-defined]
    return world


def routes(world: World) -> list[str]:
    league = world.leagues[0]
    return [
        f"/leagues/{league}/teams",
        f"/leagues/{league}/players",
        f"/teams/{world.teams[league][0]}/players",
    ]


def get(house: House, caller: Any, path: str, **query: Any) -> Any:
    return house.client("ranking", caller).get(BASE + path, query_string=query)


def test_the_boards_of_a_league_are_for_its_tenant(house: House, played: World) -> None:
    for path in routes(played):
        board = get(house, played.pupil(), path)
        assert board.status_code == 200
        assert (board.json["view"], board.json["measure"], board.json["standings"][0]["place"]) == ("live", "total", 1)
        assert get(house, played.employee(), path).status_code == 404
        assert get(house, None, path).status_code == 401


def test_anybody_reads_the_boards_of_an_open_edition(house: House, played: World) -> None:
    for path in (f"/editions/{played.edition}/leagues", f"/editions/{played.edition}/tenants"):
        for caller in (None, played.pupil(), caller_of()):
            board = get(house, caller, path)
            assert board.status_code == 200
            assert board.json["measure"] == "per_head"
            assert board.json["standings"][0]["per_head"] == 1.0
            assert board.json["standings"][0]["is_tied"] is True


def test_a_tenants_own_edition_is_for_its_people(house: House) -> None:
    own = World(house.databases["ranking"], house.consumers["ranking"], is_open=False, own=True).founded()
    path = f"/editions/{own.edition}/leagues"
    assert get(house, own.pupil(), path).status_code == 200
    assert get(house, own.employee(), path).status_code == 404
    assert get(house, None, path).status_code == 404
    assert get(house, None, "/impact", edition_id=own.edition).status_code == 404


def test_the_measure_is_explained_in_the_readers_language(house: House, played: World) -> None:
    path = f"/editions/{played.edition}/leagues"
    assert "divided by the number of players" in get(house, None, path).json["explanation"]
    assert "divisés par le nombre de joueurs" in get(house, None, path, lang="fr").json["explanation"]
    assert get(house, None, path, measure="total", lang="fr").json["explanation"].startswith("Tous les points")


def test_pages_are_counted(house: House, played: World) -> None:
    board = get(house, played.pupil(), routes(played)[1], page=2, page_size=4).json
    assert (board["total"], board["page"], board["page_size"], len(board["standings"])) == (6, 2, 4, 2)


def test_a_position_has_its_neighbours(house: House, played: World) -> None:
    player = played.last  # type: ignore[attr-defined]
    position = get(house, played.employee(), f"/players/{player}/position")
    assert position.status_code == 200
    assert len(position.json["team"]["standings"]) == 3
    assert len(position.json["league"]["standings"]) == 6
    assert get(house, played.pupil(), f"/players/{player}/position").status_code == 404
    assert get(house, None, f"/players/{player}/position").status_code == 401


def test_impact_and_counters_are_answered(house: House, played: World) -> None:
    assert get(house, played.pupil(), "/impact").json["co2e_g"] == 1200
    assert get(house, None, "/impact", edition_id=played.edition).json["completions"] == 18
    assert get(house, None, "/impact").status_code == 401
    assert get(house, None, "/counters").json["players"] == 18


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"measure": "average"}, 422, "invalid"),
        ({"around": "me"}, 422, "invalid"),
        ({"around": str(uuid4())}, 404, "not_on_board"),
        ({"page": 0}, 422, "invalid"),
        ({"page": 2**70}, 422, "invalid"),
        ({"page_size": 1000}, 422, "invalid"),
        ({"page": "١\u0000"}, 422, "invalid"),
        ({"age_band": "old"}, 422, "invalid"),
        ({"colour": "green"}, 422, "unknown_parameter"),
    ],
)
def test_bad_queries_are_refused_with_a_stable_code(
    house: House, played: World, query: dict[str, Any], status: int, code: str
) -> None:
    answer = get(house, None, f"/editions/{played.edition}/leagues", lang="fr", **query)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.content_type == "application/problem+json"


def test_ids_that_are_none_are_refused(house: House, played: World) -> None:
    assert get(house, played.pupil(), "/leagues/12/teams").json["code"] == "bad_identifier"
    assert get(house, played.pupil(), f"/leagues/{uuid4()}/teams").status_code == 404
    asked = {"league_id": uuid4(), "team_id": uuid4()}
    assert get(house, played.pupil(), "/impact", **asked).json["code"] == "too_many_scopes"
    assert "une seule chose" in get(house, played.pupil(), "/impact", lang="fr", **asked).json["title"]


def test_every_sentence_is_translated() -> None:
    from services.ranking import api, errors
    from shared.i18n import translate

    sentences = [*api.EXPLANATIONS.values(), api.PLAYER_EXPLANATION, errors.NotOnBoard.text, errors.TooManyScopes.text]
    assert all(translate(sentence, "fr") != sentence for sentence in sentences)


def test_every_operation_is_described(house: House) -> None:
    text = house.client("ranking").get(f"{BASE}/openapi.json").json
    for path, operations in text["paths"].items():
        for method, operation in operations.items():
            if method != "parameters":
                assert operation["summary"], path
                assert "example" in operation["responses"]["200"]["content"]["application/json"], path
