"""Pages that say what to do next: which value to choose, what is used up, how to play where one leads."""

from __future__ import annotations

import re
from uuid import UUID

import pytest

from services.leagues.domain import editions
from services.leagues.models import Challenge, Edition
from shared.contracts import Tier
from shared.database import new_id
from shared.tenancy import PLATFORM_TENANT_ID
from tests.builders import at, create_league, publish_challenge, record
from tests.house import House
from tests.leagues.game import Game
from tests.leagues.test_pages import FRENCH, form_of, path

MEAT = [
    Tier(tier="one", points=-2, labels={"fr": "1 repas de trop", "en": "1 meal over"}),
    Tier(tier="two", points=-4, labels={"fr": "2 repas de trop", "en": "2 meals over"}),
]


def test_each_value_says_what_it_is_and_none_is_chosen_beforehand(game: Game) -> None:
    challenge = publish_challenge(game.house, tiers=MEAT)
    member = game.join()
    address = path(game, f"record/{challenge}")
    page = member.client.get(address, headers=FRENCH).text
    assert "1 repas de trop · −2 points" in page.replace("\xa0", " ")
    assert " checked" not in page.partition("<main")[2]
    form = form_of(member.client, address)
    assert member.client.post(address, data=form).status_code == 422
    assert member.client.post(address, data=form | {"tier": "two"}).status_code == 303
    grid = game.client.get(path(game, "record?sheet=malus"), headers=FRENCH).text
    assert "2 repas de trop" in grid


def test_labels_that_were_not_told_are_taken_from_the_same_version_told_again(house: House) -> None:
    facts = {"challenge_id": new_id(), "tiers": [Tier(tier="one", points=-2), Tier(tier="two", points=-4)]}
    challenge = publish_challenge(house, **facts)
    game = Game(house)
    assert _labels(game, challenge) == {}
    publish_challenge(house, **facts | {"tiers": MEAT})
    assert _labels(game, challenge)["two"]["en"] == "2 meals over"
    publish_challenge(house, **facts)
    assert _labels(game, challenge)["two"]["en"] == "2 meals over", "an old event told again takes nothing away"


def _labels(game: Game, challenge: UUID) -> dict[str, dict[str, str]]:
    with at(game.house, game.teacher) as session:
        return dict(session.get_one(Challenge, (PLATFORM_TENANT_ID, challenge)).tier_labels)


@pytest.mark.parametrize(("per", "has_button"), [("edition", False), ("day", True)])
def test_what_is_used_up_offers_another_challenge_or_another_day(game: Game, per: str, has_button: bool) -> None:
    challenge = publish_challenge(game.house, per=per)
    member = game.join()
    record(member.client, game.league, challenge, player_id=member.player["player_id"])
    page = member.client.get(path(game, f"record/{challenge}"), headers=FRENCH).text.partition("<main")[2]
    assert ('name="completion_id"' in page) is has_button
    assert page.count("Ce défi est déjà fait") == 1
    if has_button:
        assert page.index("<details open>") < page.index("Je l’ai fait")
        form = form_of(member.client, path(game, f"record/{challenge}"))
        refused = member.client.post(path(game, f"record/{challenge}"), data=form, headers=FRENCH)
        assert refused.status_code == 409
        assert refused.text.partition("<main")[2].count('class="notice') == 1, "said once"


def test_who_opens_a_league_among_friends_is_offered_to_play_in_it(house: House) -> None:
    game = Game(house, kind="company", min_players=1)
    code = game.league["code"]
    for rest in ("", "invite", "record"):
        page = game.client.get(path(game, rest), headers=FRENCH).text
        assert (f'href="/leagues/join/{code}"' in page) is (rest != "record"), rest
    game.client.post(f"/leagues/join/{code}", data={"display_name": "Camille"})
    assert f'href="/leagues/join/{code}"' not in game.client.get(path(game)).text


