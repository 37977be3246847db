"""One link with which many people join as players."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from services.identity.domain import invitations, open_invitations
from services.identity.errors import InvitationFull
from shared.contracts import PersonJoined
from shared.tenancy import PUBLIC, of_tenant
from tests.identity.conftest import Clock
from tests.identity.steps import API, PASSWORD, Steps, body_of
from tests.identity.test_invitations import accept
from tests.identity.test_people_pages import FRENCH, csrf, found

MINE = "/identity/people/open-invitations"


def make(client: FlaskClient, **body: Any) -> Any:
    answer = client.post(f"{API}/open-invitations", json={"days": 30, **body})
    assert answer.status_code == 201, answer.json
    return answer.json


def token_of(made: Any) -> str:
    return str(made["link"]).rsplit("/", 1)[1]


def join(steps: Steps, link: str, email: str, **more: str) -> Any:
    typed = {"display_name": "Ana", "email": email, "password": PASSWORD} | more
    return steps.client().post(link, data=typed, headers=FRENCH)


def test_many_join_by_one_link_as_players_and_are_counted(steps: Steps) -> None:
    client = steps.administrator()
    made = make(client, max_uses=3)
    for number in range(3):
        accepted = accept(steps, token_of(made), email=f"a{number}@example.org", language="en")
        assert (accepted.status_code, accepted.json["person"]["roles"]) == (201, ["player"])
    _, event = steps.events(PersonJoined)[-1]
    assert (event.roles, event.language) == (["player"], "en")
    refused = accept(steps, token_of(made), email="late@example.org")
    assert (refused.status_code, refused.json["code"]) == (409, "invitation_full")
    read = client.get(f"{API}/open-invitations/{made['invitation_id']}").json
    assert (read["uses"], read["max_uses"], read["link"]) == (3, 3, made["link"])


def test_without_a_maximum_as_many_join_as_come(steps: Steps) -> None:
    made = make(steps.administrator())
    for number in range(5):
        assert accept(steps, token_of(made), email=f"a{number}@example.org").status_code == 201
    again = accept(steps, token_of(made), email="A1@example.org")
    assert (again.status_code, again.json["code"]) == (409, "email_taken")
    nameless = steps.post(
        "/invitations/acceptances", {"token": token_of(made), "display_name": "Ana", "password": PASSWORD}
    )
    assert nameless.json["errors"][0]["field"] == "email"


def test_what_was_refused_takes_no_place(steps: Steps) -> None:
    made = make(steps.administrator(), max_uses=1)
    assert accept(steps, token_of(made), password="0123456789").json["code"] == "weak_password"
    assert accept(steps, token_of(made), email="camille@example.org").json["code"] == "email_taken"
    assert accept(steps, token_of(made)).status_code == 201


def test_it_ends_by_itself_and_is_ended(steps: Steps, clock: Clock) -> None:
    client = steps.administrator()
    late, ended = make(client, days=7), make(client, days=30)
    path = f"{API}/open-invitations/{ended['invitation_id']}"
    assert client.delete(path).status_code == 204
    assert client.delete(path).status_code == 404
    assert client.get(path).status_code == 404
    assert accept(steps, token_of(ended)).json["code"] == "link_expired"
    clock.advance(days=7, seconds=1)
    assert accept(steps, token_of(late)).json["code"] == "link_expired"
    fresh = steps.client(steps.sign_in().json["access_token"])
    assert fresh.get(f"{API}/open-invitations").json == []


def test_it_is_no_invitation_for_one_person_and_the_other_way_round(steps: Steps) -> None:
    client = steps.administrator()
    made = make(client)
    single = client.post(f"{API}/invitations", json={"roles": ["organiser"]}).json
    assert [one["invitation_id"] for one in client.get(f"{API}/invitations").json] == [single["invitation_id"]]
    assert [one["invitation_id"] for one in client.get(f"{API}/open-invitations").json] == [made["invitation_id"]]
    assert client.delete(f"{API}/invitations/{made['invitation_id']}").status_code == 404
    assert client.delete(f"{API}/open-invitations/{single['invitation_id']}").status_code == 404


def test_a_suspended_tenant_takes_nobody_in_and_its_link_shows_nothing(steps: Steps) -> None:
    client = steps.administrator()
    made = make(client)
    tenant_id = client.get(f"{API}/me").json["tenant"]["tenant_id"]
    steps.operator().put(f"{API}/tenants/{tenant_id}/suspension")
    assert accept(steps, token_of(made)).json["code"] == "suspended"
    page = steps.client().get(f"/identity/invitations/{token_of(made)}")
    assert (page.status_code, "Lilas" in page.text) == (403, False)


def test_the_platform_and_the_community_have_none(steps: Steps) -> None:
    operator = steps.operator()
    refused = operator.post(f"{API}/open-invitations", json={"days": 7})
    assert (refused.status_code, refused.json["code"]) == (409, "no_open_door")
    assert f"{MINE}/new" not in operator.get("/identity/people").text


def test_a_tenant_has_so_many_at_a_time(steps: Steps) -> None:
    client = steps.administrator()
    for _ in range(open_invitations.MOST):
        make(client)
    assert client.post(f"{API}/open-invitations", json={"days": 7}).json["code"] == "too_many_open_invitations"


@pytest.mark.parametrize(
    "body", [{}, {"days": 0}, {"days": 367}, {"days": 7, "max_uses": 0}, {"days": 7, "max_uses": 10_001}, {"days": "7"}]
)
def test_a_bad_one_is_refused(steps: Steps, body: Any) -> None:
    client = steps.administrator()
    assert client.post(f"{API}/open-invitations", json=body).status_code == 422


def test_a_link_seen_with_a_place_is_looked_at_again_under_the_lock(steps: Steps) -> None:
    """On SQLite one writes after the other; what was read before must not be believed."""
    made = make(steps.administrator(), max_uses=1)
    with steps.database.transaction(PUBLIC) as session:
        invited = invitations.invited_by(session, token_of(made))
    assert accept(steps, token_of(made)).status_code == 201
    with pytest.raises(InvitationFull), steps.database.transaction(of_tenant(invited.tenant_id)) as session:
        invitations.accept_invitation(session, invited, display_name="Léo", email="l@example.org", password=PASSWORD)


# --- by page ---


def begin(steps: Steps, **typed: str) -> tuple[FlaskClient, str, str]:
    """An administrator's browser, the page of a new open invitation, and its link."""
    client, _ = found(steps, name="Atelier")
    made = client.post(f"{MINE}/new", data={"days": "30", "max_uses": ""} | typed | csrf(client), headers=FRENCH)
    assert made.status_code == 303, made.text
    address = made.headers["Location"]
    [link] = re.findall(r'id="link">http://127.0.0.1:8000([^<]+)<', client.get(address).text)
    return client, address, link


