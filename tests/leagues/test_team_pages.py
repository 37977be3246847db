"""The pages of a league's teams and players, as a browser without JavaScript sees them."""

from __future__ import annotations

import re
from typing import Any

from services.leagues.errors import NotYours
from shared.database import new_id
from tests.builders import record
from tests.leagues.game import Game

FRENCH = {"Accept-Language": "fr"}


def path(game: Game, rest: str) -> str:
    return f"/leagues/{game.league['league_id']}/{rest}"


def _named(game: Game, name: str) -> Any:
    return next(player for player in game.all_players() if player["display_name"] == name)


def test_pupils_are_entered_by_pseudonym_moved_balanced_and_taken_out(game: Game) -> None:
    answer = game.client.post(path(game, "teams"), data={"names": "Loup\nOurs\nLoup\n", "team_id": ""})
    assert answer.status_code == 303
    loup = _named(game, "Loup")
    other = next(team["team_id"] for team in game.teams if team["team_id"] != loup["team_id"])
    page = path(game, f"players/{loup['player_id']}")
    assert game.client.post(page, data={"display_name": "Loup", "team_id": other}).status_code == 303
    assert _named(game, "Loup")["team_id"] == other
    for action in ("balance", "lock", "unlock"):
        assert game.client.post(path(game, f"teams/{action}")).status_code == 303
    assert game.client.post(path(game, "teams/explode")).status_code == 404
    assert game.client.post(path(game, "teams/add"), data={"name": "Troisième"}).status_code == 303
    assert game.client.post(page + "/remove").status_code == 303
    assert "Loup" not in [player["display_name"] for player in game.all_players()]
    assert game.client.get(page).status_code == 404


def test_what_is_wrong_with_a_players_change_is_told_and_changes_nothing(game: Game) -> None:
    before = game.all_players()
    page = path(game, f"players/{before[0]['player_id']}")
    empty = game.client.post(page, data={"display_name": "  ", "team_id": before[0]["team_id"]}, headers=FRENCH)
    assert empty.status_code == 422
    assert 'href="#field-display_name"' in empty.text
    strange = game.client.post(page, data={"display_name": "Autre", "team_id": str(new_id())}, headers=FRENCH)
    assert strange.status_code == 404
    assert 'value="Autre"' in strange.text, "what was typed stays"
    other = next(team["team_id"] for team in game.teams if team["team_id"] != before[0]["team_id"])
    game.client.post(path(game, "teams/lock"))
    assert 'name="team_id"' not in game.client.get(page).text
    locked = game.client.post(page, data={"display_name": "Autre", "team_id": other}, headers=FRENCH)
    assert locked.status_code == 409
    assert game.all_players() == before
    assert game.client.post(page, data={"display_name": "Autre"}).status_code == 303
    assert _named(game, "Autre")["player_id"] == before[0]["player_id"]


def test_players_name_themselves_and_nobody_else(game: Game) -> None:
    member, friend = game.join(name="Renard"), game.join(name="Loutre")
    mine, theirs = (path(game, f"players/{somebody.player['player_id']}") for somebody in (member, friend))
    page = member.client.get(mine).text
    assert path(game, "leave") in page
    assert 'name="team_id"' not in page
    answer = member.client.post(mine, data={"display_name": "Renarde"}, headers=FRENCH)
    assert answer.headers["Location"] == f"/leagues/{game.league['league_id']}"
    assert _named(game, "Renarde")["player_id"] == member.player["player_id"]
    other = next(team["team_id"] for team in game.teams if team["team_id"] != member.player["team_id"])
    for refused in (
        member.client.post(mine, data={"display_name": "Renarde", "team_id": other}),
        member.client.get(theirs),
        member.client.post(theirs, data={"display_name": "Bouh"}),
        member.client.post(theirs + "/remove"),
    ):
        assert refused.status_code == NotYours.status
    assert _named(game, "Loutre")["team_id"] == friend.player["team_id"]


def test_a_teacher_finds_what_one_pupil_did_and_takes_it_back(game: Game) -> None:
    for player in game.players[:2]:
        record(game.client, game.league, game.challenge, player_id=player["player_id"])
    page = path(game, f"players/{game.players[0]['player_id']}")
    shown = game.client.get(page, headers=FRENCH).text
    [(undo, back)] = re.findall(r'action="([^"]+/withdraw)">.*?name="back" value="([^"]+)"', shown)
    name = game.players[0]["display_name"]
    assert re.search(rf"Annuler<span[^>]*> [^<]+, {name}</span>", shown), "each button says what it takes back"
    answer = game.client.post(undo, data={"back": back}, headers=FRENCH)
    assert answer.headers["Location"] == page
    told = game.client.get(page, headers=FRENCH).text
    assert "Annulé\u00a0: «\u00a0" in told
    assert "/withdraw" not in told
    away = game.client.post(undo, data={"back": "https://evil.example/"})
    assert away.headers["Location"] == f"/leagues/{game.league['league_id']}"


def test_a_team_has_another_name_unless_it_is_taken(game: Game) -> None:
    first, second = game.teams
    page = path(game, f"teams/{first['team_id']}")
    assert f'value="{first["name"]}"' in game.client.get(page).text
    assert game.client.post(page, data={"name": "Les Loutres"}).status_code == 303
    assert "Les Loutres" in game.client.get(path(game, "teams")).text
    for name, status in ((second["name"], 409), (" ", 422)):
        answer = game.client.post(page, data={"name": name}, headers=FRENCH)
        assert answer.status_code == status
        assert 'role="alert"' in answer.text
        assert 'href="#field-name"' in answer.text
        assert 'aria-invalid="true" aria-describedby="error-name"' in answer.text
    assert game.client.get(path(game, f"teams/{new_id()}")).status_code == 404
    assert game.join().client.post(page, data={"name": "Bouh"}).status_code == 403
    assert {team["name"] for team in game.teams} == {"Les Loutres", second["name"]}


def test_a_team_without_a_name_is_refused_beside_its_field(game: Game) -> None:
    for name in ("  ", "x" * 81, "Colibris"):
        answer = game.client.post(path(game, "teams/add"), data={"name": name}, headers=FRENCH)
        assert answer.status_code in (409, 422), name
        assert 'role="alert"' in answer.text
        assert "Colibris" in answer.text, "the teams are still there"
        assert 'href="#field-name"' in answer.text
        assert 'aria-invalid="true" aria-describedby="error-name"' in answer.text
    assert len(game.teams) == 2
