from __future__ import annotations

from typing import Any

import pytest

from shared.contracts import ChallengeRetired, CompletionRecorded, CompletionWithdrawn, Impact
from shared.database import new_id
from shared.tenancy import PLATFORM_TENANT_ID
from tests.builders import create_league, emitted, publish_challenge, record, teacher_of, tell
from tests.house import House
from tests.leagues.game import API, Game, tiers


def withdraw(client: Any, completion: Any) -> Any:
    return client.delete(f"{API}/completions/{completion['completion_id']}")


# --- recording --------------------------------------------------------------------------------------------------------


def test_a_player_records_what_they_did(game: Game) -> None:
    pupil = game.join()
    answer = record(pupil.client, game.league, game.challenge, note="À vélo !\nSous la pluie.")
    assert answer.status_code == 201
    assert answer.json["player_id"] == pupil.player["player_id"]
    assert answer.json["team_id"] == pupil.player["team_id"]
    assert (answer.json["points"], answer.json["challenge_version"], answer.json["tier"]) == (3, 1, "standard")
    assert answer.json["impact"] == {"co2e_g": 4120, "water_ml": 334_000, "waste_g": None, "learning_min": None}
    assert answer.json["note"] == "À vélo !\nSous la pluie."


def test_the_event_of_a_completion_carries_all_that_was_copied(game: Game) -> None:
    done = record(game.client, game.league, game.challenge, player_id=game.players[0]["player_id"]).json
    [event] = emitted(game.house, "leagues", CompletionRecorded)
    assert str(event.completion_id) == done["completion_id"]
    assert (event.points, event.category, event.challenge_version) == (3, "food", 1)
    assert event.impact == Impact(co2e_g=4120, water_ml=334_000)
    assert event.author_id == game.teacher.person_id
    assert str(event.edition_id) == game.edition["edition_id"]


def test_a_challenge_that_is_not_quantified_stays_so(game: Game) -> None:
    challenge = publish_challenge(game.house, impact=None)
    done = record(game.client, game.league, challenge, player_id=game.players[0]["player_id"]).json
    assert done["impact"] is None
    assert emitted(game.house, "leagues", CompletionRecorded)[0].impact is None


def test_a_malus_takes_points_and_its_impact_grows_with_its_tier(game: Game) -> None:
    values = tiers(one=-2, two=-4, three=-6)
    challenge = publish_challenge(game.house, tiers=values, impact=Impact(co2e_g=-1000))
    done = record(game.client, game.league, challenge, player_id=game.players[0]["player_id"], tier="three").json
    assert (done["points"], done["impact"]["co2e_g"]) == (-6, -3000)


def test_a_challenge_with_several_values_wants_one_of_them(game: Game) -> None:
    challenge = publish_challenge(game.house, tiers=tiers(little=1, much=3))
    player_id = game.players[0]["player_id"]
    for tier in ({}, {"tier": "huge"}):
        refusal = record(game.client, game.league, challenge, player_id=player_id, **tier)
        assert (refusal.status_code, refusal.json["code"]) == (422, "tier_unknown")
        assert "little, much" in refusal.json["title"]
        assert refusal.json["errors"][0]["field"] == "tier"
    assert record(game.client, game.league, challenge, player_id=player_id, tier="much").json["points"] == 3


def test_a_challenge_that_is_not_published_is_refused(game: Game) -> None:
    refusal = record(game.client, game.league, new_id(), player_id=game.players[0]["player_id"])
    assert (refusal.status_code, refusal.json["code"]) == (404, "challenge_unknown")


def test_the_own_challenge_of_another_school_is_not_there(house: House, game: Game) -> None:
    from shared.contracts import ChallengePublished

    facts: dict[str, Any] = {"slug": "x", "category": "food", "kind": "individual", "tiers": tiers(standard=1)}
    more = {"audiences": ["school"], "age_bands": ["6-10"], "times": 1, "per": "day", "impact": None, "titles": {}}
    own = ChallengePublished(challenge_id=new_id(), version=1, **facts, **more)
    other = ChallengePublished(challenge_id=new_id(), version=1, **facts, **more)
    tell(house, "leagues", own, game.teacher.tenant_id)
    tell(house, "leagues", other, new_id())
    player_id = game.players[0]["player_id"]
    assert record(game.client, game.league, own.challenge_id, player_id=player_id).status_code == 201
    assert record(game.client, game.league, other.challenge_id, player_id=player_id).json["code"] == "challenge_unknown"


