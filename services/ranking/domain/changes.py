"""What a run of facts changes on the boards, added up in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.ranking.domain.heads import Membership
from services.ranking.models import (
    COUNTED_BOARDS,
    EDITION,
    EDITION_BOARDS,
    EDITION_LEAGUES,
    EDITION_TENANTS,
    LEAGUE,
    LEAGUE_PLAYERS,
    LEAGUE_TEAMS,
    NUMBERS,
    PER_HEAD,
    PLAYER_BOARDS,
    TEAM,
    TEAM_PLAYERS,
    TENANT,
    TOTAL,
)

MICRO = 1_000_000
PLAYERS = NUMBERS.index("players")
LEAGUES = NUMBERS.index("leagues")
StandingKey = tuple[UUID, str, UUID, str, UUID]
"""tenant_id, board, scope_id, view, contender_id"""
SummaryKey = tuple[UUID, str, UUID, str]
"""tenant_id, scope, scope_id, view"""
BarKey = tuple[UUID, str, UUID, str, str, int]
"""tenant_id, board, scope_id, view, measure, score"""


class Where(NamedTuple):
    """The league something happened in, its tenant, and the edition with its owner."""

    tenant_id: UUID
    edition_tenant_id: UUID
    edition_id: UUID
    league_id: UUID


class Line:
    """What is added to one standing."""

    __slots__ = ("completions", "heads", "points")

    def __init__(self, points: int = 0, completions: int = 0, heads: int = 0) -> None:
        self.points = points
        self.completions = completions
        self.heads = heads

    def is_empty(self) -> bool:
        """Whether nothing speaks for a player's presence on a board: no points, no completion, no place."""
        return not (self.points or self.completions or self.heads)


class Sum:
    """What is added to one summary."""

    __slots__ = ("as_of", "heads", "numbers", "where")

    def __init__(self, where: Where) -> None:
        self.where = where
        self.numbers = [0] * len(NUMBERS)
        self.heads = 0
        self.as_of: datetime | None = None

    def seen(self, at: datetime) -> None:
        """An event of this moment is contained."""
        if self.as_of is None or at > self.as_of:
            self.as_of = at


