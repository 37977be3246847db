"""A real Redis: it wakes the workers of jobs and counts what is rate-limited."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from urllib.parse import urlsplit

import redis

from tests.servers import containers
from tests.servers.process import MissingServer, Owner, OwnServer, Running, free_ports

VARIABLE = "TEST_REDIS_URL"
IMAGE = "redis:7-alpine"
MISSING = f"Redis is not installed: apt install redis-server, or name an address in {VARIABLE}."


class RedisServer:
    """A running Redis. `url` is its database 0, which `create_database` counts in: tests use the others."""

    def __init__(self, url: str) -> None:
        self.url = url

    def connect(self, url: str | None = None) -> redis.Redis:
        """A client; close it."""
        return redis.Redis.from_url(url or self.url)

    def create_database(self) -> str:
        """The URL of an empty database that no other test uses now."""
        with self.connect() as client:
            count = int(client.config_get("databases")["databases"])
            number = 1 + int(client.incr("databases used")) % (count - 1)
        url = urlsplit(self.url)._replace(path=f"/{number}").geturl()
        with self.connect(url) as client:
            client.flushdb()
        return url


class OwnRedisServer(OwnServer, RedisServer):
    """A Redis of one's own. `durable=False` forgets everything when it stops, which the services must bear."""

    name = "redis"
    variable = VARIABLE

    def __init__(self, *, durable: bool = False, owner: Owner | None = None) -> None:
        self._program = shutil.which("redis-server")
        if self._program is None:
            raise MissingServer(MISSING)
        self._durable = durable
        (self.port,) = free_ports(1)
        RedisServer.__init__(self, f"redis://127.0.0.1:{self.port}/0")
        OwnServer.__init__(self, owner=owner)

    @property
    def address(self) -> str:
        """Its URL."""
        return self.url

    def command(self) -> Sequence[str]:
        """The server, on 127.0.0.1; when durable it writes every change to its folder before it answers."""
        assert self._program is not None
        persistence = ["--appendonly", "yes", "--appendfsync", "always"] if self._durable else ["--appendonly", "no"]
        place = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder)]
        return [self._program, *place, "--databases", "10000", "--save", "", *persistence]

    def is_ready(self) -> bool:
        """Whether it answers a ping; while it loads its data it does not."""
        with self.connect() as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False


def start_shared(owner: Owner) -> Running:
    """The Redis of this run of the tests: named in the environment, in a container, or a process."""
    if os.environ.get(VARIABLE):
        return Running(address=os.environ[VARIABLE])
    if containers.docker_answers():
        from testcontainers.community.redis import RedisContainer

        containers.leave_to_the_end()
        container = RedisContainer(IMAGE).with_command("redis-server --databases 10000 --save ''").start()
        address = f"redis://{container.get_container_host_ip()}:{container.get_exposed_port(container.port)}/0"
        return containers.running(container, address)
    return OwnRedisServer(owner=owner).start().detach()
