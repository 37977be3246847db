"""Topics on a real broker: they are made as the settings say, or the start says what is wrong."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from confluent_kafka.admin import ConfigResource, ResourceType  # type: ignore[attr-defined]

from shared.bus import topics
from shared.bus.kafka import KafkaBus
from shared.bus.topics import create_topics, require_topics
from shared.commands import open_kafka
from shared.database import new_id
from shared.settings import Settings, SettingsError
from tests.journeys.process import free_port
from tests.journeys.waiting import eventually
from tests.servers.kafka import KafkaServer


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Topics of the test's own in the place of ours: the broker is everybody's."""
    made = [f"{name}-{new_id().hex}" for name in ("identity", "leagues")]
    monkeypatch.setattr(topics, "TOPICS", made)
    return made


@pytest.fixture
def settings(kafka_server: KafkaServer) -> Settings:
    return Settings(bus_url=f"kafka://{kafka_server.bootstrap}", kafka_partitions=6)


@pytest.fixture
def bus(settings: Settings) -> Iterator[KafkaBus]:
    opened = KafkaBus(settings)
    yield opened
    opened.close()


def config_of(bus: KafkaBus, topic: str) -> dict[str, str]:
    resource = ConfigResource(ResourceType.TOPIC, topic)
    [found] = bus.admin.describe_configs([resource]).values()
    return {name: entry.value for name, entry in found.result(20).items()}


def test_topics_are_made_once_and_kept_for_ever(
    bus: KafkaBus, settings: Settings, kafka_server: KafkaServer, names: list[str]
) -> None:
    assert create_topics(bus.admin, settings, ["ranking"]) == names
    assert create_topics(bus.admin, settings, ["ranking"]) == []
    there = kafka_server.topics()
    assert [there[name] for name in names] == [6, 6]
    config = config_of(bus, names[0])
    assert (config["retention.ms"], config["cleanup.policy"]) == ("-1", "delete")
    require_topics(bus.admin, settings, names)


def test_another_retention_is_brought_up_to_date(bus: KafkaBus, settings: Settings, names: list[str]) -> None:
    create_topics(bus.admin, settings, [])
    create_topics(bus.admin, msgspec.structs.replace(settings, kafka_retention_days=90), [])
    days = str(90 * 24 * 3600 * 1000)
    eventually(lambda: config_of(bus, names[0])["retention.ms"] == days, 10)


def test_another_number_of_partitions_stops_with_what_to_do(bus: KafkaBus, settings: Settings) -> None:
    create_topics(bus.admin, settings, [])
    other = msgspec.structs.replace(settings, kafka_partitions=12)
    for act in (lambda: create_topics(bus.admin, other, []), lambda: open_kafka(other)):
        with pytest.raises(SettingsError, match="has 6 partitions, and MPP_KAFKA_PARTITIONS says 12: set it to 6"):
            act()


def test_missing_topics_stop_a_worker_with_what_to_do(bus: KafkaBus, settings: Settings) -> None:
    with pytest.raises(SettingsError, match=r"run `python -m services.* topics`"):
        open_kafka(settings)


def test_more_copies_than_brokers_are_refused_in_the_brokers_own_words(bus: KafkaBus, settings: Settings) -> None:
    with pytest.raises(SettingsError, match="cannot be made"):
        create_topics(bus.admin, msgspec.structs.replace(settings, kafka_replication=3), [])


def test_brokers_that_do_not_answer_are_named() -> None:
    nobody = Settings(bus_url=f"kafka://127.0.0.1:{free_port()}")
    bus = KafkaBus(nobody)
    with pytest.raises(SettingsError, match=r"does not answer us .*MPP_BUS_URL"):
        bus.require_brokers(2.0)
    assert "Events wait in the outbox" in bus.problems()[0]
