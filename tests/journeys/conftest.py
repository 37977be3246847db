from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.journeys.process import Services, free_port, start_services

MANY = {
    "MPP_PUBLIC_FORMS_PER_ADDRESS": "100000 per hour",
    "MPP_SIGN_IN_ATTEMPTS_PER_ADDRESS": "100000 per 5 minutes",
    "MPP_LOG_LEVEL": "WARNING",
}
"""Every test comes from one address: a whole town would not."""


class Life(Protocol):
    """One of the two lives of the platform, as those see it who use it."""

    url: str

    @property
    def mail_folder(self) -> Path:
        """Where its mails are."""

    def command(self, service: str, *arguments: str, **more: object) -> str:
        """Runs a command of an operator; returns what it printed."""


@pytest.fixture(params=["embedded", "distributed"])
def life(request: pytest.FixtureRequest) -> Life:
    """Both lives, one after the other: all in one process, and everything that docker-compose.yml starts."""
    found: Life = request.getfixturevalue("server" if request.param == "embedded" else "stack")
    return found


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Services that tests share: each founds a tenant of its own."""
    running = start_services(tmp_path_factory.mktemp("shared") / "data", env=MANY)
    yield running
    running.kill()


@pytest.fixture
def start(watch: Callable[[Any], Any], tmp_path: Path) -> Callable[..., Services]:
    """Starts services of one's own, on the test's folder and a free port."""

    def begin(folder: Path | None = None, port: int | None = None, *, demo: bool = False, **env: str) -> Services:
        services: Services = watch(
            Services(folder or tmp_path / "data", port or free_port(), has_demo=demo, env=MANY | env)
        )
        services.wait_until_ready()
        return services

    return begin
