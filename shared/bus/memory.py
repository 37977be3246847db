"""The bus of the embedded mode: within one process, on kombu's memory transport."""

from __future__ import annotations

import threading
import time
from typing import Any

import kombu
from kombu.transport import virtual

from shared import bus
from shared.bus import BusError
from shared.database import new_id


class MemoryBus:
    """Groups and topics of one process.

    The memory keeps nothing when the process dies, so `publish` returns only once every subscribed group has committed:
    the outbox is the memory that lasts. A group must subscribe before the relays start.
    """

    def __init__(self) -> None:
        self._name = str(new_id())
        self._groups: dict[str, set[str]] = {}
        self._waiting: dict[str, tuple[set[str], threading.Event]] = {}
        self._arrived: dict[str, threading.Event] = {}
        self._lock = threading.Lock()
        self._local = threading.local()

    def connect(self) -> Any:
        """A kombu connection of the calling thread."""
        if not hasattr(self._local, "connection"):
            self._local.connection = kombu.Connection("memory://", transport_options={"polling_interval": 0.01})
        return self._local.connection

    def publish(self, topic: str, messages: list[tuple[str, bytes]]) -> None:
        """Hands the batch to every group and waits until each has committed it."""
        with self._lock:
            groups = set(self._groups.get(topic, ()))
            if not groups:
                return
            batch_id = str(new_id())
            done = threading.Event()
            self._waiting[batch_id] = (set(groups), done)
        try:
            channel = self.connect().default_channel
            for group in sorted(groups):
                kombu.Producer(channel).publish(
                    {"batch_id": batch_id, "envelopes": [envelope.decode() for _key, envelope in messages]},
                    routing_key=self._queue(group),
                    serializer="json",
                )
                self._arrived[group].set()
            if not done.wait(bus.PUBLISH_SECONDS):
                late = ", ".join(sorted(self._waiting[batch_id][0]))
                raise BusError(f"{topic}: not handled within {bus.PUBLISH_SECONDS:.0f} s by {late}")
        finally:
            with self._lock:
                self._waiting.pop(batch_id, None)

    def subscribe(self, group: str, topics: list[str]) -> MemorySubscription:
        """Declares the group's queue and notes its topics."""
        queue = kombu.Queue(self._queue(group), channel=self.connect().default_channel)
        queue.declare()
        with self._lock:
            self._arrived[group] = threading.Event()
            for topic in topics:
                self._groups.setdefault(topic, set()).add(group)
        return MemorySubscription(self, group, self._queue(group), self._arrived[group])

    def problems(self) -> list[str]:
        """Nothing can keep a process from itself."""
        return []

    def close(self) -> None:
        """Nothing to give back: the memory goes with the process."""

    def leave(self, group: str) -> None:
        """The group reads no more: nobody waits for it."""
        with self._lock:
            for groups in self._groups.values():
                groups.discard(group)

    def committed(self, group: str, batch_id: str) -> None:
        """The group has handled the batch."""
        with self._lock:
            remaining, done = self._waiting.get(batch_id, (set(), threading.Event()))
            remaining.discard(group)
            if not remaining:
                done.set()

    def _queue(self, group: str) -> str:
        return f"{self._name}.{group}"


class MemorySubscription:
    """One group's queue in a MemoryBus. Used by one thread."""

    def __init__(self, bus: MemoryBus, group: str, queue: str, arrived: threading.Event) -> None:
        self.bus = bus
        self.arrived = arrived
        self.group = group
        self.queue = queue
        self._polled: list[virtual.Message] = []

    def poll(self, timeout: float) -> list[bytes]:
        """One published batch."""
        channel = self.bus.connect().default_channel
        deadline = time.monotonic() + timeout
        while True:
            self.arrived.clear()
            message = channel.basic_get(self.queue)
            if message is not None:
                self._polled.append(message)
                return [envelope.encode() for envelope in message.decode()["envelopes"]]
            if not self.arrived.wait(max(0.0, deadline - time.monotonic())):
                return []

    def commit(self) -> None:
        """Acknowledges to kombu, then to the publisher that waits."""
        for message in self._polled:
            message.ack()
            self.bus.committed(self.group, message.decode()["batch_id"])
        self._polled.clear()

    def wait(self, seconds: float) -> bool:
        """Nobody else reads for our group: what was polled stays ours."""
        time.sleep(seconds)
        return True

    def lag(self) -> dict[str, int]:
        """Nothing waits here: a relay keeps its events in the outbox until they are handled."""
        return {}

    def close(self) -> None:
        """Puts back what was not committed and stops being waited for."""
        for message in self._polled:
            message.requeue()
        self._polled.clear()
        self.bus.leave(self.group)
