"""Many people invited by mail at once."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from flask.testing import FlaskClient

from services.identity.domain.addresses import each_once, pasted_addresses
from services.identity.domain.invitations import MOST_AT_ONCE
from services.identity.throttle import Throttle
from tests.identity.conftest import Clock
from tests.identity.steps import API, PASSWORD, Steps
from tests.identity.test_invitations import accept
from tests.identity.test_people_pages import FRENCH, csrf, found
from tests.pages import words_of


def send(client: FlaskClient, emails: str, *roles: str) -> Any:
    typed = {"emails": emails, "roles": list(roles) or ["player"]} | csrf(client)
    return client.post("/identity/people/invite", data=typed, headers=FRENCH)


def waiting(client: FlaskClient) -> list[str]:
    listed = client.get(f"{API}/invitations?page_size=100").json
    return sorted(one["email"] for one in listed if not one["accepted_at"])


@pytest.mark.parametrize(
    ("pasted", "expected"),
    [
        ("ana@a.org\nleo@a.org\r\n\n  zoe@a.org ", ["ana@a.org", "leo@a.org", "zoe@a.org"]),
        ("ana@a.org, leo@a.org;zoe@a.org", ["ana@a.org", "leo@a.org", "zoe@a.org"]),
        ('Ana Roux <ana@a.org>; "Roux, Léo" <leo@a.org>', ["ana@a.org", "leo@a.org"]),
        ("Roux\tAna\tana@a.org\nRoux\tLéo\tleo@a.org", ["ana@a.org", "leo@a.org"]),
        ("Roux, Ana <ana@a.org>, Roux, Léo <leo@a.org>", ["ana@a.org", "leo@a.org"]),
        ("<mailto:ana@a.org> 'leo@a.org'", ["ana@a.org"]),
        ("ana@a.org leo@a.org", ["ana@a.org", "leo@a.org"]),
        ("", []),
        (" ;, \t\n", []),
        ("E-mail\nana@a.org", ["E-mail", "ana@a.org"]),
    ],
)
def test_addresses_are_found_however_they_are_pasted(pasted: str, expected: list[str]) -> None:
    assert [found.text for found in pasted_addresses(pasted)] == expected


def test_each_account_is_asked_once_by_the_address_named_first() -> None:
    assert each_once(["Ana@a.org", "leo@a.org", "ana@a.org"]) == ["Ana@a.org", "leo@a.org"]


def test_all_are_invited_and_those_who_are_here_are_named_and_left_out(steps: Steps) -> None:
    client, _ = found(steps, name="Atelier")
    answer = send(client, "Ana Roux <ana@example.org>\nleo@example.org; H@example.org\nANA@example.org", "player")
    assert answer.status_code == 200
    assert "2 personnes sont invitées" in answer.text
    invited, here = answer.text.split("Déjà là")
    assert "<li>ana@example.org</li><li>leo@example.org</li>" in invited
    assert "<li>H@example.org</li>" in here
    mails = steps.mails()
    assert sorted(line for mail in mails for line in mail.splitlines() if line.startswith("To:")) == [
        "To: ana@example.org",
        "To: leo@example.org",
    ]
    token = steps.token_in(next(mail for mail in mails if "ana@" in mail))
    assert accept(steps, token).json["person"]["roles"] == ["player"]
    again = send(client, "ana@example.org\nleo@example.org")
    assert "leo@example.org" in again.text
    assert waiting(client) == ["leo@example.org"], "invited again, his first link is gone"


def test_one_wrong_line_and_nobody_is_invited(steps: Steps) -> None:
    client, _ = found(steps)
    refused = send(client, "ana@example.org\nleo@@example\nzoe@example.org\nLe nom;Adresse")
    assert refused.status_code == 422
    assert "Ligne 2" in refused.text
    assert "leo@@example" in refused.text
    assert "Ligne 4" in refused.text
    assert "Ligne 1" not in refused.text
    assert "ana@example.org\nleo@@example" in refused.text, "what was typed stays"
    assert (waiting(client), steps.mails()) == ([], [])
    many = send(client, "\n".join(f"nobody {number}" for number in range(50)))
    assert many.text.count("Ligne ") < 50
    assert "adresses\u00a0: 30." in many.text


def test_no_more_at_once_than_may_be(steps: Steps) -> None:
    client, _ = found(steps)
    refused = send(client, "\n".join(f"a{number}@example.org" for number in range(MOST_AT_ONCE + 1)))
    assert (refused.status_code, f"{MOST_AT_ONCE} adresses au plus" in refused.text) == (422, True)
    assert send(client, "\n".join(f"a{number}@example.org" for number in range(MOST_AT_ONCE))).status_code == 200
    assert len(waiting(client)) == 100, "a page of them"
    assert "300 invitations pas encore acceptées" in client.get("/identity/people", headers=FRENCH).text
    page = client.get("/identity/people/invitations?page=10", headers=FRENCH).text
    assert page.count("/withdraw") == 30


def test_whoever_is_here_alone_is_told_so(steps: Steps) -> None:
    client, _ = found(steps)
    assert (send(client, "h@example.org").status_code, steps.mails()) == (409, [])
    body = {"emails": ["h@example.org", "H@example.org"], "roles": ["player"]}
    refused = client.post(
        f"{API}/invitations/mailings", json=body, headers={"X-CSRF-Token": csrf(client)["csrf_token"]}
    )
    assert (refused.status_code, refused.json["code"]) == (409, "email_taken")


def test_a_program_invites_many_and_learns_who_is_here(steps: Steps) -> None:
    client = steps.administrator()
    body = {"emails": ["ana@example.org", "camille@example.org"], "roles": ["organiser"], "language": "en"}
    sent = client.post(f"{API}/invitations/mailings", json=body)
    assert sent.status_code == 201
    assert [one["email"] for one in sent.json["invitations"]] == ["ana@example.org"]
    assert sent.json["here_already"] == ["camille@example.org"]
    assert "invites you" in steps.mails()[0]
    wrong = client.post(f"{API}/invitations/mailings", json=body | {"emails": ["ana@example.org", "x"]})
    assert (wrong.status_code, wrong.json["errors"][0]["field"]) == (422, "emails.1")
    assert client.post(f"{API}/invitations/mailings", json=body | {"emails": []}).status_code == 422


def test_a_tenant_invites_so_many_by_mail_and_no_more_until_they_may_again(steps: Steps) -> None:
    steps.house.apps["identity"].extensions["identity-throttle"] = throttle_of(steps, "5 per hour")
    client, _ = found(steps)
    assert send(client, "a@example.org\nb@example.org\nc@example.org").status_code == 200
    refused = send(client, "d@example.org\ne@example.org\nf@example.org")
    assert refused.status_code == 429
    assert "pour l’instant\u00a0: 2." in refused.text
    assert len(waiting(client)) == 3
    assert send(client, "d@example.org\ne@example.org\nh@example.org").status_code == 200, "who is here costs nothing"
    other, _ = found(steps, "other@example.org")
    assert send(other, "d@example.org").status_code == 200, "another tenant has its own"


def throttle_of(steps: Steps, invited: str) -> Throttle:
    return Throttle(msgspec.structs.replace(steps.house.settings, invited_by_mail=invited))


def test_the_trail_says_how_many_were_invited_and_names_nobody(steps: Steps) -> None:
    client, _ = found(steps, name="Atelier")
    send(client, "ana@example.org\nleo@example.org")
    page = client.get("/identity/audit", headers=FRENCH).text
    assert "Personnes invitées par e-mail" in page
    assert "2 personnes" in page
    assert "ana@example.org" not in page
    assert "ana@example.org" not in client.get(f"{API}/audit-entries").text


def test_an_invitation_that_has_expired_says_so(steps: Steps, clock: Clock) -> None:
    client, _ = found(steps)
    send(client, "ana@example.org\nleo@example.org")
    clock.advance(days=8)
    steps.sign_in("h@example.org", PASSWORD)
    fresh = steps.client()
    fresh.post("/sign-in", data={"email": "h@example.org", "password": PASSWORD})
    assert fresh.get("/identity/people/invitations", headers=FRENCH).text.count("expirée") == 2


LIST = "/identity/people/invitations"


def link_to(client: FlaskClient, action: str) -> str:
    """Where the first button of a kind sends its form, on the list of invitations."""
    return re.findall(rf'action="({LIST}/[^"]*{action})"', client.get(LIST).text)[0]


def test_what_somebody_is_invited_as_stands_in_the_answer_and_in_the_list(steps: Steps) -> None:
    client, _ = found(steps)
    sent = words_of(send(client, "ana@example.org\nleo@example.org", "organiser", "player").text)
    assert "Rôle : Organisation, Jeu" in sent
    assert "ana@example.org Organisation, Jeu · jusqu’au" in words_of(client.get(LIST, headers=FRENCH).text)


def test_an_invitation_is_sent_again_and_its_first_link_opens_nothing(steps: Steps, clock: Clock) -> None:
    client, _ = found(steps)
    send(client, "ana@example.org", "organiser")
    first = steps.token_in(steps.mails()[0])
    clock.advance(minutes=3)
    again = client.post(link_to(client, "again"), data=csrf(client), headers=FRENCH)
    assert again.status_code == 200
    assert "Le lien précédent n’ouvre plus rien" in again.text
    assert len(steps.mails()) == 2
    [token] = re.findall(r"/identity/invitations/([\w-]+)<", again.text)
    assert steps.client().get(f"/identity/invitations/{first}").status_code == 404
    assert accept(steps, token).json["person"]["roles"] == ["organiser"]
    assert waiting(client) == []
    assert "Invitation renvoyée" in client.get("/identity/audit", headers=FRENCH).text


def test_a_link_passed_on_by_hand_is_made_anew_without_a_mail(steps: Steps) -> None:
    client, _ = found(steps)
    [first] = re.findall(r"/identity/invitations/[\w-]+", send(client, "").text)
    again = client.post(link_to(client, "again"), data=csrf(client), headers=FRENCH)
    [second] = re.findall(r"/identity/invitations/[\w-]+", again.text)
    assert [steps.client().get(link).status_code for link in (first, second)] == [404, 200]
    assert steps.mails() == []


def test_what_is_sent_again_counts_like_an_invitation(steps: Steps) -> None:
    steps.house.apps["identity"].extensions["identity-throttle"] = throttle_of(steps, "2 per hour")
    client, _ = found(steps)
    send(client, "ana@example.org")
    address = link_to(client, "again")
    assert [client.post(address, data=csrf(client)).status_code for _ in range(2)] == [200, 429]
    assert len(steps.mails()) == 2


def test_nothing_is_sent_again_to_whoever_has_come_or_is_of_another_tenant(steps: Steps) -> None:
    client, _ = found(steps)
    send(client, "ana@example.org")
    address = link_to(client, "again")
    other, _ = found(steps, "other@example.org")
    assert other.post(address, data=csrf(other)).status_code == 404
    accept(steps, steps.token_in(steps.mails()[0]))
    assert client.post(address, data=csrf(client)).status_code == 409
    assert len(steps.mails()) == 1


def test_all_that_wait_are_withdrawn_at_once_and_nothing_else_is(steps: Steps) -> None:
    client, _ = found(steps, name="Atelier")
    other, _ = found(steps, "other@example.org")
    send(other, "zoe@example.org")
    send(client, "leo@example.org")
    joined = steps.token_in(steps.mails()[-1])
    accept(steps, joined, email="leo@example.org")
    door = client.post("/identity/people/open-invitations/new", data={"days": "30"} | csrf(client)).headers["Location"]
    send(client, "ana@example.org\nbob@example.org")
    tokens = [steps.token_in(mail) for mail in steps.mails() if "ana@" in mail or "bob@" in mail]
    asked = client.get(LIST, headers=FRENCH).text
    assert "Leurs 2 liens n’ouvriront plus rien" in words_of(asked)
    [sure] = re.findall(r'<details class="sure">.*?</details>', asked, re.DOTALL)
    assert f'action="{LIST}/clear"' in sure
    assert client.post(f"{LIST}/clear", data=csrf(client)).status_code == 303
    assert waiting(client) == []
    assert {accept(steps, token).json["code"] for token in tokens} == {"link_expired"}
    assert waiting(other) == ["zoe@example.org"]
    assert client.get(door).status_code == 200
    assert "2 invitations" in words_of(client.get("/identity/audit", headers=FRENCH).text)
    assert client.post(f"{LIST}/clear", data=csrf(client)).status_code == 303, "a second tap does no harm"