def test_a_link_for_many_is_made_shown_used_and_ended_by_page(steps: Steps) -> None:
    client, address, link = begin(steps, max_uses="2")
    assert "Rejoindre Atelier" in steps.client().get(link, headers=FRENCH).text
    joined = join(steps, link, "ana@example.org")
    assert (joined.status_code, joined.headers["Location"]) == (303, "/leagues/")
    page = client.get(address, headers=FRENCH).text
    assert "<svg" in page
    assert "1 personne l’a utilisé · 1 place libre" in page
    assert "1 personne l’a utilisé" in client.get("/identity/people", headers=FRENCH).text
    assert join(steps, link, "leo@example.org").status_code == 303
    full = steps.client().get(link, headers=FRENCH)
    assert (full.status_code, "plus de place" in full.text) == (409, True)
    assert "Plus personne" in client.get(address, headers=FRENCH).text
    assert client.post(f"{address}/end", data=csrf(client)).status_code == 303
    assert steps.client().get(link).status_code == 404
    assert client.get(address).status_code == 404
    trail = client.get("/identity/audit", headers=FRENCH).text
    for words in ("Invitation pour tout le monde créée", "30 jours · 2 places", "l’ont utilisé", "Ana"):
        assert words in trail, words


def test_it_leads_on_to_a_league_and_nowhere_else(steps: Steps) -> None:
    client, address, link = begin(steps)
    page = client.get(f"{address}?league=k7mp-x2qa", headers=FRENCH).text
    assert "?to=/leagues/join/K7MPX2QA</p>" in page
    assert f"{address}/poster?league=K7MPX2QA" in page
    assert "?to=/leagues/join/K7MPX2QA" in client.get(f"{address}/poster?league=K7MPX2QA").text
    assert "n’est pas un code" in client.get(f"{address}?league=seven", headers=FRENCH).text
    form = steps.client().get(f"{link}?to=/leagues/join/K7MPX2QA").text
    assert 'name="to" value="/leagues/join/K7MPX2QA"' in form
    there = join(steps, f"{link}?to=/leagues/join/K7MPX2QA", "a@example.org", to="/leagues/join/K7MPX2QA")
    assert there.headers["Location"] == "/leagues/join/K7MPX2QA"
    elsewhere = join(steps, link, "b@example.org", to="https://evil.example/")
    assert elsewhere.headers["Location"] == "/leagues/"


