"""The servers themselves: what is written survives a kill, and nothing of them is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis
import sqlalchemy as sa
from confluent_kafka import Consumer, KafkaError, Producer
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.journeys.waiting import eventually
from tests.servers import guard
from tests.servers.kafka import PASSWORD, SECURED, USER, KafkaServer, OwnKafkaServer
from tests.servers.postgres import OwnPostgresServer, PostgresServer
from tests.servers.process import DISK, answers
from tests.servers.redis import OwnRedisServer, RedisServer

ROOT = Path(__file__).parents[2]


def run_as(url: str, *statements: str) -> list[tuple[object, ...]]:
    """Runs statements as the role of a URL; the rows of the last one."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for statement in statements:
            result = connection.exec_driver_sql(statement)
        return [tuple(row) for row in result] if result.returns_rows else []


@pytest.fixture(scope="module")
def garden(postgres_server: PostgresServer) -> Iterator[tuple[str, str]]:
    """A service's database: the owner's URL and the run-time role's."""
    name = f"gardens_{os.getpid()}"
    yield postgres_server.create_service_database("gardens", name)
    postgres_server.drop_database(name)


def test_neither_role_of_a_service_is_more_than_ordinary(garden: tuple[str, str]) -> None:
    for url in garden:
        rights = run_as(
            url,
            "SELECT rolcanlogin, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication "
            "FROM pg_roles WHERE rolname = current_user",
        )
        assert rights == [(True, False, False, False, False, False)]


def test_the_owner_creates_tables_and_the_role_that_runs_reads_only_what_it_was_given(garden: tuple[str, str]) -> None:
    owner, runs = garden
    run_as(owner, "CREATE TABLE plants (name text)", "INSERT INTO plants VALUES ('thym')")
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
        run_as(runs, "SELECT name FROM plants")
    run_as(owner, "GRANT SELECT ON plants TO gardens")
    assert run_as(runs, "SELECT name FROM plants") == [("thym",)]


@pytest.mark.parametrize(
    "statement",
    ["CREATE TABLE weeds (name text)", "CREATE SCHEMA weeds", "CREATE TEMP TABLE weeds (name text)"],
)
def test_the_role_that_runs_creates_nothing(garden: tuple[str, str], statement: str) -> None:
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
        run_as(garden[1], statement)


def test_the_role_that_runs_owns_nothing(garden: tuple[str, str], postgres_server: PostgresServer) -> None:
    (database,) = run_as(garden[1], "SELECT current_database()")
    owned = "SELECT count(*) FROM pg_shdepend WHERE refobjid = 'gardens'::regrole AND deptype = 'o'"
    assert postgres_server.query(owned, database=str(database[0])) == [(0,)]


def test_a_service_cannot_enter_the_database_of_another(garden: tuple[str, str]) -> None:
    database = sa.make_url(garden[0]).database or ""
    url = sa.make_url(garden[0]).set(username="orchards")
    with pytest.raises(sa.exc.OperationalError):
        run_as(url.render_as_string(hide_password=False), "SELECT 1")
    assert database.startswith("gardens")


def test_a_wrong_password_is_refused(garden: tuple[str, str]) -> None:
    url = sa.make_url(garden[1]).set(password="guessed")
    with pytest.raises(sa.exc.OperationalError, match="password authentication failed"):
        run_as(url.render_as_string(hide_password=False), "SELECT 1")


def test_a_dropped_database_takes_its_open_connections_with_it(postgres_server: PostgresServer) -> None:
    name = f"meadows_{os.getpid()}"
    _owner, runs = postgres_server.create_service_database("meadows", name)
    plain = sa.make_url(runs).set(drivername="postgresql").render_as_string(hide_password=False)
    for cut in (postgres_server.cut_connections, postgres_server.drop_database):
        with psycopg.connect(plain) as connection:
            cut(name)
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")
    postgres_server.drop_database(name)  # again: harmless
    assert postgres_server.query("SELECT 1 FROM pg_database WHERE datname = %s", name) == []


def test_what_postgres_has_committed_survives_a_kill_and_a_restart(
    start_postgres: Callable[..., OwnPostgresServer],
) -> None:
    server = start_postgres()
    server.query("CREATE TABLE kept (number int)")
    for number, interrupt in enumerate((server.kill, server.stop)):
        server.query("INSERT INTO kept VALUES (%s)", number)
        interrupt()
        assert not answers(server.port)
        server.start()
    assert server.query("SELECT number FROM kept ORDER BY number") == [(0,), (1,)]


def test_only_a_durable_postgres_waits_for_the_disk(
    start_postgres: Callable[..., OwnPostgresServer], postgres_server: PostgresServer
) -> None:
    assert start_postgres().query("SHOW fsync") == [("on",)]
    assert postgres_server.query("SHOW fsync") == [("off",)]


def test_a_read_only_postgres_refuses_writes_until_it_is_told_otherwise(
    start_postgres: Callable[..., OwnPostgresServer],
) -> None:
    server = start_postgres()
    server.query("CREATE TABLE kept (number int)")
    server.set_read_only(True)
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        server.query("INSERT INTO kept VALUES (1)")
    server.set_read_only(False)
    server.query("INSERT INTO kept VALUES (1)")


