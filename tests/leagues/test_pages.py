from __future__ import annotations

import pytest

from tests.leagues.game import Game


def test_an_invitation_link_shows_the_code_and_what_to_do(game: Game) -> None:
    code = game.client.get(game.path()).json["code"]
    link = game.client.get(game.path()).json["join_link"]
    page = game.house.client("leagues").get(
        link.removeprefix("http://127.0.0.1:8000"), headers={"Accept-Language": "fr"}
    )
    assert page.status_code == 200
    assert f"{code[:4]} {code[4:]}" in page.text
    assert "rejoignez la ligue avec ce code" in page.text


def test_an_invitation_link_says_nothing_of_the_league(game: Game) -> None:
    league = game.client.get(game.path()).json
    page = game.house.client("leagues").get(f"/leagues/join/{league['code']}")
    assert league["name"] not in page.text


@pytest.mark.parametrize("code", ["<script>", "K7MPX2Q", "K7MPX2QA2", "K7MPX2Q0", "é" * 8])
def test_a_link_that_is_no_code_leads_nowhere(game: Game, code: str) -> None:
    assert game.house.client("leagues").get(f"/leagues/join/{code}").status_code == 404


def test_teams_and_leaders_come_by_page(game: Game) -> None:
    first = game.client.get(game.path("teams?page=1&page_size=1"))
    second = game.client.get(game.path("teams?page=2&page_size=1"))
    assert [len(first.json), len(second.json)] == [1, 1]
    assert first.json != second.json
    assert '"total": 2' in first.headers["X-Pagination"]
    assert game.client.get(game.path("leaders?page=2")).json == []
