"""[rank] The rank of one player among 2,000,000 on one board, beside `SELECT 1` on the same connection.

The scores are those of an edition: some fifteen completions each, of 1 to 10 points; so a few hundred of them differ.
"""

from __future__ import annotations

import random
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import psycopg
import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.ranking.domain.boards import read_place
from services.ranking.domain.scopes import find_board_scope
from services.ranking.models import LEAGUE, LEAGUE_PLAYERS, LIVE, TOTAL
from shared.database import Database, new_id
from shared.tenancy import of_tenant
from tests.bench.bench import Bench
from tests.bench.figures import Figure, ratio
from tests.house import caller_of

NAMES = ("rank",)
PLAYERS = 2_000_000
COMPLETIONS_EACH = 15
SAMPLE, ROUNDS = 300, 5


def measure(bench: Bench) -> list[Figure]:
    settings = bench.settings("ranking")
    caller = caller_of(None, "pupil")
    scope_id, players, scores = load(bench, caller.tenant_id)
    database = Database(settings.database_url)
    one = sa.select(sa.literal(1))
    ours: list[float] = []
    ceiling: list[float] = []
    with database.transaction(of_tenant(caller.tenant_id), read_only=True) as session:
        scope = find_board_scope(session, caller, LEAGUE, scope_id)
        check(session, scope, players, scores)
        for _ in range(ROUNDS):
            ours += timed(lambda player: read_place(session, scope, LEAGUE_PLAYERS, player), players)
            ceiling += timed(lambda _player: session.connection().scalar(one), players)
    database.close()
    of = {"of": "ms (median)", "players": f"{PLAYERS:,}", "scores": str(len(scores))}
    return [ratio("rank", statistics.median(ours), statistics.median(ceiling), under=5.0, **of)]


def timed(action: Callable[[UUID], Any], players: dict[UUID, int]) -> list[float]:
    """Milliseconds of each; a few go unmeasured before."""
    sample = list(players)[:SAMPLE]
    spent = []
    for player in [*sample[:20], *sample]:
        began = time.perf_counter()
        action(player)
        spent.append((time.perf_counter() - began) * 1000)
    return spent[20:]


def check(session: Session, scope: Any, players: dict[UUID, int], scores: Counter[int]) -> None:
    """The places are true: 1 + those who have more."""
    for player, points in list(players.items())[:20]:
        above = sum(count for score, count in scores.items() if score > points)
        assert read_place(session, scope, LEAGUE_PLAYERS, player) == 1 + above


def load(bench: Bench, tenant_id: UUID) -> tuple[UUID, dict[UUID, int], Counter[int]]:
    """Copies one league of so many players in; returns it, some players with their points, and all scores."""
    league = new_id()
    draw = random.Random(1)
    scores: Counter[int] = Counter()
    some: dict[UUID, int] = {}
    board = f"{tenant_id}\t{LEAGUE_PLAYERS}\t{league}\t{LIVE}"

    def standings() -> Iterator[str]:
        for number in range(PLAYERS):
            points = sum(draw.choices((1, 2, 3, 5, 8, 10), k=1 + int(draw.expovariate(1 / (COMPLETIONS_EACH - 1)))))
            scores[points] += 1
            player = UUID(int=(0x0190_0000_0000_7000_8000 << 48) + number)
            if number % (PLAYERS // SAMPLE) == 0:
                some[player] = points
            yield f"{board}\t{player}\tJoueuse {number}\t{points}\t{COMPLETIONS_EACH}\t1\t1\tf\n"

    summary = (tenant_id, LEAGUE, league, LIVE, tenant_id, new_id(), league, PLAYERS, "f", *[0] * 8)
    with bench.postgres.connect("ranking") as connection:
        copy(
            connection,
            "standings (tenant_id, board, scope_id, view, contender_id, name, points, completions, heads, batches, "
            "is_public)",
            standings(),
        )
        copy(
            connection,
            "histogram (tenant_id, board, scope_id, view, measure, score, contenders, is_public)",
            (f"{board}\t{TOTAL}\t{score}\t{count}\tf\n" for score, count in scores.items()),
        )
        copy(
            connection,
            "summaries (tenant_id, scope, scope_id, view, edition_tenant_id, edition_id, league_id, heads, is_public, "
            "completions, unquantified, co2e_g, water_ml, waste_g, learning_min, players, leagues)",
            ["\t".join(map(str, summary)) + "\n"],
        )
        connection.execute("VACUUM ANALYZE standings, histogram, summaries")
    return league, some, scores


def copy(connection: psycopg.Connection, into: str, lines: Any) -> None:
    """COPY from lines of text."""
    with connection.cursor().copy(f"COPY {into} FROM STDIN".encode()) as target:
        waiting: list[str] = []
        for line in lines:
            waiting.append(line)
            if len(waiting) == 10_000:
                target.write("".join(waiting))
                waiting.clear()
        target.write("".join(waiting))
