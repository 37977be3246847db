"""The ceiling of a replay: one process that upserts the same changes of score into PostgreSQL, and does nothing else.

What counts as the same: for every batch of 1,000 events, in the order and with the boundaries a worker would poll, the
rows of standings (player in team, player in league, team, league, tenant) that the batch changes, with the summed
points and completions. One transaction and one statement per batch: a multi-row upsert by plain psycopg, fed from
arrays, which is the fastest way we know. The table is a copy of the worker's, with its indexes, in the same server and
just as durable. No Kafka, no JSON, no ledger, inbox, histogram, impact, tenancy or names; the sums are there before
the clock starts.

`is_bare`: the same into a table with nothing but its primary key, which no board could be read from.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from shared.bus.kafka import KafkaBus
from shared.consumer import read_envelope
from shared.contracts import CompletionEvent, CompletionRecorded
from shared.server import calm_collector
from shared.settings import Settings
from tests.servers.postgres import PostgresServer

Scores = list[tuple[UUID, str, UUID, str, UUID, int, int]]
"""Tenant, board, scope, view, contender, points, completions."""
COLUMNS = "tenant_id, board, scope_id, view, contender_id, points, completions"
KEY = "tenant_id, board, scope_id, view, contender_id"
GIVEN = "unnest(%s::uuid[], %s::text[], %s::uuid[], %s::text[], %s::uuid[], %s::bigint[], %s::bigint[])"
UPSERT = f"""INSERT INTO {{table}} ({COLUMNS}{{names}}) SELECT *{{values}} FROM {GIVEN}
  ON CONFLICT ({KEY}) DO UPDATE SET points = {{table}}.points + excluded.points,
                                    completions = {{table}}.completions + excluded.completions"""
BARE = f"""CREATE TABLE bare AS SELECT {COLUMNS} FROM standings; ALTER TABLE bare ADD PRIMARY KEY ({KEY})"""


def polled(settings: Settings, events: int) -> list[list[bytes]]:
    """All `events` that wait, in the batches in which a worker of another group polls them."""
    bus = KafkaBus(settings)
    subscription = bus.subscribe("ceiling", ["identity", "leagues"])
    batches: list[list[bytes]] = []
    while sum(map(len, batches)) < events:
        batch = subscription.poll(1.0)
        if batch:
            batches.append(batch)
    subscription.close()
    bus.close()
    return batches


def scores_of(batch: Iterable[bytes]) -> Scores:
    """What the completions of a batch change, worked out without any of ranking's code."""
    sums: defaultdict[tuple[UUID, str, UUID, str, UUID], list[int]] = defaultdict(lambda: [0, 0])
    for message in batch:
        event = read_envelope(message)
        data = event.data
        if not isinstance(data, CompletionEvent):
            continue
        sign = 1 if isinstance(data, CompletionRecorded) else -1
        keys = [
            (data.edition_tenant_id, "edition_leagues", data.edition_id, "live", data.league_id),
            (data.edition_tenant_id, "edition_tenants", data.edition_id, "live", event.tenant_id),
            (event.tenant_id, "league_teams", data.league_id, "live", data.team_id),
        ]
        if data.player_id is not None:
            keys.append((event.tenant_id, "league_players", data.league_id, "live", data.player_id))
            keys.append((event.tenant_id, "team_players", data.team_id, "live", data.player_id))
        for key in keys:
            sums[key][0] += sign * data.points
            sums[key][1] += sign
    return [(*key, *sums[key]) for key in sorted(sums)]


def cut(batches: Sequence[Sequence[bytes]], size: int) -> list[Scores]:
    """The changes of the events, in batches of so many, which must be a multiple of those polled."""
    at_once = max(1, size // max(map(len, batches)))
    joined = [chain.from_iterable(batches[start : start + at_once]) for start in range(0, len(batches), at_once)]
    return [scores for batch in joined if (scores := scores_of(batch))]


class Ceiling:
    """A copy of a ranking's database, and a connection to it."""

    def __init__(self, postgres: PostgresServer, copy_of: str, suffix: str, *, is_bare: bool = False) -> None:
        assert psycopg.pq.__impl__ in ("c", "binary"), "without psycopg's fast half the ceiling would be too low"
        name = f"{copy_of}_{suffix}"
        postgres.query(f'CREATE DATABASE "{name}" TEMPLATE "{copy_of}"')
        self.connection = postgres.connect(name)
        if is_bare:
            self.connection.execute(BARE.encode())
            self._statement = UPSERT.format(table="bare", names="", values="")
        else:
            others = {"name": "''", "heads": "0", "batches": "1", "is_public": "false"}
            names, values = "".join(f", {name}" for name in others), "".join(f", {value}" for value in others.values())
            self._statement = UPSERT.format(table="standings", names=names, values=values)
        self.connection.execute("VACUUM ANALYZE")
        self.connection.prepare_threshold = 0

    def upsert(self, batches: Sequence[Scores]) -> float:
        """Writes them; returns the seconds it took."""
        calm_collector()
        began = time.perf_counter()
        for scores in batches:
            arrays = [_array(column) for column in zip(*scores, strict=True)]
            with self.connection.transaction():
                self.connection.execute(self._statement.encode(), arrays)
        return time.perf_counter() - began

    def points(self) -> int:
        """Of all leagues together, so that nobody can say it wrote something else."""
        table = "bare" if " bare " in self._statement else "standings"
        found: Any = self.connection.execute(
            f"SELECT sum(points) FROM {table} WHERE board = 'edition_leagues'".encode()
        ).fetchone()
        return int(found[0])

    def close(self) -> None:
        """Gives the connection back."""
        self.connection.close()


def _array(values: Sequence[Any]) -> str:
    """PostgreSQL's text of an array; ids, numbers and plain words look in it as in JSON."""
    return "{" + msgspec.json.encode(values).decode()[1:-1] + "}"
