"""How events travel between services: two verbs, publish and subscribe. The only place that knows which bus is used.

`memory://` stays within one process (kombu), for the embedded mode; `kafka://` is Apache Kafka.
"""

from __future__ import annotations

from typing import Protocol
from urllib.parse import urlsplit

from shared.settings import Settings, SettingsError

PUBLISH_SECONDS = 60.0
"""How long a bus may take to answer for a batch before its publisher is told to try again."""


class BusError(Exception):
    """The bus cannot answer for what it was given: try again."""


class Subscription(Protocol):
    """A group's reading of some topics. Used by one thread."""

    def poll(self, timeout: float) -> list[bytes]:
        """The next envelopes, in order of their key; none when nothing came within `timeout` seconds."""

    def commit(self) -> None:
        """Says that all that was polled has been handled."""

    def wait(self, seconds: float) -> bool:
        """Waits without reading on, while what was polled is tried again.

        False when it is somebody else's by now: the caller drops it.
        """

    def lag(self) -> dict[str, int]:
        """How many events of each topic wait to be polled by us, as far as we know."""

    def close(self) -> None:
        """Stops reading; what was polled and not committed is delivered again."""


class Bus(Protocol):
    """Moves envelopes from a topic to every group that reads it, in order of their key."""

    def publish(self, topic: str, messages: list[tuple[str, bytes]]) -> None:
        """Returns once the messages (key, envelope) cannot be lost any more; raises BusError otherwise."""

    def subscribe(self, group: str, topics: list[str]) -> Subscription:
        """A reading of `topics` by `group`, from what it has not committed yet."""

    def problems(self) -> list[str]:
        """A sentence per thing that keeps events from travelling."""

    def close(self) -> None:
        """Gives back every connection."""


def open_bus(settings: Settings) -> Bus:
    """The bus of the settings. Raises SettingsError for a scheme there is no bus for.

    A worker alone opens one: web processes write outbox rows, and never load Kafka's client.
    """
    scheme = urlsplit(settings.bus_url).scheme
    if scheme == "memory":
        from shared.bus.memory import MemoryBus

        return MemoryBus()
    if scheme == "kafka":
        from shared.bus.kafka import KafkaBus

        return KafkaBus(settings)
    raise SettingsError(
        f"MPP_BUS_URL is {settings.bus_url}: write memory:// (one process) or kafka://host:9092,host2:9092."
    )