def test_in_a_school_pupils_are_entered_first(game: Game) -> None:
    page = game.client.get(path(game, "invite"), headers=FRENCH).text
    assert page.index("Entrer les élèves par pseudonyme") < page.index('id="code"')
    assert "Jouer ici aussi" not in page


def test_a_class_without_pupils_says_what_comes_first(game: Game) -> None:
    empty = create_league(game.client, game.edition, name="CE1")
    address = f"/leagues/{empty['league_id']}"
    told = "Personne ne joue encore ici"
    assert told in game.client.get(address, headers=FRENCH).text
    game.client.post(f"{address}/teams", data={"names": "Loup", "team_id": ""})
    assert told not in game.client.get(address, headers=FRENCH).text


def test_a_name_that_is_taken_is_left_out_and_named(game: Game) -> None:
    for names, told in (
        ("Loup\nOurs\nLoup", "Ajouts : 2. Pas ajouté, car ce nom est déjà pris : Loup"),
        ("LOUP", "Loup"),
    ):
        game.client.post(path(game, "teams"), data={"names": names, "team_id": ""})
        page = game.client.get(path(game, "teams"), headers=FRENCH).text.replace("\xa0", " ")
        assert told in page
        assert page.count(" Loup</strong>") == 1


def test_balanced_teams_are_told_so(game: Game) -> None:
    for _ in range(2):
        game.client.post(path(game, "teams/balance"))
        page = game.client.get(path(game, "teams"), headers=FRENCH).text
    assert "Les équipes étaient déjà équilibrées" in page


def test_who_steps_down_is_told_of_themselves_after_a_second_tap(game: Game) -> None:
    colleague = game.somebody("organiser", "Mme Diop")
    game.client.post(path(game, "leaders"), data={"person_id": str(colleague.caller.person_id)})
    page = game.client.get(path(game, "settings"), headers=FRENCH).text
    assert page.index("Ne plus animer…") < page.index("Je n’anime plus cette ligue")
    game.client.post(path(game, f"leaders/{game.teacher.person_id}/dismiss"))
    assert f"Vous n’animez plus {game.league['name']}" in game.client.get("/leagues/", headers=FRENCH).text


def test_a_code_that_no_league_has_can_be_corrected(game: Game) -> None:
    page = game.somebody().client.get("/leagues/join/ZZZZZZZZ", headers=FRENCH)
    assert page.status_code == 404
    assert 'value="ZZZZ ZZZZ"' in page.text
    assert "Aucune ligue" in page.text


def test_a_story_without_a_line_says_how_it_begins(game: Game) -> None:
    page = game.client.get(path(game, "story"), headers=FRENCH).text
    assert f'href="{path(game, "challenges")}"' in page.partition("<main")[2]


@pytest.mark.parametrize("address", ["/leagues/nope", "/leagues/no/such/page"])
def test_an_address_where_nothing_is_keeps_its_readers_frame(game: Game, address: str) -> None:
    page = game.client.get(address, headers=FRENCH)
    assert page.status_code == 404
    assert "Il n’y a rien à cette adresse. Vérifiez-la" in page.text
    assert 'href="/identity/me"' in page.text
    assert 'href="/identity/me"' not in game.house.client("leagues").get(address).text


def test_a_teacher_comes_to_the_grid_in_one_tap(game: Game) -> None:
    page = game.client.get(path(game), headers=FRENCH).text
    button = re.search(rf'<a class="button primary" href="{path(game, "record")}">.*?</a>', page, re.DOTALL)
    assert button
    assert "Cocher la grille" in button[0]
    assert "Cocher la grille" not in game.join().client.get(path(game), headers=FRENCH).text


def test_a_league_is_shown_on_a_big_screen(game: Game) -> None:
    record(game.client, game.league, game.challenge, player_id=game.players[0]["player_id"])
    assert f'href="{path(game, "screen")}"' in game.client.get(path(game)).text
    page = game.client.get(path(game, "screen"), headers=FRENCH).text
    assert game.league["name"] in page
    for renewed in ("/planet", "/race", path(game, "screen")):
        assert re.search(rf'hx-get="[^"]*{renewed}"[^>]*every 30s', page), renewed
    assert game.players[0]["display_name"] in page
    assert 'class="reactions"' not in page
    assert game.somebody().client.get(path(game, "screen")).status_code == 403


