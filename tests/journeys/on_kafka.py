"""A house whose events travel through a real Kafka, when the test says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from shared.bus.kafka import KafkaBus
from shared.bus.topics import create_topics
from shared.consumer import Consumer
from shared.outbox import Relay
from shared.service import load_service
from tests.house import SERVICES, House
from tests.journeys.waiting import eventually


class KafkaHouse(House):
    """A house whose events travel through Kafka."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        super().__init__(None, folder, **settings)
        self.kafka = KafkaBus(self.settings)
        create_topics(self.kafka.admin, self.settings, list(SERVICES))
        handlers = {name: load_service(name).handlers for name in SERVICES}
        self.consumers = {name: Consumer(name, self.databases[name], self.kafka, handlers[name]) for name in SERVICES}
        self.relays = {name: Relay(name, self.databases[name], self.kafka) for name in SERVICES}

    def publish(self) -> None:
        """Everything that waits in an outbox."""
        for relay in self.relays.values():
            while relay.publish_once():
                pass

    def settle(self) -> None:
        """Publishes and handles until nothing waits for any of the four."""
        eventually(self._is_settled, 60)

    def _is_settled(self) -> bool:
        self.publish()
        waiting = 0
        for name, consumer in self.consumers.items():
            batch = consumer.subscription.poll(0.05)
            if batch:
                consumer.handle(batch)
                consumer.subscription.commit()
            waiting += self.kafka.waiting(name, consumer.topics)
        return not waiting and not any(relay.publish_once() for relay in self.relays.values())

    def close(self) -> None:
        for consumer in self.consumers.values():
            consumer.subscription.close()
        self.kafka.close()
        super().close()
