"""A real Kafka: one broker that is its own controller, from Maven's jars and Debian's Java."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from filelock import FileLock

from tests.journeys.waiting import eventually
from tests.servers import containers
from tests.servers.certificates import Authority
from tests.servers.process import MissingServer, Owner, OwnServer, Running, answers, free_ports

VARIABLE = "TEST_KAFKA"
HERE = Path(__file__).parent / "kafka"
MISSING = f"Kafka needs Java 17 and Maven: apt install default-jre-headless maven, or name a broker in {VARIABLE}."
CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qk"
USER, PASSWORD = "mpp", "for-tests"
SECURED = ("sasl_plaintext", "ssl", "sasl_ssl")
BROKER, FORMAT = "kafka.Kafka", "kafka.tools.StorageTool"
ADMIN_SECONDS = 30.0


class KafkaServer:
    """A running Kafka; `bootstrap` is the address of a listener that asks for no password."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap

    def admin(self, **settings: str) -> AdminClient:
        """A client that may change everything."""
        return AdminClient({"bootstrap.servers": self.bootstrap, **settings})

    def create_topics(self, *names: str, partitions: int = 12, settings: Mapping[str, str] | None = None) -> None:
        """Creates topics of so many partitions; one that is there already stays as it is."""
        topics = [NewTopic(name, partitions, 1, config=dict(settings or {})) for name in names]
        admin = self.admin()  # its answers end with it
        _wait_for(admin.create_topics(topics), but_for=KafkaError.TOPIC_ALREADY_EXISTS)
        # The controller has them; the broker hears of it a moment later.
        eventually(lambda: set(names) <= self.topics().keys(), ADMIN_SECONDS)

    def delete_topics(self, *names: str) -> None:
        """Deletes topics and what is in them. Harmless when they are not there."""
        admin = self.admin()
        _wait_for(admin.delete_topics(list(names)), but_for=KafkaError.UNKNOWN_TOPIC_OR_PART)
        eventually(lambda: not set(names) & self.topics().keys(), ADMIN_SECONDS)

    def topics(self) -> dict[str, int]:
        """The topics, without Kafka's own, and how many partitions each has."""
        found = self.admin().list_topics(timeout=ADMIN_SECONDS).topics
        return {name: len(topic.partitions) for name, topic in found.items() if not name.startswith("__")}


