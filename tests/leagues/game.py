"""Two ways to set a scene: a school in mid-edition through HTTP, and an edition whose time the test sets."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from flask.testing import FlaskClient

from services.leagues.domain import completions, editions, leagues, players, recording
from services.leagues.domain.recording import Act, Outcome
from services.leagues.models import Player
from shared.auth import Caller
from shared.clock import at_wall_clock
from shared.contracts import Tier
from shared.database import new_id
from shared.tenancy import PLATFORM_TENANT_ID
from tests.builders import add_players, at, create_edition, create_league, know_person, publish_challenge, teacher_of
from tests.house import House, caller_of

API = "/leagues/api/v1"


class Member(NamedTuple):
    """Somebody signed in, and their player when they play."""

    caller: Caller
    client: FlaskClient
    player: Any = None


class Game:
    """A school in mid-edition: a teacher who leads a league of three pupils, and a challenge, once a day."""

    def __init__(self, house: House, kind: str = "school", **edition: Any) -> None:
        self.house = house
        self.teacher = teacher_of(house, kind=kind)
        self.client = house.client("leagues", self.teacher)
        self.edition = create_edition(self.client, **edition)
        self.league = create_league(self.client, self.edition)
        self.players = add_players(self.client, self.league) if edition.get("max_players", 40) >= 3 else []
        self.challenge = publish_challenge(house)

    def path(self, rest: str = "") -> str:
        return f"{API}/leagues/{self.league['league_id']}" + (f"/{rest}" if rest else "")

    @property
    def teams(self) -> list[Any]:
        return self.client.get(self.path("teams")).json

    def all_players(self) -> list[Any]:
        return self.client.get(self.path("players?page_size=100")).json

    def somebody(self, role: str = "pupil", name: str = "Nour") -> Member:
        """A person of the same tenant who does not play."""
        caller = caller_of(self.teacher.tenant_id, role, kind=self.teacher.tenant_kind)
        know_person(self.house, caller, name)
        return Member(caller, self.house.client("leagues", caller))

    def join(self, role: str = "pupil", name: str = "Renard malin", **facts: Any) -> Member:
        """A person who joined the league with its code."""
        member = self.somebody(role, name)
        answer = member.client.post(f"{API}/players", json={"code": self.league["code"], **facts})
        assert answer.status_code == 201, answer.json
        return member._replace(player=answer.json)

    def completions(self) -> list[Any]:
        return self.client.get(f"{API}/completions?league_id={self.league['league_id']}&page_size=100").json


class Stage:
    """An edition of one tenant, or an open one, played at moments that the test chooses."""

    def __init__(
        self,
        house: House,
        zone: str = "Europe/Paris",
        starts_at: str = "2026-03-16T09:00",
        ends_at: str = "2026-04-06T20:00",
        **facts: Any,
    ) -> None:
        self.house = house
        self.zone = zone
        is_open = facts.get("is_open", False)
        owner = caller_of(PLATFORM_TENANT_ID, "operator", kind="platform") if is_open else None
        self.caller = teacher_of(house, zone=zone)
        self.owner = owner or self.caller
        starts = datetime.fromisoformat(starts_at)
        ends = datetime.fromisoformat(ends_at)
        dates = {"starts_at": starts, "ends_at": ends, "registration_ends_at": starts}
        limits = {"grace_days": 2, "min_players": 1, "max_players": 40}
        self.before = at_wall_clock(starts - timedelta(days=10), zone)
        with at(house, self.owner, self.before) as session:
            audience = "everyone" if is_open else "school"
            edition = editions.open_edition(
                session, self.owner, {"name": "Mars", "audience": audience} | dates | limits | facts
            )
            editions.publish_edition(session, edition)
            self.edition_id: UUID = edition.edition_id
        self.league_id, self.player_id = self.open_league(self.caller)

    def open_league(self, caller: Caller) -> tuple[UUID, UUID]:
        """A league with one team and one player, opened before the edition starts; their ids."""
        with at(self.house, caller, self.before) as session:
            facts = {"edition_id": self.edition_id, "name": "CM1", "age_band": None, "is_open": False, "teams": ["1"]}
            league = leagues.create_league(session, caller, facts)
            [player] = players.add_players(session, league, ["Lynx"], None)
            return league.league_id, player.player_id

    def moment(self, local: str) -> datetime:
        """The instant at which clocks in the stage's zone show `local`."""
        return at_wall_clock(datetime.fromisoformat(local), self.zone)

    def record(self, local: str, challenge_id: UUID, **act: Any) -> Outcome:
        """Records for the stage's player at a local time; raises the refusal."""
        facts = {"completion_id": new_id(), "player_id": self.player_id, "challenge_id": challenge_id} | act
        with at(self.house, self.caller, self.moment(local)) as session:
            league = leagues.find_league(session, self.league_id)
            return recording.record_completion(session, self.caller, league.league_id, Act(**facts))

    def join(self, local: str) -> Player:
        """Somebody new joins the stage's league at a local time; raises the refusal."""
        caller = caller_of(self.caller.tenant_id, "pupil", zone=self.zone)
        with at(self.house, caller, self.moment(local)) as session:
            league = leagues.find_league(session, self.league_id, is_locked=True)
            return players.join_league(session, caller, league, display_name="Loutre", team_id=None)

    def caller_of(self, player: Player) -> Caller:
        """The person who plays as `player`."""
        return caller_of(self.caller.tenant_id, "pupil", zone=self.zone, person_id=player.person_id)

    def phase(self, local: str, zone: str | None = None) -> str:
        """The edition's phase at a local time of the stage's zone, as another zone lives it."""
        with at(self.house, self.caller, self.moment(local)) as session:
            edition = editions.find_edition(session, self.edition_id)
            calendar = editions.calendar_of(edition, zone or self.zone)
            return editions.phase_of(edition, calendar, self.moment(local))

    def withdraw(self, local: str, completion_id: UUID, caller: Caller | None = None) -> None:
        """Withdraws a completion at a local time."""
        who = caller or self.caller
        with at(self.house, who, self.moment(local)) as session:
            completion = completions.find_completion(session, who, completion_id, is_locked=True)
            completions.withdraw_completion(session, who, completion)


def tiers(**points: int) -> list[Tier]:
    """The values of a challenge, in order."""
    return [Tier(tier=tier, points=value) for tier, value in points.items()]
