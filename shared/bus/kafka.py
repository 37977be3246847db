"""The bus of the distributed mode: Apache Kafka through confluent-kafka (librdkafka).

A message that was answered for is on disk on every replica in sync; a partition keeps the order of its keys; offsets
are committed after the database, for the messages handled, and never by themselves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import msgspec
import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from shared import bus
from shared.bus import BusError
from shared.settings import Settings, SettingsError

log = structlog.get_logger(__name__)
LOOK_SECONDS = 2.0
BROKER_SECONDS = 10.0
FETCH_AHEAD_KIB = 16_384
"""What the client reads ahead of us at most: the memory of a worker stays flat however much waits."""
FETCH_BYTES = 2_097_152
"""One answer of the broker at most, compressed: unpacked it is five times as much, and comes on top of what was read.
Two partitions' worth: events of few leagues come together, and a batch of them writes fewer rows."""

Partition = tuple[str, int]
"""Topic and number."""


class Headers(msgspec.Struct, frozen=True):
    """What of an envelope travels as headers too, for tools that look at a topic."""

    id: str
    type: str
    traceparent: str | None = None


_headers = msgspec.json.Decoder(Headers)


def _headers_of(envelope: bytes) -> list[tuple[str, str | bytes | None]]:
    """As Kafka carries them; none for what is no envelope of ours."""
    try:
        found = _headers.decode(envelope)
    except msgspec.MsgspecError:
        return []
    named = {"id": found.id, "type": found.type, "traceparent": found.traceparent}
    return [(name, value) for name, value in named.items() if value]


def client_options(settings: Settings, on_error: Callable[[KafkaError], None]) -> dict[str, Any]:
    """What every client of the brokers needs: where they are, and how we sign in. Raises SettingsError."""
    brokers = urlsplit(settings.bus_url).netloc
    if not brokers:
        raise SettingsError(f"MPP_BUS_URL is {settings.bus_url}: write kafka://host:9092,host2:9092.")
    options = {
        "bootstrap.servers": brokers,
        "security.protocol": settings.kafka_security,
        "client.id": "ma-petite-planete",
        "error_cb": on_error,
        "socket.keepalive.enable": True,
        "reconnect.backoff.max.ms": 2000,
        "log_level": 2,  # it writes to standard error, line by line; what concerns us comes by callback
    }
    if settings.kafka_security.startswith("sasl"):
        options |= {
            "sasl.mechanism": settings.kafka_mechanism,
            "sasl.username": settings.kafka_user,
            "sasl.password": settings.kafka_password,
        }
    files = {
        "ssl.ca.location": settings.kafka_ca,
        "ssl.certificate.location": settings.kafka_certificate,
        "ssl.key.location": settings.kafka_key,
    }
    return options | {name: file for name, file in files.items() if file}


