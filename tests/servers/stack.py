"""The whole installation as real processes: what `docker compose up` starts, each process free to be killed."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

from tests.deploy import compose
from tests.deploy.gateway import Gateway
from tests.journeys.process import Process, run, run_anyway
from tests.journeys.waiting import eventually
from tests.servers.composed import ComposedKafka, ComposedPostgres, ComposedRedis, make_environment, order_of
from tests.servers.process import free_ports

START_SECONDS = 90.0
STOP_SECONDS = 45.0
"""As long as docker-compose.yml lets a process finish what it has in hand."""
SERVERS = ("postgres", "kafka", "redis", "gateway")
OF_TESTS = {
    # Everybody comes from one address here, and stays longer than a token lives.
    "MPP_PUBLIC_FORMS_PER_ADDRESS": "100000 per hour",
    "MPP_SIGN_IN_ATTEMPTS_PER_ADDRESS": "100000 per 5 minutes",
    "MPP_ACCESS_TOKEN_SECONDS": "7200",
}


class Instance(Process):
    """One web or worker: a container of docker-compose.yml without its walls."""

    def __init__(
        self,
        name: str,
        number: int,
        command: Sequence[str],
        log: Path,
        env: Mapping[str, str],
        before: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.number = number
        self.service = name.partition("-")[0]
        self.port = int(env["MPP_PORT"])
        super().__init__(command, log, env, before)

    def ask(self, path: str) -> requests.Response | None:
        """`/<service>/<path>` of this very process; None when nobody answers."""
        try:
            return requests.get(f"http://127.0.0.1:{self.port}/{self.service}/{path}", timeout=10)
        except requests.RequestException:
            return None

    @property
    def is_ready(self) -> bool:
        """What its healthcheck asks."""
        answer = self.ask("health/ready")
        return answer is not None and answer.status_code == 200

    def says(self) -> str:
        """The sentences of its health page: problems, then warnings."""
        answer = self.ask("health/ready")
        if answer is None:
            return "nobody answers"
        said = answer.json()
        return "\n".join([*said["problems"], *said["warnings"]])

    @property
    def tail(self) -> str:
        """The end of what it has printed."""
        return self.log[-2000:]

    def end(self) -> int:
        """SIGTERM, as `docker stop` sends it; returns the exit status."""
        self.send(signal.SIGTERM)
        try:
            return self.wait(STOP_SECONDS)
        finally:
            self.kill()


class Stack:
    """PostgreSQL, Kafka, Redis, the gateway, and migrate, web and worker of each service, on loopback."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.settings = OF_TESTS | settings
        self.instances: list[Instance] = []
        self._exit = contextlib.ExitStack()
        try:
            self.gateway: Gateway = self._exit.enter_context(Gateway(patience="15s"))
            self.url = self.gateway.public_url
            environment = make_environment(folder, self.url)
            told = compose.read(environment)["services"]
            self.postgres: ComposedPostgres = self._exit.enter_context(ComposedPostgres(told["postgres"]))
            self.kafka: ComposedKafka = self._exit.enter_context(ComposedKafka(told["kafka"]))
            self.redis: ComposedRedis = self._exit.enter_context(ComposedRedis(told["redis"]))
        except BaseException:
            self._exit.close()
            raise
        addresses = {
            "POSTGRES_ADDRESS": f"127.0.0.1:{self.postgres.port}",
            "KAFKA_ADDRESS": self.kafka.address,
            "REDIS_ADDRESS": f"127.0.0.1:{self.redis.port}",
        }
        self._variables = environment | addresses
        self.services: dict[str, Any] = {}
        self.set_variables()

    def set_variables(self, **changed: str) -> None:
        """Changes what .env says; processes that start from now on are told."""
        self._variables |= changed
        self.services = compose.read(self._variables)["services"]

    @property
    def ranking_database(self) -> str:
        """The database that ranking uses now."""
        url: str = self.services["ranking-worker"]["environment"]["MPP_DATABASE_URL"]
        return url.rpartition("/")[2]

    @property
    def mail_folder(self) -> Path:
        """Where the identity worker leaves its mails."""
        return self.folder / "identity-worker" / "mail"

    def up(self) -> Stack:
        """Starts everything in the order of the file, and waits until all of it is well."""
        for wave in order_of(self.services):
            with ThreadPoolExecutor(len(wave)) as threads:
                list(threads.map(self._bring_up, wave))
        self.wait_until_ready()
        return self

    def _bring_up(self, name: str) -> None:
        if name in ("kafka", "redis"):
            getattr(self, name).start()
        elif name == "postgres":
            self.postgres.start()
            self.postgres.make_roles()
        elif name == "gateway":
            self.gateway.start()
        elif self.services[name]["restart"] == "no":
            self.run(name)
        else:
            self.start(name)

    def environment_of(self, name: str, **more: str) -> dict[str, str]:
        """What the process of a service of the file is told, on a port of its own."""
        service, _, role = name.partition("-")
        port = self.gateway.services[service].port if role == "web" else free_ports(1)[0]
        told: dict[str, str] = self.services[name]["environment"]
        here = {"MPP_HOST": "127.0.0.1", "MPP_PORT": str(port), "MPP_DATA": str(self.folder / name)}
        return told | here | self.settings | more

    def command(self, service: str, *arguments: str, **more: object) -> str:
        """Runs `python -m services.<service> ARGUMENTS` with the settings of its worker; returns what it printed."""
        told = self.environment_of(f"{service}-worker")
        return run("-m", f"services.{service}", *arguments, env=told, **more)

    def run(self, name: str, *command: str, **env: str) -> str:
        """Runs the command of a service of the file, or another one with its settings; returns what it printed."""
        arguments = command or self.services[name]["command"]
        return run("-m", *arguments, env=self.environment_of(name, **env))

    def run_anyway(self, name: str, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Like `run`, whatever the exit status."""
        return run_anyway("-m", *command, env=self.environment_of(name, **env))

    def start(self, name: str, *, before: Sequence[str] = (), python: Sequence[str] = ("-m",), **env: str) -> Instance:
        """Starts one more process of a service of the file: `before` starts the Python that runs `python` COMMAND."""
        number = 1 + max((one.number for one in self.instances if one.name == name), default=0)
        log = self.folder / f"{name}-{number}.log"
        arguments = [*python, *self.services[name]["command"]]
        instance = Instance(name, number, arguments, log, self.environment_of(name, **env), before)
        self.instances.append(instance)
        return instance

    def of(self, name: str) -> list[Instance]:
        """The processes of a service of the file that run now."""
        return [one for one in self.instances if one.name == name and one.is_running]

    def one(self, name: str) -> Instance:
        """The only process of a service of the file."""
        (instance,) = self.of(name)
        return instance

    def replace(self, name: str, **how: Any) -> Instance:
        """Ends the only process of a service of the file, and starts another one in its place."""
        assert self.one(name).end() == 0
        return self.start(name, **how)

    def scale(self, name: str, count: int) -> None:
        """`docker compose up --scale NAME=COUNT`: starts what is missing, ends what is too many; waits until ready."""
        running = self.of(name)
        for instance in running[count:]:
            assert instance.end() == 0, instance.log
        for _ in range(count - len(running)):
            self.start(name)
        self.wait_until_ready()

    def mend(self) -> None:
        """What supervisors do: starts again what has ended, and waits until all is well."""
        for server in (self.postgres, self.kafka, self.redis, self.gateway):
            if not server.is_running:
                server.start()
        for name, service in self.services.items():
            if name not in SERVERS and service["restart"] != "no" and not self.of(name):
                self.start(name)
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Until every process says so. Fails at once when one has ended."""

        def are_ready() -> bool:
            for instance in self.instances:
                if instance.is_running:
                    assert instance.is_ready, f"{instance.name} {instance.number}: {instance.says()}\n{instance.tail}"
            return True

        eventually(are_ready, START_SECONDS, pause=0.2)

    def close(self) -> None:
        """Ends everything, and removes its data."""
        for instance in self.instances:
            instance.kill()
        self._exit.close()
