"""A move from the embedded mode to PostgreSQL and Kafka, and the way back: no event is lost, none is heard twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.simulation import command
from shared.clock import utc_now
from shared.settings import Settings, SettingsError
from tests.journeys.moved import Lived, live, move, new_databases, rows_of
from tests.journeys.on_kafka import KafkaHouse
from tests.journeys.scene import GENEROUS
from tests.servers.kafka import OwnKafkaServer
from tests.servers.plugin import opened
from tests.servers.postgres import PostgresServer


@pytest.fixture(scope="module")
def kafka() -> Iterator[OwnKafkaServer]:
    """Without a topic."""
    with opened(OwnKafkaServer) as server:
        yield server


def day(days_ago: int) -> str:
    return (utc_now() - timedelta(days=days_ago)).date().isoformat()


def settings_of(lived: Lived, named: Settings, kafka: OwnKafkaServer) -> Settings:
    """The distributed mode, as an operator's one command sees it."""
    return msgspec.structs.replace(named, data=lived.house.settings.data, bus_url=f"kafka://{kafka.bootstrap}")


def open_house(settings: Settings, folder: Path) -> KafkaHouse:
    folder.mkdir()
    return KafkaHouse(folder, database_url=settings.database_url, bus_url=settings.bus_url, **GENEROUS)


def test_there_and_back_again(
    template: Path,
    postgres_server: PostgresServer,
    kafka: OwnKafkaServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(command, "QUIET_SECONDS", 1.0)
    lived = live(template, tmp_path / "data")
    lived.record(lived.house, day=day(1))  # waits in the outbox when it is carried away
    before = lived.points(lived.house)
    value: int = lived.challenge["tiers"][0]["points"]
    move(lived.files(), "export-data", tmp_path / "there.zip")
    with new_databases(postgres_server) as named:
        settings = settings_of(lived, named, kafka)
        move(settings, "import-data", tmp_path / "there.zip")

        house = open_house(settings, tmp_path / "there")
        house.settle()
        assert lived.points(house) == before + value, "what waited went through Kafka"
        lived.record(house, day=day(2))
        house.publish()
        house.close()

        capsys.readouterr()
        assert command.verify(settings) == 1
        said = capsys.readouterr()
        assert "1 events have not reached ranking and nobody delivers them" in said.err
        assert "the ledger has" in said.out
        with pytest.raises(SettingsError, match=r"1 events wait in Kafka for \w+: start its worker again"):
            move(settings, "export-data", tmp_path / "early.zip")
        assert not list(tmp_path.glob("early.zip*"))

        house = open_house(settings, tmp_path / "again")
        house.settle()
        assert lived.points(house) == before + 2 * value
        shown = lived.shown(house)
        house.close()
        assert command.verify(settings) == 0
        assert " 0 wrong; " in capsys.readouterr().out
        move(settings, "export-data", tmp_path / "back.zip")

        back = Settings(data=tmp_path / "back")
        move(back, "import-data", tmp_path / "back.zip")
        assert rows_of(back) == rows_of(named)
        assert command.verify(back) == 0
        returned: Any = type(lived.house)(None, tmp_path / "back", database_url=back.database_url, **GENEROUS)
        assert lived.shown(returned) == shown
        returned.close()
    lived.house.close()

    with new_databases(postgres_server) as named:
        settings = settings_of(lived, named, kafka)
        with pytest.raises(SettingsError, match=r"Kafka holds \d+ events already, .*delete its topics"):
            move(settings, "import-data", tmp_path / "there.zip")
