"""A whole edition as leagues would tell it: 1,000 leagues and 20,000 players of eight tenants, 300,000 completions.

Every figure that replays events reads these, and asks afterwards whether the boards say what was told here.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from shared.bus import Bus
from shared.contracts import (
    CompletionRecorded,
    CompletionWithdrawn,
    EditionScheduled,
    Event,
    Impact,
    LeagueCreated,
    PlayerJoined,
    TeamCreated,
    TenantFounded,
)
from shared.database import new_id
from shared.tenancy import PLATFORM_TENANT_ID
from tests.builders import envelope

STARTS = datetime(2026, 9, 7, 7, tzinfo=UTC)
DAYS = 21
POINTS = (1, 2, 2, 3, 3, 5, 8, -2, -4)
WITHDRAWN = 50
"""One completion in so many is taken back."""
OF_A_TEAM = 25
"""One in so many is a team's, and no player's."""
AT_A_TIME = 10_000
Told = tuple[UUID, Event, datetime]
"""Tenant, fact, moment."""


@dataclass(frozen=True)
class League:
    """One league: whose it is, its teams, and its players with the team of each."""

    tenant_id: UUID
    league_id: UUID
    teams: tuple[UUID, UUID]
    players: tuple[UUID, ...]


class Edition:
    """An open edition in which many tenants take part. The same `seed` draws the same play; ids are always new."""

    def __init__(self, *, leagues: int = 1000, players: int = 20_000, tenants: int = 8, seed: int = 1) -> None:
        self.edition_id = new_id()
        self.tenants = [new_id() for _ in range(tenants)]
        self.leagues = [
            League(
                self.tenants[number % tenants],
                new_id(),
                (new_id(), new_id()),
                tuple(new_id() for _ in range(players // leagues)),
            )
            for number in range(leagues)
        ]
        self.points: Counter[UUID] = Counter()
        """What each league must have in the end, by its id."""
        self.completions_told = 0
        """Recorded less withdrawn."""
        self._draw = random.Random(seed)

    def founding(self) -> Iterator[Told]:
        """Tenants, the edition, its leagues with teams and players: everybody is there before the first completion."""
        before = STARTS - timedelta(days=7)
        for number, tenant_id in enumerate(self.tenants):
            facts = {"kind": "school", "country": "FR", "language": "fr", "zone": "Europe/Paris", "revision": 1}
            yield tenant_id, TenantFounded(name=f"École {number + 1}", **facts), before
        yield (
            PLATFORM_TENANT_ID,
            EditionScheduled(
                edition_id=self.edition_id,
                name="Banc d'essai",
                audience="everyone",
                is_open=True,
                starts_at=STARTS,
                ends_at=STARTS + timedelta(days=DAYS),
                heads_frozen_at=STARTS,
                revision=1,
            ),
            before,
        )
        for league in self.leagues:
            for event in self._founding_of(league):
                yield league.tenant_id, event, before

    def _founding_of(self, league: League) -> Iterator[Event]:
        keys = self._keys(league)
        name = f"Ligue {league.league_id.hex[-6:]}"
        facts = {"tenant_name": "École", "age_band": None, "heads_frozen_at": STARTS, "revision": 1}
        yield LeagueCreated(**keys, name=name, **facts)
        for number, team_id in enumerate(league.teams):
            yield TeamCreated(**keys, team_id=team_id, name=f"Équipe {number + 1}", revision=1)
        for number, player_id in enumerate(league.players):
            yield PlayerJoined(
                **keys,
                player_id=player_id,
                team_id=league.teams[number % 2],
                person_id=None,
                display_name=f"Renard {number + 1}",
                at=STARTS - timedelta(days=1),
                revision=1,
            )

    def _keys(self, league: League) -> dict[str, UUID]:
        return {
            "league_id": league.league_id,
            "edition_id": self.edition_id,
            "edition_tenant_id": PLATFORM_TENANT_ID,
        }

    def completions(self, count: int) -> Iterator[Told]:
        """So many completions in the order of time, spread over the three weeks; a few are withdrawn at once."""
        for number in range(count):
            at = STARTS + timedelta(days=DAYS) * (number / count)
            league = self._draw.choice(self.leagues)
            facts = self._completion(league, at)
            yield league.tenant_id, CompletionRecorded(**facts), at
            self._count(league, facts["points"], 1)
            if number % WITHDRAWN == 0:
                yield league.tenant_id, CompletionWithdrawn(**facts), at
                self._count(league, -facts["points"], -1)

    def _count(self, league: League, points: int, completions: int) -> None:
        self.points[league.league_id] += points
        self.completions_told += completions

    def _completion(self, league: League, at: datetime) -> dict[str, Any]:
        number = self._draw.randrange(len(league.players))
        is_of_a_team = self._draw.randrange(OF_A_TEAM) == 0
        return {
            **self._keys(league),
            "completion_id": new_id(),
            "team_id": league.teams[number % 2],
            "player_id": None if is_of_a_team else league.players[number],
            "challenge_id": PLATFORM_TENANT_ID,
            "challenge_version": 1,
            "category": "food",
            "tier": "standard",
            "day": at.date(),
            "points": self._draw.choice(POINTS),
            "impact": Impact(co2e_g=4120, water_ml=334_000) if number % 3 else None,
            "author_id": None if is_of_a_team else league.players[0],
            "at": at,
        }


def publish(bus: Bus, told: Iterable[Told]) -> int:
    """Sends the facts to the topics of their emitters, with the keys and envelopes of real ones; returns how many."""
    waiting = iter(told)
    count = 0
    while facts := list(islice(waiting, AT_A_TIME)):
        by_topic: dict[str, list[tuple[str, bytes]]] = {}
        for tenant_id, event, at in facts:
            key = str(getattr(event, event.key) if event.key else tenant_id)
            by_topic.setdefault(event.source, []).append((key, envelope(event, tenant_id, at=at)))
        for topic, messages in by_topic.items():
            bus.publish(topic, messages)
        count += len(facts)
    return count