def scores(board: str, points: int, heads: int) -> list[tuple[str, int]]:
    """(measure, score) of the bars a standing is in: a player has one, as has who has no heads to divide by."""
    if board in COUNTED_BOARDS:
        return []
    if board in PLAYER_BOARDS or heads <= 0:
        return [(TOTAL, points)]
    return [(TOTAL, points), (PER_HEAD, points * MICRO // heads)]


class Changes:
    """Differences of standings and summaries, by key."""

    def __init__(self) -> None:
        self.standings: dict[StandingKey, Line] = {}
        self.summaries: dict[SummaryKey, Sum] = {}

    def _line(self, key: StandingKey) -> Line:
        line = self.standings.get(key)
        if line is None:
            line = self.standings[key] = Line()
        return line

    def _sum(self, key: SummaryKey, where: Where) -> Sum:
        found = self.summaries.get(key)
        if found is None:
            found = self.summaries[key] = Sum(where)
        return found

    def _lines(self, where: Where, view: str, team_id: UUID | None) -> list[Line]:
        tenant_id, owner, edition_id, league_id = where
        lines = [
            self._line((owner, EDITION_LEAGUES, edition_id, view, league_id)),
            self._line((owner, EDITION_TENANTS, edition_id, view, tenant_id)),
        ]
        if team_id is not None:
            lines.append(self._line((tenant_id, LEAGUE_TEAMS, league_id, view, team_id)))
        return lines

    def _sums(self, where: Where, view: str, team_id: UUID | None) -> list[Sum]:
        tenant_id, owner, edition_id, league_id = where
        sums = [
            self._sum((tenant_id, LEAGUE, league_id, view), where),
            self._sum((tenant_id, TENANT, edition_id, view), where),
            self._sum((owner, EDITION, edition_id, view), where),
        ]
        if team_id is not None:
            sums.append(self._sum((tenant_id, TEAM, team_id, view), where))
        return sums

    def add_edition(self, owner: UUID, edition_id: UUID, view: str) -> None:
        """The edition exists: its boards do, empty."""
        self._sum((owner, EDITION, edition_id, view), Where(owner, owner, edition_id, edition_id))

    def add_league(self, where: Where, view: str, count: int) -> None:
        """The league exists: it is on the boards with what it has; `count` 1 when it is new to the counters."""
        self._lines(where, view, None)
        for found in self._sums(where, view, None):
            found.numbers[LEAGUES] += count

    def add_team(self, where: Where, view: str, team_id: UUID) -> None:
        """The team exists."""
        self._lines(where, view, team_id)
        self._sums(where, view, team_id)

    def add_move(self, where: Where, view: str, team_id: UUID | None, at: datetime) -> None:
        """A player came, went from team to team, or left: the boards now contain that moment."""
        self._lines(where, view, team_id)
        for found in self._sums(where, view, team_id):
            found.seen(at)

    def add_membership(self, where: Where, view: str, player_id: UUID, place: Membership, sign: int) -> None:
        """The player holds this place (`sign` 1), or no longer does (-1)."""
        for found in self._sums(where, view, None):
            found.numbers[PLAYERS] += sign
        if place.team_id is not None:
            self._line((where.tenant_id, TEAM_PLAYERS, place.team_id, view, player_id)).heads += sign
            self._line((where.tenant_id, LEAGUE_PLAYERS, where.league_id, view, player_id)).heads += sign
        if place.head_team_id is not None:
            for line in self._lines(where, view, place.head_team_id):
                line.heads += sign
            for found in self._sums(where, view, place.head_team_id):
                found.heads += sign

    def add_points(
        self, where: Where, view: str, team_id: UUID, points: int, numbers: Sequence[int], at: datetime
    ) -> None:
        """Entries of the ledger, summed up: what they add to a team, and to all that the team is part of.

        `numbers` are the first of NUMBERS: completions to learning_min.
        """
        for line in self._lines(where, view, team_id):
            line.points += points
            line.completions += numbers[0]
        for found in self._sums(where, view, team_id):
            found.seen(at)
            for index, number in enumerate(numbers):
                found.numbers[index] += number

    def add_player_points(
        self, where: Where, view: str, team_id: UUID, player_id: UUID, points: int, completions: int
    ) -> None:
        """The player's part in what `add_points` adds to a team."""
        for key in (
            (where.tenant_id, TEAM_PLAYERS, team_id, view, player_id),
            (where.tenant_id, LEAGUE_PLAYERS, where.league_id, view, player_id),
        ):
            line = self._line(key)
            line.points += points
            line.completions += completions

    def absorb(self, other: Changes) -> None:
        """Takes in the changes of another league, none of whose keys are ours."""
        self.standings |= other.standings
        self.summaries |= other.summaries

    def move_edition_level(self, to: Changes) -> None:
        """Moves what spans leagues into the changes of the whole edition."""
        for key in [key for key in self.standings if key[1] in EDITION_BOARDS]:
            line, whole = self.standings.pop(key), to._line(key)
            whole.points += line.points
            whole.completions += line.completions
            whole.heads += line.heads
        for summary_key in [key for key in self.summaries if key[1] in (EDITION, TENANT)]:
            part = self.summaries.pop(summary_key)
            total = to._sum(summary_key, part.where)
            total.heads += part.heads
            total.numbers = [a + b for a, b in zip(total.numbers, part.numbers, strict=True)]
            if part.as_of is not None:
                total.seen(part.as_of)


def edition_numbers(changes: Changes, public_views: Mapping[UUID, str]) -> list[int]:
    """What the public counters gain: the numbers of editions, in the view that the public sees."""
    gained = [0] * len(NUMBERS)
    for (_tenant, scope, scope_id, view), found in changes.summaries.items():
        if scope == EDITION and public_views.get(scope_id) == view:
            gained = [a + b for a, b in zip(gained, found.numbers, strict=True)]
    return gained
