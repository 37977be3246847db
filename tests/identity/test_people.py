from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from shared.contracts import AccessRevoked, PersonJoined, PersonLeft, PersonResumed, PersonSuspended
from shared.database import new_id
from shared.tenancy import COMMUNITY_TENANT_ID
from tests.identity.steps import API, PASSWORD, Steps, etag_of


def change(client: FlaskClient, person: Any, **changes: Any) -> Any:
    path = f"{API}/people/{person['person_id']}"
    return client.patch(path, json=changes, headers=etag_of(client.get(path)))


def myself(client: FlaskClient) -> Any:
    return client.get(f"{API}/me").json


def test_a_player_joins_the_community(steps: Steps) -> None:
    body = {"display_name": "Sacha 🌱", "email": "sacha@example.org", "password": PASSWORD, "language": "fr"}
    person = steps.post("/players", body).json
    assert person["roles"] == ["player"]
    envelope, event = steps.events(PersonJoined)[-1]
    assert (envelope.tenant_id, event.display_name) == (COMMUNITY_TENANT_ID, "Sacha 🌱")
    assert steps.sign_in("SACHA@example.org").json["tenant"]["name"] == "Grand public"


def test_an_email_has_one_account_per_tenant(steps: Steps) -> None:
    body = {"display_name": "Sacha", "email": "sacha@example.org", "password": PASSWORD, "language": "fr"}
    assert steps.post("/players", body).status_code == 201
    answer = steps.post("/players", body | {"email": "Sacha@Example.org"})
    assert (answer.status_code, answer.json["code"]) == (409, "email_taken")
    assert len(steps.events(PersonJoined)) == 1


@pytest.mark.parametrize(
    ("password", "word"),
    [("court", "court"), ("azertyuiop", "deviner"), ("motdepasse1", "deviner"), ("sacha.martin", "deviner")],
)
def test_a_weak_password_is_refused_with_advice(steps: Steps, password: str, word: str) -> None:
    body = {"display_name": "Sacha Martin", "email": "sacha@example.org", "password": password, "language": "fr"}
    answer = steps.client().post(f"{API}/players?lang=fr", json=body)
    assert (answer.status_code, answer.json["code"]) == (422, "weak_password")
    assert answer.json["errors"][0]["field"] == "password"
    assert word in answer.json["errors"][0]["message"]
    assert steps.events(PersonJoined) == []


def test_people_are_listed_and_found_by_name(steps: Steps) -> None:
    client = steps.administrator()
    steps.colleague(client)
    assert [person["display_name"] for person in client.get(f"{API}/people").json] == ["Ana", "Camille"]
    assert [person["display_name"] for person in client.get(f"{API}/people?name=cam").json] == ["Camille"]
    assert client.get(f"{API}/people?name=%25").json == []
    assert client.get(f"{API}/people?unknown=1").status_code == 422


def test_people_of_another_tenant_are_not_there(steps: Steps) -> None:
    other = steps.found("other@example.org")["person"]["person_id"]
    client = steps.administrator()
    for method, path in (
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("PUT", "/suspension"),
        ("DELETE", "/suspension"),
    ):
        body = {"display_name": "X"} if method == "PATCH" else None
        address, headers = f"{API}/people/{other}{path}", {"If-Match": '"x"'}
        assert client.open(address, method=method, json=body, headers=headers).status_code == 404
    assert [person["display_name"] for person in client.get(f"{API}/people").json] == ["Camille"]


def test_other_roles_end_the_old_tokens_and_a_refresh_brings_the_new_ones(steps: Steps) -> None:
    client = steps.administrator()
    person = steps.colleague(client)
    signed_in = steps.sign_in("ana@example.org").json
    ana = steps.client(signed_in["access_token"])
    assert ana.get(f"{API}/people").status_code == 403
    assert change(client, person, roles=["organiser", "administrator"]).json["roles"] == ["administrator", "organiser"]
    assert ana.get(f"{API}/me").status_code == 401
    _, event = steps.events(AccessRevoked)[-1]
    assert (str(event.person_id), event.session_id) == (person["person_id"], None)
    _, joined = steps.events(PersonJoined)[-1]
    assert (joined.roles, joined.revision) == (["administrator", "organiser"], 2)
    token = steps.post("/sessions/refresh", {"refresh_token": signed_in["refresh_token"]}).json["access_token"]
    assert steps.client(token).get(f"{API}/people").status_code == 200


def test_another_name_ends_no_token(steps: Steps) -> None:
    client = steps.administrator()
    person = steps.colleague(client)
    ana = steps.client(steps.sign_in("ana@example.org").json["access_token"])
    assert change(client, person, display_name="Ana B.").json["display_name"] == "Ana B."
    assert ana.get(f"{API}/me").json["display_name"] == "Ana B."
    assert steps.events(AccessRevoked) == []


def test_a_change_that_changes_nothing_is_no_event(steps: Steps) -> None:
    client = steps.administrator()
    person = steps.colleague(client)
    count = len(steps.events(PersonJoined))
    assert change(client, person, roles=["organiser"], display_name="Ana").status_code == 200
    assert change(client, person).status_code == 200
    assert len(steps.events(PersonJoined)) == count


