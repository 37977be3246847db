"""The grid of a class: players down, challenges across."""

from __future__ import annotations

import re

import pytest

from services.leagues.pages import grid, teams
from shared.contracts import Tier
from shared.database import new_id
from tests.builders import publish_challenge, record
from tests.leagues.game import Game, tiers
from tests.leagues.test_pages import FRENCH, HOSTILE, form_of, path


def test_a_class_is_ticked_in_a_grid_and_sending_twice_counts_once(game: Game) -> None:
    other = publish_challenge(game.house, tiers=[Tier(tier="standard", points=5)])
    address = path(game, "record")
    form = form_of(game.client, address)
    ids = [player["player_id"] for player in game.players]
    ticks = [f"{challenge}:{player}" for challenge in (game.challenge, other) for player in ids[:2]]
    assert all(f'value="{tick}"' in game.client.get(address).text for tick in ticks)
    answer = game.client.post(address, data={**form, "ticks": ticks}, headers=FRENCH, follow_redirects=True)
    assert "4 défis sont notés" in answer.text
    game.client.post(address, data={**form, "ticks": ticks})
    assert len(game.completions()) == 4
    page = game.client.get(address).text
    assert not any(f'value="{tick}"' in page for tick in ticks), "what is done needs no box"
    assert f'value="{game.challenge}:{ids[2]}"' in page
    fresh = form_of(game.client, address)
    mixed = [ticks[0], f"{other}:{ids[2]}", f"{new_id()}:{ids[2]}"]
    answer = game.client.post(address, data={**fresh, "ticks": mixed}, headers=FRENCH)
    assert "1 défi est noté" in answer.text
    assert len(game.completions()) == 5


def test_a_grid_is_of_one_day_and_says_what_is_wrong(game: Game) -> None:
    address = path(game, "record")
    first = game.edition["starts_at"][:10]
    assert f'value="{first}"' in game.client.get(f"{address}?day={first}&sheet=food").text
    for wrong in ("2999-01-01", "1999-01-01", HOSTILE):
        page = game.client.get(address, query_string={"day": wrong, "sheet": wrong})
        assert page.status_code == 200
        assert f'value="{wrong}"' not in page.text
        assert "<script>alert" not in page.text
    form = form_of(game.client, address)
    ids = [player["player_id"] for player in game.players]
    game.client.post(address, data={**form, "day": first, "ticks": f"{game.challenge}:{ids[0]}"})
    assert [one["day"] for one in game.completions()] == [first]
    nothing = game.client.post(address, data=form, headers=FRENCH)
    assert nothing.status_code == 422
    assert "Cochez-en au moins un" in nothing.text
    broken = game.client.post(address, data={**form, "ticks": HOSTILE}, headers=FRENCH)
    assert broken.status_code == 422
    assert "case de la grille" in broken.text
    assert len(game.completions()) == 1


def test_malus_and_challenges_of_several_values_are_ticked_too(game: Game) -> None:
    malus = publish_challenge(game.house, category="mobility", tiers=tiers(one=-2, two=-4))
    address = path(game, "record")
    subject = game.players[0]["player_id"]
    page = game.client.get(f"{address}?sheet=malus").text
    assert f'<option value="{malus}:{subject}:two">' in page
    assert f'value="{malus}:{subject}' not in game.client.get(address).text, "a malus is never suggested"
    form = form_of(game.client, address)
    game.client.post(address, data={**form, "ticks": ["", f"{malus}:{subject}:two"]})
    assert [one["points"] for one in game.completions()] == [-4]
    unknown = game.client.post(
        address, data={**form, "completion_id": str(new_id()), "ticks": f"{malus}:{subject}:three"}, headers=FRENCH
    )
    assert "pas noté" in unknown.text


