from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.leagues.domain.teams import moves_to_balance
from services.leagues.errors import EditionNotOpen
from shared.contracts import PlayerJoined, PlayerLeft, PlayerMoved, PlayerRenamed
from shared.database import new_id
from tests.builders import add_players, create_league, emitted, patch, record
from tests.house import House, caller_of
from tests.leagues.game import API, Game, Stage


def sizes(game: Game) -> list[int]:
    return [team["players"] for team in game.teams]


def lock_teams(game: Game, moment: str | None) -> Any:
    etag = game.client.get(game.path()).headers["ETag"]
    return game.client.patch(game.path(), json={"teams_locked_at": moment}, headers={"If-Match": etag})


def names(game: Game) -> list[str]:
    return [player["display_name"] for player in game.client.get(game.path("players")).json]


# --- joining and leaving ---------------------------------------------------------------------------------------------


def test_a_player_joins_the_smallest_team(game: Game) -> None:
    assert sizes(game) == [2, 1]
    assert game.join().player["team_id"] == game.teams[1]["team_id"]
    assert sizes(game) == [2, 2]


def test_a_player_joins_the_team_they_chose(game: Game) -> None:
    team_id = game.teams[0]["team_id"]
    assert game.join(team_id=team_id).player["team_id"] == team_id
    assert sizes(game) == [3, 1]


def test_a_player_shows_the_name_they_chose_or_else_their_own(game: Game) -> None:
    assert game.join(name="Nour").player["display_name"] == "Nour"
    assert game.join(name="Nour", display_name="Renard rusé").player["display_name"] == "Renard rusé"


def test_a_player_without_any_name_is_asked_for_one(game: Game) -> None:
    client = game.house.client("leagues", caller_of(game.teacher.tenant_id, "pupil"))
    refusal = client.post(f"{API}/players", json={"code": game.league["code"]})
    assert (refusal.status_code, refusal.json["code"]) == (422, "name_needed")
    body = {"code": game.league["code"], "display_name": "Loutre"}
    assert client.post(f"{API}/players", json=body).status_code == 201


def test_a_player_cannot_join_twice(game: Game) -> None:
    pupil = game.join()
    refusal = pupil.client.post(f"{API}/players", json={"code": game.league["code"]})
    assert (refusal.status_code, refusal.json["code"]) == (409, "already_playing")
    assert len(emitted(game.house, "leagues", PlayerJoined)) == 4