class OwnKafkaServer(OwnServer, KafkaServer):
    """A Kafka of one's own; `listeners` of SECURED are opened beside the plain one, at `bootstraps[listener]`.

    `sasl_plaintext` and `sasl_ssl` know USER and PASSWORD by the mechanisms PLAIN and SCRAM-SHA-512; `ssl` asks for a
    client's certificate, and takes `client`. Both ssl ones are signed by `authority`. `full_speed` is for benches: the
    JVM optimizes more, which makes every start slower.
    """

    name = "kafka"
    variable = VARIABLE

    def __init__(
        self,
        *,
        listeners: Iterable[str] = (),
        heap: str = "512m",
        full_speed: bool = False,
        owner: Owner | None = None,
        libraries: Path | None = None,
    ) -> None:
        self._java = shutil.which("java")
        if self._java is None:
            raise MissingServer(MISSING)
        self._libraries = libraries or fetch_libraries()
        self._options = [f"-Xmx{heap}", *([] if full_speed else ["-XX:TieredStopAtLevel=1"])]
        names = ["plaintext", *listeners]
        ports = free_ports(len(names) + 1)
        self._controller = f"127.0.0.1:{ports.pop()}"
        self._ports = ports
        self.bootstraps = {name: f"127.0.0.1:{port}" for name, port in zip(names, ports, strict=True)}
        KafkaServer.__init__(self, self.bootstraps["plaintext"])
        OwnServer.__init__(self, owner=owner)
        try:
            self.authority = Authority(self.folder)
            self.client = self.authority.issue("client")
            self._settings = self.folder / "server.properties"
            self._settings.write_text("".join(f"{key}={value}\n" for key, value in self._properties().items()))
            scram = f"SCRAM-SHA-512=[name={USER},password={PASSWORD}]"
            self.run(
                *self._program(FORMAT, "format"),
                *("--cluster-id", CLUSTER_ID, "--config", str(self._settings), "--add-scram", scram),
            )
        except BaseException:
            self.close()
            raise

    @property
    def address(self) -> str:
        """The plain listener."""
        return self.bootstrap

    def command(self) -> Sequence[str]:
        """The broker."""
        return self._program(BROKER, str(self._settings))

    def is_ready(self) -> bool:
        """Whether it knows itself as a broker; its log says why not."""
        if not all(answers(port) for port in self._ports):
            return False
        try:
            return bool(self.admin().list_topics(timeout=5).brokers)
        except KafkaException:
            return False

    def _program(self, main: str, *arguments: str) -> list[str]:
        assert self._java is not None
        options = [*self._options, f"-Dlog4j2.configurationFile={HERE}/log4j2.properties"]
        classes = self._libraries / "classes.jsa"
        if classes.exists():
            options.append(f"-XX:SharedArchiveFile={classes}")
        elif main == BROKER:
            options.append(f"-XX:ArchiveClassesAtExit={classes}")
        return [self._java, *options, "-cp", f"{self._libraries}/*", main, *arguments]

    def _properties(self) -> dict[str, str]:
        listeners = [f"{name.upper()}://{address}" for name, address in self.bootstraps.items()]
        return {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@{self._controller}",
            "controller.listener.names": "CONTROLLER",
            "listeners": ",".join([*listeners, f"CONTROLLER://{self._controller}"]),
            "advertised.listeners": ",".join(listeners),
            "listener.security.protocol.map": ",".join(
                ["CONTROLLER:PLAINTEXT", *(f"{name.upper()}:{name.upper()}" for name in self.bootstraps)]
            ),
            "inter.broker.listener.name": "PLAINTEXT",
            "log.dirs": f"{self.folder}/data",
            "auto.create.topics.enable": "false",
            "group.initial.rebalance.delay.ms": "0",
            "group.consumer.min.session.timeout.ms": "10000",  # as in docker-compose.yml
            "offsets.topic.num.partitions": "4",
            "offsets.topic.replication.factor": "1",
            "transaction.state.log.num.partitions": "4",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            **self._passwords(),
            **self._encryption(),
        }

    def _passwords(self) -> dict[str, str]:
        login = "org.apache.kafka.common.security"
        settings = {"sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512"}
        for name in ("sasl_plaintext", "sasl_ssl"):
            start = f"listener.name.{name}"
            settings |= {
                f"{start}.plain.sasl.jaas.config": f'{login}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";',
                f"{start}.scram-sha-512.sasl.jaas.config": f"{login}.scram.ScramLoginModule required;",
            }
        return settings

    def _encryption(self) -> dict[str, str]:
        server = self.authority.issue("server")
        both = self.folder / "server-key-and-certificate.pem"
        both.write_bytes(server.key.read_bytes() + server.certificate.read_bytes())
        return {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(both),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.authority.certificate),
            "listener.name.ssl.ssl.client.auth": "required",
        }


def fetch_libraries() -> Path:
    """The folder of Kafka's jars, which Maven fills the first time and whenever pom.xml has changed.

    A first broker then leaves there the classes it has loaded: every later start costs half as much.
    """
    maven = shutil.which("mvn")
    libraries, pom = HERE / "libs", HERE / "pom.xml"
    with FileLock(HERE / "libs.lock"):
        fetched_for = libraries / "pom.xml"  # written last: a folder that has it is whole
        if fetched_for.exists() and fetched_for.read_bytes() == pom.read_bytes():
            return libraries
        if maven is None:
            raise MissingServer(MISSING)
        shutil.rmtree(libraries, ignore_errors=True)
        done = subprocess.run(
            [maven, "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={libraries}"],
            cwd=HERE,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise MissingServer(
                f"Maven could not fetch Kafka, is there a network? It said: {done.stdout.strip()[:500]}"
            )
        with OwnKafkaServer(libraries=libraries) as first:
            first.start()
            first.stop()
        shutil.copy(pom, fetched_for)
    return libraries


def start_shared(owner: Owner) -> Running:
    """The Kafka of this run of the tests: named in the environment, in a container, or a process."""
    if os.environ.get(VARIABLE):
        return Running(address=os.environ[VARIABLE])
    if containers.docker_answers():
        from testcontainers.community.kafka import KafkaContainer

        containers.leave_to_the_end()
        container = KafkaContainer().with_kraft().with_env("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false").start()
        return containers.running(container, container.get_bootstrap_server())
    return OwnKafkaServer(owner=owner).start().detach()


def _wait_for(answers_by_topic: Mapping[str, Any], *, but_for: int) -> None:
    for answer in answers_by_topic.values():
        try:
            answer.result(ADMIN_SECONDS)
        except KafkaException as error:
            if error.args[0].code() != but_for:
                raise
