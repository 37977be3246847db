"""What every measurement is given: real servers, migrated databases, processes of the services. All of it on demand."""

from __future__ import annotations

import contextlib
import functools
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from shared.run import migrate_service
from shared.service import load_service
from shared.settings import PREFIX, Settings
from tests.journeys.process import Process
from tests.journeys.waiting import eventually
from tests.servers.kafka import OwnKafkaServer
from tests.servers.postgres import OwnPostgresServer
from tests.servers.process import OwnServer, free_ports
from tests.servers.redis import OwnRedisServer

START_SECONDS = 60.0
NOWHERE = "127.0.0.1:9"
"""The address of a server that a web role is told of and never speaks to."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """How long and how much. A turn is one load of one side; the sides take turns, so that noise hits both."""

    seconds: float = 2.0
    turns: int = 8
    completions: int = 300_000


class Bench(contextlib.ExitStack):
    """One run. Servers start at first use; everything is ended when the block ends."""

    def __init__(self, folder: Path, options: Options) -> None:
        super().__init__()
        self.folder = folder
        self.seconds, self.turns, self.completions = options.seconds, options.turns, options.completions

    @functools.cached_property
    def postgres(self) -> OwnPostgresServer:
        """A PostgreSQL that waits for the disk, with the settings it comes with."""
        return self._opened(OwnPostgresServer, durable=True)

    @functools.cached_property
    def kafka(self) -> OwnKafkaServer:
        """One broker."""
        return self._opened(OwnKafkaServer, full_speed=True)

    @functools.cached_property
    def redis(self) -> OwnRedisServer:
        """What wakes the workers' jobs and counts what is rate-limited."""
        return self._opened(OwnRedisServer)

    def _opened(self, kind: type[OwnServer], **options: Any) -> Any:
        return self.enter_context(kind.started(**options))

    def settings(self, service: str, *, database: str | None = None, has_kafka: bool = False, **more: Any) -> Settings:
        """The settings of a service on a new, migrated database, which is named like it unless told otherwise.

        Without Kafka only the web role can run: it writes outbox rows that nobody publishes.
        """
        owner_url, url = self.postgres.create_service_database(service, database)
        settings = Settings(
            data=self.folder / "data",
            database_url=url,
            owner_database_url=owner_url,
            bus_url=f"kafka://{self.kafka.bootstrap if has_kafka else NOWHERE}",
            jobs_url=self.redis.url if has_kafka else f"redis://{NOWHERE}/0",
            rate_limits_url=self.redis.url if has_kafka else f"redis://{NOWHERE}/0",
            **{"port": free_ports(1)[0], **more},
        )
        migrate_service(load_service(service), settings)
        return settings

    def start(self, arguments: Sequence[str], settings: Settings, *, ready: str | None = None) -> Process:
        """Runs `python ARGUMENTS` under these settings until the block ends.

        Waits until the path `ready` answers 200, or else until somebody listens on the port.
        """
        log = self.folder / f"{settings.port}.log"
        process = Process(arguments, log, environment(settings))
        self.callback(process.stop)

        def is_ready() -> bool:
            assert process.is_running, f"{arguments} ended at once:\n{process.log}"
            with contextlib.suppress(OSError, requests.RequestException):
                if ready is None:
                    socket.create_connection(("127.0.0.1", settings.port), timeout=5).close()
                    return True
                return requests.get(f"http://127.0.0.1:{settings.port}{ready}", timeout=5).status_code == 200
            return False

        eventually(is_ready, START_SECONDS)
        return process

    def start_role(self, service: str, role: str, settings: Settings) -> Process:
        """Starts `python -m services.<service> <role>` and waits until it is ready."""
        return self.start(["-m", f"services.{service}", role], settings, ready=f"/{service}/health/ready")


def environment(settings: Settings) -> dict[str, str]:
    """The variables that say what differs from the defaults."""
    default = Settings()
    names = [name for name in Settings.__struct_fields__ if getattr(settings, name) != getattr(default, name)]
    return {PREFIX + name.upper(): str(getattr(settings, name)) for name in names}