def test_a_player_who_joins_from_many_tabs_at_once_joins_once(game: Game) -> None:
    pupil = game.somebody()
    clients = [game.house.client("leagues", pupil.caller) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        body = {"code": game.league["code"]}
        answers = list(pool.map(lambda client: client.post(f"{API}/players", json=body).status_code, clients))
    assert sorted(answers) == [201] + [409] * 5


def test_a_league_that_is_full_takes_nobody(house: House) -> None:
    game = Game(house, min_players=1, max_players=4)
    game.join()
    refusal = game.somebody().client.post(f"{API}/players", json={"code": game.league["code"]})
    assert (refusal.status_code, refusal.json["code"]) == (409, "league_full")
    assert "4" in refusal.json["title"]


def test_the_last_place_of_a_league_is_given_once(house: House) -> None:
    game = Game(house, min_players=1, max_players=4)
    clients = [game.somebody().client for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        body = {"code": game.league["code"]}
        answers = list(pool.map(lambda client: client.post(f"{API}/players", json=body).status_code, clients))
    assert sorted(answers) == [201] + [409] * 5
    assert sum(sizes(game)) == 4


def test_a_list_of_pupils_that_does_not_fit_enters_nobody(house: House) -> None:
    game = Game(house, min_players=1, max_players=5)
    refusal = game.client.post(game.path("players"), json={"names": ["Lynx", "Loup", "Ours"]})
    assert (refusal.status_code, refusal.json["code"]) == (409, "league_full")
    assert len(names(game)) == 3
    assert len(emitted(house, "leagues", PlayerJoined)) == 3


def test_pupils_of_one_pseudonym_are_told_apart_by_their_id(game: Game) -> None:
    first, second = game.client.post(game.path("players"), json={"names": ["Lynx", "Lynx"]}).json
    assert first["player_id"] != second["player_id"]
    assert first["team_id"] != second["team_id"]


def test_people_join_until_the_last_second(stage: Stage) -> None:
    assert stage.join("2026-03-10T12:00").team_id == stage.join("2026-04-06T19:59:59").team_id
    for local in ("2026-04-06T20:00", "2026-05-01T12:00"):
        with pytest.raises(EditionNotOpen):
            stage.join(local)


def test_a_team_of_another_league_is_unknown(game: Game) -> None:
    other = create_league(game.client, game.edition, name="CE1")
    [team, _] = game.client.get(f"{API}/leagues/{other['league_id']}/teams").json
    body = {"code": game.league["code"], "team_id": team["team_id"]}
    assert game.somebody().client.post(f"{API}/players", json=body).json["code"] == "team_unknown"
    names = {"names": ["Lynx"], "team_id": team["team_id"]}
    assert game.client.post(game.path("players"), json=names).json["code"] == "team_unknown"
    player = game.path(f"players/{game.players[0]['player_id']}")
    assert patch(game.client, player, json={"team_id": team["team_id"]}).json["code"] == "team_unknown"
    assert patch(game.client, game.path(f"teams/{team['team_id']}"), json={"name": "x"}).json["code"] == "team_unknown"


def test_somebody_who_comes_back_is_the_same_player_with_the_points_won_before(game: Game) -> None:
    pupil = game.join()
    record(pupil.client, game.league, game.challenge)
    player_id = pupil.player["player_id"]
    assert pupil.client.delete(game.path(f"players/{player_id}")).status_code == 204
    again = pupil.client.post(f"{API}/players", json={"code": game.league["code"]})
    assert (again.status_code, again.json["player_id"]) == (201, player_id)
    assert again.json["display_name"] == "Renard malin"
    assert [found["player_id"] for found in pupil.client.get(f"{API}/completions").json] == [player_id]
    moves = [type(event) for event in emitted(game.house, "leagues", PlayerLeft, PlayerMoved)]
    assert moves == [PlayerLeft, PlayerMoved]


def test_the_revisions_of_a_player_only_grow(game: Game) -> None:
    pupil = game.join()
    path = game.path(f"players/{pupil.player['player_id']}")
    patch(game.client, path, json={"display_name": "Ours", "team_id": game.teams[0]["team_id"]})
    pupil.client.delete(path)
    pupil.client.post(f"{API}/players", json={"code": game.league["code"]})
    events = emitted(game.house, "leagues", PlayerJoined, PlayerRenamed, PlayerMoved, PlayerLeft)
    mine = [event.revision for event in events if str(event.player_id) == pupil.player["player_id"]]
    assert mine == [1, 2, 3, 4, 5]


def test_somebody_who_left_is_not_listed_and_cannot_leave_again(game: Game) -> None:
    path = game.path(f"players/{game.players[0]['player_id']}")
    assert game.client.delete(path).status_code == 204
    assert game.client.delete(path).json["code"] == "player_unknown"
    assert names(game) == ["Élève 2", "Élève 3"]
    refusal = record(game.client, game.league, game.challenge, player_id=game.players[0]["player_id"])
    assert refusal.json["code"] == "player_unknown"


def test_a_player_takes_out_nobody_else(game: Game) -> None:
    pupil = game.join()
    refusal = pupil.client.delete(game.path(f"players/{game.players[0]['player_id']}"))
    assert (refusal.status_code, refusal.json["code"]) == (403, "not_yours")
    assert len(names(game)) == 4


# --- changing --------------------------------------------------------------------------------------------------------


def test_players_rename_themselves_and_leaders_anybody(game: Game) -> None:
    pupil = game.join()
    own, other = (game.path(f"players/{player['player_id']}") for player in (pupil.player, game.players[0]))
    assert patch(pupil.client, own, json={"display_name": "Ours"}).json["display_name"] == "Ours"
    assert patch(pupil.client, other, json={"display_name": "Ours"}).json["code"] == "not_yours"
    assert patch(game.client, other, json={"display_name": "Lynx"}).json["display_name"] == "Lynx"
    assert [event.display_name for event in emitted(game.house, "leagues", PlayerRenamed)] == ["Ours", "Lynx"]


def test_only_leaders_move_a_player(game: Game) -> None:
    pupil = game.join()
    path = game.path(f"players/{pupil.player['player_id']}")
    body = {"team_id": game.teams[0]["team_id"]}
    assert patch(pupil.client, path, json=body).json["code"] == "not_yours"
    assert patch(game.client, path, json=body).json["team_id"] == body["team_id"]


def test_points_already_won_stay_with_the_team_they_were_won_for(game: Game) -> None:
    player = game.players[0]
    done = record(game.client, game.league, game.challenge, player_id=player["player_id"]).json
    other = next(team["team_id"] for team in game.teams if team["team_id"] != player["team_id"])
    patch(game.client, game.path(f"players/{player['player_id']}"), json={"team_id": other})
    assert game.completions()[0]["team_id"] == done["team_id"] == player["team_id"]
    again = record(game.client, game.league, game.challenge, id=done["completion_id"], player_id=player["player_id"])
    assert (again.status_code, again.json["team_id"]) == (200, player["team_id"])


def test_locked_teams_do_not_change_until_they_are_unlocked(game: Game) -> None:
    body = {"team_id": game.teams[1]["team_id"]}
    path = game.path(f"players/{game.players[0]['player_id']}")
    assert lock_teams(game, "2026-01-01T09:00:00+01:00").status_code == 200
    refusal = patch(game.client, path, json=body)
    assert (refusal.status_code, refusal.json["code"]) == (409, "teams_locked")
    assert game.client.post(game.path("teams/balance")).json["code"] == "teams_locked"
    lock_teams(game, None)
    assert patch(game.client, path, json=body).status_code == 200


def test_a_lock_in_the_future_does_not_hold_yet(game: Game) -> None:
    assert lock_teams(game, "2090-01-01T09:00:00+01:00").status_code == 200
    assert game.client.post(game.path("teams/balance")).status_code == 200


def test_a_renamed_player_may_keep_a_locked_team(game: Game) -> None:
    lock_teams(game, "2026-01-01T09:00:00+01:00")
    player = game.players[0]
    body = {"display_name": "Ours", "team_id": player["team_id"]}
    assert patch(game.client, game.path(f"players/{player['player_id']}"), json=body).status_code == 200


def test_the_names_of_teams_are_unique_in_a_league_whatever_their_case(game: Game) -> None:
    assert game.client.post(game.path("teams"), json={"name": "COLIBRIS"}).json["code"] == "team_name_taken"
    path = game.path(f"teams/{game.teams[1]['team_id']}")
    assert patch(game.client, path, json={"name": "colibris"}).json["code"] == "team_name_taken"
    assert patch(game.client, path, json={"name": "abeilles"}).json["name"] == "abeilles"
    assert game.client.post(game.path("teams"), json={"name": "Loups"}).status_code == 201


def test_a_league_has_twelve_teams_at_most(game: Game) -> None:
    answers = [game.client.post(game.path("teams"), json={"name": f"Équipe {n}"}).status_code for n in range(10)]
    assert answers == [201] * 10
    refusal = game.client.post(game.path("teams"), json={"name": "De trop"})
    assert (refusal.status_code, refusal.json["code"]) == (409, "too_many_teams")


def test_players_are_listed_by_team_and_by_page(game: Game) -> None:
    team_id = game.teams[0]["team_id"]
    assert len(game.client.get(game.path(f"players?team_id={team_id}")).json) == 2
    page = game.client.get(game.path("players?page=2&page_size=2"))
    assert [player["display_name"] for player in page.json] == ["Élève 3"]


# --- balancing -------------------------------------------------------------------------------------------------------


def test_one_button_evens_out_the_teams(game: Game) -> None:
    add_players(game.client, game.league, count=5, team_id=game.teams[0]["team_id"])
    assert sizes(game) == [7, 1]
    answer = game.client.post(game.path("teams/balance")).json
    assert (answer["moved"], [team["players"] for team in answer["teams"]]) == (3, [4, 4])
    assert len(emitted(game.house, "leagues", PlayerMoved)) == 3
    assert game.client.post(game.path("teams/balance")).json["moved"] == 0


def test_those_who_joined_last_move_first(game: Game) -> None:
    add_players(game.client, game.league, count=5, team_id=game.teams[0]["team_id"])
    last = {
        player["player_id"] for player in add_players(game.client, game.league, 2, team_id=game.teams[0]["team_id"])
    }
    game.client.post(game.path("teams/balance"))
    moved = {str(event.player_id) for event in emitted(game.house, "leagues", PlayerMoved)}
    assert last <= moved


@given(st.lists(st.integers(0, 30), min_size=1, max_size=12))
@settings(deadline=None)
def test_balancing_takes_the_fewest_moves_and_loses_nobody(sizes: list[int]) -> None:
    members = {new_id(): [new_id() for _ in range(size)] for size in sizes}
    moves = moves_to_balance(members)
    team_of = {player: team for team, players in members.items() for player in players}
    after = Counter((team_of | dict(moves)).values())
    counts = [after[team] for team in members]
    assert sum(counts) == sum(sizes)
    assert max(counts) - min(counts) <= 1
    assert len({player for player, _ in moves}) == len(moves)
    assert all(team_of[player] != team for player, team in moves)
    assert len(moves) == fewest_moves(sizes)


def fewest_moves(sizes: list[int]) -> int:
    """By hand: take one from the largest, give it to the smallest, until they are even."""
    left = sorted(sizes)
    moves = 0
    while left[-1] - left[0] > 1:
        left[-1] -= 1
        left[0] += 1
        left.sort()
        moves += 1
    return moves
