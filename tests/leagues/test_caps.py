from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from services.leagues.domain import leagues, recording
from services.leagues.domain.recording import Act, period_of
from services.leagues.errors import CapReached
from services.leagues.models import Completion
from shared.contracts import CompletionRecorded
from shared.database import Database, new_id
from shared.tenancy import of_tenant
from tests.builders import at, emitted, publish_challenge, record
from tests.leagues.game import API, Game, Stage

N = 8


def codes(answers: list[Any]) -> Counter[Any]:
    return Counter(answer.status_code if answer.status_code < 400 else answer.json["code"] for answer in answers)


def rows(game: Game) -> int:
    with at(game.house, game.teacher) as session:
        return session.scalar(sa.select(sa.func.count(Completion.completion_id))) or 0


@pytest.mark.parametrize("times", [1, 3])
def test_many_clients_at_once_get_exactly_what_the_rule_grants(game: Game, times: int) -> None:
    challenge = publish_challenge(game.house, times=times, per="edition")
    player_id = game.players[0]["player_id"]
    clients = [game.house.client("leagues", game.teacher) for _ in range(N)]
    with ThreadPoolExecutor(N) as pool:
        answers = list(pool.map(lambda client: record(client, game.league, challenge, player_id=player_id), clients))
    assert codes(answers) == {201: times, "cap_reached": N - times}
    assert rows(game) == times
    assert len(emitted(game.house, "leagues", CompletionRecorded)) == times


def test_many_databases_at_once_on_one_file_hold_the_cap(game: Game) -> None:
    challenge = publish_challenge(game.house, times=2, per="week")
    barrier = Barrier(N)

    def act(_number: int) -> str:
        database = Database(game.house.settings.database_url_for("leagues"))  # as another process would
        try:
            barrier.wait()
            with database.transaction(of_tenant(game.teacher.tenant_id)) as session:
                league = leagues.find_league(session, UUID(game.league["league_id"]))
                what = {"challenge_id": challenge, "player_id": UUID(game.players[0]["player_id"])}
                one = Act(completion_id=new_id(), **what)
                return recording.record_completion(session, game.teacher, league.league_id, one).completion.tier  # type: ignore[union-attr]
        except CapReached as refusal:
            return refusal.code
        finally:
            database.close()

    with ThreadPoolExecutor(N) as pool:
        assert Counter(pool.map(act, range(N))) == {"standard": 2, "cap_reached": N - 2}


def test_one_id_sent_many_times_at_once_is_recorded_once(game: Game) -> None:
    challenge = publish_challenge(game.house, times=5)
    completion_id, player_id = new_id(), game.players[0]["player_id"]
    clients = [game.house.client("leagues", game.teacher) for _ in range(N)]

    def send(client: Any) -> Any:
        return record(client, game.league, challenge, id=completion_id, player_id=player_id)

    with ThreadPoolExecutor(N) as pool:
        answers = list(pool.map(send, clients))
    assert codes(answers) == {201: 1, 200: N - 1}
    assert len({answer.data for answer in answers}) == 1
    assert len(emitted(game.house, "leagues", CompletionRecorded)) == 1


def test_withdrawing_and_recording_at_once_never_exceed_the_cap(game: Game) -> None:
    player_id = game.players[0]["player_id"]

    def toggle(_number: int) -> None:
        client = game.house.client("leagues", game.teacher)
        answer = record(client, game.league, game.challenge, player_id=player_id)
        if answer.status_code == 201:
            client.delete(f"{API}/completions/{answer.json['completion_id']}")

    with ThreadPoolExecutor(N) as pool:
        list(pool.map(toggle, range(3 * N)))
    assert game.completions() == []
    assert record(game.client, game.league, game.challenge, player_id=player_id).status_code == 201


def test_a_mate_of_the_team_at_the_same_moment_does_not_count_twice(game: Game) -> None:
    challenge = publish_challenge(game.house, kind="team", per="edition")
    mates = [game.join(name=f"Lynx {n}", team_id=game.teams[0]["team_id"]) for n in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda mate: record(mate.client, game.league, challenge), mates))
    assert codes(answers) == {201: 1, "cap_reached": 3}


