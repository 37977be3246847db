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
from dataclasses import dataclass, field

import requests

from shared.bus.kafka import KafkaBus
from shared.bus.topics import TOPICS, create_topics
from shared.settings import Settings
from tests.bench.bench import Bench, environment
from tests.bench.ceiling import Ceiling, polled, scores_of
from tests.bench.edition import Edition, publish
from tests.bench.figures import Figure, ratio
from tests.bench.processes import Spent, growth, resident_mib
from tests.journeys.process import ROOT, clean_environment

NAMES = ("replay", "replay_memory")
AT_LEAST = 0.4
GROWTH_UNDER = 1.1
LONGEST = 900.0
LOOK_SECONDS = 0.25
HANDLED = re.compile(r'^mpp_events_handled_total\{service="ranking"\} ([0-9.e+]+)$', re.MULTILINE)


def measure(bench: Bench) -> list[Figure]:
    """The rate of one worker to the ceiling's, and the memory of the worker."""
    settings = bench.settings("ranking", has_kafka=True)
    edition = Edition()
    bus = open_bus(settings)
    told = publish(bus, edition.founding())
    replay(bench, [settings], told)
    ceilings = [Ceiling(bench.postgres, "ranking"), Ceiling(bench.postgres, "ranking", is_bare=True)]
    events = publish(bus, edition.completions(bench.completions))
    bus.close()
    batches = [scores for batch in polled(settings, told + events) if (scores := scores_of(batch))]
    halves = [batches[: len(batches) // 2], batches[len(batches) // 2 :]]
    seconds = [ceiling.upsert(halves[0]) for ceiling in ceilings]
    ours = replay(bench, [settings], events)
    seconds = [before + ceiling.upsert(halves[1]) for before, ceiling in zip(seconds, ceilings, strict=True)]
    points = [ceiling.points() for ceiling in ceilings]
    assert points == [edition.points.total()] * 2, f"the ceilings wrote {points}"
    for ceiling in ceilings:
        ceiling.close()
    prove(bench, settings, edition)
    rates = [events / spent for spent in seconds]
    of_bare = {"bare_table": f"{rates[1]:,.0f}", "to_bare_table": f"{ours.per_second / rates[1]:.2f}"}
    return [
        ratio("replay", ours.per_second, rates[0], at_least=AT_LEAST, of="events/s", **of_bare, **ours.cores),
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


def replay(bench: Bench, workers: list[Settings], events: int) -> Replayed:
    """Starts a worker per settings, waits until they have handled so many events, and stops them.

    The clock starts when all have partitions and the first events are handled: the start of a process is no speed.
    """
    running = [bench.start_role("ranking", "worker", settings) for settings in workers]
    pids = {f"worker_{number + 1}": process.pid for number, process in enumerate(running)}
    pids |= {"postgres": bench.postgres.pid, "kafka": bench.kafka.pid}
    found = Replayed()
    try:
        while min(first := handled(workers)) == 0:
            time.sleep(LOOK_SECONDS)
        began = time.perf_counter()
        spent = Spent(pids)
        count = sum(first)
        while count < events:
            assert time.perf_counter() - began < LONGEST, (
                f"{count} of {events} events handled: {running[0].log[-2000:]}"
            )
            assert all(process.is_running for process in running), running[0].log[-2000:]
            time.sleep(LOOK_SECONDS)
            found.memory.append(resident_mib(running[0].pid))
            count = sum(handled(workers))
        found.per_second = (count - sum(first)) / (time.perf_counter() - began)
        found.cores = {f"{name}_cores": f"{busy:.2f}" for name, busy in spent.cores().items()}
    finally:
        for process in running:
            process.stop()
    return found


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
    boards = bench.postgres.query(
        "SELECT contender_id, points FROM standings WHERE board = 'edition_leagues'", database="ranking"
    )
    assert dict(boards) == edition.points, "leagues have other points than were told"
    [[completions]] = bench.postgres.query(
        "SELECT completions FROM summaries WHERE scope = 'edition'", database="ranking"
    )
    assert completions == edition.completions_told, f"{completions} completions of {edition.completions_told}"
