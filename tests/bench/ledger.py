"""Fills ranking's ledger through its own handlers: 400 leagues of 50 players, as many completions as asked."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from shared.bus.memory import MemoryBus
from shared.clock import utc_now
from shared.consumer import Consumer
from shared.contracts import (
    CompletionRecorded,
    EditionScheduled,
    Event,
    Impact,
    LeagueCreated,
    PlayerJoined,
    TeamCreated,
)
from shared.database import Database, new_id
from shared.service import load_service
from shared.tenancy import PLATFORM_TENANT_ID
from tests.builders import envelope

LEAGUES, PLAYERS_OF_A_LEAGUE = 400, 50
AT = datetime(2026, 9, 7, 9, tzinfo=UTC)


class Ledger:
    """What was filled: whose boards can be asked for."""

    def __init__(self, database: Database, tenant_id: UUID) -> None:
        self.tenant_id = tenant_id
        self.edition_id = new_id()
        self.leagues = [new_id() for _ in range(LEAGUES)]
        self.teams = {league: [new_id(), new_id()] for league in self.leagues}
        self.players = {league: [new_id() for _ in range(PLAYERS_OF_A_LEAGUE)] for league in self.leagues}
        self._consumer = Consumer("ranking", database, MemoryBus(), load_service("ranking").handlers)

    def fill(self, completions: int) -> float:
        """Found, join, complete; returns the seconds that the completions took."""
        self._send([self._edition()], PLATFORM_TENANT_ID)
        self._send([event for league in self.leagues for event in self._founding(league)], self.tenant_id)
        draw = random.Random(1)
        started = utc_now()
        for first in range(0, completions, 1000):
            self._send([self._completion(draw) for _ in range(min(1000, completions - first))], self.tenant_id)
        return (utc_now() - started).total_seconds()

    def _send(self, events: list[Event], tenant_id: UUID) -> None:
        for first in range(0, len(events), 1000):
            self._consumer.handle([envelope(event, tenant_id) for event in events[first : first + 1000]])

    def _edition(self) -> Event:
        return EditionScheduled(
            edition_id=self.edition_id,
            name="Banc d'essai",
            audience="everyone",
            is_open=True,
            starts_at=AT,
            ends_at=AT + timedelta(days=21),
            heads_frozen_at=AT,
            revision=1,
        )

    def _keys(self, league: UUID) -> dict[str, UUID]:
        return {"league_id": league, "edition_id": self.edition_id, "edition_tenant_id": PLATFORM_TENANT_ID}

    def _founding(self, league: UUID) -> list[Event]:
        keys = self._keys(league)
        facts = {"tenant_name": "École des Lilas", "age_band": None, "heads_frozen_at": AT, "revision": 1}
        events: list[Event] = [LeagueCreated(**keys, name=f"Ligue {league.hex[-6:]}", **facts)]
        events += [TeamCreated(**keys, team_id=team, name="Équipe", revision=1) for team in self.teams[league]]
        events += [
            PlayerJoined(
                **keys,
                player_id=player,
                team_id=self.teams[league][number % 2],
                person_id=None,
                display_name=f"Renard {number}",
                at=AT - timedelta(days=1),
                revision=1,
            )
            for number, player in enumerate(self.players[league])
        ]
        return events

    def _completion(self, draw: random.Random) -> Event:
        league = draw.choice(self.leagues)
        number = draw.randrange(PLAYERS_OF_A_LEAGUE)
        return CompletionRecorded(
            **self._keys(league),
            completion_id=new_id(),
            team_id=self.teams[league][number % 2],
            player_id=self.players[league][number],
            challenge_id=new_id(),
            challenge_version=1,
            category="food",
            tier="standard",
            day=date(2026, 9, 8),
            points=draw.choice((1, 2, 3, 5, -2)),
            impact=Impact(co2e_g=4120, water_ml=334_000),
            author_id=None,
            at=AT + timedelta(days=1),
        )
