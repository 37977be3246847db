"""What the pages of a league promise to say to those who play in it, in both languages."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.contracts import Impact, Tier
from shared.database import new_id
from tests.builders import create_league, publish_challenge, record
from tests.house import House, caller_of
from tests.leagues.game import Game, Member
from tests.leagues.test_pages import FRENCH, form_of, path
from tests.pages import buttons, links, words_of

ENGLISH = {"Accept-Language": "en"}
BOTH = pytest.mark.parametrize("headers", [FRENCH, ENGLISH], ids=["fr", "en"])


def said(headers: dict[str, str], french: str, english: str) -> str:
    return french if headers is FRENCH else english


def ending_in(house: House, **wait: float) -> tuple[Game, datetime]:
    """A game whose edition ends after so long, and the moment as the clock in Paris shows it."""
    ends = (datetime.now(ZoneInfo("Europe/Paris")) + timedelta(**wait)).replace(second=0, microsecond=0, tzinfo=None)
    return Game(house, ends_at=ends.isoformat()), ends


def recorded(game: Game, member: Member, challenge: Any, **typed: str) -> str:
    """Records by page; the address of the confirmation."""
    address = path(game, f"record/{challenge}")
    answer = member.client.post(address, data=form_of(member.client, address) | typed)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


# --- today ---


@BOTH
@pytest.mark.parametrize(
    ("days", "french", "english"), [(1, "Encore 1 jour", "1 day left"), (9, "Encore 9 jours", "9 days left")]
)
def test_today_says_how_many_days_are_left(
    house: House, headers: dict[str, str], days: int, french: str, english: str
) -> None:
    game, _ends = ending_in(house, days=days, hours=5)
    page = words_of(game.client.get(path(game), headers=headers).text)
    told = said(headers, french, english)
    assert f"{told} " in page


@BOTH
def test_the_last_hours_say_until_when_on_the_clock_of_the_tenant(house: House, headers: dict[str, str]) -> None:
    game, ends = ending_in(house, hours=3)
    page = words_of(game.client.get(path(game), headers=headers).text)
    assert said(headers, "Dernières heures : jusqu’à ", "The last hours: until ") + f"{ends:%H:%M}" in page


@BOTH
def test_today_leads_to_what_i_did(game: Game, headers: dict[str, str]) -> None:
    member = game.join()
    page = member.client.get(path(game), headers=headers).text
    address = links(page)[said(headers, "Mon historique", "My history")]
    recorded(game, member, game.challenge)
    history = words_of(member.client.get(address, headers=headers).text)
    assert said(headers, "Déjeuner végétarien", "Vegetarian lunch") in history


# --- before the tap and after it ---


@BOTH
def test_what_it_saved_is_told_with_the_points(game: Game, headers: dict[str, str]) -> None:
    member = game.join()
    page = words_of(member.client.get(recorded(game, member, game.challenge), headers=headers).text)
    assert "+3 points" in page
    assert said(headers, "4,12 kg CO₂e", "4.12 kg CO₂e") in page
    assert said(headers, "334 l d’eau", "334 l of water") in page


@BOTH
def test_where_nothing_is_known_of_the_impact_the_confirmation_says_so(game: Game, headers: dict[str, str]) -> None:
    member = game.join()
    done = recorded(game, member, publish_challenge(game.house, impact=None))
    page = words_of(member.client.get(done, headers=headers).text)
    assert said(headers, "n’est pas quantifié", "not quantified") in page


@BOTH
def test_a_malus_is_told_before_the_tap_and_what_it_costs_after(game: Game, headers: dict[str, str]) -> None:
    impact = Impact(co2e_g=-2500)
    malus = publish_challenge(game.house, tiers=[Tier(tier="standard", points=-2)], impact=impact)
    member = game.join()
    before = member.client.get(path(game, f"record/{malus}"), headers=headers).text
    notice = said(headers, "C’est un malus : il enlève des points.", "This is a malus: it takes points away.")
    button = said(headers, "J’avoue", "I own up")
    assert button in buttons(before)
    assert words_of(before).index(notice) < words_of(before).index(button)
    after = words_of(member.client.get(recorded(game, member, malus), headers=headers).text)
    assert said(headers, "2,5 kg CO₂e", "2.5 kg CO₂e") in after
    plain = words_of(member.client.get(path(game, f"record/{game.challenge}"), headers=headers).text)
    assert notice not in plain


@BOTH
@pytest.mark.parametrize(
    ("times", "per", "french", "english"),
    [
        (1, "edition", "compte une fois", "counts once"),
        (2, "edition", "compte 2 fois", "counts 2 times"),
        (1, "week", "compte 1 fois par semaine", "counts 1 time a week"),
        (3, "week", "compte 3 fois par semaine", "counts 3 times a week"),
        (1, "day", "compte 1 fois par jour", "counts 1 time a day"),
        (2, "day", "compte 2 fois par jour", "counts 2 times a day"),
    ],
)
def test_how_often_it_counts_is_told_before_the_tap(
    game: Game, headers: dict[str, str], times: int, per: str, french: str, english: str
) -> None:
    challenge = publish_challenge(game.house, times=times, per=per)
    page = words_of(game.join().client.get(path(game, f"record/{challenge}"), headers=headers).text)
    assert page.index(said(headers, french, english)) < page.index(said(headers, "Je l’ai fait", "I did it!"))


# --- the story, leaving ---


@BOTH
def test_the_story_names_each_challenge_and_who_did_it(game: Game, headers: dict[str, str]) -> None:
    member = game.join(display_name="Renard malin")
    recorded(game, member, game.challenge)
    for rest in ("", "story"):
        page = words_of(game.client.get(path(game, rest), headers=headers).text)
        told = f"Renard malin · {said(headers, 'Déjeuner végétarien', 'Vegetarian lunch')} +3 points"
        assert told in page, rest


@BOTH
def test_who_leaves_is_told_first_that_the_points_stay(game: Game, headers: dict[str, str]) -> None:
    page = game.join().client.get(path(game, "leave"), headers=headers).text
    assert said(
        headers, "Les points gagnés restent à votre équipe", "The points you won stay with your team"
    ) in words_of(page)
    assert said(headers, "Quitter la ligue", "Leave the league") in buttons(page)


# --- the checklist of each kind of tenant ---

STEPS = {
    "school": (
        "Ouvrez une ligue pour votre classe",
        "Ajoutez vos élèves par pseudonyme",
        "Open a league for your class",
        "Enter your pupils by pseudonym",
    ),
    "company": (
        "Ouvrez la première ligue",
        "Invitez par lien, code ou affiche",
        "Open the first league",
        "Invite the players by link, code or poster",
    ),
}


@BOTH
@pytest.mark.parametrize("kind", STEPS)
def test_what_is_left_to_do_is_said_in_the_words_of_a_school_or_a_company(
    house: House, kind: str, headers: dict[str, str]
) -> None:
    head = caller_of(None, "administrator", kind=kind)
    page = words_of(house.client("leagues", head).get("/leagues/", headers=headers).text)
    mine = STEPS[kind][:2] if headers is FRENCH else STEPS[kind][2:]
    others = {text for texts in STEPS.values() for text in texts} - set(mine)
    assert all(text in page for text in mine)
    assert not [text for text in others if text in page]


@pytest.mark.parametrize(("kind", "rest"), [("school", "teams"), ("company", "invite")])
def test_the_step_of_the_players_leads_to_where_they_come_in(house: House, kind: str, rest: str) -> None:
    game = Game(house, kind=kind, max_players=2, min_players=1)
    page = game.client.get("/leagues/", headers=FRENCH).text
    assert links(page)[STEPS[kind][1]] == path(game, rest)


# --- none, one and many ---


@BOTH
def test_no_league_one_league_and_more_than_a_page_of_them(game: Game, headers: dict[str, str]) -> None:
    nobody = game.somebody("player").client.get("/leagues/", headers=headers).text
    assert said(headers, "encore dans aucune ligue", "You are in no league yet") in words_of(nobody)
    assert "/leagues/join" in links(nobody).values()
    one = game.client.get("/leagues/", headers=headers).text
    assert links(one)[game.league["name"]] == path(game)
    assert "Page 1" not in words_of(one)
    for number in range(30):
        create_league(game.client, game.edition, name=f"Classe {number}")
    first, second = (game.client.get(f"/leagues/?page={page}", headers=headers).text for page in (1, 2))
    assert said(headers, "Page 1 sur 2", "Page 1 of 2") in words_of(first)
    names = {f"Classe {number}" for number in range(30)} | {game.league["name"]}
    assert len(names & links(first).keys()) == 30
    assert len(names & links(second).keys()) == 1
    assert names <= links(first).keys() | links(second).keys()


@BOTH
def test_nothing_recorded_one_and_more_than_a_page(
    game: Game, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for rest, french, english in (
        ("story", "La première page est encore blanche", "The first page is still white"),
        ("history", "Rien pour l’instant", "Nothing yet"),
    ):
        page = game.client.get(path(game, rest), headers=headers).text
        assert said(headers, french, english) in words_of(page), rest
        assert path(game, "challenges") in links(page).values(), f"{rest}: and what to do"
    monkeypatch.setattr("services.leagues.pages.recording.SIZE", 2)
    monkeypatch.setattr("services.leagues.pages.stories.SIZE", 2)
    title = said(headers, "Déjeuner végétarien", "Vegetarian lunch")
    for count, player in enumerate(game.players, start=1):
        record(game.client, game.league, game.challenge, player_id=player["player_id"])
        for rest in ("story", "history"):
            page = words_of(game.client.get(path(game, rest), headers=headers).text)
            assert page.count(f"{title} ") >= min(count, 2), rest
            onward = said(headers, "Lire la suite", "Read on") if rest == "story" else said(headers, "Suivant", "Next")
            assert (onward in page) is (count == 3), (rest, count)


@BOTH
def test_the_people_of_a_team_are_counted_in_words(game: Game, headers: dict[str, str]) -> None:
    empty = create_league(game.client, game.edition, name="CE1", teams=["Loups"])
    address = f"/leagues/{empty['league_id']}/teams"
    nobody = said(headers, "Personne pour l’instant.", "Nobody yet.")
    assert nobody in words_of(game.client.get(address, headers=headers).text)
    for names, told, count in (
        ("Lynx", said(headers, "1 personne", "1 player"), "un"),
        ("Ours\nLoutre", said(headers, "3 personnes", "3 players"), "plusieurs"),
    ):
        game.client.post(address, data={"names": names, "team_id": ""})
        page = words_of(game.client.get(address, headers=headers).text)
        assert f"Loups {told} " in page, count
        assert nobody not in page


@BOTH
def test_editions_and_open_leagues_say_what_to_do_where_there_is_none(house: House, headers: dict[str, str]) -> None:
    head = house.client("leagues", caller_of())
    page = head.get("/leagues/editions/", headers=headers).text
    assert said(headers, "Pas encore d’édition", "No edition yet") in words_of(page)
    assert "/leagues/editions/new" in links(page).values()
    page = head.get("/leagues/open", headers=headers).text
    assert said(headers, "Aucune ligue n’a sa porte ouverte", "No league with an open door") in words_of(page)
    assert "/leagues/new" in links(page).values()


def test_a_completion_of_a_challenge_whose_name_is_code_is_text_in_the_story(game: Game) -> None:
    titles = {"fr": "<script>alert(1)</script>", "en": "<script>alert(1)</script>"}
    challenge = publish_challenge(game.house, titles=titles, challenge_id=new_id())
    recorded(game, game.join(), challenge)
    page = game.client.get(path(game, "story")).text
    assert "<script>alert" not in page
    assert "<script>alert(1)</script> +3 points" in words_of(page)
