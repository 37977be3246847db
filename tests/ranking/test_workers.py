"""Several workers on one PostgreSQL: any history, told to any of them, leaves the boards of the naive recomputation."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ranking.domain import verify
from services.ranking.events import HANDLERS
from services.ranking.models import Base
from shared.consumer import Consumer
from shared.database import Database, SharedBase, is_passing, new_id
from shared.migrations import migrate
from tests.house import DirectBus
from tests.ranking.test_batches import a_busy_minute
from tests.ranking.test_histories import Step, Teller, again, check, common, ends, steps
from tests.ranking.world import World, pieces
from tests.servers.postgres import PostgresServer

WORKERS = 4


@pytest.fixture(scope="module")
def urls(postgres_server: PostgresServer) -> Iterator[tuple[str, str]]:
    """A migrated ranking: its owner's URL, and that of the role that runs."""
    name = f"ranking_{new_id().hex}"
    owner, runs = postgres_server.create_service_database("ranking", name)
    database = Database(owner)
    migrate("ranking", database, run_time_role="ranking")
    database.close()
    yield owner, runs
    postgres_server.drop_database(name)


@pytest.fixture(scope="module")
def databases(urls: tuple[str, str]) -> Iterator[list[Database]]:
    """One per worker, as each is a process of its own."""
    opened = [Database(urls[1], pool=3) for _ in range(WORKERS)]
    yield opened
    for database in opened:
        database.close()


def empty(owner: str) -> None:
    engine = sa.create_engine(owner)
    with engine.begin() as connection:
        tables = [table for base in (SharedBase, Base) for table in base.metadata.tables]
        connection.exec_driver_sql(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY")
    engine.dispose()


def league_of(message: bytes) -> str:
    """What a topic keeps together: a league's events, or an edition's own."""
    data = msgspec.json.decode(message)["data"]
    return str(data.get("league_id") or data.get("edition_id"))


class Workers:
    """Each takes its share, batch by batch, at the same time as the others; a batch that must wait is tried again."""

    def __init__(self, databases: Sequence[Database]) -> None:
        self.consumers = [Consumer("ranking", database, DirectBus(), HANDLERS) for database in databases]
        self.failures: list[Exception] = []
        self._start = threading.Barrier(len(self.consumers))

    def handle(self, shares: Sequence[list[list[bytes]]]) -> None:
        with ThreadPoolExecutor(len(self.consumers)) as threads:
            list(threads.map(self._work, self.consumers, shares))
        assert all(consumer.parked_in_a_row == 0 for consumer in self.consumers), "an event was parked"

    def _work(self, consumer: Consumer, batches: list[list[bytes]]) -> None:
        self._start.wait(10)
        for batch in batches:
            while True:
                try:
                    consumer.handle(batch)
                    break
                except Exception as error:
                    if not is_passing(error):
                        raise
                    self.failures.append(error)
                    time.sleep(0.01)


def shares_by_league(messages: Sequence[bytes], size: int) -> list[list[list[bytes]]]:
    """As Kafka gives them out: every league is one worker's."""
    keys = sorted({league_of(message) for message in messages})
    mine: list[list[bytes]] = [[] for _ in range(WORKERS)]
    for message in messages:
        mine[keys.index(league_of(message)) % WORKERS].append(message)
    return [pieces(share, [size] * (len(share) // size)) if share else [] for share in mine]


@settings(common, max_examples=15)
@given(script=steps, end=ends, frozen_at=st.integers(0, 45), seed=st.integers(0, 2**32))
def test_told_shuffled_and_doubled_to_any_worker_a_history_leaves_the_same_boards(
    urls: tuple[str, str], databases: list[Database], script: list[Step], end: str, frozen_at: int, seed: int
) -> None:
    empty(urls[0])
    workers = Workers(databases)
    teller = Teller(databases[0], workers.consumers[0])
    messages = teller.play(script, end, frozen_at)
    chance = random.Random(seed)
    doubled = messages * 2 + [again(message, number) for number, message in enumerate(messages)]
    chance.shuffle(doubled)
    cut = pieces(doubled, [chance.randint(1, 25) for _ in doubled])
    workers.handle([cut[number::WORKERS] for number in range(WORKERS)])
    check(teller)


def test_a_league_told_to_two_workers_at_once_counts_once(urls: tuple[str, str], databases: list[Database]) -> None:
    for _ in range(10):
        empty(urls[0])
        workers = Workers(databases)
        world = World(databases[0], workers.consumers[0])
        world.schedule()
        world.kept = []
        world.create_league(world.leagues[0], "CM2")
        [told] = world.kept
        workers.handle([[[again(told, number)]] for number in range(WORKERS)])
        with world.everything() as session:
            assert verify(session) == []


def test_workers_that_share_the_leagues_never_deadlock(urls: tuple[str, str], databases: list[Database]) -> None:
    empty(urls[0])
    workers = Workers(databases)
    world = World(databases[0], workers.consumers[0])
    world.leagues += [new_id() for _ in range(9)]
    for league in world.leagues[3:]:
        world.tenant_of[league] = world.company
        world.teams[league] = [new_id(), new_id()]
        world.league_of |= dict.fromkeys(world.teams[league], league)
    world.kept = []
    for league in world.leagues:
        world.create_league(league, f"League {league.hex[-4:]}")
    founding = world.kept
    messages = founding + a_busy_minute(world, 3000)
    workers.handle(shares_by_league(messages, 100))
    assert workers.failures == []
    with world.everything() as session:
        assert verify(session) == []
        counted = session.scalar(sa.text("SELECT sum(points) FROM standings WHERE board = 'edition_leagues'"))
        assert counted == session.scalar(sa.text("SELECT sum(points) FROM ledger"))


def test_a_league_of_many_workers_is_counted_once(urls: tuple[str, str], databases: list[Database]) -> None:
    """A partition changes hands, and both have its last batches."""
    empty(urls[0])
    workers = Workers(databases)
    world = World(databases[0], workers.consumers[0])
    world.kept = []
    team = world.teams[world.leagues[0]][0]
    players = [world.join(team, f"Player {number}") for number in range(40)]
    for number in range(600):
        world.record(team, players[number % 40], 1, number)
    messages: list[bytes] = world.kept
    batches = pieces(messages, [50] * 100)
    workers.handle([batches for _ in range(WORKERS)])
    with world.everything() as session:
        assert verify(session) == []
        found = dict(
            session.execute(sa.text("SELECT contender_id, points FROM standings WHERE board = 'team_players'")).all()
        )
    assert {UUID(str(player)): 15 for player in players} == found
