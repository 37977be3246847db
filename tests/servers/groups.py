"""What the brokers and databases know of a consumer group: who has what, how far it is, in what order it worked."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from datetime import datetime

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from shared.outbox import Envelope
from tests.journeys.waiting import eventually
from tests.servers.kafka import KafkaServer
from tests.servers.postgres import PostgresServer

ANSWER_SECONDS = 20.0


def partitions_of_members(kafka: KafkaServer, group: str, topic: str) -> list[int]:
    """How many partitions of a topic each member of a group has, the fewest first."""
    admin = kafka.admin(log_level="2")  # its answers end with it
    described = admin.describe_consumer_groups([group])[group].result(ANSWER_SECONDS)
    return sorted(
        sum(part.topic == topic for part in member.assignment.topic_partitions) for member in described.members
    )


def committed_by(kafka: KafkaServer, group: str) -> dict[tuple[str, int], int]:
    """How far a group says it has read, by partition; below 0 where it has not said so.

    A consumer asks, without joining: AdminClient.list_consumer_group_offsets ends the whole process by a segmentation
    fault when the broker has just started and is no coordinator yet (librdkafka issue 5040).
    """
    parts = [TopicPartition(topic, number) for topic, count in kafka.topics().items() for number in range(count)]

    def answer() -> list[TopicPartition]:
        try:
            return consumer.committed(parts, timeout=ANSWER_SECONDS)
        except KafkaException as error:  # a broker that has just started reads first what groups have said
            if error.args[0].code() in (KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_LOAD_IN_PROGRESS):
                raise AssertionError(str(error)) from error
            raise

    with contextlib.closing(_consumer(kafka, group)) as consumer:
        told = eventually(answer, ANSWER_SECONDS, pause=0.2)
    return {(part.topic, part.partition): part.offset for part in told}


def ends_of(kafka: KafkaServer, topic: str) -> dict[int, int]:
    """How many messages each partition of a topic has ever had."""
    with contextlib.closing(_consumer(kafka)) as consumer:
        return {
            number: consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=ANSWER_SECONDS)[1]
            for number in range(kafka.topics()[topic])
        }


def traceparents_of_newest(kafka: KafkaServer, topic: str) -> list[str]:
    """The traceparent in the headers of each partition's newest message."""
    ends = {number: end for number, end in ends_of(kafka, topic).items() if end}
    with contextlib.closing(_consumer(kafka)) as consumer:
        consumer.assign([TopicPartition(topic, number, end - 1) for number, end in ends.items()])
        messages = [message for _ in ends for message in consumer.consume(1, ANSWER_SECONDS)]
    headers = [dict(message.headers() or []).get("traceparent") for message in messages]
    return [header.decode() for header in headers if isinstance(header, bytes)]


def published_in(kafka: KafkaServer, topic: str) -> set[str]:
    """The ids of the events of a topic."""
    return {str(envelope.id) for envelopes in _read(kafka, topic).values() for envelope in envelopes}


def out_of_order(kafka: KafkaServer, topic: str, keys: set[str], postgres: PostgresServer, database: str) -> list[str]:
    """The events of some keys that a service handled before one that stands ahead of them under the same key.

    A batch has one moment, and the events of a batch are handled in the order they came.
    """
    handled: dict[str, datetime] = dict(
        postgres.query("SELECT event_id::text, handled_at FROM inbox", database=database)
    )
    latest: dict[str, datetime] = {}
    seen: set[str] = set()
    wrong: list[str] = []
    for envelopes in _read(kafka, topic).values():
        for envelope in envelopes:
            event_id = str(envelope.id)
            if envelope.key not in keys or event_id in seen or event_id not in handled:
                continue
            seen.add(event_id)
            if handled[event_id] < latest.get(envelope.key, handled[event_id]):
                wrong.append(f"{envelope.type} {event_id} of {envelope.key}")
            latest[envelope.key] = handled[event_id]
    return wrong


def _read(kafka: KafkaServer, topic: str) -> dict[int, list[Envelope]]:
    """Every envelope of a topic, by partition, in its order; what is none is left out."""
    ends = {number: end for number, end in ends_of(kafka, topic).items() if end}
    found: dict[int, list[Envelope]] = defaultdict(list)
    with contextlib.closing(_consumer(kafka)) as consumer:
        consumer.assign([TopicPartition(topic, number, 0) for number in ends])
        while ends:
            for message in consumer.consume(1000, ANSWER_SECONDS):
                assert message.error() is None, message.error()
                number, offset = message.partition() or 0, message.offset() or 0
                with contextlib.suppress(msgspec.MsgspecError):
                    found[number].append(msgspec.json.decode(message.value() or b"", type=Envelope))
                if offset + 1 >= ends.get(number, 0):
                    ends.pop(number, None)
    return found


def _consumer(kafka: KafkaServer, group: str = "tests") -> Consumer:
    return Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": group, "enable.auto.commit": False})
