from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from services.leagues.domain import editions
from services.leagues.errors import EditionNotOpen
from shared.contracts import EditionFrozen, EditionRevealed, EditionScheduled, LeagueCreated
from shared.tenancy import PLATFORM_TENANT_ID, across_tenants
from tests.builders import at, create_edition, create_league, emitted, local, publish_challenge, teacher_of
from tests.house import House, caller_of
from tests.leagues.game import API, Game, Stage

FIRST, LAST = "2026-03-16", "2026-04-06"


def operator(house: House) -> FlaskClient:
    return house.client("leagues", caller_of(PLATFORM_TENANT_ID, "operator", kind="platform"))


def in_days(days: int) -> str:
    return local(datetime.now(UTC) + timedelta(days=days))


def change(client: FlaskClient, edition: Any, **changes: Any) -> Any:
    path = f"{API}/editions/{edition['edition_id']}"
    return client.patch(path, json=changes, headers={"If-Match": client.get(path).headers["ETag"]})


def go_to(client: FlaskClient, edition: Any, phase: str) -> Any:
    return client.put(f"{API}/editions/{edition['edition_id']}/phase", json={"phase": phase})


def test_an_edition_lasts_three_weeks_unless_said_otherwise(house: House) -> None:
    client = house.client("leagues", teacher_of(house))
    edition = client.post(f"{API}/editions", json={"name": "Automne", "starts_at": "2026-11-23T09:00:00"}).json
    assert edition["ends_at"] == "2026-12-14T09:00:00"
    assert edition["phase"] == "draft"
    assert edition["audience"] == "school"
    assert edition["grace_days"] == 2


@pytest.mark.parametrize(
    ("moment", "phase"),
    [
        (f"{FIRST}T08:59:59", "registration"),
        (f"{FIRST}T09:00:00", "running"),
        (f"{LAST}T19:59:59", "running"),
        (f"{LAST}T20:00:00", "grace"),
        ("2026-04-08T19:59:59", "grace"),
        ("2026-04-08T20:00:00", "frozen"),
        ("2027-01-01T00:00:00", "frozen"),
    ],
)
def test_time_alone_moves_an_edition_from_registration_to_frozen(stage: Stage, moment: str, phase: str) -> None:
    assert stage.phase(moment) == phase


def test_an_edition_without_grace_is_frozen_when_it_ends(house: House) -> None:
    stage = Stage(house, grace_days=0)
    assert stage.phase(f"{LAST}T19:59:59") == "running"
    assert stage.phase(f"{LAST}T20:00:00") == "frozen"


def test_a_change_of_clocks_does_not_move_the_closing_hour(stage: Stage) -> None:
    with at(stage.house, stage.caller) as session:
        calendar = editions.calendar_of(editions.find_edition(session, stage.edition_id), "Europe/Paris")
    assert calendar.starts_at.hour == 8  # 9:00 in winter
    assert calendar.ends_at.hour == 18  # 20:00 in summer


def test_people_publish_freeze_reveal_and_archive_in_that_order(house: House) -> None:
    client = house.client("leagues", teacher_of(house))
    edition = create_edition(client, phase="draft", started_days_ago=22, grace_days=2)
    assert go_to(client, edition, "registration").json["phase"] == "grace"
    assert go_to(client, edition, "frozen").json["phase"] == "frozen"
    assert go_to(client, edition, "revealed").json["phase"] == "revealed"
    assert go_to(client, edition, "archived").json["phase"] == "archived"
    kinds = [type(event) for event in emitted(house, "leagues", EditionScheduled, EditionFrozen, EditionRevealed)]
    assert kinds == [EditionScheduled, EditionFrozen, EditionRevealed]


@pytest.mark.parametrize("wanted", ["frozen", "revealed", "archived"])
def test_no_phase_is_skipped(game: Game, wanted: str) -> None:
    refusal = go_to(game.client, game.edition, wanted)
    assert (refusal.status_code, refusal.json["code"]) == (409, "phase_impossible")
    assert game.client.get(f"{API}/editions/{game.edition['edition_id']}").json["phase"] == "running"