class KafkaBus:
    """Producer, consumers and the administrator's view of one process."""

    def __init__(self, settings: Settings) -> None:
        self._options = client_options(settings, self._note_error)
        self._batch = settings.consumer_batch
        self._reason = ""
        self._looked_at = 0.0
        self._found: list[str] = []
        self._producer: Producer | None = None
        self.admin = AdminClient(self._options)

    def _note_error(self, error: KafkaError) -> None:
        """What librdkafka says of a connection, in its own words: the last that names a cause."""
        if error.code() != KafkaError._ALL_BROKERS_DOWN or not self._reason:
            self._reason = error.str()

    def publish(self, topic: str, messages: list[tuple[str, bytes]]) -> None:
        """Returns once every replica in sync has the messages; raises BusError when one of them failed.

        After a failure the producer is thrown away with what it still holds: the caller sends the batch again, in
        order, and the inboxes know what had arrived.
        """
        producer = self._producer = self._producer or Producer(self._options | PRODUCER)
        failures: list[KafkaError] = []

        def answer(error: KafkaError | None, _message: Message) -> None:
            if error is not None:
                failures.append(error)

        try:
            for key, envelope in messages:
                producer.produce(topic, envelope, key, headers=_headers_of(envelope), on_delivery=answer)
            left = producer.flush(bus.PUBLISH_SECONDS)
        except (KafkaException, BufferError) as error:
            self._discard()
            raise BusError(f"{topic}: {error}") from error
        if left or failures:
            self._discard()
            reason = failures[0].str() if failures else f"no answer within {bus.PUBLISH_SECONDS:.0f} s"
            raise BusError(f"{topic}: {left + len(failures)} of {len(messages)} messages not published: {reason}")

    def _discard(self) -> None:
        if self._producer is not None:
            self._producer.purge()
            self._producer = None

    def subscribe(self, group: str, topics: list[str]) -> KafkaSubscription:
        """Joins the group; its partitions arrive with the first polls."""
        return KafkaSubscription(Consumer(self._options | CONSUMER | {"group.id": group}), topics, self._batch)

    def waiting(self, group: str, topics: list[str]) -> int:
        """How many events of these topics a group has not committed yet; the question joins no group.

        A topic that is not there holds nothing. Raises BusError when nobody answers.
        """
        consumer = Consumer(self._options | {"group.id": group, "enable.auto.commit": False})
        try:
            known = consumer.list_topics(timeout=BROKER_SECONDS).topics
            parts = [
                TopicPartition(topic, number)
                for topic in topics
                if topic in known
                for number in known[topic].partitions
            ]
            return sum(end - position for _, position, end in _progress(consumer, parts))
        except KafkaException as error:
            raise BusError(f"Kafka does not say what waits: {error}") from error
        finally:
            consumer.close()

    def require_brokers(self, seconds: float = 10.0) -> None:
        """Raises SettingsError with the broker's own reason when nobody answers for us."""
        problems = self._look(seconds)
        if problems:
            raise SettingsError(problems[0])

    def problems(self) -> list[str]:
        """Whether a broker answers now; asked every two seconds at most."""
        if time.monotonic() - self._looked_at > LOOK_SECONDS:
            self._found = self._look(1.5)
            self._looked_at = time.monotonic()
        return self._found

    def _look(self, seconds: float) -> list[str]:
        try:
            self._reason = ""
            self.admin.list_topics(timeout=seconds)
        except KafkaException as error:
            self.admin.poll(0)
            reason = self._reason or error.args[0].str()
            return [
                f"Kafka at {self._options['bootstrap.servers']} does not answer us ({reason}): start it, or correct "
                "MPP_BUS_URL and the MPP_KAFKA_ settings. Events wait in the outbox meanwhile."
            ]
        return []

    def close(self) -> None:
        """Lets go of the producer; everything it was given has been answered for."""
        self._discard()


PRODUCER = {
    "enable.idempotence": True,
    "acks": "all",
    "compression.type": "zstd",
    "linger.ms": 2,
    "message.timeout.ms": 30_000,
    "enable.gapless.guarantee": True,
    "queue.buffering.max.messages": 200_000,
}
CONSUMER = {
    "group.protocol": "consumer",
    # Each topic is shared evenly by itself. The broker's own choice, « uniform », evens out the sum over all topics:
    # with identity and leagues to share, two of four workers were seen with all of leagues.
    "group.remote.assignor": "range",
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "auto.offset.reset": "earliest",
    "queued.max.messages.kbytes": FETCH_AHEAD_KIB,
    "fetch.max.bytes": FETCH_BYTES,
    "allow.auto.create.topics": False,
}


