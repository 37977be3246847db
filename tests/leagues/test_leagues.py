from __future__ import annotations

from typing import Any

import pytest

from services.leagues.domain.leagues import CODE_LETTERS
from shared.contracts import LeaderAppointed, LeaderResigned, LeagueCreated, PersonSuspended, TeamCreated
from shared.database import new_id
from shared.tenancy import COMMUNITY_TENANT_ID, PLATFORM_TENANT_ID
from tests.builders import create_edition, create_league, emitted, know_person, patch, teacher_of, tell
from tests.house import House, caller_of
from tests.leagues.game import API, Game


def lead(game: Game, person_id: Any) -> Any:
    return game.client.post(game.path("leaders"), json={"person_id": str(person_id)})


def change(client: Any, path: str, **changes: Any) -> Any:
    return patch(client, path, json=changes)


def test_a_teacher_creates_a_league_with_its_teams_and_leads_it(game: Game) -> None:
    assert game.league["phase"] == "running"
    assert [team["name"] for team in game.teams] == ["Colibris", "Abeilles"]
    [leader] = game.client.get(game.path("leaders")).json
    assert (leader["person_id"], leader["display_name"]) == (str(game.teacher.person_id), "Camille")
    assert len(emitted(game.house, "leagues", LeagueCreated)) == 1
    assert len(emitted(game.house, "leagues", TeamCreated)) == 2
    assert [event.person_id for event in emitted(game.house, "leagues", LeaderAppointed)] == [game.teacher.person_id]


def test_a_league_of_a_tenant_whose_founding_has_not_arrived_yet_carries_its_name(house: House) -> None:
    client = house.client("leagues", caller_of(None, "administrator", name="École toute neuve"))
    create_league(client, create_edition(client))
    [event] = emitted(house, "leagues", LeagueCreated)
    assert event.tenant_name == "École toute neuve"


@pytest.mark.parametrize(("role", "status"), [("organiser", 201), ("player", 403), ("pupil", 403)])
def test_teachers_create_leagues_and_pupils_do_not(game: Game, role: str, status: int) -> None:
    body = {"edition_id": game.edition["edition_id"], "name": "CE1"}
    assert game.somebody(role).client.post(f"{API}/leagues", json=body).status_code == status


def test_everybody_creates_leagues_in_the_public_community(house: House) -> None:
    edition = create_edition(
        house.client("leagues", caller_of(PLATFORM_TENANT_ID, "operator", kind="platform")), is_open=True
    )
    camille = house.client("leagues", caller_of(COMMUNITY_TENANT_ID, "player", kind="community"))
    league = create_league(camille, edition, name="Les copains")
    assert league["code"]
    assert league["edition_id"] == edition["edition_id"]


def test_two_schools_play_in_one_open_edition_without_seeing_each_other(house: House) -> None:
    edition = create_edition(
        house.client("leagues", caller_of(PLATFORM_TENANT_ID, "operator", kind="platform")), is_open=True
    )
    first, second = (house.client("leagues", teacher_of(house)) for _ in range(2))
    league = create_league(first, edition)
    create_league(second, edition)
    assert len(second.get(f"{API}/leagues?edition_id={edition['edition_id']}").json) == 1
    assert second.get(f"{API}/leagues/{league['league_id']}").status_code == 404


def test_an_edition_for_companies_takes_no_school(house: House) -> None:
    operator = house.client("leagues", caller_of(PLATFORM_TENANT_ID, "operator", kind="platform"))
    edition = create_edition(operator, is_open=True, audience="company")
    body = {"edition_id": edition["edition_id"], "name": "CM2"}
    refusal = house.client("leagues", teacher_of(house)).post(f"{API}/leagues?lang=fr", json=body)
    assert (refusal.status_code, refusal.json["code"]) == (409, "edition_of_another_audience")
    assert "entreprise" in refusal.json["title"]


@pytest.mark.parametrize(("started_days_ago", "phase"), [(5, "draft"), (22, "registration"), (60, "registration")])
def test_a_league_needs_an_edition_that_is_open(house: House, started_days_ago: int, phase: str) -> None:
    client = house.client("leagues", teacher_of(house))
    edition = create_edition(client, phase=phase, started_days_ago=started_days_ago)
    refusal = client.post(f"{API}/leagues", json={"edition_id": edition["edition_id"], "name": "CM2"})
    assert (refusal.status_code, refusal.json["code"]) == (409, "edition_not_open")
    assert "registration, running" in refusal.json["title"]


