from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import House, migrated_template
from tests.leagues.game import Game, Stage

SERVICES = ("leagues",)


@pytest.fixture(scope="session")
def leagues_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return migrated_template(tmp_path_factory.mktemp("leagues"), SERVICES)


@pytest.fixture
def house(leagues_template: Path, tmp_path: Path) -> Iterator[House]:
    opened = House(leagues_template, tmp_path, services=SERVICES)
    yield opened
    opened.close()


@pytest.fixture
def game(house: House) -> Game:
    return Game(house)


@pytest.fixture
def stage(house: House) -> Stage:
    return Stage(house)