def test_what_a_whole_team_did_is_ticked_by_team(game: Game) -> None:
    together = publish_challenge(game.house, kind="team", tiers=tiers(standard=7))
    address = path(game, "record")
    page = game.client.get(f"{address}?sheet=team").text
    cells = [f"{together}:{team['team_id']}" for team in game.teams]
    assert all(f'value="{cell}"' in page for cell in cells)
    answer = game.client.post(
        address, data={**form_of(game.client, address), "ticks": cells}, headers=FRENCH, follow_redirects=True
    )
    assert "2 défis sont notés" in answer.text
    assert all(team["name"] in answer.text for team in game.teams)
    assert sorted(one["team_id"] for one in game.completions()) == sorted(team["team_id"] for team in game.teams)


def test_ticks_are_kept_from_one_sheet_and_day_to_another(game: Game) -> None:
    mobility = publish_challenge(game.house, category="mobility")
    address = path(game, "record")
    subject = game.players[0]["player_id"]
    first = f"{game.challenge}:{subject}"
    shown = game.client.post(
        address, data={**form_of(game.client, address), "ticks": first, "show": "mobility"}, headers=FRENCH
    )
    assert shown.status_code == 200
    assert game.completions() == [], "turning the page records nothing"
    assert f'<input type="hidden" name="ticks" value="{first}">' in shown.text
    assert f'value="{mobility}:{subject}"' in shown.text
    assert "1 case cochée" in shown.text
    back = game.client.post(
        address, data={**form_of(game.client, address), "ticks": [first, f"{mobility}:{subject}"], "show": "food"}
    )
    assert re.search(f'value="{first}" checked', back.text)


@pytest.mark.parametrize("day", ["2999-01-01", "1999-01-01"])
def test_a_day_that_does_not_count_is_never_taken_for_another(game: Game, day: str) -> None:
    address = path(game, "record")
    ticks = f"{game.challenge}:{game.players[0]['player_id']}"
    answer = game.client.post(
        address, data={**form_of(game.client, address), "day": day, "ticks": ticks}, headers=FRENCH
    )
    assert "pas noté" in answer.text
    assert game.completions() == []
    nonsense = game.client.post(address, data={**form_of(game.client, address), "day": "yesterday", "ticks": ticks})
    assert nonsense.status_code == 422
    assert f'value="{ticks}" checked' in nonsense.text, "what was ticked is still there"


def test_players_stand_in_the_order_in_which_a_reader_looks_for_them(game: Game) -> None:
    names = ["Écureuil", "Loutre 17", "Loutre 7", "abeille", "Zèbre"]
    game.client.post(path(game, "teams"), data={"names": "\n".join(names), "team_id": ""})
    for page in ("record", f"record-for/{game.challenge}"):
        text = game.client.get(path(game, page)).text
        places = [text.index(name) for name in ("abeille", "Écureuil", "Loutre 7<", "Loutre 17", "Zèbre")]
        assert places == sorted(places), page


def test_what_was_ticked_has_a_page_and_is_taken_back_in_one_go(game: Game) -> None:
    address = path(game, "record")
    ids = [player["player_id"] for player in game.players]
    record(game.client, game.league, game.challenge, player_id=ids[2])
    form = form_of(game.client, address)
    ticks = [f"{game.challenge}:{player}" for player in ids[:2]]
    page = game.client.post(address, data={**form, "ticks": ticks}).headers["Location"]
    assert page == path(game, f"recorded/{form['completion_id']}")
    shown = game.client.get(page, headers=FRENCH).text
    assert "Annuler 2 défis" in shown
    assert len(re.findall(rf'/withdraw">.*?name="back" value="{page}"', shown)) == 2, "or one by one, and then here"
    assert game.players[2]["display_name"] not in shown.partition("<main")[2], "what was recorded before is not here"
    answer = game.client.post(f"{page}/withdraw", headers=FRENCH)
    assert answer.headers["Location"] == address
    assert "2 défis sont annulés" in game.client.get(address, headers=FRENCH).text
    assert [one["player_id"] for one in game.completions()] == [ids[2]]
    assert "Rien n’est enregistré" in game.client.get(page, headers=FRENCH).text


