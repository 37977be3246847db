"""[board] Reading a board of 50 beside a bare route that runs the same SELECT. [board_growth] The same board, later.

Two rankings of the same 20,000 players in 400 leagues, one with 300,000 completions and one with a hundredth of them.
"""

from __future__ import annotations

from shared.database import Database, new_id
from shared.settings import Settings
from tests.bench.bare import LINES
from tests.bench.bench import Bench
from tests.bench.figures import Figure, ratio
from tests.bench.ledger import Ledger
from tests.bench.load import Target, in_turns, request
from tests.house import caller_of, know_test_key, token_of
from tests.servers.process import free_ports

NAMES = ("board", "board_p95", "board_growth")
SMALLER = 100


def measure(bench: Bench) -> list[Figure]:
    many, few = (
        Ranking(bench, "ranking", bench.completions),
        Ranking(bench, "ranking_few", bench.completions // SMALLER),
    )
    bare = Settings(
        data=bench.folder,
        database_url=many.settings.owner_database_url,
        port=free_ports(1)[0],
        log_level="WARNING",
    )
    bench.start(["-m", "tests.bench.bare", "boards"], bare)
    ours, smaller = many.target(), few.target()
    paths = [f"/boards/{many.ledger.tenant_id}/{league}" for league in many.ledger.leagues]
    ceiling = Target(bare.port, [request("GET", path) for path in paths])
    in_turns([ours, ceiling, smaller], turns=bench.turns, seconds=bench.seconds)
    one, other, few_ones = ours.measured, ceiling.measured, smaller.measured
    return [
        ratio("board", one.per_second, other.per_second, at_least=0.5, of="requests/s"),
        ratio("board_p95", one.p95, other.p95, of="ms"),
        ratio("board_growth", one.p50, few_ones.p50, under=1.2, of="ms (p50), the ceiling with a hundredth"),
    ]


class Ranking:
    """A ranking of so many completions, and its web role."""

    def __init__(self, bench: Bench, database: str, completions: int) -> None:
        self.settings = bench.settings("ranking", database=database, log_level="WARNING")
        self.ledger = fill(self.settings, completions)
        bench.postgres.query("VACUUM ANALYZE", database=database)  # as autovacuum leaves a database that has rested
        bench.start_role("ranking", "web", self.settings)

    def target(self) -> Target:
        """The players of each league in turn, asked for by a player."""
        headers = {"Authorization": f"Bearer {token_of(caller_of(self.ledger.tenant_id, 'pupil'))}"}
        paths = [f"/ranking/api/v1/leagues/{league}/players?page_size={LINES}" for league in self.ledger.leagues]
        return Target(self.settings.port, [request("GET", path, headers=headers) for path in paths])


def fill(settings: Settings, completions: int) -> Ledger:
    """A ledger through ranking's own handlers."""
    database = Database(settings.database_url)
    know_test_key(database)
    ledger = Ledger(database, new_id())
    ledger.fill(completions)
    database.close()
    return ledger
