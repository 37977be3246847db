"""What a league's code says to those who are not of its tenant."""

from __future__ import annotations

import pytest

from services.leagues.domain.doors import Door, door_of
from services.leagues.errors import CodeUnknown
from shared.tenancy import PUBLIC, scope_of
from tests.house import House, caller_of
from tests.leagues.game import Game
from tests.leagues.test_pages import FRENCH

SAID = {
    "school": ("ligue d’une école", "pas besoin de compte", "faire inviter"),
    "company": ("ligue d’une entreprise", "lien d’invitation"),
    "community": ("ligue entre amis", "Tout le monde peut avoir un compte"),
}
NO_ACCOUNT = "/players/new?to="


@pytest.mark.parametrize("kind", SAID)
def test_a_visitor_learns_which_account_to_come_with(house: House, kind: str) -> None:
    game = Game(house, kind=kind, min_players=1, max_players=2)
    code = game.league["code"]
    page = house.client("leagues").get(f"/leagues/join/{code}", headers=FRENCH)
    text = " ".join(page.text.split())
    assert page.status_code == 200
    for sentence in SAID[kind]:
        assert sentence in text
    for other in SAID.keys() - {kind}:
        assert SAID[other][0] not in text
    assert (NO_ACCOUNT in text) == (kind == "community"), "an account among friends opens no school's league"
    assert game.league["name"] not in text


def test_a_code_that_no_league_has_is_said_at_once(house: House) -> None:
    for path in ("/leagues/join/AAAAAAAA", "/leagues/join?code=aaaa-aaaa"):
        page = house.client("leagues").get(path, headers=FRENCH, follow_redirects=True)
        assert page.status_code == 404
        assert "Aucune ligue n’a le code «\u00a0AAAA AAAA\u00a0»" in page.text
        assert "/players/new" not in page.text


@pytest.mark.parametrize("kind", SAID)
def test_somebody_of_another_tenant_reads_where_the_league_is_and_how_to_get_there(house: House, kind: str) -> None:
    game = Game(house, kind=kind, min_players=1, max_players=2)
    address = f"/leagues/join/{game.league['code']}"
    stranger = house.client("leagues", caller_of(None, "player", kind="company", name="Boulons & Cie"))
    for page in (stranger.get(address, headers=FRENCH), stranger.post(address, data={"display_name": "Eve"})):
        assert page.status_code == 403
        assert game.league["name"] not in page.text
        assert "Boulons &amp; Cie" in page.text
        assert f'name="to" value="{address}"' in page.text
        assert (NO_ACCOUNT in page.text) == (kind == "community")
    assert SAID[kind][0] in stranger.get(address, headers=FRENCH).text
    assert [player["display_name"] for player in game.all_players()] == [], "nobody joined"


def test_a_look_at_a_door_leaves_the_session_where_it_was(game: Game) -> None:
    database = game.house.databases["leagues"]
    with database.transaction(PUBLIC, read_only=True) as session:
        assert door_of(session, game.league["code"].lower()) == Door(game.teacher.tenant_id, "school")
        assert scope_of(session) == PUBLIC
        with pytest.raises(CodeUnknown):
            door_of(session, "AAAAAAAA")
        assert scope_of(session) == PUBLIC


def test_who_may_open_no_league_is_not_told_to(house: House) -> None:
    game = Game(house, kind="company", min_players=1, max_players=4)
    page = game.somebody("player").client.get("/leagues/open", headers=FRENCH).text
    assert game.teacher.tenant_name in page.partition("<main")[2]
    assert "/leagues/new" not in page
    assert "Ouvrez la vôtre" not in page
    assert 'href="/leagues/join"' in page.partition("<main")[2]
    leader = house.client("leagues", caller_of(game.teacher.tenant_id, "organiser", kind="company"))
    assert "/leagues/new" in leader.get("/leagues/open").text
