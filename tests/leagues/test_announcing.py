"""What leagues tells again is what it told when it happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
import sqlalchemy as sa
from alembic import command

from services.leagues.domain import announcements, editions, leagues, players
from services.leagues.domain.announcements import ANNOUNCEMENTS, complete_history
from services.leagues.models import Player, PlayerRevision
from shared import contracts as c
from shared import migrations
from shared.announcing import announce_pages
from shared.consumer import Received
from shared.database import Database, new_id
from shared.outbox import OutboxRow
from shared.tenancy import across_tenants, of_tenant
from tests.builders import add_players, at, envelope, know_person, patch, received, record, tell
from tests.house import House, caller_of
from tests.leagues.game import Game, Stage

JOINED = datetime(2026, 3, 1, 8, tzinfo=UTC)


def announced(house: House, *, tenant_id: UUID | None = None) -> list[Received[Any]]:
    """Everything told again now."""
    before = len(received(house, "leagues"))
    list(announce_pages(house.databases["leagues"], ANNOUNCEMENTS, tenant_id=tenant_id, size=2))
    told = received(house, "leagues")[before:]
    assert all(event.is_announced for event in told)
    return told


def plain(events: list[Received[Any]], *kinds: type[c.Event]) -> list[str]:
    """Tenant, moment and fact of the events of some kinds, in an order of their own."""
    found = [(event.tenant_id, event.time, event.data) for event in events if isinstance(event.data, kinds)]
    return sorted(map(repr, found))


@pytest.fixture
def game(house: House) -> Game:
    return Game(house)


def test_completions_are_told_with_the_very_values_they_were_recorded_with(game: Game) -> None:
    own, other = new_id(), new_id()
    for completion, player in ((own, game.players[0]), (other, game.players[1])):
        answer = record(game.client, game.league, game.challenge, id=completion, player_id=player["player_id"])
        assert answer.status_code == 201
    assert game.client.delete(f"/leagues/api/v1/completions/{other}").status_code == 204
    tell(
        game.house,
        "leagues",
        c.ChallengePublished(
            challenge_id=game.challenge,
            version=2,
            slug="veggie-lunch",
            category="another",
            kind="individual",
            tiers=[c.Tier(tier="standard", points=99)],
            audiences=["school"],
            age_bands=[],
            times=1,
            per="day",
            impact=None,
            titles={},
        ),
        UUID("00000000-0000-7000-8000-000000000001"),
    )
    kinds = (c.CompletionRecorded, c.CompletionWithdrawn)
    once = plain(received(game.house, "leagues"), *kinds)
    assert len(once) == 3
    assert plain(announced(game.house), *kinds) == once


def test_editions_leagues_teams_and_leaders_are_told_as_they_are_now(house: House) -> None:
    stage = Stage(house)
    with at(house, stage.caller, stage.moment("2026-03-20T12:00")) as session:
        edition = editions.find_own_edition(session, stage.caller, stage.edition_id)
        editions.reschedule_edition(session, edition, {"name": "Avril"})
        league = leagues.find_league(session, stage.league_id)
        leagues.change_league(session, league, {"name": "CM2"})
        second = caller_of(stage.caller.tenant_id, "organiser")
    know_person(house, second)
    with at(house, stage.caller, stage.moment("2026-03-21T12:00")) as session:
        league = leagues.find_league(session, stage.league_id)
        leagues.appoint_leader(session, league, second.person_id)
        leagues.dismiss_leader(session, league, stage.caller.person_id)
    with at(house, stage.caller, stage.moment("2026-04-09T12:00")) as session:
        edition = editions.find_own_edition(session, stage.caller, stage.edition_id)
        editions.move_to_phase(session, edition, editions.FROZEN)
        editions.move_to_phase(session, edition, editions.REVEALED)
    told = announced(house)
    newest = {type(event.data): event.data for event in received(house, "leagues") if not event.is_announced}
    for kind in (c.EditionScheduled, c.LeagueCreated, c.TeamCreated):
        assert [event.data for event in told if type(event.data) is kind] == [newest[kind]]
    once = (c.EditionFrozen, c.EditionRevealed, c.LeaderResigned)
    happened = [event for event in received(house, "leagues") if not event.is_announced]
    assert plain(told, *once) == plain(happened, *once)
    leads = [event for event in happened if getattr(event.data, "person_id", None) == second.person_id]
    assert plain(told, c.LeaderAppointed) == plain(leads, c.LeaderAppointed)


def test_a_draft_is_not_told_of(house: House) -> None:
    game = Game(house)
    draft = game.client.post("/leagues/api/v1/editions", json={"name": "Draft", "starts_at": "2030-01-07T09:00:00"})
    assert draft.status_code == 201
    told = [event.data.edition_id for event in announced(house) if isinstance(event.data, c.EditionScheduled)]
    assert told == [UUID(game.edition["edition_id"])]


def test_every_revision_of_a_player_is_told_under_the_name_shown_now(game: Game) -> None:
    [first, second] = [team["team_id"] for team in game.teams]
    path = game.path(f"players/{game.players[0]['player_id']}")
    team = game.players[0]["team_id"]
    patch(game.client, path, json={"team_id": second if team == first else first})
    patch(game.client, path, json={"display_name": "Hérisson"})
    assert game.client.delete(path).status_code == 204
    kinds = (c.PlayerJoined, c.PlayerMoved, c.PlayerRenamed, c.PlayerLeft)
    happened = [event for event in received(game.house, "leagues") if isinstance(event.data, kinds)]
    assert {type(event.data) for event in happened} == set(kinds)
    for number, event in enumerate(happened):
        if str(event.data.player_id) == game.players[0]["player_id"]:
            fact = msgspec.structs.replace(event.data, display_name="Hérisson")
            happened[number] = msgspec.structs.replace(event, data=fact)
    assert plain(announced(game.house), *kinds) == plain(happened, *kinds)


def test_somebody_who_left_and_came_back_is_told_so(game: Game) -> None:
    member = game.join()
    assert member.client.delete(game.path(f"players/{member.player['player_id']}")).status_code == 204
    answer = member.client.post("/leagues/api/v1/players", json={"code": game.league["code"]})
    assert answer.status_code == 201
    told = [
        (type(event.data).__name__, event.data.revision)
        for event in announced(game.house)
        if isinstance(event.data, c.PlayerEvent) and str(event.data.player_id) == member.player["player_id"]
    ]
    assert told == [("PlayerJoined", 1), ("PlayerLeft", 2), ("PlayerMoved", 3)]


def test_a_leader_whom_the_tenant_lost_is_told_as_resigned_and_one_who_came_back_as_both(house: House) -> None:
    stage = Stage(house)
    deputy = caller_of(stage.caller.tenant_id, "administrator")
    know_person(house, deputy)
    with at(house, stage.caller, stage.moment("2026-03-20T12:00")) as session:
        leagues.appoint_leader(session, leagues.find_league(session, stage.league_id), deputy.person_id)
    with at(house, stage.caller, stage.moment("2026-03-21T12:00")) as session:
        leagues.dismiss_leader(session, leagues.find_league(session, stage.league_id), deputy.person_id)
    with at(house, stage.caller, stage.moment("2026-03-22T12:00")) as session:
        leagues.appoint_leader(session, leagues.find_league(session, stage.league_id), deputy.person_id)
    tell(house, "leagues", c.PersonLeft(person_id=stage.caller.person_id, revision=2), stage.caller.tenant_id)
    told = [
        (type(event.data).__name__, event.data.person_id)
        for event in announced(house)
        if isinstance(event.data, (c.LeaderAppointed, c.LeaderResigned))
    ]
    assert sorted(told) == sorted(
        [
            ("LeaderAppointed", deputy.person_id),
            ("LeaderResigned", deputy.person_id),
            ("LeaderResigned", stage.caller.person_id),
        ]
    )


def test_one_tenant_of_an_open_edition_is_told_alone_with_the_leagues_it_has_there(house: House) -> None:
    stage = Stage(house, is_open=True)
    other = caller_of(None, "administrator", name="Another school")
    stage.open_league(other)
    told = announced(house, tenant_id=stage.caller.tenant_id)
    assert {event.tenant_id for event in told} == {stage.caller.tenant_id}
    assert [event.data.league_id for event in told if isinstance(event.data, c.LeagueCreated)] == [stage.league_id]
    assert not [event for event in told if isinstance(event.data, c.EditionScheduled)]
    both = announced(house)
    assert {event.tenant_id for event in both} == {stage.caller.tenant_id, other.tenant_id, stage.owner.tenant_id}


def test_a_revision_that_came_after_the_player_was_read_is_left_to_its_own_event(house: House) -> None:
    """On PostgreSQL the second statement of a page may see what the first one did not."""
    stage = Stage(house)
    with at(house, stage.caller) as session:
        read = session.get_one(Player, (stage.caller.tenant_id, stage.player_id))
        session.expunge(read)
    with at(house, stage.caller, stage.moment("2026-03-20T12:00")) as session:
        league = leagues.find_league(session, stage.league_id)
        player = session.get_one(Player, (stage.caller.tenant_id, stage.player_id))
        players.change_player(session, stage.caller, league, player, {"display_name": "Ours"})
    with at(house, stage.caller) as session:
        league = leagues.find_league(session, stage.league_id)
        facts = list(announcements._players(session, [(read, league)]))
    assert [(fact.event.revision, fact.event.display_name) for fact in facts] == [(1, "Lynx")]  # type: ignore[attr-defined]


def player(revision: int, *, left: bool = False) -> Player:
    return Player(
        team_id=UUID(int=9),
        joined_at=JOINED,
        left_at=JOINED + timedelta(days=9) if left else None,
        revision=revision,
    )


def step(revision: int, event: str, team: int) -> PlayerRevision:
    return PlayerRevision(revision=revision, event=event, team_id=UUID(int=team), at=JOINED + timedelta(days=revision))


@pytest.mark.parametrize(
    ("who", "known", "told"),
    [
        (player(1), [], [(1, "PlayerJoined", 9, 0)]),
        (player(4), [], [(1, "PlayerJoined", 9, 0), (4, "PlayerRenamed", 9, 0)]),
        (player(3, left=True), [], [(1, "PlayerJoined", 9, 0), (3, "PlayerLeft", 9, 9)]),
        (
            player(5),
            [step(3, "PlayerRenamed", 8), step(4, "PlayerMoved", 9)],
            [
                (1, "PlayerJoined", 8, 0),
                (3, "PlayerRenamed", 8, 3),
                (4, "PlayerMoved", 9, 4),
                (5, "PlayerRenamed", 9, 0),
            ],
        ),
        (player(1), [step(1, "PlayerJoined", 9), step(2, "PlayerMoved", 8)], [(1, "PlayerJoined", 9, 1)]),
    ],
)
def test_where_revisions_are_missing_nobody_is_lost_and_no_move_is_invented(
    who: Player, known: list[PlayerRevision], told: list[tuple[int, str, int, int]]
) -> None:
    found = [
        (step.revision, step.event, step.team_id.int, (step.at - JOINED).days) for step in complete_history(who, known)
    ]
    assert found == told


def test_the_migration_fills_what_is_known_and_nothing_else(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/leagues.db")
    config = migrations._config("leagues")
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
    tenant, edition, league, team, former = (new_id() for _ in range(5))
    left_at = JOINED + timedelta(days=9)
    cases = {  # name -> revision, left_at
        "joined": (1, None),
        "joined and left": (2, left_at),
        "moved, forgotten": (2, None),
        "much, then left": (5, left_at),
        "moved, in the outbox": (3, None),
    }
    ids = {name: new_id() for name in cases}
    keys = {"league_id": league, "edition_id": edition, "edition_tenant_id": tenant}
    moved = c.PlayerMoved(
        **keys,
        player_id=ids["moved, in the outbox"],
        team_id=former,
        person_id=None,
        display_name="Lynx",
        at=JOINED + timedelta(days=1),
        revision=2,
    )
    with database.transaction(of_tenant(tenant)) as session:
        models = announcements
        session.add(
            models.Edition(
                tenant_id=tenant,
                edition_id=edition,
                name="Mars",
                audience="school",
                zone="UTC",
                starts_at=JOINED.replace(tzinfo=None),
                ends_at=JOINED.replace(tzinfo=None) + timedelta(days=21),
                registration_ends_at=JOINED.replace(tzinfo=None),
                grace_days=1,
                min_players=1,
                max_players=9,
                is_public=False,
            )
        )
        session.flush()
        session.add(
            models.League(
                tenant_id=tenant,
                league_id=league,
                edition_tenant_id=tenant,
                edition_id=edition,
                name="CM1",
                zone="UTC",
                code="AAAABBBB",
                created_at=JOINED,
            )
        )
        session.flush()
        for team_id, name in ((team, "Colibris"), (former, "Abeilles")):
            session.add(models.Team(tenant_id=tenant, team_id=team_id, league_id=league, name=name))
        session.flush()
        for name, (revision, gone) in cases.items():
            session.add(
                Player(
                    tenant_id=tenant,
                    player_id=ids[name],
                    league_id=league,
                    team_id=team,
                    display_name=name,
                    joined_at=JOINED,
                    left_at=gone,
                    revision=revision,
                )
            )
        for event in (moved, msgspec.structs.replace(moved, team_id=team, revision=3), c.TenantSuspended(revision=1)):
            text = envelope(event, tenant).decode()
            session.add(OutboxRow(key="key", envelope=text, emitted_at=JOINED))
    assert migrations.migrate("leagues", database) == ["0003", "0004", "0005", "0006"]
    with database.transaction(of_tenant(tenant)) as session:
        names = {player_id: name for name, player_id in ids.items()}
        rows = session.scalars(sa.select(PlayerRevision)).all()
        filled = sorted((names[row.player_id], row.revision, row.event, row.team_id, row.at) for row in rows)
    assert filled == sorted(
        [
            ("joined", 1, "PlayerJoined", team, JOINED),
            ("joined and left", 1, "PlayerJoined", team, JOINED),
            ("joined and left", 2, "PlayerLeft", team, left_at),
            ("much, then left", 5, "PlayerLeft", team, left_at),
            ("moved, in the outbox", 2, "PlayerMoved", former, moved.at),
            ("moved, in the outbox", 3, "PlayerMoved", team, moved.at),
        ]
    )
    database.close()


def test_adding_a_class_keeps_the_revision_of_each(game: Game) -> None:
    add_players(game.client, game.league, 5)
    with game.house.databases["leagues"].transaction(across_tenants(), read_only=True) as session:
        rows = session.execute(sa.select(Player.revision, PlayerRevision.revision).join(PlayerRevision.player)).all()
    assert rows == [(1, 1)] * 8
