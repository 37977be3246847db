from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from services.leagues.domain import leagues, recording
from services.leagues.domain.recording import Act
from services.leagues.errors import CapReached, DayInFuture, DayOutsideEdition, EditionNotOpen
from shared.contracts import CompletionRecorded
from shared.database import new_id
from tests.builders import at, emitted, publish_challenge, record
from tests.house import House
from tests.leagues.game import Game, Stage


@pytest.mark.parametrize("zone", ["Europe/Paris", "Indian/Reunion", "Pacific/Auckland", "America/Martinique"])
def test_the_day_is_the_one_the_tenants_clocks_show(house: House, zone: str) -> None:
    stage = Stage(house, zone=zone)
    challenge = publish_challenge(house, per="day")
    late = stage.record("2026-03-20T23:59:59", challenge).completion
    early = stage.record("2026-03-21T00:00:00", challenge).completion
    assert late is not None
    assert early is not None
    assert (late.day, early.day) == (date(2026, 3, 20), date(2026, 3, 21))
    with pytest.raises(CapReached):
        stage.record("2026-03-21T23:59:59", challenge)


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Europe/Paris", date(2026, 3, 29)),  # 23 hours long
        ("Pacific/Auckland", date(2026, 4, 5)),  # 25 hours long
        ("Indian/Reunion", date(2026, 3, 29)),  # like any other
    ],
)
def test_the_day_the_clocks_change_is_one_day(house: House, zone: str, day: date) -> None:
    stage = Stage(house, zone=zone)
    challenge = publish_challenge(house, per="day", times=2)
    for local in (f"{day}T00:00:00", f"{day}T23:59:59"):
        completion = stage.record(local, challenge).completion
        assert completion is not None
        assert completion.day == day
    with pytest.raises(CapReached):
        stage.record(f"{day}T12:00:00", challenge)
    assert stage.record(f"{day + timedelta(days=1)}T00:00:00", challenge).is_new


def test_an_edition_over_the_autumn_change_closes_by_the_wall_clock(house: House) -> None:
    stage = Stage(house, starts_at="2026-10-12T09:00", ends_at="2026-10-25T02:30")  # 2:30 happens twice
    assert stage.phase("2026-10-25T02:29:59") == "running"
    assert stage.phase("2026-10-25T02:30:00") == "grace"


def test_the_closing_second_is_decided_by_the_time_of_the_transaction(house: House) -> None:
    stage = Stage(house, grace_days=0)
    challenge = publish_challenge(house)
    assert stage.record("2026-04-06T19:59:59.999999", challenge).is_new
    with pytest.raises(EditionNotOpen) as refused:
        stage.record("2026-04-06T20:00:00", publish_challenge(house))
    assert refused.value.parameters["phase"] == "frozen"


def test_a_transaction_that_began_in_time_ends_in_time(stage: Stage) -> None:
    challenges = [publish_challenge(stage.house) for _ in range(2)]
    with at(stage.house, stage.caller, stage.moment("2026-04-08T19:59:59")) as session:
        league = leagues.find_league(session, stage.league_id)
        for challenge in challenges:
            act = Act(completion_id=new_id(), challenge_id=challenge, player_id=stage.player_id)
            recording.record_completion(session, stage.caller, league.league_id, act)
    recorded = emitted(stage.house, "leagues", CompletionRecorded)
    assert {event.at for event in recorded} == {stage.moment("2026-04-08T19:59:59")}


def test_nothing_counts_before_the_edition_starts(stage: Stage) -> None:
    challenge = publish_challenge(stage.house)
    with pytest.raises(EditionNotOpen):
        stage.record("2026-03-16T08:59:59", challenge)
    assert stage.record("2026-03-16T09:00:00", challenge).is_new


def test_in_grace_acts_of_the_edition_are_still_entered(stage: Stage) -> None:
    challenge = publish_challenge(stage.house)
    late = stage.record("2026-04-08T19:59:59", challenge).completion
    assert late is not None
    assert late.day == date(2026, 4, 6)  # the edition's last day, not today
    assert stage.record("2026-04-07T10:00", challenge, day=date(2026, 4, 1)).is_new
    with pytest.raises(DayOutsideEdition):
        stage.record("2026-04-07T10:00", challenge, day=date(2026, 4, 7))
    with pytest.raises(EditionNotOpen):
        stage.record("2026-04-08T20:00:00", challenge, day=date(2026, 4, 2))


def test_an_edition_that_ends_at_midnight_has_no_act_of_the_day_after(house: House) -> None:
    stage = Stage(house, ends_at="2026-04-06T00:00")
    challenge = publish_challenge(house)
    with pytest.raises(DayOutsideEdition):
        stage.record("2026-04-06T10:00", challenge, day=date(2026, 4, 6))
    late = stage.record("2026-04-06T10:00", challenge).completion
    assert late is not None
    assert late.day == date(2026, 4, 5)


def test_a_day_is_neither_in_the_future_nor_before_the_edition(stage: Stage) -> None:
    challenge = publish_challenge(stage.house)
    for day in (date(2026, 3, 21), date(2026, 4, 30), date.max):
        with pytest.raises(DayInFuture):
            stage.record("2026-03-20T23:59:59", challenge, day=day)
    for day in (date(2026, 3, 15), date(1970, 1, 1), date.min):
        with pytest.raises(DayOutsideEdition):
            stage.record("2026-03-20T23:59:59", challenge, day=day)
    assert stage.record("2026-03-20T23:59:59", challenge, day=date(2026, 3, 16)).is_new


def test_tomorrow_in_auckland_is_already_today(house: House) -> None:
    challenge = publish_challenge(house)
    auckland, paris = Stage(house, zone="Pacific/Auckland"), Stage(house)
    noon = paris.moment("2026-03-20T13:00")  # 1:00 of the 21st in Auckland
    assert auckland.record(_as(auckland, noon), challenge, day=date(2026, 3, 21)).is_new
    with pytest.raises(DayInFuture):
        paris.record("2026-03-20T13:00", challenge, day=date(2026, 3, 21))


def _as(stage: Stage, moment: Any) -> str:
    from zoneinfo import ZoneInfo

    local: str = moment.astimezone(ZoneInfo(stage.zone)).replace(tzinfo=None).isoformat()
    return local


@pytest.mark.parametrize(
    ("day", "said", "code"),
    [
        ("2090-01-01", "1 January 2090 has not come", "day_in_future"),
        ("2001-01-01", "1 January 2001 is outside", "day_outside_edition"),
    ],
)
def test_a_wrong_day_gets_a_sentence_that_says_which(game: Game, day: str, said: str, code: str) -> None:
    refusal = record(game.client, game.league, game.challenge, player_id=game.players[0]["player_id"], day=day)
    assert (refusal.status_code, refusal.json["code"]) == (422, code)
    assert refusal.json["title"].startswith(said)
