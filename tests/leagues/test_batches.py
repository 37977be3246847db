from __future__ import annotations

from typing import Any

from services.leagues.domain import leagues, recording
from services.leagues.domain.recording import Act
from services.leagues.errors import EditionNotOpen, TierUnknown
from shared.contracts import CompletionRecorded
from shared.database import new_id
from tests.builders import at, emitted, publish_challenge, record
from tests.leagues.game import Game, Stage, tiers


def record_many(game: Game, *acts: dict[str, Any], client: Any = None) -> list[Any]:
    body = [{"completion_id": str(new_id()), "challenge_id": str(game.challenge)} | act for act in acts]
    answer = (client or game.client).post(game.path("completions"), json={"completions": body})
    assert answer.status_code == 200, answer.json
    return answer.json


def test_a_teacher_ticks_for_the_class_and_is_answered_pupil_by_pupil(game: Game) -> None:
    one, two, three = (player["player_id"] for player in game.players)
    record(game.client, game.league, game.challenge, player_id=two)
    answers = record_many(game, *({"player_id": player_id} for player_id in (one, two, three, str(new_id()))))
    assert [answer["status"] for answer in answers] == ["recorded", "refused", "recorded", "refused"]
    assert [answer["code"] for answer in answers] == [None, "cap_reached", None, "player_unknown"]
    assert [answer["completion"] is None for answer in answers] == [False, True, False, True]
    assert len(game.completions()) == 3


def test_what_refuses_one_of_a_batch_is_said_in_the_readers_language(game: Game) -> None:
    act = {"completion_id": str(new_id()), "challenge_id": str(new_id()), "player_id": game.players[0]["player_id"]}
    answer = game.client.post(game.path("completions?lang=fr"), json={"completions": [act]})
    assert "défi" in answer.json[0]["title"]


def test_a_batch_sent_again_changes_nothing(game: Game) -> None:
    acts = [{"completion_id": str(new_id()), "player_id": player["player_id"]} for player in game.players]
    first, again = record_many(game, *acts), record_many(game, *acts)
    assert {answer["status"] for answer in first} == {"recorded"}
    assert {answer["status"] for answer in again} == {"unchanged"}
    assert [answer["completion"] for answer in again] == [answer["completion"] for answer in first]
    assert len(emitted(game.house, "leagues", CompletionRecorded)) == 3


def test_one_act_many_times_in_one_batch_is_recorded_once(game: Game) -> None:
    act = {"completion_id": str(new_id()), "player_id": game.players[0]["player_id"]}
    answers = record_many(game, *[act] * 6)
    assert [answer["status"] for answer in answers] == ["recorded"] + ["unchanged"] * 5


def test_a_refused_act_many_times_in_one_batch_gets_one_and_the_same_reason(game: Game) -> None:
    act = {"completion_id": str(new_id()), "player_id": str(new_id())}
    assert [answer["code"] for answer in record_many(game, *[act] * 6)] == ["player_unknown"] * 6


def test_one_id_for_two_acts_in_one_batch_is_refused_the_second_time(game: Game) -> None:
    completion_id = str(new_id())
    acts = [{"completion_id": completion_id, "player_id": player["player_id"]} for player in game.players]
    assert [answer["code"] for answer in record_many(game, *acts)] == [None] + ["another_completion"] * 2


def test_the_cap_holds_inside_one_batch(game: Game) -> None:
    act = {"player_id": game.players[0]["player_id"]}
    assert [answer["code"] for answer in record_many(game, act, act, act)] == [None, "cap_reached", "cap_reached"]


def test_a_pupil_who_ticks_for_the_class_ticks_for_themselves_only(game: Game) -> None:
    pupil = game.join()
    acts = [{"player_id": player["player_id"]} for player in (pupil.player, *game.players)]
    answers = record_many(game, *acts, client=pupil.client)
    assert [answer["code"] for answer in answers] == [None, "not_yours", "not_yours", "not_yours"]


def test_a_batch_after_the_end_is_refused_act_by_act(stage: Stage) -> None:
    challenge = publish_challenge(stage.house)
    with at(stage.house, stage.caller, stage.moment("2026-05-01T12:00")) as session:
        league = leagues.find_league(session, stage.league_id)
        acts = [Act(completion_id=new_id(), challenge_id=challenge, player_id=stage.player_id) for _ in range(3)]
        outcomes = recording.record_completions(session, stage.caller, league.league_id, acts)
    assert [type(outcome.refusal) for outcome in outcomes] == [EditionNotOpen] * 3
    assert emitted(stage.house, "leagues", CompletionRecorded) == []


def test_the_tier_of_one_act_does_not_spoil_the_others(stage: Stage) -> None:
    challenge = publish_challenge(stage.house, tiers=tiers(little=1, much=2), times=5)
    with at(stage.house, stage.caller, stage.moment("2026-03-20T12:00")) as session:
        league = leagues.find_league(session, stage.league_id)
        acts = [
            Act(completion_id=new_id(), challenge_id=challenge, player_id=stage.player_id, tier=tier)
            for tier in ("little", None, "much")
        ]
        outcomes = recording.record_completions(session, stage.caller, league.league_id, acts)
    assert [type(outcome.refusal) for outcome in outcomes] == [type(None), TierUnknown, type(None)]