def test_a_retired_challenge_is_refused_and_what_was_done_stays(game: Game) -> None:
    player_id = game.players[0]["player_id"]
    done = record(game.client, game.league, game.challenge, player_id=player_id).json
    tell(game.house, "leagues", ChallengeRetired(challenge_id=game.challenge, version=1), PLATFORM_TENANT_ID)
    refusal = record(game.client, game.league, game.challenge, player_id=game.players[1]["player_id"])
    assert refusal.json["code"] == "challenge_unknown"
    again = record(game.client, game.league, game.challenge, id=done["completion_id"], player_id=player_id)
    assert (again.status_code, again.json) == (200, done)


def test_a_challenge_for_companies_is_not_offered_to_schools(game: Game) -> None:
    challenge = publish_challenge(game.house, audiences=["company"])
    refusal = record(game.client, game.league, challenge, player_id=game.players[0]["player_id"])
    assert (refusal.status_code, refusal.json["code"]) == (409, "challenge_of_another_audience")
    assert "company" in refusal.json["title"]


def test_a_league_of_an_age_band_plays_challenges_of_that_age(game: Game) -> None:
    league = create_league(game.client, game.edition, name="6e B", age_band="11-14")
    [player] = game.client.post(f"{API}/leagues/{league['league_id']}/players", json={"names": ["Lynx"]}).json
    young = publish_challenge(game.house, age_bands=["3-5", "6-10"])
    refusal = record(game.client, league, young, player_id=player["player_id"])
    assert refusal.json["code"] == "challenge_of_another_audience"
    assert record(game.client, game.league, young, player_id=game.players[0]["player_id"]).status_code == 201
    assert record(game.client, league, game.challenge, player_id=player["player_id"]).status_code == 201


def test_editing_a_challenge_never_changes_a_past_completion(game: Game) -> None:
    player_id = game.players[0]["player_id"]
    done = record(game.client, game.league, game.challenge, player_id=player_id).json
    edited = {"version": 2, "tiers": tiers(standard=9), "impact": Impact(co2e_g=1), "category": "waste"}
    publish_challenge(game.house, challenge_id=game.challenge, **edited)
    assert game.client.get(f"{API}/completions/{done['completion_id']}").json == done
    new = record(game.client, game.league, game.challenge, player_id=game.players[1]["player_id"]).json
    assert (new["points"], new["challenge_version"]) == (9, 2)
    withdraw(game.client, done)
    [event] = emitted(game.house, "leagues", CompletionWithdrawn)
    assert (event.points, event.category, event.impact) == (3, "food", Impact(co2e_g=4120, water_ml=334_000))


# --- for whom ---------------------------------------------------------------------------------------------------------


def test_a_player_cannot_record_for_another(game: Game) -> None:
    pupil = game.join()
    refusal = record(pupil.client, game.league, game.challenge, player_id=game.players[0]["player_id"])
    assert (refusal.status_code, refusal.json["code"]) == (403, "not_yours")
    assert game.completions() == []


def test_a_leader_records_for_anybody_of_the_league(game: Game) -> None:
    pupil = game.join()
    done = record(game.client, game.league, game.challenge, player_id=pupil.player["player_id"]).json
    assert done["author_id"] == str(game.teacher.person_id)
    assert [found["completion_id"] for found in pupil.client.get(f"{API}/completions").json] == [done["completion_id"]]


def test_a_leader_who_does_not_play_says_for_whom(game: Game) -> None:
    refusal = record(game.client, game.league, game.challenge)
    assert (refusal.status_code, refusal.json["code"]) == (404, "player_unknown")


def test_somebody_outside_the_league_records_nothing_there(game: Game) -> None:
    for role in ("organiser", "player", "pupil"):
        client = game.somebody(role).client
        assert record(client, game.league, game.challenge).status_code == 403
        for_another = record(client, game.league, game.challenge, player_id=game.players[0]["player_id"])
        assert for_another.json["code"] == "not_yours"


def test_a_player_of_another_league_is_unknown(game: Game) -> None:
    league = create_league(game.client, game.edition, name="CE1")
    refusal = record(game.client, league, game.challenge, player_id=game.players[0]["player_id"])
    assert refusal.json["code"] == "player_unknown"