def test_two_teams_of_one_name_leave_no_league_behind(game: Game) -> None:
    body = {"edition_id": game.edition["edition_id"], "name": "CE2", "teams": ["Les Loups", "les loups"]}
    refusal = game.client.post(f"{API}/leagues", json=body)
    assert (refusal.status_code, refusal.json["code"]) == (409, "team_name_taken")
    assert [league["name"] for league in game.client.get(f"{API}/leagues").json] == ["CM2 de Mme Diop"]
    assert len(emitted(game.house, "leagues", LeagueCreated)) == 1


def test_the_code_is_shown_to_leaders_only(game: Game) -> None:
    pupil = game.join()
    shown = game.client.get(game.path()).json
    assert set(shown["code"]) <= set(CODE_LETTERS)
    assert shown["join_link"].endswith(f"/leagues/join/{shown['code']}")
    assert not {"code", "join_link"} & pupil.client.get(game.path()).json.keys()
    assert not {"code", "join_link"} & pupil.client.get(f"{API}/leagues").json[0].keys()


def test_a_code_is_taken_however_it_was_typed(game: Game) -> None:
    code = game.league["code"]
    for typed in (code.lower(), f" {code[:4]} {code[4:]} ", f"{code[:4]}-{code[4:]}".lower()):
        member = game.somebody()
        assert member.client.post(f"{API}/players", json={"code": typed}).status_code == 201


def test_a_code_that_does_not_exist_is_refused(game: Game) -> None:
    for typed in ("AAAAAAAA", "🌍", "%_", "' OR 1=1 --"):
        refusal = game.somebody().client.post(f"{API}/players", json={"code": typed})
        assert (refusal.status_code, refusal.json["code"]) == (404, "code_unknown")
        assert typed in refusal.json["title"]


def test_the_code_of_another_school_opens_nothing(house: House, game: Game) -> None:
    pupil = house.client("leagues", caller_of(None, "pupil"))
    assert pupil.post(f"{API}/players", json={"code": game.league["code"]}).json["code"] == "code_unknown"
    assert pupil.get(f"{API}/join-codes/{game.league['code']}").json["code"] == "code_unknown"


def test_a_renewed_code_replaces_the_old_one(game: Game) -> None:
    renewed = game.client.post(game.path("code")).json["code"]
    assert renewed != game.league["code"]
    pupil = game.somebody().client
    assert pupil.post(f"{API}/players", json={"code": game.league["code"]}).status_code == 404
    assert pupil.post(f"{API}/players", json={"code": renewed}).status_code == 201


def test_a_code_shows_its_league_before_joining(game: Game) -> None:
    shown = game.somebody().client.get(f"{API}/join-codes/{game.league['code'].lower()}").json
    assert (shown["name"], shown["edition"]) == ("CM2 de Mme Diop", "Édition de printemps")
    assert [team["players"] for team in shown["teams"]] == [2, 1]


def test_a_league_under_its_minimum_plays_with_a_notice(game: Game) -> None:
    assert (game.league["players"], game.league["is_under_minimum"]) == (0, True)
    for _ in range(3):
        game.join()
    shown = game.client.get(game.path()).json
    assert (shown["players"], shown["is_under_minimum"]) == (6, False)


def test_in_the_community_others_leagues_are_listed_when_they_are_open(house: House) -> None:
    game = Game(house, kind="community")
    game.client.post(
        f"{API}/leagues", json={"edition_id": game.edition["edition_id"], "name": "Ouverte"} | {"is_open": True}
    )
    somebody, member = game.somebody("player"), game.join("player")
    assert [league["name"] for league in somebody.client.get(f"{API}/leagues").json] == ["Ouverte"]
    assert {league["name"] for league in member.client.get(f"{API}/leagues").json} == {"CM2 de Mme Diop", "Ouverte"}


def test_my_leagues_are_those_i_play_in_or_lead(game: Game) -> None:
    game.client.post(f"{API}/leagues", json={"edition_id": game.edition["edition_id"], "name": "CE1"})
    pupil = game.join()
    assert len(pupil.client.get(f"{API}/leagues").json) == 2
    assert [league["name"] for league in pupil.client.get(f"{API}/leagues?is_mine=true").json] == ["CM2 de Mme Diop"]
    assert len(game.client.get(f"{API}/leagues?is_mine=true").json) == 2


def test_a_renamed_league_tells_its_new_facts(game: Game) -> None:
    assert change(game.client, game.path(), name="CM2 du phare").json["name"] == "CM2 du phare"
    assert [(event.name, event.revision) for event in emitted(game.house, "leagues", LeagueCreated)] == [
        ("CM2 de Mme Diop", 1),
        ("CM2 du phare", 2),
    ]


def test_a_change_of_a_league_needs_its_etag(game: Game) -> None:
    assert game.client.patch(game.path(), json={"name": "x"}).status_code == 428
    assert game.client.patch(game.path(), json={"name": "x"}, headers={"If-Match": '"old"'}).status_code == 412


