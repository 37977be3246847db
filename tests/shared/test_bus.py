"""What every bus promises. Another bus joins by its name in BUSES and a line in `open_test_bus`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import create_autospec

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from shared.bus import Bus, BusError, Subscription, open_bus
from shared.bus.kafka import KafkaSubscription
from shared.bus.memory import MemoryBus
from shared.database import new_id
from shared.settings import Settings, SettingsError
from tests.servers.kafka import KafkaServer
from tests.shared.waiting import wait_until

BUSES = ["memory", "kafka"]


@pytest.fixture(params=BUSES)
def kafka(request: pytest.FixtureRequest) -> KafkaServer | None:
    """The broker, where the bus of this test is Kafka."""
    return request.getfixturevalue("kafka_server") if request.param == "kafka" else None


@pytest.fixture
def bus(kafka: KafkaServer | None) -> Iterator[Bus]:
    opened = open_bus(Settings(bus_url=f"kafka://{kafka.bootstrap}" if kafka else "memory://"))
    yield opened
    opened.close()


@pytest.fixture
def make_topic(kafka: KafkaServer | None) -> Callable[[], str]:
    """Topics of the test's own; the memory needs no making."""

    def make() -> str:
        name = f"topic-{new_id().hex}"
        if kafka is not None:
            kafka.create_topics(name, partitions=3)
        return name

    return make


@pytest.fixture
def topic(make_topic: Callable[[], str]) -> str:
    return make_topic()


@pytest.fixture
def group() -> str:
    return f"group-{new_id().hex}"


@pytest.fixture
def publish(bus: Bus) -> Iterator[Callable[..., threading.Thread]]:
    """Publishes in a thread of its own, as a relay does; all of them have ended when the test does."""
    threads: list[threading.Thread] = []

    def start(topic: str, *texts: str) -> threading.Thread:
        thread = threading.Thread(target=bus.publish, args=(topic, messages(*texts)))
        thread.start()
        threads.append(thread)
        return thread

    yield start
    for thread in threads:
        thread.join(timeout=20)
        assert not thread.is_alive(), "published, but not yet answered for"


def messages(*texts: str) -> list[tuple[str, bytes]]:
    return [("key", text.encode()) for text in texts]


def read(subscription: Subscription, count: int, seconds: float = 20) -> list[str]:
    """The next messages of a subscription, committed; fails when they do not come."""
    texts: list[str] = []
    deadline = time.monotonic() + seconds
    while len(texts) < count:
        assert time.monotonic() < deadline, f"{len(texts)} of {count} came"
        texts += [envelope.decode() for envelope in subscription.poll(0.2)]
        subscription.commit()
    return texts


def test_a_group_sees_every_message_once_and_in_order(
    bus: Bus, topic: str, group: str, publish: Callable[..., threading.Thread]
) -> None:
    subscription = bus.subscribe(group, [topic])
    texts = [f"number {number}" for number in range(30)]
    for start in range(0, 30, 10):
        publishing = publish(topic, *texts[start : start + 10])
        assert read(subscription, 10) == texts[start : start + 10]
        publishing.join()
    assert subscription.poll(0.3) == []
    subscription.close()


def test_every_group_sees_every_message(bus: Bus, topic: str, publish: Callable[..., threading.Thread]) -> None:
    subscriptions = [bus.subscribe(f"group-{new_id().hex}", [topic]) for _ in range(3)]
    publish(topic, "one", "two")
    for subscription in subscriptions:
        assert read(subscription, 2) == ["one", "two"]
        subscription.close()


def test_a_group_reads_the_topics_it_asked_for(
    bus: Bus, group: str, make_topic: Callable[[], str], publish: Callable[..., threading.Thread]
) -> None:
    first, second, other = (make_topic() for _ in range(3))
    subscription = bus.subscribe(group, [first, second])
    publish(other, "not for us")
    publish(first, "from the first")
    publish(second, "from the second")
    assert sorted(read(subscription, 2)) == ["from the first", "from the second"]
    assert subscription.poll(0.3) == []
    subscription.close()


def test_what_was_polled_and_not_committed_comes_again(
    bus: Bus, topic: str, group: str, publish: Callable[..., threading.Thread]
) -> None:
    subscription = bus.subscribe(group, [topic])
    publish(topic, "one", "two")
    wait_until(lambda: subscription.poll(0.2))
    subscription.close()
    again = bus.subscribe(group, [topic])
    assert read(again, 2) == ["one", "two"]
    assert again.poll(0.3) == []
    again.close()


