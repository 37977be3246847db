"""The pages of leagues, as a browser without JavaScript sees them."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from services.leagues.domain import editions
from shared.contracts import Tier
from shared.database import new_id
from tests.builders import at, create_league, publish_challenge, record
from tests.house import House, caller_of
from tests.leagues.game import API, Game, Stage

HOSTILE = "<script>alert(1)</script>\"'&"
FRENCH = {"Accept-Language": "fr"}


def path(game: Game, rest: str = "") -> str:
    return f"/leagues/{game.league['league_id']}" + (f"/{rest}" if rest else "")


def record_path(game: Game) -> str:
    return path(game, f"record/{game.challenge}")


def form_of(client: FlaskClient, address: str) -> dict[str, str]:
    """The hidden fields and values of the page's form, as a browser would send them."""
    page = client.get(address)
    assert page.status_code == 200, page.text
    return dict(re.findall(r'<input[^>]*name="(completion_id|day)"[^>]*value="([^"]+)"', page.text)) | {
        name: value for value, name in re.findall(r'value="([^"]+)"[^>]*name="(completion_id|day)"', page.text)
    }


PAGES = ("", "challenges", "story", "history", "teams", "invite", "poster", "settings", "record")


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("rest", PAGES)
def test_every_page_of_a_league_opens_for_its_leader_and_for_nobody_elses(game: Game, rest: str, language: str) -> None:
    page = game.client.get(path(game, rest), headers={"Accept-Language": language})
    assert page.status_code == 200
    assert f'<html lang="{language}">' in page.text
    stranger = game.house.client("leagues", caller_of(None, "administrator"))
    assert stranger.get(path(game, rest)).status_code == 404
    visitor = game.house.client("leagues").get(path(game, rest))
    assert (visitor.status_code, visitor.headers["Location"][:20]) == (303, "/identity/continue?t")


@pytest.mark.parametrize("rest", ["teams", "invite", "poster", "settings", "record"])
def test_a_player_leads_nothing(game: Game, rest: str) -> None:
    assert game.join().client.get(path(game, rest)).status_code == 403


def test_the_start_shows_the_leagues_of_a_school_and_who_has_begun(game: Game) -> None:
    page = game.client.get("/leagues/", headers=FRENCH)
    assert "0 sur 3 ont commencé" in page.text
    assert game.league["name"] in page.text


def test_the_start_of_a_player_of_one_league_is_their_day(game: Game) -> None:
    member = game.join()
    assert member.client.get("/leagues/").headers["Location"] == path(game)
    asked = member.client.get(f"/leagues/?challenge={game.challenge}")
    assert asked.headers["Location"] == record_path(game)


def test_the_start_says_what_is_left_until_somebody_has_begun(game: Game) -> None:
    page = game.client.get("/leagues/", headers=FRENCH)
    assert page.text.count('class="is-done"') == 3, "an edition, a league, players"
    assert f'href="{path(game, "record")}"' in page.text
    address = path(game, f"record-for/{game.challenge}")
    ids = [game.players[0]["player_id"]]
    game.client.post(address, data={**form_of(game.client, address), "player_ids": ids})
    page = game.client.get("/leagues/", headers=FRENCH)
    assert "checklist" not in page.text
    assert "1 sur 3 ont commencé" in page.text


def test_who_has_no_league_yet_is_told_what_to_do(game: Game) -> None:
    page = game.somebody().client.get("/leagues/", headers=FRENCH)
    assert "/leagues/join" in page.text
    assert "encore dans aucune ligue" in page.text


# --- recording ---


def test_the_catalogue_leads_to_the_list_of_the_only_league_one_plays_in(game: Game) -> None:
    member = game.join()
    where = "/leagues/challenges"
    assert member.client.get(where).headers["Location"] == path(game, "challenges")
    assert game.client.get(where).headers["Location"] == "/leagues/", "who leads it does not play"
    other = create_league(game.client, game.edition, name="CM1", is_open=True)
    member.client.post(f"/leagues/join/{other['code']}", data={"display_name": "Ourse"})
    assert member.client.get(where).headers["Location"] == "/leagues/", "of two, they choose"
    assert member.client.get(f"/leagues/?challenge={game.challenge}").status_code == 200