def test_no_phase_comes_back(house: House) -> None:
    client = house.client("leagues", teacher_of(house))
    edition = create_edition(client, started_days_ago=40)
    go_to(client, edition, "revealed")
    assert go_to(client, edition, "frozen").json["code"] == "phase_impossible"
    assert go_to(client, edition, "registration").json["code"] == "phase_impossible"


def test_asking_for_the_phase_it_is_in_changes_nothing(house: House) -> None:
    client = house.client("leagues", teacher_of(house))
    edition = create_edition(client, started_days_ago=40)
    for _ in range(3):
        assert go_to(client, edition, "frozen").status_code == 200
    assert len(emitted(house, "leagues", EditionFrozen)) == 1


def test_revealing_what_nobody_froze_freezes_it_first(house: House) -> None:
    client = house.client("leagues", teacher_of(house))
    go_to(client, create_edition(client, started_days_ago=40), "revealed")
    kinds = [type(event) for event in emitted(house, "leagues", EditionFrozen, EditionRevealed)]
    assert kinds == [EditionFrozen, EditionRevealed]


def test_an_edition_frozen_by_hand_takes_no_completions(stage: Stage) -> None:
    challenge = publish_challenge(stage.house)
    stage.record("2026-04-07T10:00", challenge)
    with at(stage.house, stage.caller, stage.moment("2026-04-07T11:00")) as session:
        editions.move_to_phase(session, editions.find_edition(session, stage.edition_id), "frozen")
    with pytest.raises(EditionNotOpen):
        stage.record("2026-04-07T12:00", challenge, day=date(2026, 3, 20))


@pytest.mark.parametrize("role", ["organiser", "player", "pupil"])
def test_only_administrators_and_operators_open_editions(house: House, role: str) -> None:
    client = house.client("leagues", caller_of(None, role))
    body = {"name": "À moi", "starts_at": in_days(1)}
    assert client.post(f"{API}/editions", json=body).status_code == 403


def test_only_operators_open_an_edition_for_everybody(house: House) -> None:
    body = {"name": "Pour tous", "starts_at": in_days(1), "is_open": True}
    client = house.client("leagues", teacher_of(house))
    assert client.post(f"{API}/editions", json=body).status_code == 403
    opened = operator(house).post(f"{API}/editions", json=body).json
    assert (opened["is_open"], opened["audience"]) == (True, "everyone")


def test_a_draft_is_seen_by_those_who_may_change_it_only(house: House) -> None:
    teacher = teacher_of(house)
    client = house.client("leagues", teacher)
    edition = create_edition(client, phase="draft")
    path = f"{API}/editions/{edition['edition_id']}"
    for role in ("organiser", "player", "pupil"):
        other = house.client("leagues", caller_of(teacher.tenant_id, role))
        assert other.get(path).status_code == 404
        assert other.get(f"{API}/editions").json == []
    assert client.get(path).json["phase"] == "draft"
    assert len(client.get(f"{API}/editions").json) == 1


def test_the_draft_of_an_open_edition_leaks_nowhere(house: House) -> None:
    edition = create_edition(operator(house), phase="draft", is_open=True)
    path = f"{API}/editions/{edition['edition_id']}"
    client = house.client("leagues", teacher_of(house))
    assert house.client("leagues").get(path).status_code == 404
    assert client.get(path).status_code == 404
    assert client.get(f"{API}/editions").json == []
    assert client.patch(path, json={"name": "À nous"}, headers={"If-Match": '"x"'}).status_code == 404
    assert client.put(f"{path}/phase", json={"phase": "registration"}).status_code == 404
    assert client.post(f"{path}/clones", json={"name": "x", "starts_at": in_days(1)}).status_code == 404
    league = {"edition_id": edition["edition_id"], "name": "CM2"}
    assert client.post(f"{API}/leagues", json=league).status_code == 404


def test_a_published_open_edition_is_public_and_only_its_owner_changes_it(house: House) -> None:
    edition = create_edition(operator(house), is_open=True)
    path = f"{API}/editions/{edition['edition_id']}"
    client = house.client("leagues", teacher_of(house))
    assert house.client("leagues").get(path).json["phase"] == "running"
    assert [found["edition_id"] for found in client.get(f"{API}/editions").json] == [edition["edition_id"]]
    assert client.put(f"{path}/phase", json={"phase": "frozen"}).status_code == 403
    assert change(client, edition, name="À nous").status_code == 403


