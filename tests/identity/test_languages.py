"""The language of a reader: chosen on a page, kept in the account, the same on every device."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from shared.contracts import PersonJoined
from tests.identity.steps import API, PASSWORD, Steps
from tests.identity.test_people_pages import FRENCH, csrf, found

EMAIL = "h@example.org"


def device(steps: Steps) -> FlaskClient:
    """Another browser of the same person, which asks for French."""
    client = steps.client()
    assert client.post("/sign-in", data={"email": EMAIL, "password": PASSWORD}, headers=FRENCH).status_code == 303
    return client


def language_of(client: FlaskClient, path: str = "/identity/me") -> str:
    return client.get(path, headers=FRENCH).text.partition('<html lang="')[2][:2]


def switch(client: FlaskClient, language: str, path: str = "/identity/me") -> None:
    """By the buttons at the foot of a page, with what its form has in it."""
    page = client.get(path, headers=FRENCH).text.partition('action="/language"')[2]
    proof = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    typed = {"language": language, "back": path, "csrf_token": proof}
    answer = client.post("/language", data=typed, headers=FRENCH)
    assert (answer.status_code, answer.headers["Location"]) == (303, path)


def post_on(client: FlaskClient, typed: dict[str, str]) -> list[str]:
    """Sends the form as a browser does, again wherever a 307 leads; where it was led."""
    led, address = [], "/language"
    while len(led) < 5:
        answer = client.post(address, data=typed, headers=FRENCH)
        led.append(answer.headers["Location"])
        if answer.status_code != 307:
            assert answer.status_code == 303
            return led
        address = led[-1]
    raise AssertionError(led)


@pytest.mark.parametrize("path", ["/identity/me", "/", "/legal/about"])
def test_whoever_is_signed_in_changes_the_language_of_their_account(steps: Steps, path: str) -> None:
    client, _ = found(steps)
    switch(client, "en", path)
    assert language_of(client) == "en"
    assert client.get(f"{API}/me").json["language"] == "en"
    _, event = steps.events(PersonJoined)[-1]
    assert event.language == "en"
    steps.post("/password-resets", {"email": EMAIL})
    assert "Your new password" in steps.mails()[0]


def test_saving_ones_name_never_turns_the_language_back(steps: Steps) -> None:
    client, _ = found(steps)
    switch(client, "en")
    form = client.get("/identity/me").text
    assert '<option value="en" selected>' in form
    client.post("/identity/me", data={"display_name": "Camille", "language": "en"} | csrf(client))
    assert language_of(client) == "en"


def test_the_other_devices_follow(steps: Steps) -> None:
    client, _ = found(steps)
    other = device(steps)
    switch(client, "en")
    assert language_of(other) == "fr", "until its session is renewed"
    other.delete_cookie("mpp_access")
    assert other.get("/identity/me", headers=FRENCH, follow_redirects=True).status_code == 200
    assert language_of(other) == "en"
    assert language_of(device(steps)) == "en", "a browser that asks for French, of somebody who chose English"


def test_nobody_gets_the_language_of_who_sat_there_before(steps: Steps) -> None:
    found(steps)
    client = steps.client()
    client.post("/language", data={"language": "en"})
    assert language_of(client, "/sign-in") == "en"
    client.post("/sign-in", data={"email": EMAIL, "password": PASSWORD})
    assert language_of(client) == "fr"


def test_it_is_changed_although_the_short_token_has_ended(steps: Steps) -> None:
    client, _ = found(steps)
    proof = csrf(client)
    client.delete_cookie("mpp_access")
    typed = {"language": "en", "back": "/legal/about"} | proof
    assert post_on(client, typed)[1:] == ["/language", "/legal/about"]
    assert client.get(f"{API}/me").json["language"] == "en"


def test_of_a_session_that_has_ended_only_the_device_keeps_it(steps: Steps) -> None:
    client, _ = found(steps)
    proof = csrf(client)
    for name, path in (("mpp_access", "/"), ("mpp_refresh", "/identity")):
        client.delete_cookie(name, path=path)
    typed = {"language": "en", "back": "/legal/about"} | proof
    assert post_on(client, typed)[1:] == ["/language", "/legal/about"]
    assert language_of(client, "/legal/about") == "en"
    assert steps.sign_in(EMAIL).json["person"]["language"] == "fr"


def test_another_sites_form_changes_nothing(steps: Steps) -> None:
    client, _ = found(steps)
    assert client.post("/language", data={"language": "en"}).status_code == 403
    evil = client.post("/language", data={"language": "en"} | csrf(client), headers={"Origin": "https://evil.example"})
    assert evil.status_code == 403
    assert client.get(f"{API}/me").json["language"] == "fr"
