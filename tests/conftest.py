from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.log import configure_logging
from tests.house import House, migrated_template
from tests.journeys.process import Process

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


@pytest.fixture
def watch() -> Iterator[Callable[[Any], Any]]:
    """Takes a process that a test started, and sees to it that nothing of it is left."""
    started: list[Process] = []

    def keep(process: Any) -> Any:
        started.append(process)
        return process

    yield keep
    for process in started:
        process.kill()
