"""What the members of a league say to what one of them did: by the API, and by one tap on a page."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.builders import create_league, publish_challenge, record
from tests.house import caller_of
from tests.leagues.game import API, Game, Member

HX = {"HX-Request": "true", "Accept-Language": "fr"}


@pytest.fixture
def done(game: Game) -> tuple[Member, str]:
    """A pupil, and what they did."""
    pupil = game.join()
    return pupil, record(pupil.client, game.league, game.challenge).json["completion_id"]


def react(member: Any, completion_id: str, kind: str = "bravo") -> Any:
    return member.put(f"{API}/completions/{completion_id}/reaction", json={"kind": kind})


def said_to(game: Game, client: Any = None) -> Any:
    [line] = (client or game.client).get(game.path("activity")).json
    return line["reactions"], line["my_reaction"]


def test_a_member_reacts_once_and_may_change_their_mind(game: Game, done: tuple[Member, str]) -> None:
    other = game.join(name="Loutre")
    for kind in ("bravo", "bravo", "laugh"):
        assert react(other.client, done[1], kind).status_code == 204
    assert react(game.client, done[1], "bravo").status_code == 204
    assert said_to(game, other.client) == ({"bravo": 1, "laugh": 1}, "laugh")
    for _ in range(2):
        assert other.client.delete(f"{API}/completions/{done[1]}/reaction").status_code == 204
    assert said_to(game, other.client) == ({"bravo": 1}, None)


def test_nobody_applauds_themselves(game: Game, done: tuple[Member, str]) -> None:
    answer = react(done[0].client, done[1])
    assert (answer.status_code, answer.json["code"]) == (409, "own_completion")
    team = publish_challenge(game.house, kind="team")
    whole = record(done[0].client, game.league, team).json["completion_id"]
    assert react(done[0].client, whole).status_code == 409


def test_who_is_not_in_the_league_says_nothing(game: Game, done: tuple[Member, str]) -> None:
    assert react(game.somebody().client, done[1]).status_code == 403
    stranger = game.house.client("leagues", caller_of(None, "administrator"))
    assert react(stranger, done[1]).status_code == 404
    assert said_to(game) == ({}, None)


def test_what_was_taken_back_gets_no_applause(game: Game, done: tuple[Member, str]) -> None:
    done[0].client.delete(f"{API}/completions/{done[1]}")
    assert react(game.client, done[1]).status_code == 404


@pytest.mark.parametrize("kind", ["", "rude words", None, 3])
def test_there_are_no_words_of_ones_own(game: Game, done: tuple[Member, str], kind: Any) -> None:
    assert react(game.client, done[1], kind).status_code == 422


def test_one_tap_says_it_and_a_second_one_takes_it_back(game: Game, done: tuple[Member, str]) -> None:
    league = f"/leagues/{game.league['league_id']}"
    address = f"{league}/completions/{done[1]}/reaction"
    assert f'action="{address}"' in game.client.get(league).text
    piece = game.client.post(address, data={"kind": "love"}, headers=HX)
    assert piece.status_code == 200
    assert "<html" not in piece.text
    assert re.findall(r'value="(\w+)" aria-pressed="true"', piece.text) == ["love"]
    mine = done[0].client.get(league, headers=HX).text
    assert f'action="{address}"' not in mine, "the reader's own: shown, without buttons"
    assert f'id="said-{done[1]}"' in mine
    again = game.client.post(address, data={"kind": "love", "back": f"{league}/story?page=1"})
    assert again.headers["Location"] == f"{league}/story?page=1#said-{done[1]}"
    assert said_to(game) == ({}, None)


def test_a_tap_stays_in_its_league_and_on_this_site(game: Game, done: tuple[Member, str]) -> None:
    other = create_league(game.client, game.edition, name="Other")
    path = f"/completions/{done[1]}/reaction"
    assert game.client.post(f"/leagues/{other['league_id']}{path}", data={"kind": "love"}).status_code == 404
    mine = f"/leagues/{game.league['league_id']}"
    away = game.client.post(f"{mine}{path}", data={"kind": "love", "back": "https://elsewhere.example/"})
    assert away.headers["Location"] == f"{mine}/story#said-{done[1]}"
    assert game.client.post(f"{mine}{path}", data={"kind": "rude"}).status_code == 422
