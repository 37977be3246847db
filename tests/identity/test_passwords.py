from __future__ import annotations

import pytest

from services.identity.domain import passwords
from services.identity.domain.passwords import hash_password, is_right
from services.identity.errors import WeakPassword
from shared.contracts import AccessRevoked
from tests.identity.conftest import Clock
from tests.identity.steps import API, OTHER_PASSWORD, PASSWORD, Steps


def reset(steps: Steps, token: str, password: str = OTHER_PASSWORD) -> int:
    return steps.post("/password-resets/confirmations", {"token": token, "password": password}).status_code


def test_a_password_is_kept_as_an_argon2id_hash() -> None:
    kept = hash_password(PASSWORD)
    assert kept.startswith("$argon2id$")
    assert kept != hash_password(PASSWORD)
    assert is_right(PASSWORD, kept)
    assert not is_right(OTHER_PASSWORD, kept)
    assert not is_right(PASSWORD, None)
    assert not is_right(PASSWORD, "no hash")


def test_accents_composed_in_two_ways_are_one_password() -> None:
    assert is_right("cafe\u0301 au lait de soja", hash_password("caf\u00e9 au lait de soja"))


@pytest.mark.parametrize("password", ["a" * 9, "a" * 201, "a" * 40, "password123", "camille.roux", "Lilas-Camille"])
def test_short_long_and_guessable_passwords_are_refused(password: str) -> None:
    with pytest.raises(WeakPassword):
        hash_password(password, "Camille Roux", "camille@lilas.example")


def test_a_password_that_would_be_judged_for_hours_is_not_judged_at_length(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[str] = []

    def judge(password: str, **_: object) -> dict[str, int]:
        judged.append(password)
        return {"score": 4}

    monkeypatch.setattr(passwords, "zxcvbn", judge)
    hash_password("4@8({[<369&#!1/|0$5+7%2" * 4)
    assert judged == []
    hash_password("abcdefg hijklmn" * 13)
    assert judged
    assert max(map(len, judged)) <= passwords.JUDGED


def test_a_password_of_two_hundred_characters_is_accepted() -> None:
    assert is_right((PASSWORD * 9)[:200], hash_password((PASSWORD * 9)[:200]))


def test_i_change_my_password_and_my_other_sessions_end(steps: Steps) -> None:
    steps.found()
    here, there = steps.sign_in().json, steps.sign_in().json
    client = steps.client(here["access_token"])
    body = {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}
    assert client.put(f"{API}/me/password", json=body).status_code == 204
    assert client.get(f"{API}/me").status_code == 200
    assert steps.post("/sessions/refresh", {"refresh_token": here["refresh_token"]}).status_code == 200
    assert steps.client(there["access_token"]).get(f"{API}/me").status_code == 401
    assert steps.sign_in().status_code == 401
    assert steps.sign_in(password=OTHER_PASSWORD).status_code == 201


def test_a_password_is_not_changed_without_the_present_one(steps: Steps) -> None:
    client = steps.administrator()
    body = {"current_password": OTHER_PASSWORD, "new_password": OTHER_PASSWORD}
    answer = client.put(f"{API}/me/password", json=body)
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "current_password")
    weak = client.put(f"{API}/me/password", json={"current_password": PASSWORD, "new_password": "0123456789"})
    assert (weak.status_code, weak.json["errors"][0]["field"]) == (422, "new_password")
    assert steps.sign_in().status_code == 201


def test_a_forgotten_password_is_reset_by_mail(steps: Steps) -> None:
    client = steps.administrator()
    session = steps.sign_in().json
    assert steps.post("/password-resets", {"email": "CAMILLE@example.org"}).status_code == 202
    [mail] = steps.mails()
    assert reset(steps, steps.token_in(mail)) == 204
    assert steps.sign_in().status_code == 401
    assert steps.sign_in(password=OTHER_PASSWORD).status_code == 201
    assert client.get(f"{API}/me").status_code == 401
    assert steps.post("/sessions/refresh", {"refresh_token": session["refresh_token"]}).status_code == 401
    [(_, event)] = steps.events(AccessRevoked)
    assert event.session_id is None


def test_a_reset_link_works_once_and_for_an_hour(steps: Steps, clock: Clock) -> None:
    steps.found()
    for _ in range(3):
        steps.post("/password-resets", {"email": "camille@example.org"})
    first, second, third = (steps.token_in(mail) for mail in steps.mails())
    assert reset(steps, first, "0123456789") == 422
    assert reset(steps, first) == 204
    assert reset(steps, first) == 404
    assert reset(steps, second) == 404, "an older link must not undo the new password"
    steps.post("/password-resets", {"email": "camille@example.org"})
    fourth = next(token for token in map(steps.token_in, steps.mails()) if token not in (first, second, third))
    clock.advance(hours=1, seconds=1)
    assert reset(steps, fourth) == 404


def test_asking_for_a_reset_tells_nothing(steps: Steps) -> None:
    steps.found()
    known = steps.post("/password-resets", {"email": "camille@example.org"})
    unknown = steps.post("/password-resets", {"email": "nobody@example.org"})
    assert (known.status_code, known.data) == (unknown.status_code, unknown.data) == (202, known.data)
    assert dict(known.headers).keys() == dict(unknown.headers).keys()
    assert len(steps.mails()) == 1


def test_each_account_of_an_email_gets_its_own_link(steps: Steps) -> None:
    steps.found(name="École A")
    steps.found(name="École B", password=OTHER_PASSWORD)
    steps.post("/password-resets", {"email": "camille@example.org"})
    mails = steps.mails()
    assert len(mails) == 2
    token = steps.token_in(next(mail for mail in mails if "École B" in mail))
    assert reset(steps, token, "encore un autre tournesol") == 204
    assert steps.sign_in().json["tenant"]["name"] == "École A"


def test_a_token_of_another_purpose_opens_nothing(steps: Steps) -> None:
    client = steps.administrator()
    link = client.post(f"{API}/invitations", json={"roles": ["player"]}).json["link"]
    assert reset(steps, link.rsplit("/", 1)[1]) == 404
    assert reset(steps, steps.sign_in().json["refresh_token"]) == 404
