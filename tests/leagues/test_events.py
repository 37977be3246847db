from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.leagues.domain import leagues
from services.leagues.models import Challenge, Person, Tenant
from shared.consumer import DeadLetter
from shared.contracts import (
    ChallengePublished,
    ChallengeRetired,
    Event,
    LeaderAppointed,
    LeaderResigned,
    PersonJoined,
    PersonLeft,
    PersonResumed,
    PersonSuspended,
    PlayerLeft,
    PlayerRenamed,
    TenantFounded,
)
from shared.database import new_id
from shared.tenancy import PLATFORM_TENANT_ID, across_tenants
from tests.builders import at, emitted, envelope, publish_challenge, record, tell
from tests.house import House, caller_of
from tests.leagues.game import API, Game, tiers

TENANT, PERSON, CHALLENGE = new_id(), new_id(), new_id()


def joined(revision: int, person_id: UUID = PERSON, **facts: Any) -> PersonJoined:
    known: dict[str, Any] = {"display_name": f"Camille {revision}", "roles": ["player"], "language": "fr"}
    return PersonJoined(person_id=person_id, revision=revision, **known | facts)


def published(version: int, **facts: Any) -> ChallengePublished:
    known: dict[str, Any] = {"slug": "x", "category": "food", "kind": "individual", "tiers": tiers(standard=version)}
    more = {"audiences": ["school"], "age_bands": ["6-10"], "times": 1, "per": "day", "impact": None, "titles": {}}
    return ChallengePublished(challenge_id=CHALLENGE, version=version, **known | more | facts)


HISTORY: list[Event] = [
    TenantFounded(kind="school", name="École", country="FR", language="fr", zone="Europe/Paris", revision=1),
    TenantFounded(kind="school", name="Lycée", country="FR", language="fr", zone="Indian/Reunion", revision=2),
    joined(1),
    joined(2, roles=["administrator"]),
    PersonSuspended(person_id=PERSON, revision=3),
    PersonResumed(person_id=PERSON, revision=4),
    published(1),
    published(2, category="waste"),
    ChallengeRetired(challenge_id=CHALLENGE, version=2),
]


def copies(house: House) -> list[Any]:
    """Everything leagues knows of the others, as plain values."""
    found = []
    with house.databases["leagues"].transaction(across_tenants(), read_only=True) as session:
        for model in (Tenant, Person, Challenge):
            for row in session.scalars(sa.select(model)):
                values = {column.key: getattr(row, column.key) for column in sa.inspect(model).column_attrs}
                found.append((model.__name__, values))
        assert session.scalar(sa.select(sa.func.count()).select_from(DeadLetter)) == 0
    return found


def forget(house: House) -> None:
    with house.databases["leagues"].transaction(across_tenants()) as session:
        for model in (Tenant, Person, Challenge):
            session.execute(sa.delete(model))