def test_a_challenge_is_recorded_in_two_taps_and_taken_back(game: Game) -> None:
    member = game.join()
    assert record_path(game) in member.client.get(path(game, "challenges")).text
    form = form_of(member.client, record_path(game))
    answer = member.client.post(record_path(game), data=form)
    assert answer.status_code == 303, answer.text
    done = member.client.get(answer.headers["Location"], headers=FRENCH)
    assert "+3 points" in done.text
    again = member.client.post(record_path(game), data=form)
    assert again.headers["Location"] == answer.headers["Location"], "a double tap counts once"
    assert len(game.completions()) == 1
    undone = member.client.post(path(game, f"completions/{form['completion_id']}/withdraw"))
    assert undone.headers["Location"] == path(game)
    assert game.completions() == []


def test_what_was_done_shows_the_planet_of_the_league_and_what_the_day_brought(game: Game) -> None:
    member, friend = game.join(), game.join(name="Loutre")
    first = member.client.post(record_path(game), data=form_of(member.client, record_path(game))).headers["Location"]
    page = member.client.get(first, headers=FRENCH).text
    piece = f"/ranking/fragments/{path(game)[1:]}/planet?completion={first.rpartition('/')[2]}"
    assert f'hx-get="{piece}"' in page
    assert "stage-" not in page, "how far the planet is, ranking says"
    assert "art-celebration" in page, "what those see who have no script"
    assert "aujourd’hui" not in page.partition("<main")[2], "one act, one figure"
    other = publish_challenge(game.house, tiers=[Tier(tier="standard", points=5)])
    address = path(game, f"record/{other}")
    second = member.client.post(address, data=form_of(member.client, address)).headers["Location"]
    assert "+8 points aujourd’hui" in member.client.get(second, headers=FRENCH).text
    assert "aujourd’hui" not in friend.client.get(second, headers=FRENCH).text.partition("<main")[2]


def test_undo_is_offered_only_to_those_who_may_take_it_back(game: Game) -> None:
    member, friend = game.join(), game.join(name="Loutre")
    form = form_of(member.client, record_path(game))
    done = member.client.post(record_path(game), data=form).headers["Location"]
    undo = path(game, f"completions/{form['completion_id']}/withdraw")
    assert undo in member.client.get(done).text
    assert undo in member.client.get(path(game, "history")).text
    assert undo in game.client.get(path(game, "history")).text
    assert undo not in friend.client.get(done).text
    assert undo not in friend.client.get(path(game, "history")).text
    member.client.post(undo)
    assert undo not in member.client.get(done).text


def test_the_history_goes_on_page_by_page_without_counting_all_of_it(
    game: Game, monkeypatch: pytest.MonkeyPatch
) -> None:
    for player in game.players:
        record(game.client, game.league, game.challenge, player_id=player["player_id"])
    monkeypatch.setattr("services.leagues.pages.recording.SIZE", 2)
    first = game.client.get(path(game, "history?who=all"), headers=FRENCH).text
    assert "Page 1<" in first
    assert "page=2" in first
    second = game.client.get(path(game, "history?who=all&page=2"), headers=FRENCH).text
    assert second.count("/withdraw") == 1
    assert "page=3" not in second


def test_what_a_whole_class_did_is_one_line_of_the_story(game: Game) -> None:
    other = publish_challenge(game.house, tiers=[Tier(tier="standard", points=5)])
    ids = [player["player_id"] for player in game.players]
    ticks = [f"{challenge}:{player}" for player in ids for challenge in (game.challenge, other)]
    game.client.post(path(game, "record"), data={**form_of(game.client, path(game, "record")), "ticks": ticks})
    for address in (path(game), path(game, "story")):
        story = game.client.get(address, headers=FRENCH).text.partition('<ul class="story">')[2].partition("</ul>")[0]
        assert story.count("<li>") == 2, "one line for each challenge"
        assert story.count("et 1 autre") == 2
        assert "+15 points" in story
        assert story.count('class="reactions"') == 2


def test_nobody_will_try_a_malus_too(game: Game) -> None:
    malus = publish_challenge(game.house, tiers=[Tier(tier="standard", points=-2)])
    record(game.client, game.league, malus, player_id=game.players[0]["player_id"])
    page = game.join().client.get(path(game, "story")).text
    assert 'value="bravo"' in page
    assert 'value="inspired"' not in page


