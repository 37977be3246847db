"""A worker: relay, consumer, jobs and housekeeping of one service, as threads of one process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import structlog

from shared import health
from shared.auth import remove_ended_sessions
from shared.bus import Bus
from shared.clock import utc_now
from shared.consumer import Consumer, remove_handled
from shared.database import Database
from shared.jobs import JobQueue, JobWorker
from shared.metrics import WorkerMetrics
from shared.outbox import Relay, remove_published
from shared.service import Service
from shared.settings import Settings
from shared.tenancy import across_tenants

log = structlog.get_logger(__name__)
KEEP_PUBLISHED = timedelta(days=7)
KEEP_HANDLED = timedelta(days=30)
KEEP_ENDED_SESSIONS = timedelta(days=2)  # an access token lives a day at most


class Worker:
    """Relay, consumer, jobs and housekeeping of one service, as threads of this process."""

    def __init__(self, service: Service, settings: Settings, database: Database, bus: Bus) -> None:
        self.service = service
        self.database = database
        self.bus = bus
        self.metrics = WorkerMetrics(
            service.name,
            is_relaying=lambda: self.relay.is_active,
            is_stopped=lambda: self.consumer.is_stopped,
            lag=lambda: self.consumer.lag(),
        )
        self.relay = Relay(service.name, database, bus, batch=settings.relay_batch, meter=self.metrics)
        self.consumer = Consumer(
            service.name, database, bus, service.handlers, group=settings.consumer_group, meter=self.metrics
        )
        self.stop_relay = threading.Event()
        self.stop_others = threading.Event()
        others: list[tuple[str, Callable[[threading.Event], None]]] = [
            ("consumer", self.consumer.run),
            ("housekeeping", self._keep_house),
        ]
        if service.jobs is not None:
            queue = JobQueue(service.name, settings.jobs_url, database)
            others.append(("jobs", JobWorker(queue, database, service.jobs(settings)).run))
        self._relay_thread = self._thread("relay", self.relay.run, self.stop_relay)
        self._other_threads = [self._thread(name, run, self.stop_others) for name, run in others]

    def _thread(self, name: str, run: Callable[[threading.Event], None], stop: threading.Event) -> threading.Thread:
        return threading.Thread(target=run, args=(stop,), name=f"{self.service.name}-{name}", daemon=True)

    def start(self) -> None:
        """Starts every thread. Every consumer must exist before any relay starts."""
        for thread in (*self._other_threads, self._relay_thread):
            thread.start()
        health.watch(self.service.name, self.problems, self.metrics.registry)

    def problems(self) -> list[str]:
        """A sentence per part that has stopped, and what the bus says."""
        name = self.service.name
        dead = [thread.name for thread in self._threads() if not thread.is_alive()]
        problems = [f"The thread {thread} has stopped: restart the worker and read its log." for thread in dead]
        if self.consumer.is_stopped:
            problems.append(f"Too many events could not be handled: run `python -m services.{name} dead-letters`.")
        return problems + self.bus.problems()

    def _threads(self) -> list[threading.Thread]:
        return [self._relay_thread, *self._other_threads]

    def crashed(self) -> list[str]:
        """The threads that ended by an error nobody expected: only a new process brings them back.

        A consumer that stopped at too many dead letters is none of them: it would stop there again, and waits for an
        operator.
        """
        dead = [thread.name for thread in self._threads() if thread.ident is not None and not thread.is_alive()]
        return [name for name in dead if not (self.consumer.is_stopped and name.endswith("-consumer"))]

    def stop_publishing(self) -> None:
        """Stops the relay: what it published is still being handled."""
        self.stop_relay.set()
        self.database.emitted.set()
        self._relay_thread.join(timeout=20)

    def stop(self) -> None:
        """Stops everything; what is in hand is finished first."""
        health.unwatch(self.service.name)
        self.stop_publishing()
        self.stop_others.set()
        for thread in self._other_threads:
            thread.join(timeout=20)

    def _keep_house(self, stop: threading.Event) -> None:
        """Every minute: the service's own clockwork, then old outbox and inbox rows, in small steps."""
        while not stop.is_set():
            try:
                with self.database.exclusive("housekeeping") as is_mine:  # one of the workers does it
                    if is_mine and self.service.every_minute is not None:
                        self.service.every_minute(self.database)
                    if is_mine:
                        self._sweep(stop)
            except Exception:
                log.exception("housekeeping_failed", service=self.service.name)
            stop.wait(60)

    def _sweep(self, stop: threading.Event) -> None:
        for remove, keep in (
            (remove_published, KEEP_PUBLISHED),
            (remove_handled, KEEP_HANDLED),
            (remove_ended_sessions, KEEP_ENDED_SESSIONS),
        ):
            removed = 1
            while removed and not stop.is_set():
                began = time.monotonic()
                with self.database.transaction(across_tenants()) as session:
                    removed = remove(session, utc_now() - keep)
                stop.wait(time.monotonic() - began)  # half of the time belongs to those who work