def test_who_belongs_here_already_is_led_on(steps: Steps) -> None:
    client, _address, link = begin(steps)
    answer = client.get(f"{link}?to=/leagues/join/K7MPX2QA")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/leagues/join/K7MPX2QA")
    stranger, _ = found(steps, "other@example.org")
    assert stranger.get(link).status_code == 200


def test_others_neither_make_nor_see_nor_end_it(steps: Steps) -> None:
    client, address, link = begin(steps)
    player = steps.client()
    player.post(link, data={"display_name": "Ana", "email": "ana@example.org", "password": PASSWORD})
    other, _ = found(steps, "other@example.org")
    for path in (address, f"{address}/poster"):
        assert (player.get(path).status_code, other.get(path).status_code) == (403, 404)
    assert player.post(f"{address}/end", data=csrf(player)).status_code == 403
    assert other.post(f"{address}/end", data=csrf(other)).status_code == 404
    assert client.get(address).status_code == 200


def test_what_is_wrong_with_the_form_stands_beside_its_field(steps: Steps) -> None:
    client, _ = found(steps)
    for typed in ({"days": "8"}, {"days": "30", "max_uses": "0"}, {"days": "30", "max_uses": "x"}):
        refused = client.post(f"{MINE}/new", data=typed | csrf(client), headers=FRENCH)
        assert (refused.status_code, "field-" in refused.text) == (422, True)


def test_a_meeting_joins_from_one_address(steps: Steps) -> None:
    """Forms of strangers are throttled per address; those who have the link of a company are not strangers."""
    made = make(steps.administrator())
    statuses = {accept(steps, token_of(made), email="camille@example.org", password="x").status_code for _ in range(60)}
    assert statuses == {422}
    assert accept(steps, token_of(made)).status_code == 429
    assert "camille" not in body_of(accept(steps, token_of(make(steps.client(steps.sign_in().json["access_token"])))))


def test_without_a_league_the_link_warns_and_says_where_its_code_is_found(steps: Steps) -> None:
    client, address, _link = begin(steps)
    bare = client.get(address, headers=FRENCH).text
    assert re.search(r'class="notice warning"[^>]*>Aucune ligue n’est indiquée', bare)
    assert 'aria-describedby="hint-league"' in bare
    assert "sous «\u00a0Inviter\u00a0»" in bare
    assert "Aucune ligue" not in client.get(f"{address}?league=K7MPX2QA", headers=FRENCH).text


@pytest.mark.parametrize(("kind", "is_told"), [("school", True), ("company", False)])
def test_a_school_is_told_that_the_link_is_for_adults(steps: Steps, kind: str, is_told: bool) -> None:
    client = steps.administrator(kind=kind)
    address = f"/identity/people/open-invitations/{make(client)['invitation_id']}"
    for path in (f"{MINE}/new", address):
        assert ("Un tel lien est pour les adultes" in client.get(path, headers=FRENCH).text) is is_told
