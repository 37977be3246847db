"""Entries of the ledger on their way in: only what was really new there counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.orm import Session

from services.ranking.domain.changes import Changes, Where
from services.ranking.models import LedgerEntry
from shared.bulk import insert_new_columns

RECORDED, WITHDRAWN = "recorded", "withdrawn"


class Entry(NamedTuple):
    """One change of points; its fields are the columns of the ledger. `completions`: 1 recorded, -1 withdrawn."""

    tenant_id: UUID
    source: str
    edition_tenant_id: UUID
    edition_id: UUID
    league_id: UUID
    team_id: UUID
    player_id: UUID | None
    points: int
    completions: int
    unquantified: int
    co2e_g: int
    water_ml: int
    waste_g: int
    learning_min: int
    reason: str
    author_id: UUID | None
    challenge_id: UUID
    category: str
    occurred_at: datetime

    @property
    def numbers(self) -> tuple[int, ...]:
        """The first of NUMBERS: completions to learning_min."""
        return self[8:14]


def source_of(completion_id: UUID, reason: str) -> str:
    """What makes the entry of a completion unique: it is recorded once, and withdrawn once."""
    return f"completion:{completion_id}:{reason}"


class _TeamSum:
    """What one team gains, in one view. Summed up first: a thousand entries are of a hundred teams."""

    __slots__ = ("at", "numbers", "points", "team_id", "view", "where")

    def __init__(self, where: Where, view: str, first: Entry) -> None:
        self.where, self.view, self.team_id = where, view, first.team_id
        self.points, self.numbers, self.at = first.points, list(first.numbers), first.occurred_at

    def add(self, entry: Entry) -> None:
        self.points += entry.points
        self.numbers = [a + b for a, b in zip(self.numbers, entry.numbers, strict=True)]
        if entry.occurred_at > self.at:
            self.at = entry.occurred_at


def add_entries(
    session: Session,
    entries: Sequence[Entry],
    places: Mapping[UUID, Where],
    views_of: Callable[[UUID], Sequence[tuple[str, datetime | None]]],
    changes: Changes,
) -> None:
    """Writes the entries into the ledger, and what those that were new change on the boards into `changes`."""
    if not entries:
        return
    columns = list(zip(*entries, strict=True))
    new = insert_new_columns(session, LedgerEntry, Entry._fields, columns, order=("tenant_id", "source"))
    sums: dict[tuple[str, int, int], _TeamSum] = {}  # UUIDs themselves hash in Python, three times slower
    for position in new:
        entry = entries[position]
        where = places[entry.league_id]
        for view, until in views_of(where.edition_id):
            if until is not None and entry.occurred_at > until:
                continue
            key = (view, entry.league_id.int, entry.team_id.int)
            if key in sums:
                sums[key].add(entry)
            else:
                sums[key] = _TeamSum(where, view, entry)
            if entry.player_id is not None:
                changes.add_player_points(where, view, entry.team_id, entry.player_id, entry.points, entry.completions)
    for found in sums.values():
        changes.add_points(found.where, found.view, found.team_id, found.points, found.numbers, found.at)
