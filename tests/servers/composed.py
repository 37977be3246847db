"""docker-compose.yml on this machine without Docker: what each of its servers and processes is told.

The commands, the settings and the order are the file's own. What a container alone can give is replaced: an address of
its own becomes a port of loopback, a volume becomes a folder.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.deploy import compose
from tests.servers import kafka, postgres, redis

OF_THE_PLACE = ("NODE_ID", "PROCESS_ROLES", "LISTENER", "QUORUM", "LOG_DIRS", "HEAP_OPTS")
"""Parts of the broker's variables that say where it is and how large: a process of a test is elsewhere."""


def make_environment(folder: Path, public_url: str) -> dict[str, str]:
    """What an operator's .env says, made by deploy/make-env.sh with new passwords."""
    file = folder / "env"
    script = compose.ROOT / "deploy" / "make-env.sh"
    subprocess.run(
        ["sh", str(script), public_url],
        env={"PATH": os.environ["PATH"], "ENV_FILE": str(file)},
        check=True,
        capture_output=True,
    )
    return compose.read_env_file(file)


def order_of(services: Mapping[str, Any]) -> list[list[str]]:
    """The services in waves: everything a wave depends on is in the waves before it."""
    left = {name: set(service.get("depends_on", {})) for name, service in services.items()}
    waves: list[list[str]] = []
    while left:
        wave = [name for name, needs in left.items() if not needs & left.keys()]
        assert wave, f"these wait for each other: {sorted(left)}"
        waves.append(wave)
        for name in wave:
            del left[name]
    return waves


class ComposedPostgres(postgres.OwnPostgresServer):
    """The PostgreSQL of the file: its options, and the databases and roles that deploy/postgres/roles.sh makes."""

    def __init__(self, service: Mapping[str, Any], **options: Any) -> None:
        self._service = service
        super().__init__(**options)

    def command(self) -> Sequence[str]:
        """The tests' own command, and the options of the file, which come later and so win."""
        program, *options = self._service["command"]
        assert program == "postgres"
        return [*super().command(), *options]

    def make_roles(self) -> None:
        """What the image does when its volume is empty."""
        subprocess.run(
            ["sh", str(compose.ROOT / "deploy" / "postgres" / "roles.sh")],
            env={
                "PATH": os.environ["PATH"],
                "PGHOST": self.host,
                "PGPORT": str(self.port),
                "PGUSER": "postgres",
                "PGPASSWORD": postgres.PASSWORD,
                **{name: value for name, value in self._service["environment"].items() if name != "POSTGRES_PASSWORD"},
            },
            check=True,
            capture_output=True,
        )


class ComposedKafka(kafka.OwnKafkaServer):
    """The Kafka of the file: every setting but those of its place."""

    def __init__(self, service: Mapping[str, Any], **options: Any) -> None:
        self._service = service
        super().__init__(**options)

    def _properties(self) -> dict[str, str]:
        told = {
            name.removeprefix("KAFKA_").lower().replace("_", "."): value
            for name, value in self._service["environment"].items()
            if name.startswith("KAFKA_") and not any(part in name for part in OF_THE_PLACE)
        }
        return super()._properties() | told


class ComposedRedis(redis.OwnRedisServer):
    """The Redis of the file, with its password and its limit of memory."""

    def __init__(self, service: Mapping[str, Any], **options: Any) -> None:
        self._service = service
        super().__init__(**options)
        password = service["environment"]["REDISCLI_AUTH"]
        self.url = urlsplit(self.url)._replace(netloc=f":{password}@127.0.0.1:{self.port}").geturl()

    def command(self) -> Sequence[str]:
        """The file's command, on a port of loopback."""
        program, *options = self._service["command"]
        assert program == "redis-server"
        place = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder)]
        return [super().command()[0], *options, *place]