def test_another_tenants_edition_is_not_there(house: House, game: Game) -> None:
    stranger = house.client("leagues", teacher_of(house))
    path = f"{API}/editions/{game.edition['edition_id']}"
    assert house.client("leagues").get(path).status_code == 404
    assert stranger.get(path).status_code == 404
    assert stranger.get(f"{API}/editions").json == []
    assert stranger.patch(path, json={"name": "x"}, headers={"If-Match": '"x"'}).status_code == 404
    assert stranger.put(f"{path}/phase", json={"phase": "frozen"}).status_code == 404
    assert stranger.post(f"{path}/clones", json={"name": "x", "starts_at": in_days(1)}).status_code == 404
    league = {"edition_id": game.edition["edition_id"], "name": "CM2"}
    assert stranger.post(f"{API}/leagues", json=league).status_code == 404


@pytest.mark.parametrize(
    "dates",
    [
        {"ends_at": "2026-11-22T09:00:00"},
        {"ends_at": "2026-11-23T09:00:00"},
        {"ends_at": "2028-01-01T09:00:00"},
        {"registration_ends_at": "2027-06-01T09:00:00"},
    ],
)
def test_impossible_dates_are_refused(house: House, dates: dict[str, str]) -> None:
    client = house.client("leagues", teacher_of(house))
    refusal = client.post(f"{API}/editions", json={"name": "x", "starts_at": "2026-11-23T09:00:00"} | dates)
    assert (refusal.status_code, refusal.json["code"]) == (422, "dates_impossible")
    assert client.get(f"{API}/editions").json == []


def test_a_minimum_above_the_maximum_is_refused_and_says_so(house: House) -> None:
    body = {"name": "x", "starts_at": in_days(1), "min_players": 30, "max_players": 6}
    refusal = house.client("leagues", teacher_of(house)).post(f"{API}/editions", json=body)
    assert (refusal.status_code, refusal.json["code"]) == (422, "limits_impossible")


def test_before_it_starts_an_edition_may_move_and_its_leagues_hear_of_it(house: House) -> None:
    client = house.client("leagues", teacher_of(house))
    edition = create_edition(client, started_days_ago=-10)
    create_league(client, edition)
    moved = change(client, edition, starts_at=in_days(11), registration_ends_at=in_days(11), ends_at=in_days(30))
    assert moved.status_code == 200
    first, second = emitted(house, "leagues", LeagueCreated)
    assert second.heads_frozen_at > first.heads_frozen_at
    assert (second.revision, second.league_id) == (2, first.league_id)
    assert [event.revision for event in emitted(house, "leagues", EditionScheduled)] == [1, 2]


def test_once_it_runs_only_the_name_of_an_edition_changes(game: Game) -> None:
    assert change(game.client, game.edition, name="Le grand défi").json["name"] == "Le grand défi"
    for changes in ({"ends_at": in_days(60)}, {"max_players": 100}, {"grace_days": 9, "name": "x"}):
        refusal = change(game.client, game.edition, **changes)
        assert (refusal.status_code, refusal.json["code"]) == (409, "dates_fixed")
    assert game.client.get(f"{API}/editions/{game.edition['edition_id']}").json["name"] == "Le grand défi"


def test_a_published_open_edition_keeps_its_dates(house: House) -> None:
    client = operator(house)
    edition = create_edition(client, is_open=True, started_days_ago=-10)
    assert change(client, edition, starts_at=in_days(5)).json["code"] == "dates_fixed"
    assert change(client, edition, name="Printemps").status_code == 200


def test_impossible_changes_leave_the_edition_as_it_was(house: House) -> None:
    client = house.client("leagues", teacher_of(house))
    edition = create_edition(client, phase="draft")
    refusal = change(client, edition, name="Autre", ends_at="2020-01-01T00:00:00")
    assert refusal.json["code"] == "dates_impossible"
    assert client.get(f"{API}/editions/{edition['edition_id']}").json["name"] == "Édition de printemps"