def test_the_page_of_what_was_ticked_tells_its_points_and_impact_challenge_by_challenge(game: Game) -> None:
    other = publish_challenge(game.house, titles={"fr": "Au vélo", "en": "By bike"}, impact=None)
    form = form_of(game.client, path(game, "record"))
    names = [player["display_name"] for player in game.players[:2]]
    ticks = [f"{game.challenge}:{player['player_id']}" for player in game.players[:2]]
    ticks.append(f"{other}:{game.players[0]['player_id']}")
    page = game.client.post(path(game, "record"), data={**form, "ticks": ticks}).headers["Location"]
    told = game.client.get(page, headers=FRENCH).text.partition("<main")[2].replace("\xa0", " ")
    assert '<p class="big-points">+9 points</p>' in told
    assert "8,24 kg CO₂e" in told
    assert "668 l d’eau" in told
    assert told.count("<h2>Déjeuner végétarien</h2>") == 1, "what the class did is told once, and then by whom"
    assert [f"<strong><bdi>{name}</bdi></strong>" in told for name in names] == [True, True]
    assert "<strong>Au vélo</strong>" in told


def test_what_another_leader_recorded_is_not_on_my_page(game: Game) -> None:
    colleague = game.somebody("organiser", "Mme Diop")
    game.client.post(game.path("leaders"), json={"person_id": str(colleague.caller.person_id)})
    form = form_of(game.client, path(game, "record"))
    game.client.post(path(game, "record"), data={**form, "ticks": f"{game.challenge}:{game.players[0]['player_id']}"})
    page = path(game, f"recorded/{form['completion_id']}")
    assert "/withdraw" not in colleague.client.get(page).text
    colleague.client.post(f"{page}/withdraw")
    assert len(game.completions()) == 1
    assert game.join().client.get(page).status_code == 403


def test_a_cell_that_counts_twice_says_how_often_it_was_done(game: Game) -> None:
    twice = publish_challenge(game.house, times=2)
    address, player = path(game, "record"), game.players[0]["player_id"]
    for said in ("1 sur 2", "<a"):
        game.client.post(address, data={**form_of(game.client, address), "ticks": f"{twice}:{player}"})
        page = game.client.get(address, headers=FRENCH).text
        [cell] = re.findall(rf"<td>((?:(?!</td>).)*{twice}:{player}.*?)</td>", page, re.DOTALL) or [page]
        assert said in cell
    assert f'class="is-recorded" href="{path(game, f"players/{player}")}"' in page


def test_a_large_league_is_ticked_page_by_page_and_keeps_its_ticks(game: Game, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid, "ROWS", 2)
    names = sorted(player["display_name"] for player in game.players)
    assert len(names) == 3
    ids = {player["display_name"]: player["player_id"] for player in game.players}
    ticks = [f"{game.challenge}:{ids[name]}" for name in names]
    address = path(game, "record")
    first = game.client.get(address, headers=FRENCH).text
    assert [name in first.partition("<tbody")[2] for name in names] == [True, True, False]
    assert "Page 1 sur 2" in first.replace("\xa0", " ")
    form = form_of(game.client, address)
    second = game.client.post(f"{address}?page=2", data={**form, "ticks": ticks[:1], "show": ""}, headers=FRENCH).text
    assert [name in second.partition("<tbody")[2] for name in names] == [False, False, True]
    assert f'type="hidden" name="ticks" value="{ticks[0]}"' in second
    assert not game.completions()
    game.client.post(f"{address}?page=2", data={**form, "ticks": [ticks[0], ticks[2]]})
    assert {one["player_id"] for one in game.completions()} == {ids[names[0]], ids[names[2]]}


def test_the_players_of_a_large_league_stand_on_several_pages_team_by_team(
    game: Game, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(teams, "PEOPLE", 2)
    pages = [game.client.get(path(game, f"teams?page={number}")).text for number in (1, 2)]
    shown = [[player["display_name"] in page for player in game.players] for page in pages]
    assert [sum(one) for one in shown] == [2, 1]
    assert all(one != other for one, other in zip(*shown, strict=True)), "everybody stands on one of them"
    assert 'rel="next"' in pages[0]
    waiting = game.client.get(path(game, "teams?who=waiting")).text
    assert 'href="' + path(game, "teams?who=waiting&amp;page=2") in waiting
