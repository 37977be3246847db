"""Pages on which somebody finds their way: a league with room, who has not begun, what is left to do."""

from __future__ import annotations

from tests.builders import create_league, record
from tests.house import House, caller_of
from tests.leagues.game import API, Game
from tests.leagues.test_pages import FRENCH, form_of, path


def test_who_comes_alone_finds_the_leagues_with_an_open_door_and_room(house: House) -> None:
    game = Game(house, kind="company", min_players=1, max_players=4)
    newcomer = game.somebody("player", "Zoé")
    assert "/leagues/open" in newcomer.client.get("/leagues/").text
    code = game.league["code"]
    assert code not in newcomer.client.get("/leagues/open").text, "its door is closed"
    game.client.patch(f"{API}/leagues/{game.league['league_id']}", json={"is_open": True}, headers=etag(game))
    page = newcomer.client.get("/leagues/open", headers=FRENCH)
    assert f'href="/leagues/join/{code}"' in page.text
    assert "1 place libre" in page.text
    joined = newcomer.client.post(f"/leagues/join/{code}", data={"display_name": "Zoé", "team_id": ""})
    assert joined.status_code == 303
    assert code not in newcomer.client.get("/leagues/open").text, "the reader's own"
    assert code not in game.somebody("player", "Late").client.get("/leagues/open").text, "it is full"


def etag(game: Game) -> dict[str, str]:
    return {"If-Match": game.client.get(f"{API}/leagues/{game.league['league_id']}").headers["ETag"]}


def test_a_leader_sees_who_has_not_begun(game: Game) -> None:
    address = path(game, f"record-for/{game.challenge}")
    ids = [game.players[0]["player_id"]]
    game.client.post(address, data={**form_of(game.client, address), "player_ids": ids})
    page = game.client.get(path(game, "teams?who=waiting")).text
    assert game.players[0]["display_name"] not in page
    assert all(player["display_name"] in page for player in game.players[1:])


def test_an_edition_is_offered_however_many_later_ones_there_are(game: Game) -> None:
    admin = game.house.client("leagues", caller_of(game.teacher.tenant_id, "administrator", kind="school"))
    for number in range(25):
        typed = {"name": f"Later {number}", "starts_at": f"2031-03-{number + 1:02}T09:00", "grace_days": "2"}
        admin.post("/leagues/editions/new", data=typed | {"ends_at": "", "min_players": "6", "max_players": "40"})
    assert game.edition["edition_id"] in game.client.get("/leagues/new").text


def test_the_checklist_knows_more_than_the_first_page_of_leagues(game: Game) -> None:
    for number in range(31):
        create_league(game.client, game.edition, name=f"AAA {number:02}")
    page = game.client.get("/leagues/", headers=FRENCH)
    assert game.league["name"] not in page.text
    assert page.text.count('class="is-done"') == 3, "an edition, a league, players"


def test_begun_has_who_plays_and_has_something_that_counts(game: Game) -> None:
    mine, gone, idle = game.join(), game.join(name="Loutre"), game.join(name="Lynx")
    for member in (mine, gone, idle):
        record(member.client, game.league, game.challenge, player_id=member.player["player_id"])
    gone.client.post(f"/leagues/{game.league['league_id']}/leave")
    withdrawn = next(one for one in game.completions() if one["player_id"] == idle.player["player_id"])
    idle.client.delete(f"{API}/completions/{withdrawn['completion_id']}")
    page = game.client.get("/leagues/", headers={"Accept-Language": "en"}).text
    assert "1 of 5 have begun" in page
    assert 'href="/ranking/overview"' in page