def test_a_league_of_another_school_is_not_there(house: House, game: Game) -> None:
    stranger = house.client("leagues", teacher_of(house))
    assert record(stranger, game.league, game.challenge, player_id=game.players[0]["player_id"]).status_code == 404
    done = record(game.client, game.league, game.challenge, player_id=game.players[0]["player_id"]).json
    assert stranger.get(f"{API}/completions/{done['completion_id']}").status_code == 404
    assert withdraw(stranger, done).status_code == 404
    assert stranger.get(f"{API}/completions?league_id={game.league['league_id']}").status_code == 404
    body = {"completions": [{"completion_id": str(new_id()), "challenge_id": str(game.challenge)}]}
    assert stranger.post(game.path("completions"), json=body).status_code == 404


# --- the challenge of a whole team ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["team", "maxi"])
def test_a_challenge_of_the_team_counts_once_per_team(game: Game, kind: str) -> None:
    challenge = publish_challenge(game.house, kind=kind, per="edition")
    first, mate = (game.join(name=name, team_id=game.teams[0]["team_id"]) for name in ("Un", "Deux"))
    other = game.join(name="Trois", team_id=game.teams[1]["team_id"])
    done = record(first.client, game.league, challenge)
    assert (done.status_code, done.json["player_id"], done.json["team_id"]) == (201, None, game.teams[0]["team_id"])
    assert record(mate.client, game.league, challenge).json["code"] == "cap_reached"
    assert record(other.client, game.league, challenge).status_code == 201


def test_a_leader_records_for_a_whole_team(game: Game) -> None:
    challenge = publish_challenge(game.house, kind="team")
    team_id = game.teams[1]["team_id"]
    done = record(game.client, game.league, challenge, team_id=team_id)
    assert (done.status_code, done.json["team_id"]) == (201, team_id)
    assert record(game.client, game.league, challenge).json["code"] == "team_unknown"
    assert record(game.client, game.league, challenge, team_id=str(new_id())).json["code"] == "team_unknown"


def test_a_player_cannot_record_for_another_team(game: Game) -> None:
    challenge = publish_challenge(game.house, kind="team")
    pupil = game.join(team_id=game.teams[0]["team_id"])
    refusal = record(pupil.client, game.league, challenge, team_id=game.teams[1]["team_id"])
    assert (refusal.status_code, refusal.json["code"]) == (403, "not_yours")
    assert record(pupil.client, game.league, challenge, team_id=game.teams[0]["team_id"]).status_code == 201


def test_a_player_in_another_team_than_the_one_given_is_refused_not_guessed(game: Game) -> None:
    player = game.players[0]
    other = next(team["team_id"] for team in game.teams if team["team_id"] != player["team_id"])
    refusal = record(game.client, game.league, game.challenge, player_id=player["player_id"], team_id=other)
    assert (refusal.status_code, refusal.json["code"]) == (404, "team_unknown")


# --- reading ----------------------------------------------------------------------------------------------------------


def test_the_history_is_newest_first_and_by_page(game: Game) -> None:
    challenge = publish_challenge(game.house, times=5)
    pupil = game.join()
    ids = [record(pupil.client, game.league, challenge).json["completion_id"] for _ in range(5)]
    page = pupil.client.get(f"{API}/completions?page_size=2")
    assert [found["completion_id"] for found in page.json] == ids[:2:-1]
    assert '"total": 5' in page.headers["X-Pagination"]
    everything = pupil.client.get(f"{API}/completions?challenge_id={challenge}").json
    assert [found["completion_id"] for found in everything] == ids[::-1]


def test_the_completions_of_one_player_of_the_league_can_be_listed(game: Game) -> None:
    for player in game.players:
        record(game.client, game.league, game.challenge, player_id=player["player_id"])
    path = f"{API}/completions?league_id={game.league['league_id']}&player_id={game.players[0]['player_id']}"
    assert len(game.client.get(path).json) == 1


def test_the_activity_of_a_league_names_player_team_and_challenge(game: Game) -> None:
    pupil = game.join()
    record(pupil.client, game.league, game.challenge)
    team = publish_challenge(game.house, kind="team", titles={"fr": "Repair café", "en": "Repair café"})
    record(pupil.client, game.league, team)
    whole, mine = pupil.client.get(game.path("activity?lang=fr")).json
    assert (whole["player"], whole["challenge"]) == (None, "Repair café")
    assert (mine["player"], mine["challenge"], mine["points"]) == ("Renard malin", "Déjeuner végétarien", 3)
    assert mine["team"] in ("Colibris", "Abeilles")


def test_what_was_withdrawn_leaves_the_activity(game: Game) -> None:
    pupil = game.join()
    withdraw(pupil.client, record(pupil.client, game.league, game.challenge).json)
    assert pupil.client.get(game.path("activity")).json == []
