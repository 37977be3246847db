from __future__ import annotations

from typing import Any
from unittest.mock import Mock
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from services.identity.domain import passwords
from services.identity.domain.sessions import sign_in
from services.identity.models import RefreshToken
from shared.auth import authenticate
from shared.contracts import AccessRevoked
from shared.database import new_id
from shared.tenancy import PUBLIC, across_tenants
from tests.house import House
from tests.identity.conftest import Clock
from tests.identity.steps import API, OTHER_PASSWORD, PASSWORD, Steps, body_of


def refresh(steps: Steps, token: str) -> Any:
    return steps.post("/sessions/refresh", {"refresh_token": token})


def test_signing_in_gives_tokens_that_work(steps: Steps) -> None:
    founded = steps.found()
    answer = steps.sign_in("Camille@EXAMPLE.org")
    assert (answer.status_code, answer.json["token_type"], answer.json["expires_in"]) == (201, "Bearer", 300)
    assert answer.json["tenant"] == founded["tenant"]
    assert steps.client(answer.json["access_token"]).get(f"{API}/me").json["email"] == "camille@example.org"
    assert "csrf_token" not in answer.json
    assert answer.headers.getlist("Set-Cookie") == []


def test_the_token_carries_what_the_other_services_need(steps: Steps) -> None:
    founded = steps.found()
    token = steps.sign_in().json["access_token"]
    with steps.database.transaction(PUBLIC, read_only=True) as session:
        caller = authenticate(session, token)
    assert (str(caller.tenant_id), caller.tenant_name) == (founded["tenant"]["tenant_id"], "École des Lilas")
    assert (caller.tenant_kind, caller.zone, caller.language) == ("school", "Europe/Paris", "fr")
    assert (str(caller.person_id), caller.roles) == (founded["person"]["person_id"], ("administrator",))


def test_a_wrong_password_and_an_unknown_email_get_the_same_answer(steps: Steps) -> None:
    steps.found()
    wrong, unknown = steps.sign_in(password=OTHER_PASSWORD), steps.sign_in("nobody@example.org")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json == unknown.json
    assert wrong.json["code"] == "wrong_credentials"


