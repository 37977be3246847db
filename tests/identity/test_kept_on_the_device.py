"""What outlives a visit: ticks of a form whose session ended, cookies, and what waits without network."""

from __future__ import annotations

import re

import msgspec
import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from shared.service import load_service
from tests.house import House
from tests.identity.steps import EMAIL, PASSWORD, Steps, csrf_of
from tests.pages import elements


def hidden(page: str) -> list[tuple[str, str]]:
    """The hidden fields of a page but its proof of origin, in order."""
    found = [attributes for attributes, _text in elements(page, "input") if attributes["type"] == "hidden"]
    return [(one["name"], one["value"]) for one in found if one["name"] not in ("csrf_token", "back", "to")]


def test_every_tick_outlives_a_session_that_has_ended_for_good(browser: FlaskClient) -> None:
    typed = [("player_ids", "a"), ("tier", "two"), ("player_ids", "b"), ("player_ids", "c"), ("note", "")]
    body = MultiDict([*typed, ("csrf_token", csrf_of(browser))])
    browser.delete_cookie("mpp_access")
    browser.delete_cookie("mpp_refresh", path="/identity")
    asked = browser.post("/identity/continue?to=/leagues/x/record", data=body)
    assert hidden(asked.text) == [(f"kept.{name}", value) for name, value in typed if name == "player_ids"] + [
        ("kept.tier", "two"),
        ("kept.note", ""),
        ("on_its_way", "1"),
    ]
    kept = MultiDict([("email", EMAIL), ("password", "wrong"), ("to", "/leagues/x/record"), *hidden(asked.text)])
    refused = browser.post("/sign-in", data=kept)
    assert hidden(refused.text) == hidden(asked.text), "a wrong password loses nothing"
    kept["password"] = PASSWORD
    again = browser.post("/sign-in", data=kept)
    assert again.status_code == 200
    fields = [pair for pair in hidden(again.text) if pair[0] in ("player_ids", "tier", "note")]
    assert sorted(fields) == sorted(typed)
    assert [value for name, value in fields if name == "player_ids"] == ["a", "b", "c"]


def attributes_of(answer: TestResponse, name: str) -> dict[str, str]:
    """The attributes of a cookie that an answer sets, by their names in lower case."""
    [line] = [line for line in answer.headers.getlist("Set-Cookie") if line.startswith(f"{name}=")]
    return {key.lower(): value for key, _, value in (part.strip().partition("=") for part in line.split(";")[1:])}


@pytest.mark.parametrize(("public_url", "is_secure"), [("", False), ("https://mpp.example", True)])
def test_what_is_kept_on_the_device_is_kept_as_long_as_it_should_and_by_https_alone(
    house: House, public_url: str, is_secure: bool
) -> None:
    settings = msgspec.structs.replace(house.settings, public_url=public_url)
    app = load_service("identity").create_app(settings, house.databases["identity"])
    steps = Steps(house)
    steps.found()
    client = app.test_client()
    chosen = attributes_of(client.post("/language", data={"language": "fr", "back": "/"}), "mpp_language")
    assert int(chosen["max-age"]) == 365 * 86400, "the choice of language outlives the visit, by a year"
    signed = client.post("/sign-in", data={"email": EMAIL, "password": PASSWORD})
    csrf = re.findall(r"mpp_csrf=([^;]+)", ";".join(signed.headers.getlist("Set-Cookie")))[0]
    access = re.findall(r"mpp_access=([^;]+)", ";".join(signed.headers.getlist("Set-Cookie")))[0]
    client = app.test_client()
    client.set_cookie("mpp_access", access)
    out = client.post("/sign-out", data={"csrf_token": csrf})
    told = attributes_of(out, "mpp_said")
    assert 0 < int(told["max-age"]) <= 60
    for cookie in (chosen, told):
        assert ("secure" in cookie) is is_secure
        assert "httponly" in cookie
        assert cookie["samesite"] == "Lax"


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_page_without_network_promises_what_it_cannot_know_only_when_there_is_something(
    steps: Steps, language: str
) -> None:
    """The script shows the sentence where taps wait; without it, or with none, nothing is said to be kept."""
    page = steps.client().get("/offline", headers={"Accept-Language": language}).text
    promise = "Pas de réseau : ce que vous avez coché est gardé" if language == "fr" else "No network, your tap is kept"
    told = [attributes for attributes, text in elements(page, "p") if promise in text]
    assert len(told) == 1
    assert "hidden" in told[0]