def test_what_was_committed_does_not_come_again(
    bus: Bus, topic: str, group: str, publish: Callable[..., threading.Thread]
) -> None:
    subscription = bus.subscribe(group, [topic])
    publish(topic, "one").join(timeout=0.1)
    assert read(subscription, 1) == ["one"]
    subscription.close()
    again = bus.subscribe(group, [topic])
    publish(topic, "two")
    assert read(again, 1) == ["two"]
    again.close()


def test_publishing_without_subscribers_returns(bus: Bus, topic: str) -> None:
    bus.publish(topic, messages("one"))


def test_an_empty_poll_gives_nothing_and_can_be_committed(bus: Bus, topic: str, group: str) -> None:
    subscription = bus.subscribe(group, [topic])
    assert subscription.poll(0.3) == []
    subscription.commit()
    subscription.close()


def test_messages_of_many_threads_all_arrive_each_threads_own_in_order(bus: Bus, topic: str, group: str) -> None:
    subscription = bus.subscribe(group, [topic])

    def publish_ten(thread: int) -> None:
        for number in range(10):
            bus.publish(topic, messages(f"{thread}:{number}"))

    with ThreadPoolExecutor(8) as threads:
        published = [threads.submit(publish_ten, thread) for thread in range(8)]
        texts = read(subscription, 80)
        for result in published:
            result.result(timeout=20)
    for thread in range(8):
        own = [text for text in texts if text.startswith(f"{thread}:")]
        assert own == [f"{thread}:{number}" for number in range(10)]
    subscription.close()


def test_a_large_batch_of_any_script_arrives_unchanged(
    bus: Bus, topic: str, group: str, publish: Callable[..., threading.Thread]
) -> None:
    subscription = bus.subscribe(group, [topic])
    texts = [f'{{"name": "Élève {number} 🥕 مرحبا"}}' for number in range(1000)]
    publish(topic, *texts)
    assert read(subscription, 1000) == texts
    subscription.close()


# --- the memory keeps nothing, so publishing waits --------------------------------------------------------------------


def test_the_memory_answers_only_when_every_group_has_committed() -> None:
    bus = MemoryBus()
    first, second = bus.subscribe("first", ["topic"]), bus.subscribe("second", ["topic"])
    publishing = threading.Thread(target=bus.publish, args=("topic", messages("one")))
    publishing.start()
    assert read(first, 1) == ["one"]
    wait_until(lambda: second.poll(0.1))
    publishing.join(timeout=0.3)
    assert publishing.is_alive()
    second.commit()
    publishing.join(timeout=5)
    assert not publishing.is_alive()


def test_the_memory_says_who_has_not_handled_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.bus.PUBLISH_SECONDS", 0.2)
    bus = MemoryBus()
    subscription = bus.subscribe("slow", ["topic"])
    with pytest.raises(BusError, match="by slow"):
        bus.publish("topic", messages("one"))
    assert read(subscription, 1) == ["one"]  # and a late answer disturbs nobody


def test_nobody_waits_for_a_group_that_has_left() -> None:
    bus = MemoryBus()
    bus.subscribe("gone", ["topic"]).close()
    bus.publish("topic", messages("one"))  # or it would be refused after PUBLISH_SECONDS


def test_two_memories_know_nothing_of_each_other() -> None:
    here, there = MemoryBus(), MemoryBus()
    subscription = here.subscribe("group", ["topic"])
    there.publish("topic", messages("elsewhere"))
    assert subscription.poll(0.2) == []


def test_an_unknown_bus_is_refused_with_the_known_one() -> None:
    with pytest.raises(SettingsError, match="memory://"):
        open_bus(Settings(bus_url="carrier-pigeon://loft"))


def test_partitions_that_come_while_the_broker_goes_are_read_all_the_same() -> None:
    """A broker cannot be made to go at that very moment: the client is a stand-in here."""
    consumer = create_autospec(Consumer, instance=True)
    away = KafkaException(KafkaError(KafkaError._TRANSPORT))
    for fails in (consumer.committed, consumer.get_watermark_offsets, consumer.consume):
        fails.side_effect = away
        subscription = KafkaSubscription(consumer, ["leagues"], 10)
        subscription._assigned(consumer, [TopicPartition("leagues", 3)])
        assert subscription._mine == {("leagues", 3)}
        assert subscription.lag() == {}
    with pytest.raises(BusError):
        subscription.poll(0)