def send(settings: dict[str, str], topic: str, *texts: str) -> None:
    producer = Producer({**settings, "acks": "all", "enable.idempotence": "true"})
    refused: list[str] = []

    def note(error: KafkaError | None, _message: object) -> None:
        refused.extend([error.name()] if error else [])

    for text in texts:
        producer.produce(topic, text.encode(), on_delivery=note)
    assert producer.flush(30) == 0
    assert not refused, refused


def receive(settings: dict[str, str], topic: str, count: int) -> list[str]:
    consumer = Consumer({"group.id": "readers", "auto.offset.reset": "earliest", **settings})
    consumer.subscribe([topic])
    found: list[str] = []

    def all_came() -> bool:
        message = consumer.poll(1)
        if message is not None and message.error() is None:
            found.append((message.value() or b"").decode())
        return len(found) >= count

    eventually(all_came, 30)
    consumer.close()
    return found


def test_topics_have_the_partitions_they_were_asked_for(kafka_server: KafkaServer) -> None:
    some, other = f"seeds-{os.getpid()}", f"fruits-{os.getpid()}"
    kafka_server.create_topics(some)
    kafka_server.create_topics(some, other, partitions=3)  # the first is there already, and stays
    topics = kafka_server.topics()
    assert (topics[some], topics[other]) == (12, 3)
    kafka_server.delete_topics(some, other, "never-created")
    assert not {some, other} & kafka_server.topics().keys()


def test_nobody_creates_a_topic_by_naming_it(kafka_server: KafkaServer) -> None:
    name = f"surprise-{os.getpid()}"
    admin = kafka_server.admin()
    admin.list_topics(name, timeout=10)
    assert name not in kafka_server.topics()


def test_what_kafka_has_taken_survives_a_kill_and_a_restart(start_kafka: Callable[..., OwnKafkaServer]) -> None:
    server = start_kafka()
    settings = {"bootstrap.servers": server.bootstrap}
    server.create_topics("leaves", partitions=1)
    send(settings, "leaves", "before the kill")
    server.kill()
    server.start()
    send(settings, "leaves", "after it")
    server.restart()
    assert receive(settings, "leaves", 2) == ["before the kill", "after it"]


def test_kafka_lets_in_by_password_and_by_certificate(start_kafka: Callable[..., OwnKafkaServer]) -> None:
    server = start_kafka(listeners=SECURED)
    password = {"sasl.mechanism": "PLAIN", "sasl.username": USER, "sasl.password": PASSWORD}
    trust = {"ssl.ca.location": str(server.authority.certificate)}
    certificate = {
        "ssl.certificate.location": str(server.client.certificate),
        "ssl.key.location": str(server.client.key),
    }
    server.create_topics("leaves", partitions=1)
    ways = {
        "sasl_plaintext": password | {"sasl.mechanism": "SCRAM-SHA-512"},
        "ssl": trust | certificate,
        "sasl_ssl": trust | password,
    }
    for listener, settings in ways.items():
        place = {"bootstrap.servers": server.bootstraps[listener], "security.protocol": listener}
        send({**place, **settings}, "leaves", listener)
    assert receive({"bootstrap.servers": server.bootstrap}, "leaves", 3) == list(ways)
    for listener, settings in {
        "sasl_plaintext": password | {"sasl.password": "guessed"},
        "ssl": trust,
        "sasl_ssl": password,
    }.items():
        place = {"bootstrap.servers": server.bootstraps[listener], "security.protocol": listener}
        with pytest.raises(AssertionError, match="_TIMED_OUT"):
            send({**place, **settings, "message.timeout.ms": "3000", "log_level": "0"}, "leaves", "from a stranger")
    assert receive({"bootstrap.servers": server.bootstrap, "group.id": "others"}, "leaves", 3) == list(ways)


def test_two_tests_get_two_empty_redis_databases(redis_server: RedisServer) -> None:
    first, second = redis_server.create_database(), redis_server.create_database()
    with Redis.from_url(first) as one, Redis.from_url(second) as two:
        one.set("word", "thym")
        assert (one.get("word"), two.get("word")) == (b"thym", None)


@pytest.mark.parametrize("durable", [True, False])
def test_redis_remembers_after_a_kill_when_it_is_durable(
    start_redis: Callable[..., OwnRedisServer], durable: bool
) -> None:
    server = start_redis(durable=durable)
    with server.connect() as client:
        client.set("word", "thym")
    server.kill()
    assert not server.is_ready()
    server.start()
    with server.connect() as client:
        assert client.get("word") == (b"thym" if durable else None)


def test_a_paused_server_does_not_answer_until_it_is_resumed(start_redis: Callable[..., OwnRedisServer]) -> None:
    server = start_redis()
    server.pause()
    with Redis(port=server.port, socket_timeout=0.5, retry=Retry(NoBackoff(), 0)) as client:
        with pytest.raises(redis.exceptions.TimeoutError):
            client.ping()
        server.resume()
    with server.connect() as client:
        assert client.ping()


@pytest.mark.parametrize("kind", ["OwnPostgresServer", "OwnRedisServer"])
def test_a_server_ends_and_its_folder_goes_when_its_owner_is_killed(kind: str) -> None:
    module = kind.removeprefix("Own").removesuffix("Server").lower()
    code = (
        f"import os, signal\nfrom tests.servers.{module} import {kind}\n"
        f"server = {kind}.started()\nprint(server.folder, server.pid, flush=True)\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    owner = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    folder, pid = owner.stdout.split()
    assert folder.startswith(DISK)
    eventually(lambda: not Path(folder).exists() and not guard.is_alive(int(pid)), 20)
