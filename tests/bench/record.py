"""[record] Recording a completion through HTTP, beside a bare route that validates and inserts one row.

Two hundred signed-in players record for themselves. On our side: token, tenant, row-level security, who may, phase,
day, audience, cap, idempotency, the completion, its event in the outbox. On the other: the same fields, one row.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import requests
import sqlalchemy as sa

from shared.auth import Caller
from shared.bus.memory import MemoryBus
from shared.clock import local_day, utc_now
from shared.consumer import Consumer
from shared.contracts import ChallengePublished, Event, Impact, PersonJoined, TenantFounded, Tier
from shared.database import Database, new_id
from shared.service import load_service
from shared.settings import Settings
from shared.tenancy import PLATFORM_TENANT_ID
from tests.bench.bare import Base
from tests.bench.bench import Bench
from tests.bench.figures import Figure, ratio
from tests.bench.load import Target, in_turns, request
from tests.builders import envelope
from tests.house import caller_of, know_test_key, token_of
from tests.servers.process import free_ports

NAMES = ("record", "record_p95")
LEAGUES, PLAYERS_OF_A_LEAGUE, CHALLENGES, DAYS = 20, 10, 40, 20
FASTEST = 2500
"""Requests a second that are made ready: more than any machine of two cores answers."""
API = "/leagues/api/v1"


def measure(bench: Bench) -> list[Figure]:
    settings = bench.settings("leagues", log_level="WARNING")
    game = Game(settings)
    bench.start_role("leagues", "web", settings)
    bare = bare_settings(bench)
    bench.start(["-m", "tests.bench.bare", "acts"], bare)
    game.open()
    count = int(FASTEST * (bench.seconds * bench.turns + 1))
    ours = Target(settings.port, list(itertools.islice(game.completions(), count)), is_endless=False)
    ceiling = Target(bare.port, [put_act() for _ in range(count)], is_endless=False)
    in_turns([ours, ceiling], turns=bench.turns, seconds=bench.seconds)
    one, other = ours.measured, ceiling.measured
    return [
        ratio("record", one.per_second, other.per_second, at_least=0.6, of="requests/s"),
        ratio("record_p95", one.p95, other.p95, under=4.0, of="ms"),
    ]


def bare_settings(bench: Bench) -> Settings:
    """A database of its own for the bare route, whose role owns its one table."""
    url, _ = bench.postgres.create_service_database("bare")
    engine = sa.create_engine(url)
    Base.metadata.create_all(engine)
    engine.dispose()
    (port,) = free_ports(1)
    return Settings(data=bench.folder, database_url=url, port=port, log_level="WARNING")


def put_act() -> bytes:
    ids = {name: str(uuid4()) for name in ("league_id", "player_id", "challenge_id")}
    return request("PUT", f"/acts/{uuid4()}", {**ids, "day": "2026-11-23"})


class Game:
    """A school in the third week of its edition. Its players sign in with tokens of the tests' key."""

    def __init__(self, settings: Settings, challenges: int = CHALLENGES) -> None:
        self.url = f"http://127.0.0.1:{settings.port}{API}"
        self.teacher = caller_of()
        self.players: list[tuple[str, Caller]] = []
        self.challenges = [new_id() for _ in range(challenges)]
        self.starts = local_day(utc_now(), self.teacher.zone) - timedelta(days=DAYS)
        database = Database(settings.database_url)
        know_test_key(database)
        self._consumer = Consumer("leagues", database, MemoryBus(), load_service("leagues").handlers)
        self._tell(self.teacher.tenant_id, founded(self.teacher), joined(self.teacher))
        self._tell(PLATFORM_TENANT_ID, *(published(challenge) for challenge in self.challenges))

    def _tell(self, tenant_id: UUID, *events: Event) -> None:
        self._consumer.handle([envelope(event, tenant_id) for event in events])

    def send(self, method: str, path: str, body: Any, caller: Caller | None = None) -> Any:
        headers = {"Authorization": f"Bearer {token_of(caller or self.teacher)}"}
        answer = requests.request(method, self.url + path, json=body, headers=headers, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def open(self) -> None:
        """Edition, leagues, and players who join by code."""
        edition = self.send("POST", "/editions", {"name": "Banc", "starts_at": f"{self.starts}T00:00:00"})
        self.send("PUT", f"/editions/{edition['edition_id']}/phase", {"phase": "registration"})
        for number in range(LEAGUES):
            facts = {"edition_id": edition["edition_id"], "name": f"Classe {number + 1}"}
            league = self.send("POST", "/leagues", facts)
            pupils = [caller_of(self.teacher.tenant_id, "pupil") for _ in range(PLAYERS_OF_A_LEAGUE)]
            self._tell(self.teacher.tenant_id, *(joined(pupil) for pupil in pupils))
            for pupil in pupils:
                self.send("POST", "/players", {"code": league["code"]}, pupil)
                self.players.append((league["league_id"], pupil))

    def acts(self) -> Iterator[tuple[str, Caller, str, dict[str, str]]]:
        """Acts that all count: every player, every challenge, every day so far; (league, caller, path, body)."""
        days = [(self.starts + timedelta(days=number)).isoformat() for number in range(DAYS)]
        for day, challenge, (league, player) in itertools.product(days, self.challenges, self.players):
            body = {"league_id": league, "challenge_id": str(challenge), "day": day}
            yield league, player, f"/completions/{new_id()}", body

    def completions(self) -> Iterator[bytes]:
        """The acts as whole requests."""
        headers = {player.person_id: {"Authorization": f"Bearer {token_of(player)}"} for _, player in self.players}
        for _league, player, path, body in self.acts():
            yield request("PUT", API + path, body, headers[player.person_id])


def founded(caller: Caller) -> TenantFounded:
    return TenantFounded(
        kind=caller.tenant_kind, name=caller.tenant_name, country="FR", language="fr", zone=caller.zone, revision=1
    )


def joined(caller: Caller) -> PersonJoined:
    return PersonJoined(
        person_id=caller.person_id, display_name="Camille", roles=list(caller.roles), language="fr", revision=1
    )


def published(challenge_id: UUID) -> ChallengePublished:
    return ChallengePublished(
        challenge_id=challenge_id,
        version=1,
        slug=f"act-{challenge_id.hex}",
        category="food",
        kind="individual",
        tiers=[Tier(tier="standard", points=3)],
        audiences=["community", "company", "school"],
        age_bands=["6-10", "11-14"],
        times=1,
        per="day",
        impact=Impact(co2e_g=4120, water_ml=334_000),
        titles={"fr": "Déjeuner végétarien", "en": "Vegetarian lunch"},
    )
