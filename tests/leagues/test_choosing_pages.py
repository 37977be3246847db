"""The list of all challenges of a league, and what a leader reads of one before ticking who has done it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from services.challenges.domain.catalogue import challenge_id_of
from services.leagues.models import Challenge
from shared.clock import utc_now
from shared.contracts import Tier
from shared.database import new_id
from shared.tenancy import PLATFORM_TENANT_ID
from tests.builders import at, publish_challenge, record
from tests.challenges.test_catalogue import TEN_WORDS
from tests.house import House, catalogue_template
from tests.leagues.game import Game, tiers
from tests.leagues.test_pages import FRENCH, form_of, path

ENGLISH = {"Accept-Language": "en"}
TOLD = {
    "titles": {"fr": "La tête dans les nuages", "en": "Head in the clouds"},
    "summaries": {"fr": "Avoir pris l’avion", "en": "Took a plane"},
    "words": {"fr": "tete nuages avoir pris avion aeroport", "en": "head clouds took plane airport"},
}


@pytest.fixture(scope="session")
def loaded_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return catalogue_template(tmp_path_factory.mktemp("catalogue-and-leagues"), ("challenges", "leagues"))


@pytest.fixture
def full(loaded_template: Path, tmp_path: Path) -> Iterator[Game]:
    """A company whose league plays the whole catalogue, as it came by its events."""
    house = House(loaded_template, tmp_path, services=("challenges", "leagues"))
    house.settle()
    yield Game(house, kind="company")
    house.close()


def listed(game: Game, client: Any = None, headers: dict[str, str] = FRENCH, **query: str) -> str:
    """What stands in the list, without header and footer."""
    page = (client or game.client).get(path(game, "challenges"), query_string=query, headers=headers)
    assert page.status_code == 200
    main: str = page.text.partition("<main")[2].partition("</main>")[0]
    return main.replace("\xa0", " ")


def found(game: Game, client: Any = None, headers: dict[str, str] = FRENCH, **query: str) -> set[UUID]:
    """Which challenges stand in the list."""
    return {UUID(one) for one in re.findall(r"/record/([0-9a-f-]{36})", listed(game, client, headers, **query))}


def test_the_words_people_type_find_what_they_mean(full: Game) -> None:
    for word, slug in TEN_WORDS.items():
        everything = found(full, q=word)
        assert challenge_id_of(slug) in everything, word
        assert len(everything) < 30, f"{word} finds everything, which is nothing"
    for word, slug in {"plane": "plane-trip", "car": "car-short-trip", "vegetarians": "veggie-lunch"}.items():
        assert challenge_id_of(slug) in found(full, headers=ENGLISH, q=word), word


def test_all_of_them_stand_under_headings_a_look_at_each_and_are_counted(full: Game) -> None:
    page = listed(full)
    headings = re.findall(r"<h2 id=\"([a-z-]+)\"", page)
    assert len(headings) == 10
    assert headings[-1] == "malus"
    assert headings[:-1] == sorted(headings[:-1])
    assert page.count('<p class="what">') == len(found(full) - {full.challenge}), "each says what it is"
    everything = found(full, kind="malus").union(*(found(full, category=name) for name in headings[:-1]))
    assert len(everything) > 100
    assert f"{len(everything)} défis" in page
    assert found(full) < everything
    food = listed(full, category="food")
    assert "Tout voir : Alimentation" in page
    assert 'href="?category=food"' in page.partition('id="food"')[2].partition("<h2")[0]
    assert 'href="?kind=malus"' in page.partition('id="malus"')[2]
    assert "<h2" not in food
    assert 'aria-current="true"><svg' in food
    searched = found(full, q="repas")
    assert len(searched) > 6
    assert "Tout voir" not in listed(full, q="repas"), "what a search finds is all there"


def test_of_a_category_what_is_not_done_yet_is_looked_at_first(game: Game) -> None:
    more = [publish_challenge(game.house) for _ in range(3)]
    member = game.join()
    assert found(game, member.client) == {game.challenge, *more[:2]}
    record(member.client, game.league, game.challenge, player_id=member.player["player_id"])
    assert found(game, member.client) == set(more)
    assert found(game, member.client, category="food") == {game.challenge, *more}


def test_it_is_narrowed_to_malus_to_teams_and_to_what_is_not_done_yet(game: Game) -> None:
    malus = publish_challenge(game.house, tiers=tiers(standard=-2))
    together = publish_challenge(game.house, kind="team")
    assert found(game, kind="malus") == {malus}
    assert "Un malus retire des points" in listed(game, kind="malus")
    assert found(game, kind="team") == {together}
    member, other = game.join(), game.join(name="Loutre")
    assert found(game, member.client, kind="new") == {game.challenge, together}
    yesterday = (utc_now() - timedelta(days=1)).date().isoformat()
    record(member.client, game.league, game.challenge, player_id=member.player["player_id"], day=yesterday)
    assert found(game, member.client, kind="new") == {together}, "done on another day is done"
    assert found(game, other.client, kind="new") == {game.challenge, together}, "of each player their own"
    assert found(game, kind="new") == {together}, "who leads and does not play sees what nobody has done"
    assert found(game, kind="strange") == found(game) == {game.challenge, together, malus}


def test_all_done_says_so(game: Game) -> None:
    member = game.join()
    record(member.client, game.league, game.challenge, player_id=member.player["player_id"])
    assert "Tout est fait" in listed(game, member.client, kind="new")


def test_a_search_that_finds_nothing_says_what_to_do(game: Game) -> None:
    nothing = listed(game, q="<xyzzy>")
    assert "Rien ici ne parle de « &lt;xyzzy&gt; »" in nothing
    assert 'href="?q=v%C3%A9lo"' in nothing
    assert "Chercher parmi tous" not in nothing
    narrow = listed(game, q="végétarien", kind="malus")
    assert 'href="?q=v%C3%A9g%C3%A9tarien"' in narrow
    assert "Chercher parmi tous" in narrow
    assert found(game, q="végétarien") == {game.challenge}
    assert found(game, q="!!") == {game.challenge}, "no word to look for"


def test_a_card_says_what_it_is_in_the_language_of_the_reader(game: Game) -> None:
    plane = publish_challenge(game.house, **TOLD)
    assert '<p class="what">Avoir pris l’avion</p>' in listed(game)
    assert '<p class="what">Took a plane</p>' in listed(game, headers=ENGLISH)
    assert found(game, q="AÉROPORTS") == {plane}
    assert found(game, headers=ENGLISH, q="airport") == {plane}
    member = game.join()
    page = member.client.get(path(game, f"record/{plane}"), headers=FRENCH).text
    assert "Avoir pris l’avion" in page


def test_an_event_from_before_summaries_is_found_by_its_title_until_it_is_told_again(game: Game) -> None:
    facts = {"challenge_id": new_id(), "titles": TOLD["titles"]}
    plane = publish_challenge(game.house, **facts)
    assert found(game, q="nuage") == {plane}
    assert found(game, q="avion") == set()
    publish_challenge(game.house, **facts | TOLD)
    assert found(game, q="avion") == {plane}
    publish_challenge(game.house, **facts)
    assert found(game, q="avion") == {plane}, "an old event told again takes nothing away"
    with at(game.house, game.teacher) as session:
        kept = session.get_one(Challenge, (PLATFORM_TENANT_ID, plane))
        assert kept.words["fr"] == " tete nuages avoir pris avion aeroport"
        assert kept.summaries == TOLD["summaries"]
    publish_challenge(game.house, **facts | {"version": 2, "summaries": {"fr": "Rester au sol"}})
    with at(game.house, game.teacher) as session:
        newer = session.scalars(sa.select(Challenge).where(Challenge.challenge_id == plane)).one()
        assert (newer.summaries, newer.words) == ({"fr": "Rester au sol"}, {}), "a new version says all of itself"


def test_who_records_for_others_reads_first_what_it_is(game: Game) -> None:
    malus = publish_challenge(game.house, tiers=tiers(standard=-8), times=2, per="week", **TOLD)
    page = game.client.get(path(game, f"record-for/{malus}"), headers=FRENCH).text
    before, _form, after = page.partition('<form method="post">')
    assert "Avoir pris l’avion" in before
    assert f'hx-get="/challenges/fragments/{malus}"' in before
    assert "compte 2 fois par semaine" in before
    assert "Un malus retire des points" in before
    assert "Retirer les points" in after
    bonus = game.client.get(path(game, f"record-for/{game.challenge}"), headers=FRENCH).text
    assert "retire" not in bonus.partition("<main")[2].casefold()


def test_who_has_used_it_up_that_day_is_named_and_has_no_box(game: Game) -> None:
    address = path(game, f"record-for/{game.challenge}")
    first, second = game.players[0], game.players[1]
    form = form_of(game.client, address)
    yesterday = (utc_now() - timedelta(days=1)).date().isoformat()
    assert "Déjà fait" not in game.client.get(address, headers=FRENCH).text
    game.client.post(address, data={**form, "day": yesterday, "player_ids": [first["player_id"]]})
    today = game.client.get(address, headers=FRENCH).text
    assert f'value="{first["player_id"]}"' in today
    before = game.client.get(f"{address}?day={yesterday}", headers=FRENCH).text
    assert f'value="{first["player_id"]}"' not in before
    assert f"<bdi>{first['display_name']}</bdi>" in before
    assert f'value="{second["player_id"]}"' in before
    assert f'value="{yesterday}"' in before


def test_turning_to_another_day_records_nothing_and_keeps_the_ticks(game: Game) -> None:
    address = path(game, f"record-for/{game.challenge}")
    form = form_of(game.client, address)
    yesterday = (utc_now() - timedelta(days=1)).date().isoformat()
    ticked = {**form, "day": yesterday, "show": "yes", "player_ids": [game.players[0]["player_id"]]}
    page = game.client.post(address, data=ticked, headers=FRENCH)
    assert page.status_code == 200
    assert game.completions() == []
    assert f'value="{game.players[0]["player_id"]}" checked' in page.text
    assert f'value="{game.players[1]["player_id"]}" checked' not in page.text
    assert f'value="{yesterday}"' in page.text


def test_what_a_team_has_done_is_used_up_for_all_of_it(game: Game) -> None:
    together = publish_challenge(game.house, kind="team", per="edition")
    address = path(game, f"record-for/{together}")
    team = game.players[0]["team_id"]
    game.client.post(address, data={**form_of(game.client, address), "player_ids": [game.players[0]["player_id"]]})
    page = game.client.get(address, headers=FRENCH).text
    for player in game.players:
        assert (f'value="{player["player_id"]}"' in page) == (player["team_id"] != team), player
    others = [player for player in game.players if player["team_id"] != team]
    game.client.post(address, data={**form_of(game.client, address), "player_ids": [others[0]["player_id"]]})
    page = game.client.get(address, headers=FRENCH).text
    assert "Tout le monde l’a fait" in page
    assert "Noter" not in page.partition("<main")[2]


def test_tiers_are_still_asked_for(game: Game) -> None:
    meat = publish_challenge(game.house, tiers=[Tier(tier="one", points=-2), Tier(tier="two", points=-4)])
    address = path(game, f"record-for/{meat}")
    typed = {**form_of(game.client, address), "player_ids": [game.players[0]["player_id"]]}
    assert "pas noté" in game.client.post(address, data=typed, headers=FRENCH).text
    assert game.completions() == []
    typed |= {"completion_id": str(new_id()), "tier": "two"}
    assert game.client.post(address, data=typed).status_code == 303
    assert [one["points"] for one in game.completions()] == [-4]
