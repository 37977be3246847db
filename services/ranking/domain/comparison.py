"""Do two databases of ranking hold the same: a rebuilt one and the live one, before one takes the other's place?

Facts, ledger, what is derived from them, and the copies that decide who may read a board. Both are read in the order of
their keys, side by side: however many rows there are, two of each table are in memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from services.ranking.models import Base, HistogramBar, LedgerEntry, Standing, Summary
from shared.auth import EVERYBODY, AccessRule, SigningKey
from shared.whole import in_order

MOST_DIFFERENCES = 100
LEFT_OUT = {Standing.__tablename__: {"batches"}}
"""Columns that say how a database came to what it holds: how often a row was written."""
NAMED = {
    Standing.__tablename__: ("name",),
    LedgerEntry.__tablename__: ("player_id", "points"),
}
"""What of a row its key does not tell, and a reader wants to know."""
TOLD_OF_ONE = ("points", "contenders", "name")
COUNTED_FROM_OTHERS = {Standing.__tablename__, HistogramBar.__tablename__, Summary.__tablename__, "counters"}


class Unlike(NamedTuple):
    """A row that the two do not hold alike; None: not at all."""

    table: str
    key: str
    here: str | None
    there: str | None

    def __str__(self) -> str:
        if self.there is None:
            return f"{self.table} {self.key}: here ({self.here}), not there"
        if self.here is None:
            return f"{self.table} {self.key}: there ({self.there}), not here"
        return f"{self.table} {self.key}: {self.here} here, {self.there} there"


class Comparison(msgspec.Struct, kw_only=True):
    """What came of it: the first differences, how many there are of which kind, and how fresh each database is."""

    here_as_of: datetime | None
    there_as_of: datetime | None
    rows: int = 0
    differences: list[Unlike] = msgspec.field(default_factory=list)
    only_here: Counter[str] = msgspec.field(default_factory=Counter)
    only_there: Counter[str] = msgspec.field(default_factory=Counter)
    changed: Counter[str] = msgspec.field(default_factory=Counter)

    @property
    def count(self) -> int:
        """How many rows are not alike."""
        return self.only_here.total() + self.only_there.total() + self.changed.total()

    @property
    def advice(self) -> str:
        """What to do about it; empty when there is nothing to do."""
        if not self.count:
            return ""
        told = self.only_here.keys() | self.only_there.keys() | self.changed.keys()
        entries_here, entries_there = self.only_here["ledger"], self.only_there["ledger"]
        if not told - COUNTED_FROM_OTHERS:
            return "Facts and ledger are equal, what is counted from them is not: `rebuild` where `verify` complains."
        if self.changed["ledger"] or (entries_here and entries_there):
            return "Each knows something else: neither is merely behind. Fill a new database, and compare that."
        if entries_here or entries_there:
            late = "The other one" if entries_here else "This one"
            return (
                f"{late} lacks {entries_here or entries_there} entries that happened: while events still come it is "
                "merely behind. Stop the workers of identity and leagues, `catch-up` (the live one's workers do it by "
                "themselves) and compare again; if entries are still missing, Kafka has not kept them: `announce`."
            )
        return (
            "Something that was told has not reached both: stop the workers of identity and leagues, let both catch up "
            "and compare again; if it stays, `announce` in identity and leagues."
        )


def compare(here: sa.Connection, there: sa.Connection, *, now: datetime) -> Comparison:
    """Compares every row that a board shows or comes from."""
    found = Comparison(here_as_of=_as_of(here), there_as_of=_as_of(there))
    tables = [(table, ()) for table in Base.metadata.sorted_tables]
    copies: list[tuple[Any, tuple[Any, ...]]] = [
        (SigningKey.__table__, (SigningKey.expires_at > now,)),
        (AccessRule.__table__, (AccessRule.session_id == EVERYBODY,)),  # an ended session's is removed after a while
    ]
    for table, conditions in (*tables, *copies):
        for left, right in _pairs(table, in_order(here, table, *conditions), in_order(there, table, *conditions)):
            found.rows += 1
            if left is None or right is None or _facts(table, left) != _facts(table, right):
                _note(found, table, left, right)
    return found


def _as_of(connection: sa.Connection) -> datetime | None:
    moment: datetime | None = connection.scalar(sa.select(sa.func.max(Summary.as_of)))
    return moment


Pair = tuple[sa.RowMapping | None, sa.RowMapping | None]


def _pairs(table: sa.Table, here: Iterator[sa.RowMapping], there: Iterator[sa.RowMapping]) -> Iterator[Pair]:
    """The rows of one key, side by side; None where one of the two has none."""
    left, right = next(here, None), next(there, None)
    while left is not None or right is not None:
        if right is None or (left is not None and _key(table, left) < _key(table, right)):
            yield left, None
            left = next(here, None)
        elif left is None or _key(table, right) < _key(table, left):
            yield None, right
            right = next(there, None)
        else:
            yield left, right
            left, right = next(here, None), next(there, None)


def _key(table: sa.Table, row: sa.RowMapping) -> tuple[Any, ...]:
    return tuple(row[column.name] for column in table.primary_key)


def _facts(table: sa.Table, row: sa.RowMapping) -> dict[str, Any]:
    left_out = LEFT_OUT.get(table.name, set())
    return {name: value for name, value in row.items() if name not in left_out}


def _note(found: Comparison, table: sa.Table, left: sa.RowMapping | None, right: sa.RowMapping | None) -> None:
    if left is None or right is None:
        (found.only_there if left is None else found.only_here)[table.name] += 1
    else:
        found.changed[table.name] += 1
    if len(found.differences) < MOST_DIFFERENCES:
        row: Any = left if left is not None else right
        names = NAMED.get(table.name, ())
        known = [f"« {row[name]} »" if name == "name" else f"{name} {row[name]}" for name in names]
        key = "/".join(map(str, _key(table, row)))
        texts = [_text(table, one, other) for one, other in ((left, right), (right, left))]
        found.differences.append(Unlike(table.name, " ".join([key, *known]), *texts))


def _text(table: sa.Table, row: sa.RowMapping | None, other: sa.RowMapping | None) -> str | None:
    """What of a row is not as in the other; of a lonely row, what it counts."""
    if row is None:
        return None
    facts = _facts(table, row)
    if other is None:
        return (
            ", ".join(f"{name} {facts[name]}" for name in ("points", "contenders", "name") if name in facts) or "a row"
        )
    return ", ".join(f"{name} {value}" for name, value in facts.items() if value != other[name])
