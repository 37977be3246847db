from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import House, migrated_template
from tests.ranking.world import World


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return migrated_template(tmp_path_factory.mktemp("ranking"), ("ranking",))


@pytest.fixture
def house(template: Path, tmp_path: Path) -> Iterator[House]:
    opened = House(template, tmp_path, services=("ranking",))
    yield opened
    opened.close()


@pytest.fixture
def world(house: House) -> World:
    """An open edition of the platform; a school with two leagues and a company with one, two teams in each."""
    return World(house.databases["ranking"], house.consumers["ranking"]).founded()
