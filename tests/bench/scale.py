"""[scale] Events a second with 1, 2 and 4 ranking workers, and what limits them on this machine.

Each time the same edition, into an empty database, by real workers that share the 12 partitions of an empty topic.
They have their partitions, and hang on a locked table, before the clock starts. No limit: the figure is reported, with
the processors that workers, PostgreSQL and Kafka kept busy. On two processors one worker and its PostgreSQL fill more
than one: this shows what adding workers costs, and not where it ends.
"""

from __future__ import annotations

import os

import msgspec
from confluent_kafka import KafkaException

from shared.settings import Settings
from tests.bench.bench import Bench
from tests.bench.edition import Edition, publish
from tests.bench.figures import Figure
from tests.bench.replay import Replayed, database_of, follow, open_bus, prove
from tests.journeys.waiting import eventually
from tests.servers.groups import partitions_of_members
from tests.servers.process import free_ports

NAMES = ("scale_1", "scale_2", "scale_4")
WORKERS = (1, 2, 4)
SHARE = 3
"""Of the completions of the other figures one in so many: they are handled three times."""
SETTLE_SECONDS = 60.0
PARTITIONS = Settings().kafka_partitions


def measure(bench: Bench) -> list[Figure]:
    """One figure per number of workers; the detail has the ratio to one worker."""
    found: list[Figure] = []
    for number in WORKERS:
        replayed = _replay(bench, number)
        rate = replayed.per_second
        detail: dict[str, float | str] = {"to_one_worker": round(rate / (found[0].value if found else rate), 2)}
        detail |= replayed.cores | {"processors": float(os.cpu_count() or 1)}
        found.append(Figure(f"scale_{number}", rate, None, is_at_least=True, unit="events/s", detail=detail))
    return found


def _replay(bench: Bench, number: int) -> Replayed:
    """So many workers, from an empty topic and an empty database to an edition that is verified."""
    name = f"ranking_{number}"
    settings = bench.settings("ranking", database=name, has_kafka=True, consumer_group=name)
    if topics := bench.kafka.topics():
        bench.kafka.delete_topics(*topics)
    bus = open_bus(settings)
    edition = Edition()
    founded, completed = list(edition.founding()), list(edition.completions(bench.completions // SHARE))
    workers = {
        bench.start_role("ranking", "worker", own): own
        for own in (msgspec.structs.replace(settings, port=port) for port in free_ports(number))
    }
    eventually(lambda: _is_shared_evenly(bench, name, number), SETTLE_SECONDS)
    with bench.postgres.connect(database_of(settings)) as connection:
        with connection.transaction():
            connection.execute("LOCK TABLE inbox IN SHARE ROW EXCLUSIVE MODE")
            events = publish(bus, founded) + publish(bus, completed)
        replayed = follow(bench, workers, events)
    bus.close()
    for process in workers:
        process.stop()
    prove(bench, settings, edition)
    return replayed


def _is_shared_evenly(bench: Bench, group: str, number: int) -> bool:
    try:
        return partitions_of_members(bench.kafka, group, "leagues") == [PARTITIONS // number] * number
    except KafkaException:  # the group has no coordinator before its first member
        return False
