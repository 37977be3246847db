from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.log import configure_logging
from tests.house import House, migrated_template

pytest_plugins = ["tests.servers.plugin"]
configure_logging("ERROR")


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("MPP_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return migrated_template(tmp_path_factory.mktemp("template"))


@pytest.fixture
def house(template: Path, tmp_path: Path) -> Iterator[House]:
    opened = House(template, tmp_path)
    yield opened
    opened.close()
