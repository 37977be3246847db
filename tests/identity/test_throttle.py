from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.identity.throttle import Throttle
from services.identity.upkeep import prepare
from shared.settings import Settings, SettingsError
from tests.house import House
from tests.identity.steps import API, OTHER_PASSWORD, PASSWORD, Steps


@pytest.fixture
def house(identity_template: Path, tmp_path: Path) -> Iterator[House]:
    opened = House(
        identity_template,
        tmp_path,
        ("identity",),
        sign_in_attempts="3 per minute",
        sign_in_attempts_per_address="6 per minute",
        public_forms_per_address="2 per hour",
        invited_by_mail="2 per hour",
    )
    prepare(opened.databases["identity"], opened.settings)
    yield opened
    opened.close()


def test_guessing_one_account_is_throttled_even_for_the_right_password(steps: Steps) -> None:
    steps.found()
    for _ in range(3):
        assert steps.sign_in(password=OTHER_PASSWORD).status_code == 401
    answer = steps.sign_in("CAMILLE@example.org")
    assert (answer.status_code, answer.json["code"]) == (429, "too_many_requests")
    seconds = int(answer.headers["Retry-After"])
    assert 1 <= seconds <= 60
    assert str(seconds) in answer.json["title"]


def test_an_unknown_account_is_throttled_like_a_known_one(steps: Steps) -> None:
    answers = [steps.sign_in("nobody@example.org").status_code for _ in range(4)]
    assert answers == [401, 401, 401, 429]


def test_one_address_is_throttled_over_many_accounts(steps: Steps) -> None:
    answers = [steps.sign_in(f"nobody{number}@example.org").status_code for number in range(7)]
    assert answers == [401] * 6 + [429]


def test_another_address_is_not_throttled(steps: Steps) -> None:
    for number in range(7):
        steps.sign_in(f"nobody{number}@example.org")
    body = {"email": "nobody@example.org", "password": PASSWORD}
    answer = steps.client().post(f"{API}/sessions", json=body, environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert answer.status_code == 401


def test_a_right_password_forgives_earlier_mistakes(steps: Steps) -> None:
    steps.found()
    wrong, right = OTHER_PASSWORD, PASSWORD
    answers = [steps.sign_in(password=password).status_code for password in (wrong, wrong, right, wrong, wrong)]
    assert answers == [401, 401, 201, 401, 401]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/password-resets", {"email": "nobody@example.org"}),
        ("/tenants", None),
        ("/players", {"email": "a@example.org", "display_name": "A", "password": "0123456789", "language": "fr"}),
        ("/password-resets/confirmations", {"token": "x" * 43, "password": PASSWORD}),
        ("/invitations/acceptances", {"token": "x" * 43, "display_name": "A", "password": PASSWORD}),
    ],
)
def test_public_forms_are_throttled_per_address(steps: Steps, path: str, body: object) -> None:
    administrator = {"email": "a@example.org", "display_name": "A", "password": "0123456789"}
    tenant = {"kind": "school", "name": "E", "country": "FR", "language": "fr", "zone": "Europe/Paris"}
    body = body or {**tenant, "administrator": administrator}
    statuses = [steps.post(path, body).status_code for _ in range(3)]
    assert statuses[2] == 429
    assert 429 not in statuses[:2]


def test_guessing_the_password_of_an_open_session_is_throttled(steps: Steps) -> None:
    client = steps.administrator()
    body = {"current_password": OTHER_PASSWORD, "new_password": OTHER_PASSWORD}
    statuses = [client.put(f"{API}/me/password", json=body).status_code for _ in range(4)]
    assert statuses == [422, 422, 422, 429]


def test_invitations_by_mail_are_throttled_per_tenant(steps: Steps) -> None:
    client = steps.administrator()
    bodies = [{"roles": ["player"], "email": f"a{number}@example.org"} for number in range(3)]
    statuses = [client.post(f"{API}/invitations", json=body).status_code for body in bodies]
    assert statuses == [201, 201, 429]
    assert client.post(f"{API}/invitations", json={"roles": ["player"]}).status_code == 201


@pytest.mark.parametrize("settings", [{"sign_in_attempts": "a few"}, {"rate_limits_url": "carrier-pigeon://"}])
def test_a_setting_that_cannot_be_read_stops_the_start(settings: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="MPP_"):
        Throttle(Settings(**settings))  # type: ignore[arg-type]