@given(
    order=st.permutations(range(len(HISTORY))), twice=st.sets(st.integers(0, len(HISTORY) - 1)), size=st.integers(1, 9)
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_events_repeated_or_in_any_order_leave_the_same_copies(
    house: House, order: list[int], twice: set[int], size: int
) -> None:
    forget(house)
    house.consumers["leagues"].handle([envelope(event, TENANT) for event in HISTORY])
    expected = copies(house)
    forget(house)
    letters = [envelope(event, TENANT) for event in HISTORY]
    sent = [letters[index] for index in order] + [letters[index] for index in twice]
    sent += [envelope(HISTORY[index], TENANT) for index in twice]  # the same fact in another envelope
    for start in range(0, len(sent), size):
        house.consumers["leagues"].handle(sent[start : start + size])
    assert copies(house) == expected
    assert expected[0][1]["name"] == "Lycée"


def test_an_older_version_of_a_challenge_that_arrives_late_changes_nothing(house: House, game: Game) -> None:
    for event in (published(2), published(1)):
        tell(house, "leagues", event, PLATFORM_TENANT_ID)
    done = record(game.client, game.league, CHALLENGE, player_id=game.players[0]["player_id"]).json
    assert (done["points"], done["challenge_version"]) == (2, 2)


def test_a_challenge_retired_before_its_publication_arrives_is_not_offered(house: House, game: Game) -> None:
    player_id = game.players[0]["player_id"]
    for event in (ChallengeRetired(challenge_id=CHALLENGE, version=1), published(1)):
        tell(house, "leagues", event, PLATFORM_TENANT_ID)
        assert record(game.client, game.league, CHALLENGE, player_id=player_id).json["code"] == "challenge_unknown"
    tell(house, "leagues", published(2), PLATFORM_TENANT_ID)
    assert record(game.client, game.league, CHALLENGE, player_id=player_id).status_code == 201


def test_several_facts_about_one_newcomer_fit_into_one_batch(house: House) -> None:
    events = [PersonSuspended(person_id=PERSON, revision=2), PersonLeft(person_id=PERSON, revision=3), joined(1)]
    house.consumers["leagues"].handle([envelope(event, TENANT) for event in events])
    [(_, person)] = copies(house)
    assert (person["display_name"], person["is_active"]) == ("", False), "the name is forgotten"


# --- a leader leaves -------------------------------------------------------------------------------------------------


def leaders(game: Game) -> set[str]:
    with at(game.house, game.teacher) as session:
        league = leagues.find_league(session, UUID(game.league["league_id"]))
        return {str(leader.person_id) for leader in session.scalars(leagues.list_leaders(league))}


def game_led_by_an_organiser(game: Game) -> UUID:
    """The game's league, led by an organiser alone; their id."""
    organiser: UUID = game.somebody("organiser").caller.person_id
    game.client.post(game.path("leaders"), json={"person_id": str(organiser)})
    game.client.delete(game.path(f"leaders/{game.teacher.person_id}"))
    assert leaders(game) == {str(organiser)}
    return organiser


def leave(game: Game, person_id: UUID, kind: type[Event] = PersonLeft) -> None:
    tell(game.house, "leagues", kind(person_id=person_id, revision=9), game.teacher.tenant_id)  # type: ignore[call-arg]


def test_somebody_who_leaves_for_good_leaves_their_leagues_and_their_name_is_forgotten(game: Game) -> None:
    karim, lea = game.join(name="Karim", display_name="Karim"), game.join(name="Léa", display_name="Léa")
    act = record(karim.client, game.league, game.challenge, player_id=karim.player["player_id"])
    lea.client.delete(game.path(f"players/{lea.player['player_id']}"))
    for _ in range(2):
        leave(game, karim.caller.person_id)
        leave(game, lea.caller.person_id)
    names = [player["display_name"] for player in game.all_players()]
    assert len(names) == 3, "the pupils who are left"
    left, renamed = emitted(game.house, "leagues", PlayerLeft), emitted(game.house, "leagues", PlayerRenamed)
    assert [(event.player_id, event.display_name) for event in left][-1] == (UUID(karim.player["player_id"]), "")
    assert [(event.player_id, event.display_name) for event in renamed] == [(UUID(lea.player["player_id"]), "")]
    [told] = game.client.get(f"{API}/leagues/{game.league['league_id']}/activity").json
    assert (told["completion_id"], told["player"]) == (act.json["completion_id"], "")
    page = game.client.get(f"/leagues/{game.league['league_id']}").text
    assert "Karim" not in page
    assert "Léa" not in page


def test_somebody_who_is_suspended_keeps_their_place(game: Game) -> None:
    karim = game.join(name="Karim", display_name="Karim")
    leave(game, karim.caller.person_id, PersonSuspended)
    assert "Karim" in [player["display_name"] for player in game.all_players()]


@pytest.mark.parametrize("kind", [PersonLeft, PersonSuspended])
def test_an_administrator_takes_the_league_over_when_its_last_leader_goes(game: Game, kind: type[Event]) -> None:
    organiser = game_led_by_an_organiser(game)
    leave(game, organiser, kind)
    assert leaders(game) == {str(game.teacher.person_id)}
    assert emitted(game.house, "leagues", LeaderAppointed)[-1].person_id == game.teacher.person_id
    assert emitted(game.house, "leagues", LeaderResigned)[-1].person_id == organiser


def test_a_leader_who_goes_leaves_the_league_to_the_others(game: Game) -> None:
    colleague = game.somebody("organiser").caller.person_id
    game.client.post(game.path("leaders"), json={"person_id": str(colleague)})
    leave(game, colleague)
    assert leaders(game) == {str(game.teacher.person_id)}


def test_a_leader_who_goes_twice_goes_once(game: Game) -> None:
    organiser = game_led_by_an_organiser(game)
    for _ in range(3):
        leave(game, organiser)
    assert len(emitted(game.house, "leagues", LeaderResigned)) == 2
    assert leaders(game) == {str(game.teacher.person_id)}


def test_an_administrator_who_is_heard_of_later_takes_the_league_over(game: Game) -> None:
    leave(game, game.teacher.person_id)  # the only administrator: nobody else yet
    assert leaders(game) == {str(game.teacher.person_id)}
    head = new_id()
    tell(game.house, "leagues", joined(1, head, roles=["administrator"]), game.teacher.tenant_id)
    assert leaders(game) == {str(head)}


def test_a_colleague_who_becomes_administrator_takes_the_league_over(game: Game) -> None:
    colleague = game.somebody("organiser").caller.person_id
    leave(game, game.teacher.person_id)
    tell(game.house, "leagues", joined(2, colleague, roles=["administrator"]), game.teacher.tenant_id)
    assert leaders(game) == {str(colleague)}


def test_an_administrator_who_comes_back_takes_the_league_over(game: Game) -> None:
    head = new_id()
    tell(game.house, "leagues", joined(1, head, roles=["administrator"]), game.teacher.tenant_id)
    leave(game, head, PersonSuspended)
    leave(game, game.teacher.person_id)
    tell(game.house, "leagues", PersonResumed(person_id=head, revision=10), game.teacher.tenant_id)
    assert leaders(game) == {str(head)}


def test_a_leader_who_has_gone_does_not_count_as_one_who_stays(game: Game) -> None:
    leave(game, game.teacher.person_id)  # stays in name: there is nobody to take over
    colleague = game.somebody("organiser").caller.person_id
    with at(game.house, game.teacher) as session:
        leagues.appoint_leader(session, leagues.find_league(session, UUID(game.league["league_id"])), colleague)
    leave(game, colleague)
    head = new_id()
    tell(game.house, "leagues", joined(1, head, roles=["administrator"]), game.teacher.tenant_id)
    assert leaders(game) == {str(head)}


def test_an_administrator_of_another_school_takes_nothing_over(game: Game) -> None:
    leave(game, game.teacher.person_id)
    tell(game.house, "leagues", joined(1, new_id(), roles=["administrator"]), new_id())
    assert leaders(game) == {str(game.teacher.person_id)}


def test_leagues_that_somebody_leads_stay_with_them_when_an_administrator_arrives(game: Game) -> None:
    tell(game.house, "leagues", joined(1, new_id(), roles=["administrator"]), game.teacher.tenant_id)
    assert leaders(game) == {str(game.teacher.person_id)}


# --- access ----------------------------------------------------------------------------------------------------------


def test_a_suspended_person_can_do_nothing_and_comes_back_with_everything(game: Game) -> None:
    pupil = game.join()
    path = game.path("players")
    leave(game, pupil.caller.person_id, PersonSuspended)
    refusal = pupil.client.get(path)
    assert (refusal.status_code, refusal.json["code"]) == (403, "suspended")
    tell(game.house, "leagues", PersonResumed(person_id=pupil.caller.person_id, revision=10), game.teacher.tenant_id)
    assert pupil.client.get(path).status_code == 200


def test_a_token_without_the_founding_event_is_enough_to_play(house: House) -> None:
    """A tenant so new that none of its events has arrived: no request ever waits for one."""
    from tests.builders import add_players, create_edition, create_league

    client = house.client("leagues", caller_of())
    league = create_league(client, create_edition(client))
    [player, *_] = add_players(client, league)
    challenge = publish_challenge(house)
    assert record(client, league, challenge, player_id=player["player_id"]).status_code == 201
