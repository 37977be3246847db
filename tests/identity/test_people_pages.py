"""Accounts, people, tenants and operators by page."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.identity.steps import API, PASSWORD, Steps

HOSTILE = '<script>alert(1)</script>"&'
FRENCH = {"Accept-Language": "fr"}
SCHOOL = {"name": HOSTILE, "country": "FR", "zone": "Europe/Paris", "display_name": HOSTILE, "password": PASSWORD}


def found(steps: Steps, email: str = "h@example.org", **more: str) -> tuple[FlaskClient, Any]:
    """A browser of somebody who has just founded a school by page."""
    client = steps.client()
    answer = client.post("/found/school", data=SCHOOL | {"email": email} | more, headers=FRENCH)
    return client, answer


def csrf(client: FlaskClient) -> dict[str, str]:
    cookie = client.get_cookie("mpp_csrf")
    assert cookie is not None
    return {"csrf_token": str(cookie.value)}


def test_a_school_is_founded_by_page_and_its_founder_is_signed_in(steps: Steps) -> None:
    client, answer = found(steps)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/leagues/")
    me = client.get(f"{API}/me").json
    assert (me["roles"], me["tenant"]["kind"]) == (["administrator"], "school")


@pytest.mark.parametrize(
    ("name", "value"), [("email", "no"), ("password", "court"), ("zone", "Mars/Base"), ("name", "")]
)
def test_what_is_wrong_stands_beside_its_field_and_no_school_is_founded(steps: Steps, name: str, value: str) -> None:
    client, answer = found(steps, **{"email": "h@example.org", name: value})
    assert answer.status_code == 422
    assert f'href="#field-{name}"' in answer.text
    assert "<script>alert" not in answer.text
    assert PASSWORD not in answer.text
    assert client.get_cookie("mpp_access") is None
    assert found(steps)[1].status_code == 303, "the address is still free"


def test_another_kind_of_tenant_is_not_founded(steps: Steps) -> None:
    assert steps.client().get("/found/platform").status_code == 404


def test_names_that_are_code_are_text_on_every_page(steps: Steps) -> None:
    client, _ = found(steps)
    for path in ("/identity/people", "/identity/me", "/identity/tenant", "/identity/audit", "/identity/people/invite"):
        page = client.get(path)
        assert page.status_code == 200
        assert "<script>alert" not in page.text, path
    operator = steps.operator()
    page = operator.get("/identity/platform")
    assert "&lt;script&gt;" in page.text
    assert "<script>alert" not in page.text


def test_the_last_administrator_stays_and_the_page_says_why(steps: Steps) -> None:
    client, _ = found(steps)
    me = client.get(f"{API}/me").json["person_id"]
    for action in ("suspend", "remove"):
        answer = client.post(f"/identity/people/{me}/{action}", data=csrf(client), headers=FRENCH)
        assert (answer.status_code, answer.mimetype) == (409, "text/html")
    assert client.post(f"/identity/people/{me}/nonsense", data=csrf(client)).status_code == 404
    form = {"display_name": "Camille", "roles": "player"} | csrf(client)
    refused = client.post(f"/identity/people/{me}", data=form, headers=FRENCH)
    assert refused.status_code == 409
    assert 'role="alert"' in refused.text
    nobody = client.post(f"/identity/people/{me}", data={"display_name": "Camille"} | csrf(client))
    assert nobody.status_code == 422


def test_people_and_tenants_are_listed_as_in_a_dictionary(steps: Steps) -> None:
    client, _ = found(steps, display_name="Zoé", name="Lycée du Zodiaque")
    for name in ("Écureuil", "dauphin", "Fouine"):
        made = client.post("/identity/people/invite", data={"roles": "player", "emails": ""} | csrf(client))
        [link] = re.findall(r"/identity/invitations/[\w-]+", made.text)
        typed = {"display_name": name, "email": f"{name[-3:]}@example.org", "password": PASSWORD}
        assert steps.client().post(link, data=typed).status_code == 303
    names = re.findall(r'<strong dir="auto">([^<]+)', client.get("/identity/people").text)
    assert names == ["dauphin", "Écureuil", "Fouine", "Zoé"]
    assert [person["display_name"] for person in client.get(f"{API}/people").json] == names
    found(steps, "other@example.org", name="École du Canal")
    listed = re.findall(r'<strong dir="auto">([^<]+)', steps.operator().get("/identity/platform").text)
    assert listed == ["École du Canal", "Grand public", "Lycée du Zodiaque", "Ma Petite Planète"]


def test_people_of_another_tenant_are_not_there(steps: Steps) -> None:
    client, _ = found(steps)
    other, _ = found(steps, "other@example.org")
    stranger = other.get(f"{API}/me").json["person_id"]
    assert client.get(f"/identity/people/{stranger}").status_code == 404
    assert client.post(f"/identity/people/{stranger}/remove", data=csrf(client)).status_code == 404


def test_an_invitation_is_made_shown_once_accepted_and_another_withdrawn(steps: Steps) -> None:
    client, _ = found(steps)
    made = client.post("/identity/people/invite", data={"roles": "organiser", "emails": ""} | csrf(client))
    [link] = re.findall(r"/identity/invitations/[\w-]+", made.text)
    guest = steps.client()
    assert guest.get(link).status_code == 200
    typed = {"display_name": "Ana", "email": "ana@example.org", "password": PASSWORD}
    assert guest.post(link, data=typed).status_code == 303
    assert guest.get(f"{API}/me").json["roles"] == ["organiser"]
    again = steps.client().post(link, data=typed, headers=FRENCH)
    assert again.status_code in (404, 410, 422, 409)
    client.post("/identity/people/invite", data={"roles": "player", "emails": "b@example.org"} | csrf(client))
    [withdraw] = re.findall(r'action="([^"]+/withdraw)"', client.get("/identity/people").text)
    assert client.post(withdraw, data=csrf(client)).status_code == 303
    assert "/withdraw" not in client.get("/identity/people").text


def test_changes_to_the_tenant_and_to_oneself_are_kept(steps: Steps) -> None:
    client, _ = found(steps)
    tenant = {"name": "Roses", "country": "BE", "language": "fr", "zone": "Europe/Brussels"}
    assert client.post("/identity/tenant", data=tenant | csrf(client)).status_code == 303
    assert client.post("/identity/me", data={"display_name": "Zoé", "language": "en"} | csrf(client)).status_code == 303
    me = client.get(f"{API}/me").json
    assert (me["display_name"], me["tenant"]["zone"]) == ("Zoé", "Europe/Brussels")
    passwords = {"current_password": "wrong one here", "new_password": "cinq cigognes au marché"}
    refused = client.post("/identity/me/password", data=passwords | csrf(client))
    assert refused.status_code == 422
    assert "wrong one here" not in refused.text
    right = passwords | {"current_password": PASSWORD}
    assert client.post("/identity/me/password", data=right | csrf(client)).status_code == 303


def test_a_form_without_our_proof_changes_nothing(steps: Steps) -> None:
    client, _ = found(steps)
    answer = client.post("/identity/me", data={"display_name": "Evil", "language": "en"})
    assert (answer.status_code, answer.mimetype) == (403, "text/html")
    assert client.get(f"{API}/me").json["display_name"] == HOSTILE


def test_too_many_attempts_have_a_page_that_says_how_long_to_wait(steps: Steps) -> None:
    answer: Any = None
    for _ in range(12):
        answer = steps.client().post("/sign-in", data={"email": "a@example.org", "password": "x"}, headers=FRENCH)
    assert answer.status_code == 429
    assert "Trop de tentatives" in answer.text
    assert 'value="a@example.org"' in answer.text


def test_operators_alone_suspend_tenants(steps: Steps) -> None:
    client, _ = found(steps)
    tenant = client.get(f"{API}/me").json["tenant"]["tenant_id"]
    path = f"/identity/platform/{tenant}"
    assert client.get("/identity/platform").status_code == 403
    assert client.post(f"{path}/suspend", data=csrf(client)).status_code == 403
    operator = steps.operator()
    assert operator.post(f"{path}/suspend").status_code == 303
    assert steps.sign_in("h@example.org").status_code == 403
    assert operator.post(f"{path}/resume").status_code == 303
    assert operator.post(f"{path}/nonsense").status_code == 404
    assert steps.sign_in("h@example.org").status_code == 201
    assert "tag danger" not in operator.get("/identity/platform?kind=school&name=script").text


def test_a_second_invitation_to_the_same_address_replaces_the_first(steps: Steps) -> None:
    client, _ = found(steps)
    for email in ("leo@example.org", "Leo@Example.org"):
        typed = {"emails": email, "roles": "organiser"} | csrf(client)
        assert client.post("/identity/people/invite", data=typed).status_code == 200
    waiting = client.get(f"{API}/invitations").json
    assert [invitation["email"] for invitation in waiting if not invitation["accepted_at"]] == ["Leo@example.org"]


def test_who_invites_somebody_who_is_here_is_told_so(steps: Steps) -> None:
    client, _ = found(steps)
    typed = {"emails": "h@example.org", "roles": "organiser"} | csrf(client)
    answer = client.post("/identity/people/invite", data=typed, headers=FRENCH)
    assert answer.status_code == 409
    assert "Cette personne est déjà là" in answer.text
    assert "mot de passe" not in answer.text.partition("<main")[2].partition("</form>")[0]


def test_pupils_are_offered_to_schools_alone_and_one_role_at_least_is_asked_for(steps: Steps) -> None:
    school, _ = found(steps)
    company = steps.client()
    company.post("/found/company", data=SCHOOL | {"email": "rh@example.org"}, headers=FRENCH)
    for client, is_offered in ((school, True), (company, False)):
        me = client.get(f"{API}/me").json["person_id"]
        assert ('value="pupil"' in client.get(f"/identity/people/{me}").text) is is_offered
    me = company.get(f"{API}/me").json["person_id"]
    answer = company.post(f"/identity/people/{me}", data={"display_name": "M. Nguyen"} | csrf(company), headers=FRENCH)
    assert answer.status_code == 422
    assert "Choisissez-en au moins un" in answer.text


def test_an_operator_changes_their_own_name_and_stays_one(steps: Steps) -> None:
    steps.operator()
    browser = steps.client()
    browser.post("/sign-in", data={"email": "op@example.org", "password": PASSWORD})
    me = browser.get(f"{API}/me").json
    typed = {"display_name": "Opale", "roles": "administrator"} | csrf(browser)
    assert browser.post(f"/identity/people/{me['person_id']}", data=typed).status_code == 303
    assert set(browser.get(f"{API}/me").json["roles"]) == {"operator", "administrator"}


def test_somebody_is_suspended_after_a_second_tap_and_stays_in_sight(steps: Steps) -> None:
    client, _ = found(steps)
    made = client.post("/identity/people/invite", data={"roles": "organiser", "emails": ""} | csrf(client))
    [link] = re.findall(r"/identity/invitations/[\w-]+", made.text)
    guest = steps.client()
    guest.post(link, data={"display_name": "Ana", "email": "ana@example.org", "password": PASSWORD})
    address = f"/identity/people/{guest.get(f'{API}/me').json['person_id']}"
    page = client.get(address, headers=FRENCH).text
    assert page.index("Suspendre…") < page.index(f'action="{address}/suspend"')
    answer = client.post(f"{address}/suspend", data=csrf(client))
    assert answer.headers["Location"] == address
    assert "est suspendue" in client.get(address, headers=FRENCH).text


def test_the_language_that_somebody_saves_is_the_one_they_read(steps: Steps) -> None:
    client, _ = found(steps)
    assert '<html lang="fr">' in client.get("/identity/me", headers=FRENCH).text
    client.post("/identity/me", data={"display_name": "Camille", "language": "en"} | csrf(client), headers=FRENCH)
    assert '<html lang="en">' in client.get("/identity/me", headers=FRENCH).text


def test_a_conflict_leads_back_to_the_page_of_the_form(steps: Steps) -> None:
    client, _ = found(steps)
    me = client.get(f"{API}/me").json["person_id"]
    referrer = {"Referer": f"http://localhost/identity/people/{me}"}
    answer = client.post(f"/identity/people/{me}/remove", data=csrf(client), headers=FRENCH | referrer)
    assert answer.status_code == 409
    assert f'href="/identity/people/{me}"' in answer.text
    evil = client.post(
        f"/identity/people/{me}/remove", data=csrf(client), headers={"Referer": "https://evil.example/x"}
    )
    assert "/x" not in evil.text


def test_an_invitation_says_who_invites_and_a_dead_link_says_so_before_anything_is_typed(steps: Steps) -> None:
    client, _ = found(steps, name="Boulons & Cie")
    typed = {"roles": "organiser", "emails": "leo@example.org"} | csrf(client)
    made = client.post("/identity/people/invite", data=typed)
    [link] = re.findall(r"/identity/invitations/[\w-]+", made.text)
    guest = steps.client()
    page = guest.get(link, headers=FRENCH).text
    assert "Boulons &amp; Cie vous invite" in page
    assert "leo@example.org" in page
    assert 'name="email"' not in page
    assert guest.post(link, data={"display_name": "Léo", "password": PASSWORD}).status_code == 303
    for address in (link, "/identity/password-resets/no-such-token"):
        dead = steps.client().get(address, headers=FRENCH)
        assert dead.status_code == 404
        assert 'href="/sign-in"' in dead.text.partition("<main")[2]
        assert "<form" not in dead.text.partition("<main")[2].partition("</main>")[0]


def test_a_new_name_of_the_tenant_is_read_at_once(steps: Steps) -> None:
    client, _ = found(steps)
    tenant = {"name": "Roses", "country": "BE", "language": "fr", "zone": "Europe/Brussels"}
    client.post("/identity/tenant", data=tenant | csrf(client))
    assert "Roses" in client.get("/identity/me").text.partition("<main")[2]


def test_a_pupil_is_invited_by_mail_only_where_pupils_sign_in_already(steps: Steps) -> None:
    client = steps.administrator()
    assert 'value="pupil"' not in client.get("/identity/people/invite").text
    steps.colleague(client, "leo@example.org", "pupil")
    assert 'value="pupil"' in client.get("/identity/people/invite").text


@pytest.mark.parametrize(("kind", "preset"), [("company", "player"), ("school", "organiser")])
def test_the_role_that_most_are_invited_as_is_chosen_already(steps: Steps, kind: str, preset: str) -> None:
    client = steps.client()
    client.post(f"/found/{kind}", data=SCHOOL | {"email": "rh@example.org"})
    page = client.get("/identity/people/invite").text
    assert re.findall(r'name="roles" value="(\w+)" checked', page) == [preset]


def test_whoever_opens_an_account_is_led_to_the_terms_and_to_what_happens_to_their_data(steps: Steps) -> None:
    client, _ = found(steps)
    made = client.post("/identity/people/invite", data={"roles": "player", "emails": ""} | csrf(client))
    [link] = re.findall(r"/identity/invitations/[\w-]+", made.text)
    for path in ("/found/school", "/found/company", "/players/new", link):
        page = steps.client().get(path, headers=FRENCH).text
        form = page[
            page.index('<form method="post">') : page.index('type="submit"', page.index('<form method="post">'))
        ]
        assert "En ouvrant un compte, vous acceptez" in form, path
        assert 'href="/legal/terms"' in form, path
        assert 'href="/legal/privacy"' in form, path


def test_the_people_lead_to_the_invitations_and_count_those_there_are(steps: Steps) -> None:
    client, _ = found(steps)
    page = client.get("/identity/people", headers=FRENCH).text
    assert '<a href="/identity/people/invitations">Invitations</a>' in page
    assert "pas encore acceptée" not in page
    client.post("/identity/people/invite", data={"roles": "player", "emails": ""} | csrf(client))
    page = client.get("/identity/people", headers=FRENCH).text
    assert '<a href="/identity/people/invitations">1 invitation pas encore acceptée</a>' in page
