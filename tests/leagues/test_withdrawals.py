from __future__ import annotations

from typing import Any

import pytest

from services.leagues.errors import EditionNotOpen
from shared.contracts import CompletionWithdrawn
from tests.builders import at, emitted, publish_challenge, record
from tests.leagues.game import API, Game, Stage


def withdraw(client: Any, completion: Any) -> Any:
    return client.delete(f"{API}/completions/{completion['completion_id']}")


def test_withdrawing_gives_the_slot_back_and_twice_is_once(game: Game) -> None:
    pupil = game.join()
    done = record(pupil.client, game.league, game.challenge).json
    assert record(pupil.client, game.league, game.challenge).json["code"] == "cap_reached"
    assert [withdraw(pupil.client, done).status_code for _ in range(3)] == [204] * 3
    assert len(emitted(game.house, "leagues", CompletionWithdrawn)) == 1
    assert record(pupil.client, game.league, game.challenge).status_code == 201


def test_a_withdrawn_completion_is_shown_as_such_and_listed_on_request(game: Game) -> None:
    pupil = game.join()
    done = record(pupil.client, game.league, game.challenge).json
    withdraw(pupil.client, done)
    shown = pupil.client.get(f"{API}/completions/{done['completion_id']}").json
    assert (shown["is_withdrawn"], shown["points"]) == (True, 3)
    assert shown["withdrawn_at"]
    assert pupil.client.get(f"{API}/completions").json == []
    assert len(pupil.client.get(f"{API}/completions?has_withdrawn=true").json) == 1


def test_a_player_withdraws_what_is_theirs_and_a_leader_anything(game: Game) -> None:
    first, second = game.join(name="Un"), game.join(name="Deux")
    done = record(first.client, game.league, game.challenge).json
    refusal = withdraw(second.client, done)
    assert (refusal.status_code, refusal.json["code"]) == (403, "not_yours")
    assert withdraw(game.somebody("player").client, done).json["code"] == "not_in_league"
    assert withdraw(game.client, done).status_code == 204


def test_a_player_withdraws_what_a_leader_recorded_for_them(game: Game) -> None:
    pupil = game.join()
    done = record(game.client, game.league, game.challenge, player_id=pupil.player["player_id"]).json
    assert withdraw(pupil.client, done).status_code == 204


def test_a_teams_completion_is_withdrawn_by_its_author_or_a_leader(game: Game) -> None:
    challenge = publish_challenge(game.house, kind="team")
    author, mate = (game.join(name=name, team_id=game.teams[0]["team_id"]) for name in ("Un", "Deux"))
    done = record(author.client, game.league, challenge).json
    assert withdraw(mate.client, done).json["code"] == "not_yours"
    assert withdraw(author.client, done).status_code == 204


def test_after_the_grace_only_a_leader_withdraws_and_twice_is_still_once(stage: Stage) -> None:
    done = stage.record("2026-04-06T12:00", publish_challenge(stage.house)).completion
    assert done is not None
    stage.withdraw("2026-04-09T12:00", done.completion_id)
    stage.withdraw("2027-04-09T12:00", done.completion_id)
    [event] = emitted(stage.house, "leagues", CompletionWithdrawn)
    assert event.at == stage.moment("2026-04-09T12:00")


def test_a_player_withdraws_nothing_once_the_boards_are_frozen(stage: Stage) -> None:
    pupil, challenge = stage.join("2026-03-17T12:00"), publish_challenge(stage.house)
    done = stage.record("2026-04-06T12:00", challenge, player_id=pupil.player_id).completion
    assert done is not None
    with pytest.raises(EditionNotOpen):
        stage.withdraw("2026-04-08T20:00", done.completion_id, stage.caller_of(pupil))
    stage.withdraw("2026-04-08T19:59:59", done.completion_id, stage.caller_of(pupil))


def test_nobody_withdraws_once_the_boards_are_revealed(stage: Stage) -> None:
    from services.leagues.domain import editions

    done = stage.record("2026-04-06T12:00", publish_challenge(stage.house)).completion
    assert done is not None
    with at(stage.house, stage.caller, stage.moment("2026-04-10T12:00")) as session:
        editions.move_to_phase(session, editions.find_edition(session, stage.edition_id), "revealed")
    with pytest.raises(EditionNotOpen):
        stage.withdraw("2026-04-10T12:01", done.completion_id)