def test_the_story_goes_on_page_by_page(game: Game) -> None:
    address = path(game, f"record-for/{game.challenge}")
    game.client.post(path(game, "teams"), data={"names": "\n".join(f"Lynx {n}" for n in range(30)), "team_id": ""})
    everybody = [player["player_id"] for player in game.all_players()]
    game.client.post(address, data={**form_of(game.client, address), "player_ids": everybody})
    assert f'hx-get="{path(game, "story")}"' in game.client.get(path(game)).text
    first, second = (game.client.get(path(game, f"story?page={page}")).text for page in (1, 2))
    assert f'href="{path(game, "story?page=2")}"' in first
    assert f'href="{path(game, "story?page=1")}"' in second
    assert "page=3" not in second


def test_a_cap_is_told_before_the_tap_and_after(game: Game) -> None:
    member = game.join()
    form = form_of(member.client, record_path(game))
    member.client.post(record_path(game), data=form)
    page = member.client.get(record_path(game), headers=FRENCH)
    assert "fait : 1 sur 1" in page.text.replace("\xa0", " ")
    other = form | {"completion_id": str(new_id()), "note": HOSTILE}
    refused = member.client.post(record_path(game), data=other, headers=FRENCH)
    assert refused.status_code == 409
    assert 'role="alert"' in refused.text
    assert "&lt;script&gt;" in refused.text, "what was typed stays, and is harmless"
    assert "<script>alert" not in refused.text


@pytest.mark.parametrize(("day", "status"), [("2999-01-01", 422), ("1999-01-01", 422), ("never", 422)])
def test_a_wrong_day_stands_beside_its_field(game: Game, day: str, status: int) -> None:
    member = game.join()
    form = form_of(member.client, record_path(game)) | {"day": day}
    answer = member.client.post(record_path(game), data=form)
    assert answer.status_code == status
    assert game.completions() == []


def test_a_teacher_ticks_for_the_whole_class_and_sending_twice_counts_once(game: Game) -> None:
    address = path(game, f"record-for/{game.challenge}")
    assert game.client.get(record_path(game)).headers["Location"] == address
    form = form_of(game.client, address)
    ids = [player["player_id"] for player in game.players]
    answer = game.client.post(address, data={**form, "player_ids": ids}, headers=FRENCH, follow_redirects=True)
    assert "3 défis sont notés" in answer.text
    game.client.post(address, data={**form, "player_ids": ids})
    assert len(game.completions()) == 3
    fresh = form_of(game.client, address)
    answer = game.client.post(address, data={**fresh, "player_ids": ids[:1]}, headers=FRENCH)
    assert "pas noté" in answer.text
    nobody = game.client.post(address, data=fresh, headers=FRENCH)
    assert nobody.status_code == 422
    assert "Cochez-en au moins un" in nobody.text


def test_a_challenge_that_is_not_offered_is_not_there(game: Game) -> None:
    assert game.join().client.get(path(game, f"record/{new_id()}")).status_code == 404


def test_names_that_are_code_are_shown_as_text(game: Game) -> None:
    member = game.join(display_name=HOSTILE)
    member.client.post(record_path(game), data=form_of(member.client, record_path(game)) | {"note": HOSTILE})
    for rest in ("", "story", "history", "teams"):
        page = game.client.get(path(game, rest))
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;" in page.text, rest


@pytest.mark.parametrize("words", ["vegetarien", "VÉGÉ déjeuners", "déjeuner"])
def test_a_challenge_is_found_whatever_the_accents(game: Game, words: str) -> None:
    member = game.join()
    address = path(game, "challenges")
    assert record_path(game) in member.client.get(address, query_string={"q": words}, headers=FRENCH).text
    assert record_path(game) not in member.client.get(f"{address}?q=compost", headers=FRENCH).text


@pytest.fixture
def over(house: House) -> Stage:
    """A league whose edition was frozen years ago."""
    return Stage(house, starts_at="2021-03-15T09:00", ends_at="2021-04-05T20:00")