def test_an_unknown_email_costs_as_much_time_as_a_wrong_password(steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is that of the one hash: it is counted, since a busy machine makes a liar of a clock."""
    steps.found()
    hasher = Mock(wraps=passwords._hasher)
    monkeypatch.setattr(passwords, "_hasher", hasher)
    for email in ("camille@example.org", "nobody@example.org"):
        hasher.verify.reset_mock()
        with steps.database.session(PUBLIC) as session, pytest.raises(Exception, match="wrong_credentials"):
            sign_in(session, steps.house.settings, email=email, password=OTHER_PASSWORD)
        assert hasher.verify.call_count == 1, email


def test_an_email_of_several_tenants_gets_the_choice(steps: Steps) -> None:
    steps.found(name="École A")
    second = steps.found(name="École B")["tenant"]["tenant_id"]
    answer = steps.sign_in()
    assert answer.status_code == 200
    assert [choice["name"] for choice in answer.json["choices"]] == ["École A", "École B"]
    chosen = steps.sign_in(tenant_id=second)
    assert (chosen.status_code, chosen.json["tenant"]["name"]) == (201, "École B")
    assert steps.sign_in(tenant_id=str(new_id())).json["code"] == "wrong_credentials"


def test_the_choice_shows_only_where_this_password_fits(steps: Steps) -> None:
    steps.found(name="École A")
    steps.found(name="École B", password=OTHER_PASSWORD)
    assert steps.sign_in().json["tenant"]["name"] == "École A"
    assert steps.sign_in(password=OTHER_PASSWORD).json["tenant"]["name"] == "École B"


def test_a_suspended_tenant_is_no_choice(steps: Steps) -> None:
    steps.found(name="École A")
    second = steps.found(name="École B")["tenant"]["tenant_id"]
    steps.operator().put(f"{API}/tenants/{second}/suspension")
    assert steps.sign_in().json["tenant"]["name"] == "École A"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "camille@example.org"},
        {"email": "camille@example.org", "password": 7},
        {"email": "camille@example.org", "password": PASSWORD, "tenant_id": "7"},
        {"email": "camille@example.org", "password": PASSWORD, "cookies": "yes"},
        {"email": "camille@example.org", "password": PASSWORD, "cookies": []},
        {"email": "camille@example.org", "password": "\ud800"},
        {"email": ["camille@example.org"], "password": PASSWORD},
        {"email": "camille@example.org", "password": PASSWORD, "admin": True},
        [],
        "camille",
        7,
    ],
)
def test_bad_input_is_refused(steps: Steps, body: object) -> None:
    answer = steps.client().post(f"{API}/sessions", json=body)
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")


def test_broken_json_is_refused(steps: Steps) -> None:
    answer = steps.client().post(f"{API}/sessions", data='{"email": ', content_type="application/json")
    assert (answer.status_code, answer.json["code"]) == (400, "broken_json")
    assert steps.client().post(f"{API}/sessions", data="email=a").status_code == 415


def test_a_refresh_token_is_used_once_and_replaced(steps: Steps) -> None:
    steps.found()
    first = steps.sign_in().json
    second = refresh(steps, first["refresh_token"])
    assert second.status_code == 200
    assert second.json["refresh_token"] != first["refresh_token"]
    assert steps.client(second.json["access_token"]).get(f"{API}/me").status_code == 200
    assert refresh(steps, second.json["refresh_token"]).status_code == 200


def test_a_reused_refresh_token_ends_its_whole_family(steps: Steps, clock: Clock) -> None:
    steps.found()
    first = steps.sign_in().json
    elsewhere = steps.sign_in().json
    second = refresh(steps, first["refresh_token"]).json
    clock.advance(seconds=11)
    third = refresh(steps, second["refresh_token"]).json
    answer = refresh(steps, first["refresh_token"])
    assert (answer.status_code, answer.json["code"]) == (401, "refresh_token_reused")
    for tokens in (first, second, third):
        assert steps.client(tokens["access_token"]).get(f"{API}/me").status_code == 401
    assert refresh(steps, third["refresh_token"]).json["code"] == "session_ended"
    assert steps.client(elsewhere["access_token"]).get(f"{API}/me").status_code == 200
    [(_, event)] = steps.events(AccessRevoked)
    assert event.session_id is not None


def test_two_tabs_may_refresh_at_the_same_moment(steps: Steps, clock: Clock) -> None:
    steps.found()
    token = steps.sign_in().json["refresh_token"]
    clock.advance(minutes=5)
    left = refresh(steps, token)
    clock.advance(seconds=5)
    right = refresh(steps, token)
    assert left.status_code == right.status_code == 200
    assert refresh(steps, left.json["refresh_token"]).status_code == 200
    assert refresh(steps, right.json["refresh_token"]).status_code == 200


def test_an_expired_refresh_token_is_refused(steps: Steps, clock: Clock) -> None:
    steps.found()
    token = steps.sign_in().json["refresh_token"]
    clock.advance(days=30, seconds=1)
    assert refresh(steps, token).json["code"] == "session_ended"


@pytest.mark.parametrize("token", ["x" * 43, "é" * 43, "x", "x" * 101, 7, None, "\ud800" * 43])
def test_an_unknown_refresh_token_is_refused(steps: Steps, token: object) -> None:
    assert steps.post("/sessions/refresh", {"refresh_token": token}).status_code in (401, 422)


def test_an_access_token_expires(steps: Steps, clock: Clock) -> None:
    client = steps.administrator()
    clock.advance(seconds=299)
    assert client.get(f"{API}/me").status_code == 200
    clock.advance(seconds=2)
    assert client.get(f"{API}/me").status_code == 401


def test_no_token_is_kept(steps: Steps) -> None:
    steps.found()
    token = steps.sign_in().json["refresh_token"]
    with steps.database.transaction(across_tenants(), read_only=True) as session:
        kept = session.query(RefreshToken).one()
    assert len(kept.secret_hash) == 64
    assert token not in steps.house.settings.data.joinpath("identity.db").read_bytes().decode(errors="replace")


def test_signing_out_ends_this_session_only(steps: Steps) -> None:
    steps.found()
    here, there = steps.sign_in().json, steps.sign_in().json
    assert steps.client(here["access_token"]).delete(f"{API}/sessions/current").status_code == 204
    assert steps.client(here["access_token"]).get(f"{API}/me").status_code == 401
    assert refresh(steps, here["refresh_token"]).status_code == 401
    assert steps.client(there["access_token"]).get(f"{API}/me").status_code == 200
    [(_, event)] = steps.events(AccessRevoked)
    assert isinstance(event.session_id, UUID)


def test_signing_out_everywhere_ends_every_session(steps: Steps) -> None:
    steps.found()
    here, there = steps.sign_in().json, steps.sign_in().json
    assert steps.client(here["access_token"]).delete(f"{API}/sessions").status_code == 204
    for tokens in (here, there):
        assert steps.client(tokens["access_token"]).get(f"{API}/me").status_code == 401
        assert refresh(steps, tokens["refresh_token"]).status_code == 401
    [(_, event)] = steps.events(AccessRevoked)
    assert event.session_id is None


def with_cookies(steps: Steps) -> tuple[FlaskClient, str]:
    client = steps.client()
    body = {"email": "camille@example.org", "password": PASSWORD, "cookies": True}
    answer = client.post(f"{API}/sessions", json=body)
    assert answer.status_code == 201
    cookie = client.get_cookie("mpp_csrf")
    assert cookie is not None
    return client, cookie.value


def test_a_browser_gets_cookies_and_no_tokens(steps: Steps) -> None:
    steps.found()
    answer = steps.sign_in(cookies=True)
    assert "token" not in body_of(answer).replace("token_type", "")
    cookies = {cookie.split("=")[0]: cookie for cookie in answer.headers.getlist("Set-Cookie")}
    assert set(cookies) == {"mpp_access", "mpp_refresh", "mpp_csrf", "mpp_language"}
    assert all("SameSite=Lax" in cookie and "Secure" not in cookie for cookie in cookies.values())
    assert "HttpOnly" in cookies["mpp_access"]
    assert "HttpOnly" in cookies["mpp_refresh"]
    assert "HttpOnly" not in cookies["mpp_csrf"]
    assert "Path=/;" in cookies["mpp_access"] + ";"
    assert "Path=/identity;" in cookies["mpp_refresh"] + ";"


def test_cookies_are_secure_behind_https(identity_template: Any, tmp_path: Any) -> None:
    house = House(identity_template, tmp_path, ("identity",), public_url="https://jouer.example.org")
    from services.identity.upkeep import prepare

    prepare(house.databases["identity"], house.settings)
    steps = Steps(house)
    steps.found()
    cookies = steps.sign_in(cookies=True).headers.getlist("Set-Cookie")
    assert all("Secure" in cookie for cookie in cookies)
    house.close()


def test_a_change_with_cookies_needs_the_csrf_header(steps: Steps) -> None:
    steps.found()
    client, csrf = with_cookies(steps)
    me = client.get(f"{API}/me")
    headers = {"If-Match": me.headers["ETag"]}
    for wrong in ({}, {"X-CSRF-Token": "no"}, {"X-CSRF-Token": csrf, "Origin": "https://evil.example.org"}):
        answer = client.patch(f"{API}/me", json={"display_name": "C"}, headers=headers | wrong)
        assert (answer.status_code, answer.json["code"]) == (403, "csrf_missing")
    right = headers | {"X-CSRF-Token": csrf, "Origin": "http://localhost"}
    assert client.patch(f"{API}/me", json={"display_name": "C"}, headers=right).status_code == 200


@pytest.mark.parametrize("is_expired", [False, True])
def test_a_refresh_with_cookies_needs_the_csrf_header(steps: Steps, clock: Clock, is_expired: bool) -> None:
    steps.found()
    client, csrf = with_cookies(steps)
    if is_expired:
        client.delete_cookie("mpp_access")
    before = client.get_cookie("mpp_refresh", path="/identity")
    for wrong in (
        {},
        {"X-CSRF-Token": "é"},
        {"X-CSRF-Token": csrf, "Origin": "https://evil.example.org"},
        {"X-CSRF-Token": csrf, "Origin": "http://["},
    ):
        answer = client.post(f"{API}/sessions/refresh", json={}, headers=wrong)
        assert (answer.status_code, answer.json["code"]) == (403, "csrf_missing")
    answer = client.post(f"{API}/sessions/refresh", json={}, headers={"X-CSRF-Token": csrf})
    assert answer.status_code == 200
    assert "refresh_token" not in answer.json
    after = client.get_cookie("mpp_refresh", path="/identity")
    assert before is not None
    assert after is not None
    assert before.value != after.value
    assert client.get(f"{API}/me").status_code == 200


def test_a_refresh_without_token_or_cookie_is_refused(steps: Steps) -> None:
    assert steps.post("/sessions/refresh", {}).json["code"] == "session_ended"


def test_signing_out_clears_the_cookies(steps: Steps) -> None:
    steps.found()
    client, csrf = with_cookies(steps)
    assert client.delete(f"{API}/sessions/current").status_code == 403
    assert client.delete(f"{API}/sessions/current", headers={"X-CSRF-Token": csrf}).status_code == 204
    assert client.get_cookie("mpp_access") is None
    assert client.get_cookie("mpp_csrf") is None
    assert client.get_cookie("mpp_refresh", path="/identity") is None
    assert client.get(f"{API}/me").status_code == 401


def test_somebody_signed_in_to_one_tenant_signs_in_to_another(steps: Steps) -> None:
    client = steps.administrator()
    steps.found("other@example.org", name="Autre")
    answer = client.post(f"{API}/sessions", json={"email": "other@example.org", "password": PASSWORD})
    assert (answer.status_code, answer.json["tenant"]["name"]) == (201, "Autre")
