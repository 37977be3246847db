"""The topics: one per service that emits, made with the settings' partitions, replicas and retention."""

from __future__ import annotations

import time
from typing import Any

import structlog
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic

from shared.contracts import EVENTS
from shared.settings import Settings, SettingsError

log = structlog.get_logger(__name__)
TOPICS = sorted({kind.source for kind in EVENTS.values()})
SECONDS = 30.0
SETTLE_SECONDS = 5.0
DAY_MS = 24 * 3600 * 1000
SESSION, SESSION_MS = "consumer.session.timeout.ms", "10000"
"""How long a worker that was killed keeps its partitions from the others. The broker must allow it:
`group.consumer.min.session.timeout.ms`."""


def create_topics(admin: AdminClient, settings: Settings, groups: list[str]) -> list[str]:
    """Makes the topics that are missing and brings the others' retention up to date; returns those that are new.

    Safe to run twice. Raises SettingsError when a topic has another number of partitions than the settings say: the
    number decides which partition a league is on, so that it cannot change under events that are there.
    """
    new = []
    wanted = [
        NewTopic(topic, settings.kafka_partitions, settings.kafka_replication, config=topic_config(settings))
        for topic in TOPICS
    ]
    for topic, future in admin.create_topics(wanted, request_timeout=SECONDS).items():
        try:
            future.result(SECONDS)
            new.append(topic)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise SettingsError(f"The topic {topic} cannot be made: {error.args[0].str()}.") from error
    old = [topic for topic in TOPICS if topic not in new]
    _configure(admin, [_changes(ResourceType.TOPIC, topic, topic_config(settings)) for topic in old])
    try:
        _configure(admin, [_changes(ResourceType.GROUP, group, {SESSION: SESSION_MS}) for group in groups])
    except SettingsError as error:  # a broker that somebody else looks after may insist on its 45 s
        log.warning("slow_takeover", reason=str(error))
    require_topics(admin, settings, old)
    return sorted(new)


def _configure(admin: AdminClient, resources: list[Any]) -> None:
    for resource, future in admin.incremental_alter_configs(resources).items() if resources else ():
        try:
            future.result(SECONDS)
        except KafkaException as error:
            raise SettingsError(f"{resource.name} cannot be configured: {error.args[0].str()}.") from error


def topic_config(settings: Settings) -> dict[str, str]:
    """Events are kept whole, by time. Compaction would lose some: one key has many facts."""
    days = settings.kafka_retention_days
    return {
        "cleanup.policy": "delete",
        "retention.ms": str(days * DAY_MS) if days else "-1",
        "min.insync.replicas": str(max(1, settings.kafka_replication - 1)),
    }


def _changes(kind: ResourceType, name: str, values: dict[str, str]) -> Any:
    entries = [ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET) for key, value in values.items()]
    return ConfigResource(kind, name, incremental_configs=entries)


def require_topics(admin: AdminClient, settings: Settings, topics: list[str]) -> None:
    """Raises SettingsError for a topic that is missing, or has another number of partitions than the settings say."""
    found = _partitions(admin, topics)
    for topic in topics:
        if topic not in found:
            raise SettingsError(
                f"The topic {topic} does not exist: run `python -m services.{topic} topics` once, before the workers."
            )
        if found[topic] != settings.kafka_partitions:
            raise SettingsError(
                f"The topic {topic} has {found[topic]} partitions, and MPP_KAFKA_PARTITIONS says "
                f"{settings.kafka_partitions}: set it to {found[topic]}. Another number would put the events "
                "of a league on two partitions, out of order."
            )


def _partitions(admin: AdminClient, topics: list[str]) -> dict[str, int]:
    """How many partitions the topics that exist have; one that was just made may take a moment to be known."""
    until = time.monotonic() + SETTLE_SECONDS
    while True:
        known = admin.list_topics(timeout=SECONDS).topics
        found = {name: len(known[name].partitions) for name in topics if name in known and known[name].error is None}
        if len(found) == len(topics) or time.monotonic() > until:
            return found
        time.sleep(0.2)
