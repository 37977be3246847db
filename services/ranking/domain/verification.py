"""Do ledger, standings, histogram, summaries and counters say the same?"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.ranking.domain.changes import MICRO, Changes, StandingKey, SummaryKey, scores
from services.ranking.domain.recompute import count_everything, every_edition, recompute, views_of
from services.ranking.domain.writing import chunks
from services.ranking.models import (
    LEAGUE,
    LEAGUE_PLAYERS,
    NUMBERS,
    PLAYER_BOARDS,
    SCOPES,
    Counters,
    HistogramBar,
    Standing,
    Summary,
)

MOST_DIFFERENCES = 100
Rows = dict[tuple[Any, ...], tuple[Any, ...]]
STANDING = ("points", "completions", "heads", "per_head")
SUMMARY = (*NUMBERS, "heads", "as_of", "playing", "begun")


class Difference(NamedTuple):
    """Something that is not what the ledger says."""

    table: str
    key: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.table} {self.key}: should be {self.expected}, is {self.found}"


class _Seen:
    """How many rows of each table were compared."""

    def __init__(self) -> None:
        self.rows: Counter[type[Any]] = Counter()


def verify(session: Session, limit: int = MOST_DIFFERENCES) -> list[Difference]:
    """Recomputes every board from the ledger and compares: the first `limit` differences, none when all is well."""
    return list(islice(_differences(session), limit))


def _differences(session: Session) -> Iterator[Difference]:
    seen = _Seen()
    for edition in every_edition(session):
        for view, until in views_of(edition):
            for changes in recompute(session, edition, view, until):
                yield from _compare(session, changes, seen)
    for model in (Standing, HistogramBar, Summary):
        there = session.scalar(sa.select(sa.func.count()).select_from(model)) or 0
        if there != seen.rows[model]:
            yield Difference(model.__tablename__, "rows in all", str(seen.rows[model]), str(there))
    yield from _compare_counters(session)


def _compare(session: Session, changes: Changes, seen: _Seen) -> Iterator[Difference]:
    """One league's boards, or an edition's, with what is stored under the same scopes."""
    standings: Rows = {}
    bars: Counter[tuple[Any, ...]] = Counter()
    playing: Counter[SummaryKey] = Counter()
    begun: Counter[SummaryKey] = Counter()
    for key, line in changes.standings.items():
        if key[1] == LEAGUE_PLAYERS and line.heads > 0:
            league = (key[0], LEAGUE, *key[2:4])
            playing[league] += 1
            begun[league] += line.completions > 0
        if key[1] in PLAYER_BOARDS and line.is_empty():
            continue
        standings[key] = (line.points, line.completions, line.heads, _per_head(key, line.points, line.heads))
        for measure, score in scores(key[1], line.points, line.heads):
            bars[(*key[:4], measure, score)] += 1
    summaries: Rows = {
        key: (*found.numbers, found.heads, found.as_of, playing[key], begun[key])
        for key, found in changes.summaries.items()
    }
    stored = _stored_rows(session, changes)
    for model, expected in (
        (Standing, standings),
        (HistogramBar, {key: (count,) for key, count in bars.items()}),
        (Summary, summaries),
    ):
        seen.rows[model] += len(stored[model])
        yield from _unlike(model.__tablename__, expected, stored[model])


def _per_head(key: StandingKey, points: int, heads: int) -> int | None:
    return points * MICRO // heads if heads > 0 and key[1] not in PLAYER_BOARDS else None


def _stored_rows(session: Session, changes: Changes) -> dict[type[Any], Rows]:
    """What the tables hold under the scopes of these changes."""
    stored: dict[type[Any], Rows] = {Standing: {}, HistogramBar: {}, Summary: {}}
    scopes: defaultdict[tuple[UUID, str, str], list[UUID]] = defaultdict(list)
    for tenant_id, scope, scope_id, view in changes.summaries:
        scopes[(tenant_id, scope, view)].append(scope_id)
    for (tenant_id, scope, view), scope_ids in scopes.items():
        boards = [board for board, about in SCOPES.items() if about == scope]
        for chunk in chunks(scope_ids):
            where = (tenant_id, view, chunk)
            stored[Summary] |= _stored(session, Summary, SUMMARY, Summary.scope == scope, where)
            if boards:
                stored[Standing] |= _stored(session, Standing, STANDING, Standing.board.in_(boards), where)
                in_boards = HistogramBar.board.in_(boards)
                stored[HistogramBar] |= _stored(session, HistogramBar, ("contenders",), in_boards, where)
    return stored


def _stored(
    session: Session,
    model: type[Any],
    values: Iterable[str],
    boards: sa.ColumnElement[bool],
    where: tuple[UUID, str, list[UUID]],
) -> Rows:
    keys = [getattr(model, column.name) for column in sa.inspect(model).primary_key]
    rows = session.execute(
        sa.select(*keys, *(getattr(model, name) for name in values)).where(
            model.tenant_id == where[0], model.view == where[1], model.scope_id.in_(where[2]), boards
        )
    )
    return {tuple(row[: len(keys)]): tuple(row[len(keys) :]) for row in rows}


def _unlike(table: str, expected: Rows, stored: Rows) -> Iterator[Difference]:
    if expected == stored:
        return
    for key in sorted(expected.keys() | stored.keys()):
        if expected.get(key) != stored.get(key):
            named = "/".join(map(str, key))
            yield Difference(table, named, _text(expected.get(key)), _text(stored.get(key)))


def _text(values: tuple[Any, ...] | None) -> str:
    return "absent" if values is None else " ".join(map(str, values))


def _compare_counters(session: Session) -> Iterator[Difference]:
    expected = count_everything(session)
    counters = session.scalar(sa.select(Counters))
    for name, number in expected.items():
        found = getattr(counters, name) if counters else 0
        if found != number:
            yield Difference("counters", name, str(number), str(found))
