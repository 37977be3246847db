"""The embedded mode: the four services in one process, on SQLite and an in-process bus."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from shared.bus import open_bus
from shared.outbox import pending
from shared.run import migrate_service, open_database
from shared.service import load_service
from shared.settings import Settings, require_embedded
from shared.tenancy import across_tenants
from shared.worker import Worker

NAMES = ("identity", "challenges", "leagues", "ranking")
HOME = "identity"
"""The service that answers the address `/`."""


class Embedded:
    """Databases, bus and workers of the four services. Nothing runs before `start`."""

    def __init__(self, settings: Settings) -> None:
        require_embedded(settings)
        self.settings = settings
        self.services = {name: load_service(name) for name in NAMES}
        self.databases = {name: open_database(name, settings) for name in NAMES}
        self.bus = open_bus(settings)
        self.workers: list[Worker] = []

    def migrate(self) -> dict[str, list[str]]:
        """Brings the four databases up to date; returns what was applied, by service."""
        return {name: migrate_service(service, self.settings) for name, service in self.services.items()}

    def start(self, *, has_clock: bool = True) -> None:
        """Starts relays, consumers, jobs and housekeeping as threads of this process.

        Without a clock nothing happens by itself when a moment has come: a simulation has its own time.
        """
        changes = {} if has_clock else {"every_minute": None}
        self.workers = [
            Worker(msgspec.structs.replace(service, **changes), self.settings, self.databases[name], self.bus)
            for name, service in self.services.items()
        ]
        for worker in self.workers:  # every consumer exists by now, as the memory bus asks
            worker.start()

    def stop(self) -> None:
        """Finishes what is in hand, then stops. What was not published yet waits in the outboxes."""
        for worker in self.workers:
            worker.stop_publishing()
        for worker in self.workers:
            worker.stop()
        self.workers = []

    def close(self) -> None:
        """Gives back every connection."""
        for database in self.databases.values():
            database.close()

    def waiting_events(self) -> int:
        """How many events have not reached everybody yet."""
        total = 0
        for database in self.databases.values():
            with database.transaction(across_tenants(), read_only=True) as session:
                total += pending(session)[0]
        return total

    def drain(self, seconds: float = 120.0, most: int = 0) -> None:
        """Waits until no more than `most` events are on their way.

        Raises RuntimeError when a worker has stopped, or when the number has not moved for `seconds`.
        """
        before, since = self.waiting_events(), time.monotonic()
        while (waiting := self.waiting_events()) > most:
            if waiting != before:
                before, since = waiting, time.monotonic()
            if time.monotonic() - since > seconds:
                raise TimeoutError(
                    f"{waiting} events have been waiting for {seconds:.0f} s: see the log of the workers"
                )
            time.sleep(0.02)

    def application(self) -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
        """One WSGI application: the first part of the path says which service answers."""
        apps = {name: self.services[name].create_app(self.settings, self.databases[name]) for name in NAMES}

        def dispatch(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            first = environ.get("PATH_INFO", "").lstrip("/").partition("/")[0]
            return apps.get(first, apps[HOME])(environ, start_response)

        return dispatch
