"""Ranking is filled again from Kafka beside the live one and proven equal; tests/servers/test_switch.py switches."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import pytest
import sqlalchemy as sa
from confluent_kafka import TopicPartition

from services.identity.upkeep import prepare
from services.ranking.models import LedgerEntry, Standing
from services.simulation.command import verify as proven
from shared.bus.topics import TOPICS
from shared.clock import utc_now
from shared.consumer import DeadLetter
from shared.database import Database
from shared.migrations import migrate
from shared.settings import Settings
from shared.tenancy import across_tenants
from tests.builders import record
from tests.house import SERVICES, know_test_key
from tests.journeys import test_announcing as stories
from tests.journeys.moved import new_databases, play_three_editions
from tests.journeys.on_kafka import KafkaHouse
from tests.journeys.process import run_anyway
from tests.journeys.scene import GENEROUS
from tests.servers.kafka import OwnKafkaServer
from tests.servers.plugin import opened
from tests.servers.postgres import PostgresServer

UNUSED = {"MPP_JOBS_URL": "redis://127.0.0.1:1/0", "MPP_RATE_LIMITS_URL": "redis://127.0.0.1:1/1"}
"""Ranking has no jobs, and no web runs here."""


class Platform(NamedTuple):
    """The live services on PostgreSQL and Kafka, in mid-edition."""

    house: KafkaHouse
    named: Settings
    postgres: PostgresServer
    kafka: OwnKafkaServer
    teacher: Any
    league: Any
    player: Any
    challenge: UUID

    @property
    def live(self) -> str:
        return str(self.house.databases["ranking"].url.database)

    def beside(self, number: int) -> str:
        """A new database of ranking beside the live one, migrated; its name."""
        name = f"{self.live}_{number}"
        owner_url, _url = self.postgres.create_service_database("ranking", name)
        owner = Database(owner_url)
        migrate("ranking", owner, run_time_role="ranking")
        know_test_key(owner)  # the live one got the tests' key in the same way, and not by an event
        owner.close()
        return name

    def environment(self, name: str, group: str) -> dict[str, str]:
        """What RANKING_DATABASE and RANKING_GROUP do in docker-compose.yml."""
        url = self.house.settings.database_url_for("ranking").replace(f"/{self.live}", f"/{name}")
        address = {"MPP_BUS_URL": self.house.settings.bus_url, "MPP_DATABASE_URL": url}
        return address | UNUSED | {"MPP_CONSUMER_GROUP": group, "MPP_LOG_LEVEL": "ERROR"}

    def ranking(self, command: str, *arguments: str, name: str, group: str) -> subprocess.CompletedProcess[str]:
        env = self.environment(name, group)
        return run_anyway("-m", "services.ranking", command, *arguments, env=env)

    def catch_up(self, name: str, group: str) -> str:
        done = self.ranking("catch-up", name=name, group=group)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def compare(self, name: str) -> tuple[int, str]:
        """`verify --against` the live one, by its name on the same server."""
        done = self.ranking("verify", "--against", self.live, name=name, group="")
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout

    def play(self, days_ago: int, player: Any = None) -> None:
        client = self.house.client("leagues", self.teacher)
        day = (utc_now() - timedelta(days=days_ago)).date().isoformat()
        done = record(client, self.league, self.challenge, player_id=(player or self.player)["player_id"], day=day)
        assert done.status_code == 201, done.json


@pytest.fixture(scope="module")
def platform(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with opened(OwnKafkaServer) as kafka, new_databases(postgres_server) as named:
        bus_url = f"kafka://{kafka.bootstrap}"
        for service in SERVICES:
            owner = Database(named.owner_database_url_for(service))
            migrate(service, owner, run_time_role=service)
            know_test_key(owner)
            owner.close()
        folder = tmp_path_factory.mktemp("platform")
        house = KafkaHouse(folder, database_url=named.database_url, bus_url=bus_url, **GENEROUS)
        prepare(house.databases["identity"], house.settings)
        stories.play_catalogue(house)
        lilas, port, _departed = stories.play_identity(house)
        house.settle()
        _client, league, player = play_three_editions(house, lilas, port)
        every = [entry for entry in stories.challenges(house) if entry["kind"] == "individual"]
        one = next(
            entry for entry in every if len(entry["tiers"]) == 1 and (entry["per"], entry["times"]) == ("day", 1)
        )
        made = Platform(house, named, postgres_server, kafka, port, league, player, one["challenge_id"])
        made.play(0)
        house.settle()
        yield made
        house.close()
        for (name,) in postgres_server.query(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", made.live
        ):
            postgres_server.drop_database(name)


@pytest.fixture(scope="module")
def rebuilt(platform: Platform) -> str:
    """A second database, filled from Kafka."""
    name = platform.beside(2)
    assert "events handled, nothing waits" in platform.catch_up(name, "ranking-2")
    return name


def change(platform: Platform, name: str, statement: Any) -> None:
    database = Database(platform.environment(name, "")["MPP_DATABASE_URL"])
    with database.transaction(across_tenants()) as session:
        session.execute(statement.execution_options(synchronize_session=False))
    database.close()


def test_a_database_filled_from_kafka_is_equal_to_the_live_one(platform: Platform, rebuilt: str) -> None:
    status, said = platform.compare(rebuilt)
    assert status == 0, said
    assert "no differences between" in said
    with platform.house.databases["ranking"].transaction(across_tenants(), read_only=True) as session:
        assert (session.scalar(sa.select(sa.func.count()).select_from(LedgerEntry)) or 0) > 10
        assert session.scalars(sa.select(DeadLetter.error)).all() == []


def test_all_four_are_proven_together_with_the_new_one(
    platform: Platform, rebuilt: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = msgspec.structs.replace(platform.house.settings, consumer_group="ranking-2")
    assert proven(settings, ranking_database=rebuilt) == 0
    assert " 0 wrong; " in capsys.readouterr().out


def test_what_somebody_tampered_with_is_found_and_mended(platform: Platform, rebuilt: str) -> None:
    mine = Standing.contender_id == UUID(platform.player["player_id"])
    change(platform, rebuilt, sa.update(Standing).where(mine).values(points=999))
    status, said = platform.compare(rebuilt)
    assert status == 1
    assert f"{platform.player['player_id']} « Élève 1 »: points 999 here, points " in said
    assert "`rebuild` where `verify` complains" in said
    assert platform.ranking("rebuild", name=rebuilt, group="").returncode == 0
    assert platform.compare(rebuilt)[0] == 0


def test_one_that_is_merely_behind_is_told_so_and_catches_up(platform: Platform, rebuilt: str) -> None:
    platform.play(1)
    platform.house.settle()
    status, said = platform.compare(rebuilt)
    assert status == 1
    assert "This one lacks 1 entries that happened" in said
    platform.catch_up(rebuilt, "ranking-2")
    status, said = platform.compare(rebuilt)
    assert status == 0, said


def test_a_database_that_may_not_be_read_is_told_without_a_traceback(platform: Platform, rebuilt: str) -> None:
    leagues = str(platform.house.databases["leagues"].url.database)
    for other in (leagues, "ranking_that_nobody_made"):
        done = platform.ranking("verify", "--against", other, name=rebuilt, group="")
        assert done.returncode == 2
        assert f"The database {other} cannot be compared: " in done.stderr
        assert "Traceback" not in done.stderr


def test_where_kafka_has_lost_the_beginning_announcing_fills_the_new_one(platform: Platform, rebuilt: str) -> None:
    house = platform.house
    house.settle()
    ends = {}
    for topic in TOPICS:
        for number in house.kafka.admin.list_topics(topic, timeout=10).topics[topic].partitions:
            ends[(topic, number)] = TopicPartition(topic, number, -1)
    for deleted in house.kafka.admin.delete_records(list(ends.values())).values():
        deleted.result(30)
    name = platform.beside(3)
    platform.catch_up(name, "ranking-3")
    status, said = platform.compare(name)
    assert status == 1, "Kafka has forgotten everything"
    assert "if entries are still missing, Kafka has not kept them: `announce`" in said
    for service in ("identity", "challenges", "leagues"):
        env = {"MPP_DATABASE_URL": house.settings.database_url_for(service)}
        done = run_anyway("-m", f"services.{service}", "announce", env=env)
        assert done.returncode == 0, done.stderr
    house.settle()
    platform.catch_up(name, "ranking-3")
    status, said = platform.compare(name)
    assert status == 0, said