def test_the_database_itself_refuses_one_too_many(stage: Stage) -> None:
    done = stage.record("2026-03-20T12:00", publish_challenge(stage.house)).completion
    assert done is not None
    copied = {column.key: getattr(done, column.key) for column in sa.inspect(Completion).column_attrs}
    with pytest.raises(IntegrityError, match="UNIQUE"), at(stage.house, stage.caller) as session:
        session.add(Completion(**copied | {"completion_id": new_id()}))
    with pytest.raises(IntegrityError, match="CHECK"), at(stage.house, stage.caller) as session:
        session.add(Completion(**copied | {"completion_id": new_id(), "slot": 1}))


@pytest.mark.parametrize(
    ("per", "same", "next_one"),
    [
        ("day", "2026-03-18T23:59:59", "2026-03-19T00:00"),
        ("week", "2026-03-22T23:59:59", "2026-03-23T00:00"),
    ],
)
def test_a_period_begins_anew(stage: Stage, per: str, same: str, next_one: str) -> None:
    challenge = publish_challenge(stage.house, per=per, times=2)
    stage.record("2026-03-18T12:00", challenge)
    stage.record(same, challenge)
    with pytest.raises(CapReached) as refused:
        stage.record(same, challenge)
    assert (refused.value.parameters["times"], refused.value.parameters["per"]) == (2, per)
    assert stage.record(next_one, challenge).is_new


def test_once_per_edition_is_once(stage: Stage) -> None:
    challenge = publish_challenge(stage.house, per="edition")
    stage.record("2026-03-16T09:00", challenge)
    for local in ("2026-03-17T09:00", "2026-04-06T19:59", "2026-04-07T12:00"):
        with pytest.raises(CapReached):
            stage.record(local, challenge)


def test_the_period_is_that_of_the_day_of_the_act_not_of_today(stage: Stage) -> None:
    challenge = publish_challenge(stage.house, per="day")
    stage.record("2026-03-20T12:00", challenge, day=date(2026, 3, 18))
    assert stage.record("2026-03-20T12:01", challenge).is_new
    with pytest.raises(CapReached):
        stage.record("2026-03-21T12:00", challenge, day=date(2026, 3, 18))


def test_a_week_over_new_year_is_one_week() -> None:
    assert {period_of("week", date(2026, 12, 28)), period_of("week", date(2027, 1, 3))} == {"2026-W53"}
    assert period_of("week", date(2027, 1, 4)) == "2027-W01"


def test_two_players_and_two_challenges_have_caps_of_their_own(game: Game) -> None:
    other = publish_challenge(game.house)
    for challenge in (game.challenge, other):
        for player in game.players:
            assert record(game.client, game.league, challenge, player_id=player["player_id"]).status_code == 201


def test_a_cap_that_is_raised_grants_more(stage: Stage) -> None:
    challenge = publish_challenge(stage.house)
    stage.record("2026-03-20T12:00", challenge)
    publish_challenge(stage.house, challenge_id=challenge, version=2, times=2)
    assert stage.record("2026-03-20T12:01", challenge).is_new
    with pytest.raises(CapReached):
        stage.record("2026-03-20T12:02", challenge)


def test_a_cap_that_is_lowered_counts_what_was_done_before(stage: Stage) -> None:
    challenge = publish_challenge(stage.house, times=3)
    done = [stage.record("2026-03-20T12:00", challenge).completion for _ in range(3)]
    publish_challenge(stage.house, challenge_id=challenge, version=2, times=1)
    for completion in done[:2]:
        assert completion is not None
        stage.withdraw("2026-03-20T12:01", completion.completion_id)
        with pytest.raises(CapReached):
            stage.record("2026-03-20T12:02", challenge)


def test_the_refusal_says_how_often_a_challenge_counts(game: Game) -> None:
    player_id = game.players[0]["player_id"]
    record(game.client, game.league, game.challenge, player_id=player_id)
    refusal = record(game.client, game.league, game.challenge, player_id=player_id)
    assert (refusal.status_code, refusal.json["code"]) == (409, "cap_reached")
    assert "1 × per day" in refusal.json["title"]
