from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from shared.contracts import PersonJoined
from shared.database import new_id
from tests.identity.conftest import Clock
from tests.identity.steps import API, PASSWORD, Steps


def invite(client: FlaskClient, **body: Any) -> Any:
    return client.post(f"{API}/invitations", json={"roles": ["organiser"], **body})


def accept(steps: Steps, token: str, **body: Any) -> Any:
    given = {"token": token, "display_name": "Ana", "email": "ana@example.org", "password": PASSWORD}
    return steps.post("/invitations/acceptances", {**given, **body})


def token_of(answer: Any) -> str:
    return str(answer.json["link"]).rsplit("/", 1)[1]


def test_a_colleague_joins_by_a_link(steps: Steps) -> None:
    client = steps.administrator()
    invited = invite(client, roles=["organiser", "player"])
    assert invited.status_code == 201
    assert invited.json["link"].startswith("http://127.0.0.1:8000/identity/invitations/")
    accepted = accept(steps, token_of(invited))
    assert accepted.json["person"]["roles"] == ["organiser", "player"]
    assert accepted.json["tenant"]["name"] == "École des Lilas"
    _, event = steps.events(PersonJoined)[-1]
    assert (event.display_name, event.language) == ("Ana", "fr")
    assert steps.sign_in("ana@example.org").status_code == 201


def test_an_invitation_is_mailed_in_its_language(steps: Steps) -> None:
    client = steps.administrator()
    assert invite(client, email="ana@example.org", language="en").status_code == 201
    [mail] = steps.mails()
    assert "invites you" in mail
    assert "École des Lilas" in mail
    body = {"token": steps.token_in(mail), "display_name": "Ana", "password": PASSWORD}
    person = steps.post("/invitations/acceptances", body).json["person"]
    assert (person["email"], person["language"]) == ("ana@example.org", "en")


def test_an_invitation_without_an_email_sends_no_mail(steps: Steps) -> None:
    client = steps.administrator()
    token = token_of(invite(client))
    assert steps.mails() == []
    answer = steps.post("/invitations/acceptances", {"token": token, "display_name": "Ana", "password": PASSWORD})
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "email")


def test_a_mailed_invitation_is_for_its_email(steps: Steps) -> None:
    client = steps.administrator()
    token = token_of(invite(client, email="ana@example.org"))
    assert accept(steps, token, email="eve@example.org").status_code == 422
    assert accept(steps, token, email="ANA@example.org").status_code == 201


def test_a_link_works_once_and_for_a_week(steps: Steps, clock: Clock) -> None:
    client = steps.administrator()
    used, late = token_of(invite(client)), token_of(invite(client))
    assert accept(steps, used).status_code == 201
    assert accept(steps, used, email="eve@example.org").json["code"] == "link_expired"
    clock.advance(days=7, seconds=1)
    assert accept(steps, late, email="eve@example.org").json["code"] == "link_expired"


def test_a_refused_acceptance_leaves_the_link_alive(steps: Steps) -> None:
    client = steps.administrator()
    token = token_of(invite(client))
    assert accept(steps, token, password="0123456789").json["code"] == "weak_password"
    assert accept(steps, token, email="camille@example.org").json["code"] == "email_taken"
    assert accept(steps, token).status_code == 201


def test_somebody_of_another_tenant_joins_with_the_same_email(steps: Steps) -> None:
    steps.found("ana@example.org", name="Autre")
    client = steps.administrator()
    assert accept(steps, token_of(invite(client))).status_code == 201
    assert len(steps.sign_in("ana@example.org").json["choices"]) == 2


def test_somebody_who_is_here_is_not_invited(steps: Steps) -> None:
    client = steps.administrator()
    assert invite(client, email="camille@example.org").json["code"] == "email_taken"


def test_a_withdrawn_invitation_opens_nothing(steps: Steps) -> None:
    client = steps.administrator()
    invited = invite(client)
    path = f"{API}/invitations/{invited.json['invitation_id']}"
    assert client.delete(path).status_code == 204
    assert client.delete(path).status_code == 404
    assert accept(steps, token_of(invited)).json["code"] == "link_expired"


def test_an_accepted_invitation_cannot_be_withdrawn(steps: Steps) -> None:
    client = steps.administrator()
    invited = invite(client)
    accept(steps, token_of(invited))
    answer = client.delete(f"{API}/invitations/{invited.json['invitation_id']}")
    assert (answer.status_code, answer.json["code"]) == (409, "invitation_used")


def test_invitations_are_listed_without_their_links(steps: Steps) -> None:
    client = steps.administrator()
    invite(client)
    invite(client, email="ana@example.org")
    listed = client.get(f"{API}/invitations").json
    assert [invitation["email"] for invitation in listed] == ["ana@example.org", None]
    assert all("link" not in invitation for invitation in listed)


def test_invitations_of_another_tenant_are_not_there(steps: Steps) -> None:
    other = invite(steps.administrator("other@example.org")).json["invitation_id"]
    client = steps.administrator()
    assert client.get(f"{API}/invitations").json == []
    assert client.delete(f"{API}/invitations/{other}").status_code == 404
    assert client.delete(f"{API}/invitations/{new_id()}").status_code == 404
    assert client.delete(f"{API}/invitations/seven").json["code"] == "bad_identifier"


def test_a_suspended_tenant_takes_nobody_in(steps: Steps) -> None:
    client = steps.administrator()
    token = token_of(invite(client))
    tenant_id = client.get(f"{API}/me").json["tenant"]["tenant_id"]
    steps.operator().put(f"{API}/tenants/{tenant_id}/suspension")
    assert accept(steps, token).json["code"] == "suspended"


@pytest.mark.parametrize("body", [{"roles": []}, {"roles": ["player"] * 9}, {"email": "x"}, {"language": "la"}])
def test_a_bad_invitation_is_refused(steps: Steps, body: Any) -> None:
    client = steps.administrator()
    assert invite(client, **body).status_code == 422
    assert client.get(f"{API}/invitations").json == []