def test_only_leaders_change_a_league(game: Game) -> None:
    for member in (game.join("player"), game.somebody("organiser")):
        client = member.client
        assert change(client, game.path(), name="À nous").json["code"] == "not_leader"
        assert client.post(game.path("code")).json["code"] == "not_leader"
        assert client.post(game.path("teams"), json={"name": "x"}).json["code"] == "not_leader"
        assert client.post(game.path("teams/balance")).json["code"] == "not_leader"
        assert client.post(game.path("leaders"), json={"person_id": str(new_id())}).json["code"] == "not_leader"
        assert client.post(game.path("players"), json={"names": ["x"]}).json["code"] == "not_leader"


def test_people_outside_a_league_do_not_look_into_it(game: Game) -> None:
    client = game.somebody("player").client
    for rest in ("teams", "players", "leaders", "activity"):
        refusal = client.get(game.path(rest))
        assert (refusal.status_code, refusal.json["code"]) == (403, "not_in_league")
    refusal = client.get(f"{API}/completions?league_id={game.league['league_id']}")
    assert refusal.json["code"] == "not_in_league"


def test_a_teacher_of_the_school_looks_into_any_of_its_leagues(game: Game) -> None:
    client = game.somebody("organiser").client
    assert [client.get(game.path(rest)).status_code for rest in ("teams", "players", "leaders", "activity")] == [
        200
    ] * 4


def test_another_leader_is_appointed_and_the_first_steps_down(game: Game) -> None:
    colleague = game.somebody("organiser")
    assert lead(game, colleague.caller.person_id).status_code == 201
    assert lead(game, colleague.caller.person_id).status_code == 201
    assert game.client.delete(game.path(f"leaders/{game.teacher.person_id}")).status_code == 204
    [leader] = colleague.client.get(game.path("leaders")).json
    assert leader["person_id"] == str(colleague.caller.person_id)
    assert len(emitted(game.house, "leagues", LeaderAppointed)) == 2
    assert [event.person_id for event in emitted(game.house, "leagues", LeaderResigned)] == [game.teacher.person_id]


def test_the_last_leader_cannot_step_down(game: Game) -> None:
    refusal = game.client.delete(game.path(f"leaders/{game.teacher.person_id}"))
    assert (refusal.status_code, refusal.json["code"]) == (409, "last_leader")
    assert len(game.client.get(game.path("leaders")).json) == 1


def test_two_leaders_who_step_down_leave_one(game: Game) -> None:
    colleague = game.somebody("organiser")
    lead(game, colleague.caller.person_id)
    ids = (game.teacher.person_id, colleague.caller.person_id)
    answers = [game.client.delete(game.path(f"leaders/{person_id}")).status_code for person_id in ids]
    assert answers == [204, 409]


def test_only_active_people_of_the_school_can_lead(house: House, game: Game) -> None:
    stranger = teacher_of(house)
    suspended = game.somebody("organiser").caller
    tell(house, "leagues", PersonSuspended(person_id=suspended.person_id, revision=2), suspended.tenant_id)
    for person_id in (stranger.person_id, suspended.person_id, new_id()):
        refusal = lead(game, person_id)
        assert (refusal.status_code, refusal.json["code"]) == (404, "person_unknown")


def test_somebody_who_does_not_lead_cannot_be_dismissed(game: Game) -> None:
    assert game.client.delete(game.path(f"leaders/{new_id()}")).status_code == 404


def test_another_schools_league_is_not_there(house: House, game: Game) -> None:
    stranger = teacher_of(house)
    client = house.client("leagues", stranger)
    know_person(house, stranger)
    assert client.get(game.path()).status_code == 404
    assert client.patch(game.path(), json={"name": "x"}, headers={"If-Match": '"x"'}).status_code == 404
    for rest in ("teams", "players", "leaders", "activity"):
        assert client.get(game.path(rest)).status_code == 404
    assert client.post(game.path("code")).status_code == 404
    assert client.post(game.path("teams"), json={"name": "x"}).status_code == 404
    assert client.post(game.path("teams/balance")).status_code == 404
    assert client.post(game.path("players"), json={"names": ["x"]}).status_code == 404
    assert client.post(game.path("leaders"), json={"person_id": str(stranger.person_id)}).status_code == 404
    assert client.delete(game.path(f"leaders/{game.teacher.person_id}")).status_code == 404
    team, player = game.teams[0]["team_id"], game.players[0]["player_id"]
    assert patch(client, game.path(f"teams/{team}"), json={"name": "x"}).status_code == 404
    assert patch(client, game.path(f"players/{player}"), json={"display_name": "x"}).status_code == 404
    assert client.delete(game.path(f"players/{player}")).status_code == 404
    assert client.get(f"{API}/leagues").json == []
