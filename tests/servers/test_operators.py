"""What operators get wrong, typed at the real commands beside real servers: one sentence that says what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.journeys.process import Process, free_port, run, run_anyway
from tests.journeys.waiting import eventually
from tests.servers.kafka import PASSWORD, USER, OwnKafkaServer
from tests.servers.plugin import opened
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer

ROLES = ("web", "worker")


def refused(role: str, environment: dict[str, str]) -> str:
    """The one sentence with which `python -m services.leagues ROLE` ends at once."""
    done = run_anyway("-m", "services.leagues", role, env=environment, seconds=60)
    assert done.returncode == 2, f"{done.returncode} {done.stdout} {done.stderr}"
    assert "Traceback" not in done.stderr
    (sentence,) = [line for line in done.stderr.splitlines() if line.startswith("ma-petite-planete: ")]
    assert "for-tests" not in sentence, "a password is shown"
    return sentence


@pytest.fixture(scope="module")
def kafka() -> Iterator[OwnKafkaServer]:
    """One of these tests' own: others have topics of the same names, with other partitions."""
    with opened(OwnKafkaServer, listeners=("sasl_ssl",)) as running:
        yield running


@pytest.fixture(scope="module")
def installed(
    postgres_server: PostgresServer, kafka: OwnKafkaServer, redis_server: RedisServer
) -> Iterator[dict[str, str]]:
    """The environment of leagues, with a migrated database and the topics."""
    name = "operators_leagues"
    owner, runs = postgres_server.create_service_database("leagues", name)
    environment = {
        "MPP_DATABASE_URL": runs,
        "MPP_BUS_URL": f"kafka://{kafka.bootstrap}",
        "MPP_JOBS_URL": redis_server.create_database(),
        "MPP_RATE_LIMITS_URL": redis_server.create_database(),
        "MPP_PORT": str(free_port()),
        "MPP_CONSUMER_GROUP": "operators-leagues",
    }
    run("-m", "services.leagues", "migrate", env=environment | {"MPP_OWNER_DATABASE_URL": owner})
    run("-m", "services.leagues", "topics", env=environment)
    yield environment
    postgres_server.drop_database(name)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    ("wrong", "advice"),
    [
        ({"MPP_DATABSE_URL": "x"}, "Unknown setting MPP_DATABSE_URL: remove it or correct its name"),
        ({"MPP_BUS_URL": "memory://"}, "set it to kafka://host:9092"),
        ({"MPP_DATABASE_URL": "sqlite:///{data}/{service}.db"}, "set it to postgresql+psycopg://"),
        ({"MPP_JOBS_URL": "memory://"}, "set it to redis://host:6379/0"),
        ({"MPP_KAFKA_SECURITY": "sasl_ssl"}, "set MPP_KAFKA_USER and MPP_KAFKA_PASSWORD too"),
        ({"MPP_KAFKA_PASSWORD": "secret"}, "set it to sasl_ssl"),
    ],
)
def test_settings_that_cannot_be_meant(
    installed: dict[str, str], tmp_path: Path, role: str, wrong: dict[str, str], advice: str
) -> None:
    environment = installed | {"MPP_DATA": str(tmp_path)} | wrong
    if wrong.get("MPP_DATABASE_URL"):
        run("-m", "services.leagues", "migrate", env=environment)
    assert advice in refused(role, environment)


@pytest.mark.parametrize("role", ROLES)
def test_a_wrong_password_of_the_database(installed: dict[str, str], role: str) -> None:
    url = installed["MPP_DATABASE_URL"].replace("for-tests", "guessed")
    sentence = refused(role, installed | {"MPP_DATABASE_URL": url})
    assert "PostgreSQL refuses the password: correct MPP_DATABASE_URL" in sentence
    assert "guessed" not in sentence


@pytest.mark.parametrize("role", ROLES)
def test_a_database_server_that_is_not_there(installed: dict[str, str], role: str) -> None:
    url = f"postgresql+psycopg://leagues:x@127.0.0.1:{free_port()}/leagues"
    assert "nobody listens there: start PostgreSQL" in refused(role, installed | {"MPP_DATABASE_URL": url})


@pytest.mark.parametrize("role", ROLES)
def test_a_role_that_sees_through_row_security(
    installed: dict[str, str], postgres_server: PostgresServer, role: str
) -> None:
    url = postgres_server.url.set(database="operators_leagues").render_as_string(hide_password=False)
    assert "superuser" in refused(role, installed | {"MPP_DATABASE_URL": url})


@pytest.mark.parametrize("role", ROLES)
def test_a_database_that_is_not_migrated_or_newer(
    installed: dict[str, str], postgres_server: PostgresServer, role: str
) -> None:
    name = f"operators_empty_{role}"
    owner, runs = postgres_server.create_service_database("leagues", name)
    environment = installed | {"MPP_DATABASE_URL": runs, "MPP_OWNER_DATABASE_URL": owner}
    try:
        assert "run `python -m services.leagues migrate` first" in refused(role, environment)
        run("-m", "services.leagues", "migrate", env=environment)
        postgres_server.query("UPDATE alembic_version SET version_num = '9999'", database=name)
        assert "newer" in refused(role, environment)
        assert "newer" in refused("migrate", environment)
    finally:
        postgres_server.drop_database(name)


def test_another_number_of_partitions(installed: dict[str, str]) -> None:
    sentence = refused("worker", installed | {"MPP_KAFKA_PARTITIONS": "6"})
    assert "has 12 partitions" in sentence
    assert "MPP_KAFKA_PARTITIONS" in sentence


def test_a_broker_that_is_not_there(installed: dict[str, str]) -> None:
    sentence = refused("worker", installed | {"MPP_BUS_URL": f"kafka://127.0.0.1:{free_port()}"})
    assert "does not answer us" in sentence
    assert "start it, or correct MPP_BUS_URL" in sentence


def test_a_broker_that_wants_tls_and_a_password(
    installed: dict[str, str], kafka: OwnKafkaServer, tmp_path: Path, watch: Callable[[Process], Process]
) -> None:
    plain = installed | {"MPP_BUS_URL": f"kafka://{kafka.bootstraps['sasl_ssl']}", "MPP_DATA": str(tmp_path)}
    assert "correct MPP_BUS_URL and the MPP_KAFKA_ settings" in refused("worker", plain)
    known = plain | {
        "MPP_KAFKA_SECURITY": "sasl_ssl",
        "MPP_KAFKA_USER": USER,
        "MPP_KAFKA_PASSWORD": PASSWORD,
        "MPP_KAFKA_CA": str(kafka.authority.certificate),
    }
    assert "uthentication" in refused("worker", known | {"MPP_KAFKA_PASSWORD": "guessed"})
    assert "which is not there" in refused("worker", known | {"MPP_KAFKA_CA": str(tmp_path / "none.pem")})
    worker = watch(Process(["-m", "services.leagues", "worker"], tmp_path / "log", known))
    eventually(lambda: "partitions_assigned" in worker.log, 60)
