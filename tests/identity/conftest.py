from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

import shared.clock
from services.identity.domain import access
from services.identity.upkeep import prepare
from tests.house import House, migrated_template
from tests.identity.steps import Steps, sign_in


@pytest.fixture(scope="session")
def identity_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return migrated_template(tmp_path_factory.mktemp("identity"), ("identity",))


@pytest.fixture
def house(identity_template: Path, tmp_path: Path) -> Iterator[House]:
    opened = House(identity_template, tmp_path, services=("identity",))
    prepare(opened.databases["identity"], opened.settings)
    yield opened
    opened.close()


@pytest.fixture
def steps(house: House) -> Steps:
    return Steps(house)


@pytest.fixture
def browser(steps: Steps) -> FlaskClient:
    """A browser of the administrator of a school, signed in."""
    steps.found()
    client = steps.client()
    assert sign_in(client).status_code == 303
    return client


class Clock:
    """A clock that a test sets forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self._real = shared.clock.utc_now

    def __call__(self) -> datetime:
        return self._real() + self.ahead

    def advance(self, **parts: float) -> None:
        self.ahead += timedelta(**parts)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    moved = Clock()
    monkeypatch.setattr(shared.clock, "utc_now", moved)
    monkeypatch.setattr(access, "utc_now", moved)
    return moved