def test_a_change_needs_the_etag_that_was_seen(game: Game) -> None:
    path = f"{API}/editions/{game.edition['edition_id']}"
    etag = game.client.get(path).headers["ETag"]
    missing = game.client.patch(path, json={"name": "Sans"})
    assert (missing.status_code, missing.json["code"]) == (428, "etag_missing")
    assert game.client.patch(path, json={"name": "Un"}, headers={"If-Match": etag}).status_code == 200
    stale = game.client.patch(path, json={"name": "Deux"}, headers={"If-Match": etag})
    assert (stale.status_code, stale.json["code"]) == (412, "changed_meanwhile")
    assert game.client.get(path).json["name"] == "Un"


def test_last_years_edition_can_be_played_again(game: Game) -> None:
    path = f"{API}/editions/{game.edition['edition_id']}/clones"
    clone = game.client.post(path, json={"name": "Encore", "starts_at": "2027-03-15T09:00:00"}).json
    assert (clone["phase"], clone["ends_at"]) == ("draft", "2027-04-05T09:00:00")
    assert clone["edition_id"] != game.edition["edition_id"]
    assert clone["max_players"] == game.edition["max_players"]


def test_a_school_that_clones_an_open_edition_gets_one_of_its_own(house: House) -> None:
    edition = create_edition(operator(house), is_open=True)
    client = house.client("leagues", teacher_of(house))
    path = f"{API}/editions/{edition['edition_id']}/clones"
    clone = client.post(path, json={"name": "La nôtre", "starts_at": in_days(30)}).json
    assert clone["is_open"] is False
    assert clone["tenant_id"] != edition["tenant_id"]


def test_an_open_edition_runs_by_the_clock_of_each_zone(house: House) -> None:
    stage = Stage(house, is_open=True)
    assert stage.phase(f"{FIRST}T06:30", "Europe/Paris") == "registration"
    assert stage.phase(f"{FIRST}T06:30", "Indian/Reunion") == "running"  # 9:30 there
    assert stage.phase(f"{FIRST}T06:30", "Pacific/Auckland") == "running"
    assert stage.phase(f"{FIRST}T12:00", "America/Martinique") == "registration"
    assert stage.phase(f"{LAST}T21:00", "Europe/Paris") == "grace"
    assert stage.phase(f"{LAST}T21:00", "America/Martinique") == "running"


def freeze(house: House, moment: datetime) -> int:
    with house.databases["leagues"].transaction(across_tenants(), now=moment) as session:
        return editions.freeze_what_is_over(session)


def test_an_edition_is_frozen_once_its_grace_is_over(stage: Stage) -> None:
    assert freeze(stage.house, stage.moment("2026-04-08T19:59:59")) == 0
    assert freeze(stage.house, stage.moment("2026-04-08T20:00:00")) == 1
    assert freeze(stage.house, stage.moment("2026-04-08T20:01:00")) == 0
    assert len(emitted(stage.house, "leagues", EditionFrozen)) == 1


def test_an_open_edition_is_frozen_when_the_last_zone_has_finished(house: House) -> None:
    stage = Stage(house, is_open=True)
    stage.open_league(teacher_of(house, zone="America/Martinique"))
    stage.open_league(teacher_of(house, zone="Pacific/Auckland"))
    assert freeze(house, stage.moment("2026-04-08T20:00:00")) == 0
    assert freeze(house, stage.moment("2026-04-09T01:59:59")) == 0
    assert freeze(house, stage.moment("2026-04-09T02:00:00")) == 1  # 20:00 in Fort-de-France


def test_the_zone_that_is_furthest_ahead_does_not_freeze_too_early(house: House) -> None:
    stage = Stage(house, zone="Pacific/Kiritimati")
    assert freeze(house, stage.moment("2026-04-08T19:59:59")) == 0
    assert freeze(house, stage.moment("2026-04-08T20:00:00")) == 1


def test_drafts_are_never_frozen(house: House) -> None:
    client = house.client("leagues", teacher_of(house))
    edition = create_edition(client, phase="draft", started_days_ago=100)
    assert freeze(house, datetime.now(UTC)) == 0
    go_to(client, edition, "registration")
    assert emitted(house, "leagues", EditionFrozen) == []
