"""One tap ends every session of a person, in every browser and in every service, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from services.identity.upkeep import prepare
from tests.house import House, migrated_template
from tests.identity.steps import API, Steps, csrf_of, sign_in

SERVICES = ("identity", "leagues", "ranking")


@pytest.fixture(scope="session")
def three_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return migrated_template(tmp_path_factory.mktemp("three"), SERVICES)


@pytest.fixture
def house(three_template: Path, tmp_path: Path) -> Iterator[House]:
    opened = House(three_template, tmp_path, services=SERVICES)
    prepare(opened.databases["identity"], opened.settings)
    yield opened
    opened.close()


@pytest.fixture
def three(house: House) -> Steps:
    return Steps(house)


def browser_of(steps: Steps, **more: Any) -> FlaskClient:
    """One more browser, signed in as the same person."""
    client = steps.client()
    assert sign_in(client, **more).status_code == 303
    return client


def at(house: House, service: str, browser: FlaskClient) -> FlaskClient:
    """The same browser at another service, whose cookies are the same."""
    client = house.apps[service].test_client()
    token = browser.get_cookie("mpp_access")
    assert token is not None
    client.set_cookie("mpp_access", token.value)
    return client


def may_read(house: House, browser: FlaskClient) -> dict[str, bool]:
    paths = {"identity": "/identity/me", "leagues": "/leagues/", "ranking": "/ranking/overview"}
    return {name: at(house, name, browser).get(path).status_code == 200 for name, path in paths.items()}


def test_every_browser_of_a_person_is_out_in_every_service(house: House, three: Steps) -> None:
    three.found()
    here, there = browser_of(three), browser_of(three)
    old = at(house, "identity", here), at(house, "leagues", here)
    house.settle()
    assert may_read(house, there) == {"identity": True, "leagues": True, "ranking": True}
    answer = here.post("/sign-out-everywhere", data={"csrf_token": csrf_of(here)})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert "Signed out on all devices." in here.get("/?lang=en").text
    assert here.get_cookie("mpp_access") is None
    house.settle()
    assert may_read(house, there) == {"identity": False, "leagues": False, "ranking": False}
    for client in old:  # who kept the cookie of this browser
        assert client.get(f"{API}/me" if client is old[0] else "/leagues/").status_code in (303, 401)
    renewed = there.get("/identity/continue?to=/identity/me")
    assert renewed.headers["Location"].startswith("/sign-in"), "nor is the session renewed"
    assert may_read(house, browser_of(three))["identity"], "who signs in again is in"


def test_nobody_elses_session_ends(house: House, three: Steps) -> None:
    three.found()
    here = browser_of(three)
    three.found("autre@example.org", name="Collège du Canal")
    other = three.client()
    assert other.post("/sign-in", data={"email": "autre@example.org", "password": "moules frites sous la pluie"})
    house.settle()
    here.post("/sign-out-everywhere", data={"csrf_token": csrf_of(here)})
    house.settle()
    assert all(may_read(house, other).values())


def test_another_sites_form_signs_nobody_out(three: Steps) -> None:
    three.found()
    here = browser_of(three)
    assert here.post("/sign-out-everywhere").status_code == 403
    assert here.get("/identity/me").status_code == 200