def test_nobody_gives_a_role_above_administrator(steps: Steps) -> None:
    client = steps.administrator()
    person = steps.colleague(client)
    for roles in (["operator"], ["king"], [], "administrator", [1]):
        assert change(client, person, roles=roles).status_code == 422
    answer = client.post(f"{API}/invitations", json={"roles": ["operator"]})
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "roles.0")


def test_an_operator_stays_one_until_the_command_line_says_otherwise(steps: Steps) -> None:
    operator = steps.operator()
    answer = change(operator, myself(operator), roles=["administrator"])
    assert (answer.status_code, answer.json["code"]) == (403, "operators_by_command_line")


def test_the_last_administrator_cannot_go(steps: Steps) -> None:
    client = steps.administrator()
    me = myself(client)
    answers = (
        change(client, me, roles=["organiser"]),
        client.put(f"{API}/people/{me['person_id']}/suspension"),
        client.delete(f"{API}/people/{me['person_id']}"),
    )
    assert [(answer.status_code, answer.json["code"]) for answer in answers] == [(409, "last_administrator")] * 3
    assert client.get(f"{API}/me").json["roles"] == ["administrator"]


def test_a_suspended_administrator_is_no_other_administrator(steps: Steps) -> None:
    client = steps.administrator()
    second = steps.colleague(client, "ana@example.org", "administrator")
    assert client.put(f"{API}/people/{second['person_id']}/suspension").status_code == 204
    assert change(client, myself(client), roles=["organiser"]).json["code"] == "last_administrator"
    assert client.delete(f"{API}/people/{second['person_id']}/suspension").status_code == 204
    assert change(client, myself(client), roles=["organiser"]).status_code == 200


def test_a_suspended_person_is_out_at_once_and_everywhere(steps: Steps) -> None:
    client = steps.administrator()
    person = steps.colleague(client)
    signed_in = steps.sign_in("ana@example.org").json
    path = f"{API}/people/{person['person_id']}/suspension"
    assert client.put(path).status_code == 204
    assert client.put(path).status_code == 204
    [(_, event)] = steps.events(PersonSuspended)
    assert (str(event.person_id), event.revision) == (person["person_id"], 2)
    for answer in (
        steps.client(signed_in["access_token"]).get(f"{API}/me"),
        steps.sign_in("ana@example.org"),
        steps.post("/sessions/refresh", {"refresh_token": signed_in["refresh_token"]}),
    ):
        assert (answer.status_code, answer.json["code"]) == (403, "suspended")
    assert client.delete(path).status_code == 204
    assert steps.events(PersonResumed)[0][1].revision == 3
    assert steps.client(signed_in["access_token"]).get(f"{API}/me").status_code == 200


def test_a_removed_person_is_forgotten(steps: Steps) -> None:
    client = steps.administrator()
    person = steps.colleague(client)
    signed_in = steps.sign_in("ana@example.org").json
    path = f"{API}/people/{person['person_id']}"
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == client.delete(path).status_code == 404
    assert steps.events(PersonLeft)[0][1].revision == 2
    assert steps.client(signed_in["access_token"]).get(f"{API}/me").json["code"] == "suspended"
    assert steps.sign_in("ana@example.org").json["code"] == "wrong_credentials"
    assert steps.post("/sessions/refresh", {"refresh_token": signed_in["refresh_token"]}).status_code == 401
    assert steps.colleague(client, "ana@example.org")["person_id"] != person["person_id"]


def test_i_change_my_name_and_language_but_not_my_roles(steps: Steps) -> None:
    client = steps.administrator()
    etag = etag_of(client.get(f"{API}/me"))
    assert client.patch(f"{API}/me", json={"roles": ["operator"]}, headers=etag).status_code == 422
    answer = client.patch(f"{API}/me", json={"display_name": "Cam", "language": "en"}, headers=etag)
    assert (answer.json["display_name"], answer.json["language"]) == ("Cam", "en")
    assert client.patch(f"{API}/me", json={"display_name": "C"}, headers=etag).status_code == 412
    _, event = steps.events(PersonJoined)[-1]
    assert (event.display_name, event.language, event.revision) == ("Cam", "en", 2)


@pytest.mark.parametrize("name", ["x" * 81, "", "a\nb", 3, None, ["Cam"]])
def test_a_bad_name_is_refused(steps: Steps, name: object) -> None:
    client = steps.administrator()
    answer = client.patch(f"{API}/me", json={"display_name": name}, headers=etag_of(client.get(f"{API}/me")))
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "display_name")


def test_a_player_may_not_administer(steps: Steps) -> None:
    client = steps.administrator()
    steps.colleague(client, "ana@example.org", "player")
    ana = steps.client(steps.sign_in("ana@example.org").json["access_token"])
    for method, path in (
        ("GET", "/people"),
        ("GET", f"/people/{new_id()}"),
        ("DELETE", f"/people/{new_id()}"),
        ("GET", "/audit"),
        ("POST", "/invitations"),
        ("GET", "/tenants"),
    ):
        assert ana.open(API + path, method=method, json={}).status_code == 403
