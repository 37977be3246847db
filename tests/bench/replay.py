"""[replay] A whole edition, from Kafka into ranking's boards by a real worker, beside a bare upsert of the same scores.

1,000 leagues and 20,000 players of eight tenants are there already; then 300,000 completions, 2 % of them withdrawn,
wait in 12 partitions, and one worker (`python -m services.ranking worker`, the role that runs, row-level security,
inbox, offsets) handles them all. The ceiling (`ceiling.py`) takes half of the batches before it and half after it.
Afterwards `verify` must find no difference, and every league must have the points that were told.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
import requests
import sqlalchemy as sa

from shared.bus.kafka import KafkaBus
from shared.bus.topics import TOPICS, create_topics
from shared.settings import Settings
from tests.bench.bench import Bench, environment
from tests.bench.ceiling import Ceiling, cut, polled
from tests.bench.edition import Edition, publish
from tests.bench.figures import Figure, ratio
from tests.bench.processes import Spent, growth, resident_mib
from tests.journeys.process import ROOT, Process, clean_environment

NAMES = ("replay", "replay_memory")
AT_LEAST = 0.4
BATCH = 1000
"""Events of one batch of the ceiling. The worker takes what waits, up to its own setting."""
CEILINGS = ("ceiling", "bare", "same")
GROWTH_UNDER = 1.1
LONGEST = 900.0
LOOK_SECONDS = 0.5
HANDLED = re.compile(r'^mpp_events_handled_total\{service="ranking"\} ([0-9.e+]+)$', re.MULTILINE)


def measure(bench: Bench) -> list[Figure]:
    """The rate of one worker to the ceiling's, and the memory of the worker."""
    settings = bench.settings("ranking", has_kafka=True)
    edition = Edition()
    bus = open_bus(settings)
    told = publish(bus, edition.founding())
    replay(bench, settings, told)
    copies = [Ceiling(bench.postgres, "ranking", name, is_bare=name == "bare") for name in CEILINGS]
    events = publish(bus, edition.completions(bench.completions))
    bus.close()
    batches = polled(msgspec.structs.replace(settings, consumer_batch=BATCH), told + events)
    work = [cut(batches, BATCH), cut(batches, BATCH), cut(batches, settings.consumer_batch)]
    del batches
    seconds = [copy.upsert(scores[: len(scores) // 2]) for copy, scores in zip(copies, work, strict=True)]
    ours = replay(bench, settings, events)
    for number, (copy, scores) in enumerate(zip(copies, work, strict=True)):
        seconds[number] += copy.upsert(scores[len(scores) // 2 :])
        assert copy.points() == edition.points.total(), f"the ceiling {CEILINGS[number]} wrote other points"
        copy.close()
    prove(bench, settings, edition)
    ceiling, bare, same = (events / spent for spent in seconds)
    others = {
        "worker_batch": f"{settings.consumer_batch}",
        "to_ceiling_in_such_batches": f"{ours.per_second / same:.2f}",
        "to_table_without_indexes": f"{ours.per_second / bare:.2f}",
    }
    return [
        ratio("replay", ours.per_second, ceiling, at_least=AT_LEAST, of="events/s", **others, **ours.cores),
        Figure(
            "replay_memory",
            growth(ours.memory),
            GROWTH_UNDER,
            is_at_least=False,
            detail={"first_mib": round(ours.memory[0]), "last_mib": round(ours.memory[-1])},
        ),
    ]


def open_bus(settings: Settings) -> KafkaBus:
    """Kafka, with the topics made."""
    bus = KafkaBus(settings)
    create_topics(bus.admin, settings, list(TOPICS))
    return bus


@dataclass
class Replayed:
    """How fast some workers handled what waited, what it cost, and the memory of the first of them on the way."""

    per_second: float = 0.0
    memory: list[float] = field(default_factory=list)
    cores: dict[str, str] = field(default_factory=dict)
    """How many processors workers, PostgreSQL and Kafka kept busy."""


def replay(bench: Bench, settings: Settings, events: int) -> Replayed:
    """Starts a worker, waits until it has handled so many events, and stops it.

    The clock starts with the first events handled: the start of a process is no speed.
    """
    running = bench.start_role("ranking", "worker", settings)
    try:
        while sum(handled([settings])) == 0:
            time.sleep(LOOK_SECONDS)
        return follow(bench, {running: settings}, events)
    finally:
        running.stop()


def follow(bench: Bench, workers: Mapping[Process, Settings], events: int) -> Replayed:
    """Looks on until these workers have handled so many events."""
    running = list(workers)
    pids = {f"worker_{number + 1}": process.pid for number, process in enumerate(running)}
    found = Replayed()
    settings = list(workers.values())
    first = count = sum(handled(settings))
    spent = Spent(pids | {"postgres": bench.postgres.pid, "kafka": bench.kafka.pid})
    began = time.perf_counter()
    while count < events or in_inbox(bench, settings[0]) < events:
        assert all(process.is_running for process in running), running[0].log[-2000:]
        assert time.perf_counter() - began < LONGEST, f"{count} of {events} events handled:\n{running[0].log[-2000:]}"
        time.sleep(LOOK_SECONDS)
        found.memory.append(resident_mib(running[0].pid))
        count = sum(handled(settings))
    found.per_second = (min(count, events) - first) / (time.perf_counter() - began)
    found.cores = {f"{name}_cores": f"{busy:.2f}" for name, busy in spent.cores().items()}
    return found


def in_inbox(bench: Bench, settings: Settings) -> int:
    """How many events the database remembers: after a rebalance some are handled, and counted, twice."""
    [[count]] = bench.postgres.query("SELECT count(*) FROM inbox", database=database_of(settings))
    return int(count)


def database_of(settings: Settings) -> str:
    """The name of a service's database."""
    return sa.make_url(settings.database_url).database or ""


def handled(workers: list[Settings]) -> list[int]:
    """How many events each worker has handled, by its own word."""
    return [_handled(settings.port) for settings in workers]


def _handled(port: int) -> int:
    answer = requests.get(f"http://127.0.0.1:{port}/ranking/metrics", timeout=30)
    answer.raise_for_status()
    match = HANDLED.search(answer.text)
    assert match is not None, answer.text
    return int(float(match.group(1)))


def prove(bench: Bench, settings: Settings, edition: Edition) -> None:
    """Raises when a board is not what its ledger says, or the boards are not what was told."""
    done = subprocess.run(
        [sys.executable, "-m", "services.ranking", "verify"],
        cwd=ROOT,
        env=clean_environment(**environment(settings)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    name = database_of(settings)
    boards = bench.postgres.query(
        "SELECT contender_id, points FROM standings WHERE board = 'edition_leagues'", database=name
    )
    assert dict(boards) == edition.points, "leagues have other points than were told"
    [[completions]] = bench.postgres.query("SELECT completions FROM summaries WHERE scope = 'edition'", database=name)
    assert completions == edition.completions_told, f"{completions} completions of {edition.completions_told}"