class KafkaSubscription:
    """One member of a group. Used by one thread: callbacks of a rebalance run inside its calls."""

    def __init__(self, consumer: Consumer, topics: list[str], batch: int) -> None:
        self._consumer = consumer
        self._batch = batch
        self._mine: set[Partition] = set()
        self._first: dict[Partition, int] = {}
        self._next: dict[Partition, int] = {}
        self._position: dict[Partition, int] = {}
        self._is_paused = False
        if topics:
            consumer.subscribe(topics, on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked)

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.incremental_assign(partitions)
        self._mine |= {(part.topic, part.partition) for part in partitions}
        if self._is_paused:
            consumer.pause(partitions)
        log.info("partitions_assigned", partitions=[f"{part.topic}/{part.partition}" for part in partitions])
        try:
            for partition, position, _end in _progress(consumer, partitions):
                self._position[partition] = position
        except KafkaException as error:
            # The broker has just gone: the lag is told from the next batch on. What a callback raises, the client
            # raises again as something that no `except` can name, and the consumer would end.
            log.warning("positions_unknown", error=str(error))

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """What of them is in hand was either committed, or is dropped: the next owner begins with it."""
        consumer.incremental_unassign(partitions)
        gone = {(part.topic, part.partition) for part in partitions}
        self._mine -= gone
        for partition in gone:
            self._position.pop(partition, None)
        log.info("partitions_revoked", partitions=[f"{part.topic}/{part.partition}" for part in partitions])

    def poll(self, timeout: float) -> list[bytes]:
        """What has come: the first message is waited for, the others are taken as far as they are here."""
        self._first.clear()
        self._next.clear()
        try:
            messages = self._consumer.consume(1, timeout)
            if messages and self._batch > 1:
                messages += self._consumer.consume(self._batch - 1, 0)
        except KafkaException as failure:
            raise BusError(str(failure)) from failure
        envelopes = []
        for message in messages:
            error = message.error()
            if error is not None:
                self._say(error)
                continue
            partition, offset = _place(message)
            if partition in self._mine:  # one fetched just before a rebalance is its new owner's
                self._first.setdefault(partition, offset)
                self._next[partition] = offset + 1
                envelopes.append(message.value() or b"")
        return envelopes

    def _say(self, error: KafkaError) -> None:
        if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise BusError("a topic does not exist: run `python -m services.<name> topics`")
        log.warning("consumer_error", error=error.str(), code=error.name())

    def commit(self) -> None:
        """Remembers how far we are, in the partitions that are still ours.

        A commit that fails costs a second delivery, which the inbox absorbs: the database has everything.
        """
        self._position |= self._next
        offsets = [
            TopicPartition(topic, number, offset)
            for (topic, number), offset in self._next.items()
            if (topic, number) in self._mine
        ]
        self._first.clear()
        self._next.clear()
        if not offsets:
            return
        try:
            self._consumer.commit(offsets=offsets, asynchronous=True)
        except KafkaException as error:
            log.warning("offsets_not_committed", error=str(error))

    def wait(self, seconds: float) -> bool:
        """Stays in the group with everything paused; goes back to the batch's beginning when part of it is gone."""
        self._is_paused = True
        try:
            self._consumer.pause(self._assignment())
            message = self._consumer.poll(seconds)
            if message is not None and message.error() is None:  # it was on its way when we paused
                partition, offset = _place(message)
                self._consumer.seek(TopicPartition(*partition, offset))
        finally:
            self._is_paused = False
        is_ours = self._first.keys() <= self._mine
        if not is_ours:
            for (topic, number), offset in self._first.items():
                if (topic, number) in self._mine:
                    self._consumer.seek(TopicPartition(topic, number, offset))
        self._consumer.resume(self._assignment())
        return is_ours

    def _assignment(self) -> list[TopicPartition]:
        return [TopicPartition(topic, number) for topic, number in self._mine]

    def lag(self) -> dict[str, int]:
        """What waits in our partitions, by topic, as far as the client has heard of it."""
        waiting: dict[str, int] = {}
        for (topic, number), position in list(self._position.items()):
            _low, high = self._consumer.get_watermark_offsets(TopicPartition(topic, number), cached=True)
            waiting[topic] = waiting.get(topic, 0) + max(0, high - position)
        return waiting

    def close(self) -> None:
        """Commits what was handled and leaves the group at once, so that others take over without waiting."""
        self._consumer.close()


def _progress(consumer: Consumer, partitions: list[TopicPartition]) -> Iterator[tuple[Partition, int, int]]:
    """Each partition, where the group goes on in it, and its end: asked of the broker. Raises KafkaException."""
    for part in consumer.committed(partitions, timeout=BROKER_SECONDS) if partitions else ():
        low, high = consumer.get_watermark_offsets(part, timeout=BROKER_SECONDS)
        yield (part.topic, part.partition), max(low, part.offset), high


def _place(message: Message) -> tuple[Partition, int]:
    """Where a message stands."""
    return (str(message.topic()), int(message.partition() or 0)), int(message.offset() or 0)
