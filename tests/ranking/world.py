"""Events as leagues emits them, delivered to ranking in any order, any number of times."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from shared import contracts as c
from shared.auth import Caller
from shared.consumer import Consumer
from shared.database import Database, new_id
from shared.outbox import Envelope
from shared.tenancy import across_tenants, of_tenant
from tests.house import caller_of

START = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
NEVER = datetime(2100, 1, 1, tzinfo=UTC)
_encoder = msgspec.json.Encoder()


def minute(number: int) -> datetime:
    return START + timedelta(minutes=number)


def envelope(tenant_id: UUID, event: c.Event, at: datetime) -> bytes:
    return _encoder.encode(
        Envelope(
            id=new_id(),
            type=type(event).__name__,
            source=event.source,
            tenant_id=tenant_id,
            time=at,
            key="key",
            traceparent=None,
            actor_id=None,
            data=msgspec.Raw(_encoder.encode(event)),
        )
    )


class World:
    """One edition with its leagues; every method makes one event, delivered at once or kept in `kept`."""

    def __init__(self, database: Database, consumer: Consumer, *, is_open: bool = True, own: bool = False) -> None:
        self.database = database
        self.consumer = consumer
        self.is_open = is_open
        self.school, self.company = new_id(), new_id()
        self.owner = self.school if own else new_id()
        self.edition = new_id()
        self.leagues = [new_id() for _ in range(3)]
        self.tenant_of = dict(zip(self.leagues, (self.school, self.school, self.company), strict=True))
        self.teams = {league: [new_id(), new_id()] for league in self.leagues}
        self.league_of = {team: league for league, teams in self.teams.items() for team in teams}
        self.kept: list[bytes] | None = None
        self.heads_frozen_at = NEVER

    def tell(self, tenant_id: UUID, event: c.Event, at: datetime = START) -> None:
        message = envelope(tenant_id, event, at)
        if self.kept is None:
            self.deliver([message])
        else:
            self.kept.append(message)

    def deliver(self, messages: Sequence[bytes]) -> None:
        self.consumer.handle(list(messages))
        assert self.consumer.parked_in_a_row == 0, "an event was parked as a dead letter"

    def founded(self, heads_frozen_at: datetime = NEVER) -> World:
        self.heads_frozen_at = heads_frozen_at
        self.schedule()
        for number, league in enumerate(self.leagues):
            self.create_league(league, f"League {number}", age_band=("6-10", "6-10", None)[number])
            for position, team in enumerate(self.teams[league]):
                self.tell(
                    self.tenant_of[league],
                    c.TeamCreated(**self.at(league), team_id=team, name=f"Team {position}", revision=1),
                )
        return self

    def schedule(self, is_open: bool | None = None, revision: int = 1) -> None:
        self.tell(
            self.owner,
            c.EditionScheduled(
                edition_id=self.edition,
                name="Edition",
                audience="school",
                is_open=self.is_open if is_open is None else is_open,
                starts_at=START,
                ends_at=START + timedelta(days=21),
                heads_frozen_at=self.heads_frozen_at,
                revision=revision,
            ),
        )

    def create_league(self, league: UUID, name: str, revision: int = 1, age_band: str | None = None) -> None:
        tenant = self.tenant_of[league]
        self.tell(
            tenant,
            c.LeagueCreated(
                **self.at(league),
                name=name,
                tenant_name="The school" if tenant == self.school else "The company",
                age_band=age_band,
                heads_frozen_at=self.heads_frozen_at,
                revision=revision,
            ),
        )

    def at(self, league: UUID) -> dict[str, UUID]:
        return {"league_id": league, "edition_id": self.edition, "edition_tenant_id": self.owner}

    def player(
        self, kind: type[Any], player: UUID, team: UUID, when: int, revision: int, name: str, person: UUID | None = None
    ) -> None:
        league = self.league_of[team]
        event = kind(
            **self.at(league),
            player_id=player,
            team_id=team,
            person_id=person,
            display_name=name,
            at=minute(when),
            revision=revision,
        )
        self.tell(self.tenant_of[league], event, minute(when))

    def join(self, team: UUID, name: str = "Camille", when: int = 0, person: UUID | None = None) -> UUID:
        player = new_id()
        self.player(c.PlayerJoined, player, team, when, 1, name, person)
        return player

    def move(self, player: UUID, team: UUID, when: int, revision: int = 2, name: str = "Camille") -> None:
        self.player(c.PlayerMoved, player, team, when, revision, name)

    def leave(self, player: UUID, team: UUID, when: int, revision: int = 2, name: str = "Camille") -> None:
        self.player(c.PlayerLeft, player, team, when, revision, name)

    def record(
        self,
        team: UUID,
        player: UUID | None,
        points: int,
        when: int = 0,
        *,
        co2e_g: int | None = 100,
        completion: UUID | None = None,
        withdrawn: bool = False,
    ) -> UUID:
        completion_id = completion or new_id()
        league = self.league_of[team]
        kind = c.CompletionWithdrawn if withdrawn else c.CompletionRecorded
        event = kind(
            **self.at(league),
            completion_id=completion_id,
            team_id=team,
            player_id=player,
            challenge_id=self.edition,
            challenge_version=1,
            category="food",
            tier="standard",
            day=date(2026, 11, 2),
            points=points,
            impact=None if co2e_g is None else c.Impact(co2e_g=co2e_g),
            author_id=player,
            at=minute(when),
        )
        self.tell(self.tenant_of[league], event, minute(when))
        return completion_id

    def freeze(self, when: int) -> None:
        self.tell(self.owner, c.EditionFrozen(edition_id=self.edition, at=minute(when)), minute(when))

    def reveal(self, when: int) -> None:
        self.tell(self.owner, c.EditionRevealed(edition_id=self.edition, at=minute(when)), minute(when))

    def pupil(self) -> Caller:
        return caller_of(self.school, "pupil")

    def teacher(self) -> Caller:
        return caller_of(self.school, "organiser")

    def employee(self) -> Caller:
        return caller_of(self.company, "player", kind="company")

    def reading(self, caller: Caller | None) -> Any:
        """A transaction as a request of this caller has it."""
        from shared.tenancy import PUBLIC

        scope = PUBLIC if caller is None else of_tenant(caller.tenant_id)
        return self.database.transaction(scope, read_only=True)

    def everything(self) -> Any:
        return self.database.transaction(across_tenants())


def pieces(messages: Sequence[bytes], sizes: Iterable[int]) -> list[list[bytes]]:
    """The messages cut into batches of these sizes, in turn."""
    found, start = [], 0
    for size in sizes:
        if start >= len(messages):
            break
        found.append(list(messages[start : start + size]))
        start += size
    return [*found, list(messages[start:])] if start < len(messages) else found
