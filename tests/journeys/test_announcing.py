"""Announcing fills a consumer that knows nothing, and says nothing to one that knows everything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import pytest
import sqlalchemy as sa

from services.challenges.app import load_folder
from services.challenges.catalogue_files import read_catalogue
from services.challenges.domain.catalogue import load_catalogue
from services.identity.domain.keys import rotate_keys
from services.identity.models import AuditEntry
from services.identity.upkeep import prepare
from services.leagues.domain import completions, editions
from services.ranking.domain import verify
from shared.announcing import announce_pages
from shared.auth import Caller
from shared.consumer import DeadLetter
from shared.outbox import OutboxRow
from shared.service import load_service
from shared.tenancy import PLATFORM_TENANT_ID, across_tenants, of_tenant
from tests.builders import add_players, at, create_edition, create_league, local, patch, record
from tests.copies import FILLED, Rows, copies
from tests.house import SERVICES, House, caller_of
from tests.identity.steps import API, Steps
from tests.journeys.people import challenge_for, found
from tests.journeys.process import Services, run, run_anyway
from tests.journeys.scene import GENEROUS

OPERATOR = caller_of(PLATFORM_TENANT_ID, "operator", kind="platform", name="Ma Petite Planète")


class Story(NamedTuple):
    """A house in which much has happened."""

    house: House
    lilas: Caller
    port: Caller
    departed: set[UUID]

    def copies(self, house: House | None = None, *, is_told_again: bool = True) -> dict[str, Rows]:
        """What events filled, in this house or beside it."""
        databases = (house or self.house).databases
        return {
            service: copies(databases[service], service, departed=self.departed, is_told_again=is_told_again)
            for service in FILLED
        }

    def audit(self) -> list[Any]:
        with self.house.databases["identity"].transaction(across_tenants(), read_only=True) as session:
            return sorted(session.scalars(sa.select(AuditEntry.entry_id)).all())

    def announce(self, *services: str, tenant_id: UUID | None = None) -> None:
        for name in services or SERVICES:
            told = load_service(name).announcements
            list(announce_pages(self.house.databases[name], told, tenant_id=tenant_id, size=7))

    def settle(self, beside: House | None = None) -> None:
        """Delivers everything, also to the consumers of another house; nobody refuses an event."""
        heard = {
            name: self.house.bus.subscribe("beside", consumer.topics)
            for name, consumer in (beside.consumers.items() if beside else ())
        }
        self.house.settle()
        for name, subscription in heard.items():
            assert beside is not None
            beside.consumers[name].handle(subscription.poll(0))
        for house in filter(None, (self.house, beside)):
            for database in house.databases.values():
                with database.transaction(across_tenants(), read_only=True) as session:
                    assert session.scalars(sa.select(DeadLetter.error)).all() == []


def play_catalogue(house: House) -> None:
    """One challenge is retired, one was and came back."""
    load_folder(house.databases["challenges"])
    retired, returned = (entry.slug for entry in read_catalogue().challenges[-2:])
    for gone in ({retired, returned}, {retired}):
        every = read_catalogue()
        offered = [entry for entry in every.challenges if entry.slug not in gone]
        catalogue = msgspec.structs.replace(every, challenges=offered)
        with house.databases["challenges"].transaction(of_tenant(PLATFORM_TENANT_ID)) as session:
            load_catalogue(session, catalogue)


def play_identity(house: House) -> tuple[Caller, Caller, set[UUID]]:
    """Two schools: renamed, suspended, resumed; and people who join, change, are suspended, sign out or leave."""
    steps = Steps(house)
    lilas, port, closed = (steps.found(f"{name}@example.org", name=name) for name in ("lilas", "port", "closed"))
    administrator = steps.client(steps.sign_in("lilas@example.org").json["access_token"])
    people = {name: steps.colleague(administrator, f"{name}@example.org") for name in ("ana", "ben", "cyr", "dan")}
    paths = {name: f"{API}/people/{person['person_id']}" for name, person in people.items()}
    dan = steps.client(steps.sign_in("dan@example.org").json["access_token"])
    operator = steps.operator()
    for client, method, path in (
        (administrator, "PUT", f"{paths['ana']}/suspension"),
        (administrator, "PUT", f"{paths['ben']}/suspension"),
        (administrator, "DELETE", f"{paths['ben']}/suspension"),
        (administrator, "PUT", f"{paths['cyr']}/suspension"),
        (administrator, "DELETE", paths["cyr"]),
        (dan, "DELETE", f"{API}/sessions/current"),
        (operator, "PUT", f"{API}/tenants/{closed['tenant']['tenant_id']}/suspension"),
        (operator, "PUT", f"{API}/tenants/{port['tenant']['tenant_id']}/suspension"),
        (operator, "DELETE", f"{API}/tenants/{port['tenant']['tenant_id']}/suspension"),
    ):
        assert client.open(path, method=method).status_code == 204, path
    assert patch(administrator, paths["dan"], json={"roles": ["player"]}).status_code == 200
    path = f"{API}/tenants/{lilas['tenant']['tenant_id']}"
    assert patch(administrator, path, json={"name": "École des Tilleuls"}).status_code == 200
    with house.databases["identity"].transaction(of_tenant(PLATFORM_TENANT_ID)) as session:
        rotate_keys(session)
    callers = [
        caller_of(UUID(it["tenant"]["tenant_id"]), "administrator", person_id=UUID(it["person"]["person_id"]))
        for it in (lilas, port)
    ]
    return callers[0], callers[1], {UUID(people["cyr"]["person_id"])}


def play_edition(house: House, owner: Caller, schools: tuple[Caller, ...], end: str, **facts: Any) -> None:
    """Leagues whose players come, move, change their names, play, take it back and go, until the edition ends."""
    now = datetime.now(UTC)
    edition = create_edition(
        house.client("leagues", owner), registration_ends_at=local(now + timedelta(hours=2)), min_players=1, **facts
    )
    house.settle()
    done = []
    challenge = next(entry for entry in challenges(house) if entry["kind"] == "individual" and len(entry["tiers"]) == 1)
    for school in schools:
        client = house.client("leagues", school)
        league = create_league(client, edition, age_band="6-10")
        path = f"/leagues/api/v1/leagues/{league['league_id']}"
        first, second = (team["team_id"] for team in client.get(f"{path}/teams").json)
        lynx, ours, loup = add_players(client, league, 3, team_id=first)
        for player in (lynx, ours, loup):
            answer = record(client, league, challenge["challenge_id"], player_id=player["player_id"])
            assert answer.status_code == 201, answer.json
            done.append((school, answer.json))
        assert client.delete(f"/leagues/api/v1/completions/{answer.json['completion_id']}").status_code == 204
        assert patch(client, f"{path}/players/{lynx['player_id']}", json={"team_id": second}).status_code == 200
        assert patch(client, f"{path}/players/{ours['player_id']}", json={"display_name": "Ourse"}).status_code == 200
        assert client.delete(f"{path}/players/{loup['player_id']}").status_code == 204
        assert patch(client, f"{path}/teams/{second}", json={"name": "Frelons"}).status_code == 200
        assert patch(client, path, json={"name": "CE2"}).status_code == 200
    for wanted in ("frozen", "revealed")[: ("running", "frozen", "revealed").index(end)]:
        with at(house, owner, now + timedelta(days=30)) as session:
            found = editions.find_own_edition(session, owner, UUID(edition["edition_id"]))
            editions.move_to_phase(session, found, wanted)
    if end == "frozen":  # the truth moves on while the public boards stand still
        school, completion = done[0]
        with at(house, school, now + timedelta(days=31)) as session:
            found = completions.find_completion(session, school, UUID(completion["completion_id"]), is_locked=True)
            completions.withdraw_completion(session, school, found)


def challenges(house: House) -> list[Any]:
    query = {"audience": "school", "age_band": "6-10", "page_size": 100}
    listed: list[Any] = house.client("challenges").get("/challenges/api/v1/challenges", query_string=query).json
    return listed


@pytest.fixture
def story(template: Path, tmp_path: Path) -> Iterator[Story]:
    (tmp_path / "live").mkdir()
    house = House(template, tmp_path / "live", **GENEROUS)
    prepare(house.databases["identity"], house.settings)
    play_catalogue(house)
    lilas, port, departed = play_identity(house)
    house.settle()
    play_edition(house, OPERATOR, (lilas, port), "frozen", is_open=True, audience="everyone")
    play_edition(house, lilas, (lilas,), "revealed")
    play_edition(house, port, (port,), "running")
    house.settle()
    yield Story(house, lilas, port, departed)
    house.close()


@pytest.fixture
def beside(template: Path, tmp_path: Path) -> Iterator[House]:
    """Empty databases beside the live ones."""
    (tmp_path / "beside").mkdir()
    house = House(template, tmp_path / "beside")
    yield house
    house.close()


def test_empty_databases_are_filled_row_by_row_with_what_the_live_ones_hold(story: Story, beside: House) -> None:
    story.announce()
    story.settle(beside)
    assert story.copies(beside) == story.copies()
    filled = {table for rows in story.copies(beside).values() for table, found in rows.items() if found}
    every = {model.__tablename__ for models in FILLED.values() for model in models}
    assert filled == every, "an empty table proves nothing"
    with beside.databases["ranking"].transaction(across_tenants(), read_only=True) as session:
        assert verify(session) == []


def test_who_knows_everything_already_learns_nothing_and_the_audit_trail_has_no_second_entry(story: Story) -> None:
    before, trail = story.copies(is_told_again=False), story.audit()
    story.announce()
    story.settle()
    assert story.copies(is_told_again=False) == before
    once = story.copies()
    story.announce()
    story.settle()
    assert story.copies() == once
    assert story.audit() == trail


def test_a_refilled_ranking_reveals_no_boards_anew(story: Story, beside: House) -> None:
    story.announce()
    story.settle(beside)
    with beside.databases["ranking"].transaction(across_tenants(), read_only=True) as session:
        told = session.scalars(sa.select(OutboxRow.envelope)).all()
    assert len(told) == 1
    assert '"is_announced":true' in told[0]


def test_one_tenant_is_told_without_the_others(story: Story, beside: House) -> None:
    tenant_id = story.port.tenant_id
    story.announce(tenant_id=tenant_id)
    story.settle(beside)
    filled, live = story.copies(beside)["leagues"], story.copies()["leagues"]
    assert {dict(row)["tenant_id"] for row in filled["people"]} == {tenant_id}
    assert filled["people"] == [row for row in live["people"] if dict(row)["tenant_id"] == tenant_id]
    leagues = story.copies(beside)["ranking"]["leagues"]
    assert leagues == [row for row in story.copies()["ranking"]["leagues"] if dict(row)["tenant_id"] == tenant_id]
    assert len(leagues) == 2


def test_one_command_tells_everything_again_while_it_runs_and_fills_a_database_that_was_lost(
    start: Callable[..., Services], tmp_path: Path
) -> None:
    services = start()
    teacher = found(services.url)
    league = teacher.create_league(teacher.open_edition())
    lynx, ours = teacher.add_players(league, "Lynx", "Ours")
    challenge = challenge_for(teacher, "school")
    teacher.record(league, challenge, player_id=lynx["player_id"])
    board = f"leagues/{league['league_id']}/players"
    shown = {lynx["player_id"]: challenge["points"], ours["player_id"]: 0}
    teacher.sees(board, shown)
    trail = teacher.get("identity/audit")
    env = {"MPP_DATA": str(services.folder)}
    told = run_anyway("-m", "services", "announce", env=env)
    assert told.returncode == 0, told.stderr
    assert (
        "leagues: 1 editions, 1 leagues, 2 teams, 1 leaders, 0 former leaders, 2 player revisions, 1 completions"
        in (told.stderr)
    )
    teacher.sees(board, shown)
    assert teacher.get("identity/audit") == trail
    assert services.stop() == 0
    for lost in (services.folder / "databases").glob("ranking.db*"):
        lost.unlink()
    run("-m", "services", "announce", "--rate", "0", env=env)
    assert " 0 wrong; 1 ledger entries, 0 inconsistencies" in run("-m", "services", "verify", env=env)
    again = start(services.folder)
    teacher.url = again.url
    teacher.sees(board, shown)
    assert teacher.get("identity/audit") == trail