def test_a_big_screen_shows_the_code_where_those_who_look_may_join(house: House) -> None:
    game = Game(house, kind="company")
    code = f"{game.league['code'][:4]} {game.league['code'][4:]}"
    assert code in game.client.get(path(game, "screen")).text
    assert code not in game.join().client.get(path(game, "screen")).text, "its leader shows it"


def test_a_class_on_a_big_screen_has_no_code(game: Game) -> None:
    assert game.league["code"][:4] not in game.client.get(path(game, "screen")).text.partition("<main")[2]


def test_a_school_says_who_joins_by_its_code(game: Game) -> None:
    assert "Les élèves jouent avec leur enseignant" in game.client.get(path(game, "poster"), headers=FRENCH).text
    assert "Pour les adultes de l’école" in game.client.get(path(game, "invite"), headers=FRENCH).text


@pytest.mark.parametrize(("least", "told"), [(3, ""), (4, "Encore une personne"), (6, "Encore 3 personnes")])
def test_a_league_smaller_than_its_edition_wishes_plays_and_is_told_so(house: House, least: int, told: str) -> None:
    game = Game(house, min_players=least)
    page = game.client.get(path(game, "teams"), headers=FRENCH).text.replace("\xa0", " ")
    assert (told in page) if told else ("Elle joue quand même" not in page)


def test_before_the_start_nobody_is_told_that_the_day_is_young(house: House) -> None:
    game = Game(house, started_days_ago=-3)
    page = game.join().client.get(path(game), headers=FRENCH).text
    assert "journée" not in page
    assert path(game, "history") not in page


def test_a_new_edition_begins_with_the_checklist_again(game: Game) -> None:
    record(game.client, game.league, game.challenge, player_id=game.players[0]["player_id"])
    assert "checklist" not in game.client.get("/leagues/").text
    with at(game.house, game.teacher) as session:
        editions.freeze_edition(
            session, session.get_one(Edition, (game.teacher.tenant_id, UUID(game.edition["edition_id"])))
        )
    page = game.client.get("/leagues/", headers=FRENCH).text
    assert "checklist" in page
    assert "is-done" not in page


def test_who_opens_a_league_among_friends_is_guided_too(house: House) -> None:
    game = Game(house, kind="community")
    friend = game.join("player", "Zoé")
    leader = game.somebody("player", "Karim")
    game.client.post(game.path("leaders"), json={"person_id": str(leader.caller.person_id)})
    page = leader.client.get("/leagues/", headers=FRENCH).text
    assert "checklist" in page
    assert page.count('class="is-done"') == 2, "a league, players"
    record(game.client, game.league, game.challenge, player_id=game.players[0]["player_id"])
    assert "checklist" not in leader.client.get("/leagues/").text
    assert "checklist" not in friend.client.get("/leagues/", follow_redirects=True).text, "who leads nothing"


@pytest.mark.parametrize(
    ("language", "teams"), [("fr", "Les Abeilles\nLes Colibris"), ("en", "The Bees\nThe Hummingbirds")]
)
def test_teams_are_proposed_in_the_readers_language(game: Game, language: str, teams: str) -> None:
    assert teams in game.client.get("/leagues/new", headers={"Accept-Language": language}).text


@pytest.mark.parametrize("kind", ["school", "community"])
def test_who_may_join_without_a_code_is_said_exactly(house: House, kind: str) -> None:
    game = Game(house, kind=kind)
    page = game.client.get(path(game, "settings"), headers=FRENCH).text
    assert ("Tout le monde peut rejoindre" in page) is (kind == "community")
    assert (game.teacher.tenant_name in page.partition("is_open")[2]) is (kind == "school")