def test_an_edition_that_is_over_says_so_wherever_something_could_be_recorded(over: Stage) -> None:
    challenge = publish_challenge(over.house)
    leader = over.house.client("leagues", over.caller)
    for rest in ("", "/record", f"/record-for/{challenge}"):
        page = leader.get(f"/leagues/{over.league_id}{rest}", headers=FRENCH)
        assert page.status_code == 200
        assert "L’édition est fermée" in page.text, rest
        assert 'name="completion_id"' not in page.text
    late = leader.post(
        f"/leagues/{over.league_id}/record",
        data={"completion_id": str(new_id()), "ticks": f"{challenge}:{over.player_id}"},
        headers=FRENCH,
    )
    assert "pas noté" in late.text


def test_an_edition_that_is_over_takes_neither_players_nor_leagues(over: Stage) -> None:
    leader = over.house.client("leagues", over.caller)
    code = leader.get(f"{API}/leagues/{over.league_id}").json["code"]
    newcomer = over.house.client("leagues", caller_of(over.caller.tenant_id, "pupil"))
    page = newcomer.get(f"/leagues/join/{code}", headers=FRENCH)
    assert "n’accueille plus personne" in page.text
    assert 'name="display_name"' not in page.text
    late = newcomer.post(f"/leagues/join/{code}", data={"display_name": "Loutre"}, headers=FRENCH)
    assert (late.status_code, "n’accueille plus personne" in late.text) == (409, True)
    assert str(over.edition_id) not in leader.get("/leagues/new").text


# --- joining ---


def test_an_invitation_tells_a_visitor_that_it_is_a_schools_and_nothing_else(game: Game) -> None:
    code = game.league["code"]
    page = game.house.client("leagues").get(f"/leagues/join/{code}", headers=FRENCH)
    assert f"{code[:4]} {code[4:]}" in page.text
    assert game.league["name"] not in page.text
    assert game.teacher.tenant_name not in page.text
    assert f"/sign-in?to=/leagues/join/{code}" in page.text


def test_a_typed_code_leads_to_the_league(game: Game) -> None:
    code = game.league["code"]
    typed = f" {code[:4].lower()}-{code[4:]} "
    answer = game.house.client("leagues").get("/leagues/join", query_string={"code": typed})
    assert answer.headers["Location"] == f"/leagues/join/{code}"
    wrong = game.house.client("leagues").get("/leagues/join", query_string={"code": HOSTILE}, headers=FRENCH)
    assert "n’est pas un code" in wrong.text
    assert "<script>alert" not in wrong.text


def test_somebody_joins_in_a_team_of_their_choice(game: Game) -> None:
    member = game.somebody()
    address = f"/leagues/join/{game.league['code']}"
    assert game.league["name"] in member.client.get(address).text
    team = game.teams[1]["team_id"]
    answer = member.client.post(address, data={"display_name": "Renard", "team_id": team})
    assert answer.headers["Location"] == path(game)
    mine = member.client.get(f"{API}/leagues/{game.league['league_id']}/players?page_size=100").json
    assert next(player["team_id"] for player in mine if player["display_name"] == "Renard") == team
    assert member.client.get(address).headers["Location"] == path(game)


@pytest.mark.parametrize("code", ["<script>", "K7MPX2Q", "K7MPX2QA2", "K7MPX2Q0", "é" * 8])
def test_a_link_that_is_no_code_leads_nowhere(game: Game, code: str) -> None:
    assert game.house.client("leagues").get(f"/leagues/join/{code}").status_code == 404


def test_an_unknown_code_is_told_so(game: Game) -> None:
    assert game.somebody().client.get("/leagues/join/AAAAAAAA").status_code == 404


# --- leading ---


def test_a_league_is_opened_in_one_page(game: Game) -> None:
    page = game.client.get("/leagues/new", headers=FRENCH)
    assert game.edition["edition_id"] in page.text
    typed = {
        "edition_id": game.edition["edition_id"],
        "name": "Les CM2",
        "age_band": "",
        "teams": "Abeilles\n\n Lynx \n",
    }
    answer = game.client.post("/leagues/new", data=typed)
    assert answer.headers["Location"].endswith("/invite")
    league = answer.headers["Location"].split("/")[2]
    teams = game.client.get(f"{API}/leagues/{league}/teams").json
    assert [team["name"] for team in teams] == ["Abeilles", "Lynx"]


