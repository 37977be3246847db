from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from services.leagues.errors import AnotherCompletion
from shared.clock import utc_now
from shared.contracts import CompletionRecorded
from shared.database import new_id
from tests.builders import create_league, emitted, publish_challenge, record
from tests.house import House
from tests.leagues.game import API, Game, Stage, tiers


def withdraw(client: Any, completion: Any) -> Any:
    return client.delete(f"{API}/completions/{completion['completion_id']}")


def test_a_resend_is_harmless(game: Game) -> None:
    pupil, completion_id = game.join(), new_id()
    answers = [record(pupil.client, game.league, game.challenge, id=completion_id) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 200, 200]
    assert answers[0].json == answers[1].json == answers[2].json
    assert len(emitted(game.house, "leagues", CompletionRecorded)) == 1


def test_a_resend_is_harmless_after_the_end_and_after_the_challenge_changed(stage: Stage) -> None:
    challenge, completion_id = publish_challenge(stage.house), new_id()
    first = stage.record("2026-04-06T19:59", challenge, completion_id=completion_id)
    publish_challenge(
        stage.house, challenge_id=challenge, version=2, tiers=tiers(easy=1, hard=2), audiences=["company"]
    )
    for local in ("2026-04-07T00:00:01", "2026-04-08T20:00", "2026-09-01T10:00"):
        again = stage.record(local, challenge, completion_id=completion_id)
        assert again.completion is not None
        assert (again.is_new, again.completion.points) == (False, 3)
        assert again.completion.day == first.completion.day  # type: ignore[union-attr]


def test_a_resend_of_something_withdrawn_does_not_bring_it_back(game: Game) -> None:
    pupil, completion_id = game.join(), new_id()
    done = record(pupil.client, game.league, game.challenge, id=completion_id).json
    withdraw(pupil.client, done)
    again = record(pupil.client, game.league, game.challenge, id=completion_id)
    assert (again.status_code, again.json["is_withdrawn"]) == (200, True)
    assert game.completions() == []


def test_another_body_under_the_same_id_is_refused(game: Game) -> None:
    first, second = (player["player_id"] for player in game.players[:2])
    completion_id = new_id()
    record(game.client, game.league, game.challenge, id=completion_id, player_id=first, note="Oui")
    yesterday = (utc_now() - timedelta(days=2)).date().isoformat()
    for change in (
        {"player_id": second},
        {"note": "Non"},
        {"note": None},
        {"day": yesterday},
        {"tier": "huge"},
        {"challenge_id": str(publish_challenge(game.house))},
        {"league_id": create_league(game.client, game.edition, name="CE1")["league_id"]},
        {"player_id": None},
    ):
        body = {"league_id": game.league["league_id"], "challenge_id": str(game.challenge), "player_id": first}
        changed = {name: value for name, value in (body | {"note": "Oui"} | change).items() if value is not None}
        refusal = game.client.put(f"{API}/completions/{completion_id}", json=changed)
        assert (refusal.status_code, refusal.json["code"]) == (409, "another_completion"), change
    assert len(game.completions()) == 1


def test_a_body_without_its_day_is_another_one_than_a_body_with_an_earlier_day(stage: Stage) -> None:
    challenge, completion_id = publish_challenge(stage.house), new_id()
    stage.record("2026-03-20T12:00", challenge, completion_id=completion_id, day=date(2026, 3, 18))
    with pytest.raises(AnotherCompletion):
        stage.record("2026-03-20T12:01", challenge, completion_id=completion_id)


def test_the_id_of_somebody_elses_completion_is_refused(game: Game) -> None:
    first, second = game.join(name="Un"), game.join(name="Deux")
    completion_id = new_id()
    record(first.client, game.league, game.challenge, id=completion_id)
    refusal = record(second.client, game.league, game.challenge, id=completion_id)
    assert (refusal.status_code, refusal.json["code"]) == (409, "another_completion")


def test_a_resend_for_a_team_is_harmless(game: Game) -> None:
    challenge, completion_id = publish_challenge(game.house, kind="team"), new_id()
    by_player = {"id": completion_id, "player_id": game.players[0]["player_id"]}
    assert [record(game.client, game.league, challenge, **by_player).status_code for _ in range(2)] == [201, 200]
    by_team = {"id": new_id(), "team_id": game.players[1]["team_id"]}
    assert [record(game.client, game.league, challenge, **by_team).status_code for _ in range(2)] == [201, 200]


def test_a_resend_is_harmless_after_leaving_the_league(game: Game) -> None:
    pupil, completion_id = game.join(), new_id()
    done = record(pupil.client, game.league, game.challenge, id=completion_id).json
    pupil.client.delete(game.path(f"players/{pupil.player['player_id']}"))
    again = record(pupil.client, game.league, game.challenge, id=completion_id)
    assert (again.status_code, again.json) == (200, done)


def test_two_schools_may_use_the_same_id(house: House) -> None:
    first, second = Game(house), Game(house)
    completion_id = new_id()
    for game in (first, second):
        player_id = game.players[0]["player_id"]
        assert (
            record(game.client, game.league, game.challenge, id=completion_id, player_id=player_id).status_code == 201
        )
