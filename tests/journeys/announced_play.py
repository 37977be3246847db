"""A league season played at random through the verbs of leagues, which is being announced meanwhile."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.leagues.domain import completions, editions, leagues, players, recording, teams
from services.leagues.domain.announcements import ANNOUNCEMENTS
from services.leagues.domain.recording import Act
from services.leagues.events import HANDLERS
from services.leagues.models import Completion, Leader, League, Player, Team
from shared.announcing import announce_pages
from shared.auth import Caller
from shared.consumer import Consumer
from shared.contracts import PersonLeft, TenantFounded, Tier
from shared.database import Database, new_id
from shared.errors import Refusal
from shared.outbox import OutboxRow
from shared.tenancy import PLATFORM_TENANT_ID, across_tenants
from tests.builders import at, envelope, know_person, publish_challenge, teacher_of, tell
from tests.house import DirectBus, caller_of

START = datetime(2026, 3, 16, 8, tzinfo=UTC)
BEGINS, HEADS_FROZEN, ENDS = 4, 14, 34
"""Minutes of the edition."""
Step = tuple[str, int, int]
STEPS = (
    *("join", "join", "enter", "move", "move", "leave", "come_back", "rename"),
    *("record", "record", "record_for_team", "withdraw", "rename_team", "rename_league", "rename_edition"),
    *("appoint", "dismiss", "depart"),
)


class Backstage:
    """Leagues alone, without its web application: an edition is opened in the time that one takes to start."""

    def __init__(self, template: Path, folder: Path) -> None:
        shutil.copy(template / "leagues.db", folder / "leagues.db")
        self.databases = {"leagues": Database(f"sqlite:///{folder}/leagues.db?synchronous=off")}
        self.consumers = {"leagues": Consumer("leagues", self.databases["leagues"], DirectBus(), HANDLERS)}

    def close(self) -> None:
        self.databases["leagues"].close()


class NobodyThere(Exception):
    """A step that has nobody to act on."""


class Play:
    """An open edition with three leagues of two schools. Every step takes a minute; a refused one changes nothing."""

    def __init__(self, house: Any) -> None:
        self.house = house
        self.minute = 0
        self.operator = caller_of(PLATFORM_TENANT_ID, "operator", kind="platform", name="Ma Petite Planète")
        self.schools = [teacher_of(house, zone="UTC", name=name) for name in ("Lilas", "Port")]
        self.challenge = publish_challenge(house, times=99, per="edition")
        tiers = [Tier(tier="standard", points=-2)]
        self.of_team = publish_challenge(house, kind="team", tiers=tiers, impact=None, times=99, per="edition")
        naive = START.replace(tzinfo=None)
        with self.at(self.operator) as session:
            facts = {
                "name": "Mars",
                "audience": "everyone",
                "is_open": True,
                "starts_at": naive + timedelta(minutes=BEGINS),
                "registration_ends_at": naive + timedelta(minutes=HEADS_FROZEN),
                "ends_at": naive + timedelta(minutes=ENDS),
                "grace_days": 1,
                "min_players": 1,
                "max_players": 9,
            }
            edition = editions.open_edition(session, self.operator, facts)
            editions.publish_edition(session, edition)
            self.edition_id = edition.edition_id
        for number, school in enumerate((self.schools[0], *self.schools)):
            with self.at(school) as session:
                facts = {"edition_id": self.edition_id, "name": f"CM{number}", "teams": ["A", "B"]}
                leagues.create_league(session, school, facts | {"age_band": None, "is_open": False})
        for which in range(3):  # somebody plays in each of them, and is a leader who may go
            self.do_join(which, 0)
            self.do_appoint(which, 0)
        self.began_at = 0
        self.pages: Iterator[Any] = iter(())

    def at(self, caller: Caller) -> Any:
        return at(self.house, caller, START + timedelta(minutes=self.minute))

    def play(self, script: list[Step], end: str, announced_from: int) -> None:
        """Plays the script; from one of its steps on a page is announced after each."""
        for number, (what, which, other) in enumerate(script):
            self.minute += 1
            if number == announced_from:
                self.announce()
            with contextlib.suppress(Refusal, NobodyThere):
                getattr(self, f"do_{what}")(which, other)
            next(self.pages, None)
        if announced_from >= len(script):
            self.announce()
        self.minute = ENDS + len(script)
        with self.at(self.operator) as session:
            edition = editions.find_own_edition(session, self.operator, self.edition_id)
            for wanted in {"running": (), "frozen": ("frozen",), "revealed": ("frozen", "revealed")}[end]:
                editions.move_to_phase(session, edition, wanted)
        self.minute += 1
        with contextlib.suppress(Refusal, NobodyThere):  # revealed boards do not change any more
            self.do_withdraw(0, 0)
        list(self.pages)

    def announce(self) -> None:
        self.began_at = len(self.outbox())
        self.pages = announce_pages(self.house.databases["leagues"], ANNOUNCEMENTS, size=2)

    def outbox(self) -> list[bytes]:
        with self.house.databases["leagues"].transaction(across_tenants(), read_only=True) as session:
            rows = session.scalars(sa.select(OutboxRow.envelope).order_by(OutboxRow.position)).all()
        return [row.encode() for row in rows]

    def founded(self) -> list[bytes]:
        """What identity says of the two schools."""
        facts = {"kind": "school", "country": "FR", "language": "fr", "zone": "UTC", "revision": 1}
        return [
            envelope(TenantFounded(name=school.tenant_name, **facts), school.tenant_id)  # type: ignore[arg-type]
            for school in self.schools
        ]

    def pick(self, model: Any, which: int, *conditions: Any) -> tuple[Caller, League, Any]:
        """One of all the rows, with its school and league. Raises NobodyThere."""
        with self.house.databases["leagues"].transaction(across_tenants(), read_only=True) as session:
            rows = session.scalars(sa.select(model).where(*conditions).order_by(*sa.inspect(model).primary_key)).all()
            if not rows:
                raise NobodyThere
            row = rows[which % len(rows)]
            league = session.get_one(League, (row.tenant_id, row.league_id))
        return next(school for school in self.schools if school.tenant_id == row.tenant_id), league, row

    @contextlib.contextmanager
    def in_league(self, caller: Caller, found: League) -> Iterator[tuple[Session, League]]:
        """A transaction in which the league is locked."""
        with self.at(caller) as session:
            yield session, leagues.find_league(session, found.league_id, is_locked=True)

    @contextlib.contextmanager
    def with_player(self, which: int, *conditions: Any) -> Iterator[tuple[Session, Caller, League, Player]]:
        """A transaction of the school with one of its players."""
        school, found, row = self.pick(Player, which, *conditions)
        with self.in_league(school, found) as (session, league):
            yield session, school, league, session.get_one(Player, (row.tenant_id, row.player_id))

    def do_join(self, which: int, _other: int) -> None:
        school, found, _row = self.pick(League, which)
        pupil = caller_of(school.tenant_id, "pupil", zone="UTC")
        know_person(self.house, pupil, f"Pupil {self.minute}")
        with self.in_league(pupil, found) as (session, league):
            players.join_league(session, pupil, league, display_name=None, team_id=None)

    def do_enter(self, which: int, _other: int) -> None:
        school, found, team = self.pick(Team, which)
        with self.in_league(school, found) as (session, league):
            players.add_players(session, league, [f"Entered {self.minute}"], team.team_id)

    def do_move(self, which: int, other: int) -> None:
        with self.with_player(which, PLAYS) as (session, school, league, player):
            team_id = team_of(session, league, other)
            players.change_player(session, school, league, player, {"team_id": team_id})

    def do_rename(self, which: int, other: int) -> None:
        with self.with_player(which, PLAYS) as (session, school, league, player):
            players.change_player(session, school, league, player, {"display_name": f"Name {other}"})

    def do_leave(self, which: int, _other: int) -> None:
        with self.with_player(which, PLAYS) as (session, school, league, player):
            players.leave_league(session, school, league, player)

    def do_come_back(self, which: int, other: int) -> None:
        school, found, row = self.pick(Player, which, Player.left_at.is_not(None), Player.person_id.is_not(None))
        pupil = caller_of(school.tenant_id, "pupil", zone="UTC", person_id=row.person_id)
        with self.in_league(pupil, found) as (session, league):
            team_id = team_of(session, league, other)
            players.join_league(session, pupil, league, display_name=None, team_id=team_id)

    def do_record(self, which: int, _other: int) -> None:
        with self.with_player(which, PLAYS) as (session, school, league, player):
            act = Act(completion_id=new_id(), challenge_id=self.challenge, player_id=player.player_id)
            recording.record_completion(session, school, league.league_id, act)

    def do_record_for_team(self, which: int, _other: int) -> None:
        school, found, team = self.pick(Team, which)
        with self.in_league(school, found) as (session, league):
            act = Act(completion_id=new_id(), challenge_id=self.of_team, team_id=team.team_id)
            recording.record_completion(session, school, league.league_id, act)

    def do_withdraw(self, which: int, _other: int) -> None:
        school, found, row = self.pick(Completion, which)
        with self.in_league(school, found) as (session, _league):
            completion = completions.find_completion(session, school, row.completion_id, is_locked=True)
            completions.withdraw_completion(session, school, completion)

    def do_rename_team(self, which: int, other: int) -> None:
        school, found, row = self.pick(Team, which)
        with self.in_league(school, found) as (session, league):
            team = teams.find_team(session, league, row.team_id)
            teams.rename_team(session, league, team, f"Team {other}")

    def do_rename_league(self, which: int, other: int) -> None:
        school, found, _row = self.pick(League, which)
        with self.in_league(school, found) as (session, league):
            leagues.change_league(session, league, {"name": f"League {other}"})

    def do_rename_edition(self, _which: int, other: int) -> None:
        with self.at(self.operator) as session:
            edition = editions.find_own_edition(session, self.operator, self.edition_id)
            editions.reschedule_edition(session, edition, {"name": f"Edition {other}"})

    def do_appoint(self, which: int, _other: int) -> None:
        """A pupil who plays leads too, perhaps not for the first time."""
        with self.with_player(which, Player.person_id.is_not(None)) as (session, _school, league, player):
            leagues.appoint_leader(session, league, player.person_id or UUID(int=0))

    def do_dismiss(self, which: int, _other: int) -> None:
        school, found, row = self.pick(Leader, which)
        with self.in_league(school, found) as (session, league):
            leagues.dismiss_leader(session, league, row.person_id)

    def do_depart(self, which: int, _other: int) -> None:
        """A leader leaves the tenant. The teacher stays: without an administrator nobody would take over."""
        teachers = [school.person_id for school in self.schools]
        _school, _league, row = self.pick(Leader, which, Leader.person_id.not_in(teachers))
        tell(self.house, "leagues", PersonLeft(person_id=row.person_id, revision=2), row.tenant_id)


PLAYS = Player.left_at.is_(None)


def team_of(session: Session, league: League, which: int) -> UUID:
    """One of the teams of a league."""
    choice = session.scalars(teams.list_teams(league)).all()
    return choice[which % len(choice)].team_id