def test_what_is_wrong_with_a_new_league_stands_beside_its_field(game: Game) -> None:
    answer = game.client.post("/leagues/new", data={"name": HOSTILE, "teams": "", "edition_id": "?"}, headers=FRENCH)
    assert answer.status_code == 422
    assert {"field-teams", "field-edition_id"} <= set(re.findall(r'href="#([\w-]+)"', answer.text))
    assert "<script>alert" not in answer.text


def test_the_invitation_has_code_link_and_a_qr_code_without_inline_style(game: Game) -> None:
    page = game.client.get(path(game, "invite")).text
    code = game.league["code"]
    assert f"{code[:4]} {code[4:]}" in page
    assert f"http://127.0.0.1:8000/leagues/join/{code}" in page
    assert '<svg class="qr"' in page.replace("  ", " ") or 'class="qr"' in page
    assert "style=" not in page
    game.client.post(path(game, "code"))
    assert code not in game.client.get(path(game, "invite")).text


def test_a_leader_hands_over_and_the_last_one_stays(game: Game) -> None:
    me = str(game.teacher.person_id)
    alone = game.client.post(path(game, f"leaders/{me}/dismiss"), headers=FRENCH)
    assert alone.status_code == 409
    colleague = game.somebody("organiser", "Mme Diop")
    assert "Mme Diop" in game.client.get(path(game, "settings")).text
    game.client.post(path(game, "leaders"), data={"person_id": str(colleague.caller.person_id)})
    assert game.client.post(path(game, f"leaders/{me}/dismiss")).headers["Location"] == "/leagues/"


def test_settings_are_kept_and_a_player_leaves(game: Game) -> None:
    game.client.post(path(game, "settings"), data={"name": "Autre nom", "age_band": "", "is_open": "yes"})
    league = game.client.get(f"{API}/leagues/{game.league['league_id']}").json
    assert (league["name"], league["is_open"]) == ("Autre nom", True)
    member = game.join()
    assert "Autre nom" in member.client.get(path(game, "leave")).text
    assert member.client.post(path(game, "leave")).headers["Location"] == "/leagues/"
    assert member.client.get(path(game)).status_code == 403


def test_an_edition_is_made_published_and_cloned(game: Game) -> None:
    admin = game.house.client("leagues", caller_of(game.teacher.tenant_id, "administrator", kind="school"))
    typed = {"name": "Printemps", "starts_at": "2031-03-03T09:00", "ends_at": "", "grace_days": "2"}
    answer = admin.post("/leagues/editions/new", data=typed | {"min_players": "6", "max_players": "40"})
    assert answer.status_code == 303, answer.text
    address = answer.headers["Location"]
    assert "Printemps" in admin.get(address, headers=FRENCH).text
    assert admin.post(f"{address}/registration").status_code == 303
    assert admin.post(f"{address}/revealed").status_code == 409
    assert admin.post(f"{address}/nonsense").status_code == 404
    clone = admin.post(f"{address}/clone", data={"name": "Encore", "starts_at": "2032-03-01T09:00"})
    assert clone.status_code == 303
    assert "Encore" in admin.get("/leagues/editions/").text
    refused = admin.post("/leagues/editions/new", data=typed | {"starts_at": "?"}, headers=FRENCH)
    assert refused.status_code == 422
    assert 'value="Printemps"' in refused.text


def test_a_told_edition_leads_to_its_final_boards(house: House) -> None:
    stage = Stage(house)
    link = f"/ranking/leagues/{stage.league_id}/teams"

    def buttons() -> list[str]:
        page = house.client("leagues", stage.caller).get(f"/leagues/{stage.league_id}")
        return re.findall(rf'<a class="button sun" href="({link})"', page.text)

    assert buttons() == []
    with at(house, stage.owner, stage.moment("2026-05-01T09:00")) as session:
        editions.freeze_what_is_over(session)
        edition = editions.find_own_edition(session, stage.owner, stage.edition_id)
        editions.move_to_phase(session, edition, editions.REVEALED)
    assert buttons() == [link]


def test_teams_and_leaders_come_by_page(game: Game) -> None:
    first = game.client.get(game.path("teams?page=1&page_size=1"))
    second = game.client.get(game.path("teams?page=2&page_size=1"))
    assert [len(first.json), len(second.json)] == [1, 1]
    assert first.json != second.json
    assert '"total": 2' in first.headers["X-Pagination"]
    assert game.client.get(game.path("leaders?page=2")).json == []
