"""What people read and choose around their account: passwords, countries and zones, their data, its end."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from services.identity.domain.passwords import MINIMUM
from shared.contracts import PersonLeft
from shared.settings import Settings, SettingsError, read_settings
from shared.words import sort_key
from tests.identity.steps import API, PASSWORD, Steps
from tests.identity.test_people_pages import FRENCH, csrf, found


def test_the_rule_for_passwords_is_said_wherever_one_is_chosen(steps: Steps) -> None:
    client, _ = found(steps)
    invited = client.post("/identity/people/invite", data={"roles": "player", "emails": ""} | csrf(client)).text
    [invitation] = re.findall(r"/identity/invitations/[\w-]+", invited)
    steps.post("/password-resets", {"email": "h@example.org"})
    reset = f"/identity/password-resets/{steps.token_in(steps.mails()[0])}"
    for path in ("/found/school", "/players/new", "/identity/me/password", invitation, reset):
        page = client.get(path, headers=FRENCH).text
        assert f"Au moins {MINIMUM} caractères" in page, path
        assert 'data-show="#field-' in page, path


@pytest.mark.parametrize(("language", "some"), [("fr", ["Égypte", "Îles Åland"]), ("en", ["Åland Islands", "Türkiye"])])
def test_countries_are_in_the_order_of_a_dictionary_france_first(steps: Steps, language: str, some: list[str]) -> None:
    page = steps.client().get("/found/school", headers={"Accept-Language": language}).text
    listed = page.partition('name="country"')[2].partition("</select>")[0]
    names = re.findall(r"<option[^>]*>([^<]+)<", listed.replace("&amp;", "&").replace("&#39;", "'"))
    assert names[0] == "France"
    assert names[1:] == sorted(names[1:], key=sort_key)
    assert set(some) <= set(names)
    assert names.index(some[0]) < len(names) - 20, "not behind Zimbabwe"


@pytest.mark.parametrize(
    ("country", "zone"),
    [("FR", "Europe/Paris"), ("JP", "Asia/Tokyo"), ("DE", "Europe/Berlin"), ("RE", "Indian/Reunion")],
)
def test_without_a_zone_it_is_that_of_the_country(steps: Steps, country: str, zone: str) -> None:
    client, answer = found(steps, country=country, zone="")
    assert answer.status_code == 303
    assert client.get(f"{API}/me").json["tenant"]["zone"] == zone


def test_a_country_of_many_zones_asks_which_and_offers_its_own_first(steps: Steps) -> None:
    _, refused = found(steps, country="CA", zone="")
    assert refused.status_code == 422
    assert 'href="#field-zone"' in refused.text
    offered = re.findall(r'<option value="([^"]*)"', refused.text.partition('name="zone"')[2].partition("</select>")[0])
    assert offered[0] == ""
    assert {"America/Toronto", "America/Vancouver"} <= set(offered[1:30])
    assert len(offered) == len(set(offered))
    client, answer = found(steps, country="CA", zone="America/Toronto")
    assert answer.status_code == 303
    assert client.get(f"{API}/me").json["tenant"]["zone"] == "America/Toronto"


def test_whoever_is_removed_is_named(steps: Steps) -> None:
    client, _ = found(steps)
    made = client.post("/identity/people/invite", data={"roles": "player", "emails": ""} | csrf(client)).text
    [link] = re.findall(r"/identity/invitations/[\w-]+", made)
    steps.client().post(link, data={"display_name": "Ana", "email": "ana@example.org", "password": PASSWORD})
    [ana] = [one for one in client.get(f"{API}/people").json if one["display_name"] == "Ana"]
    client.post(f"/identity/people/{ana['person_id']}/remove", data=csrf(client))
    assert "Ana ne fait plus partie" in client.get("/identity/people", headers=FRENCH).text


# --- where to write, and what is kept ---


def test_pages_name_the_address_to_write_to(steps: Steps, tmp_path: Path) -> None:
    paths = [f"/legal/{name}" for name in ("about", "privacy", "terms", "accessibility")]
    for path in paths:
        page = steps.client().get(path, headers=FRENCH).text
        assert "pas encore indiqué d’adresse" in page, path
    extension = steps.house.apps["identity"].extensions["mpp"]
    extension["settings"] = msgspec.structs.replace(steps.house.settings, contact="nous@planet.example.org")
    for path in paths:
        assert 'href="mailto:nous@planet.example.org"' in steps.client().get(path).text, path
    client, _ = found(steps)
    tenant = client.get(f"{API}/me").json["tenant"]["tenant_id"]
    steps.operator().put(f"{API}/tenants/{tenant}/suspension")
    typed = {"email": "h@example.org", "password": PASSWORD}
    for page in (client.get("/identity/me"), steps.client().post("/sign-in", data=typed)):
        assert page.status_code == 403
        assert "mailto:nous@planet.example.org" in page.text


def test_the_address_is_that_of_our_mails_unless_another_is_set() -> None:
    assert Settings().contact_address == ""
    assert Settings(mail_from="Planète <a@planet.example.org>").contact_address == "a@planet.example.org"
    assert read_settings({"MPP_CONTACT": "b@planet.example.org"}).contact_address == "b@planet.example.org"
    for wrong in ("us", "Nous <b@planet.example.org>"):
        with pytest.raises(SettingsError, match="MPP_CONTACT"):
            read_settings({"MPP_CONTACT": wrong})


def test_the_page_of_the_data_says_who_what_how_long_and_which_rights(steps: Steps) -> None:
    page = steps.client().get("/legal/privacy", headers=FRENCH).text
    for words in ("Qui est responsable", "Combien de temps", "30 jours", "CNIL", "la compléter", "supprimez", "Moi"):
        assert words.lower() in page.lower(), words


def test_an_account_is_deleted_by_its_owner_who_knows_the_password(steps: Steps) -> None:
    client = steps.client()
    typed = {"display_name": "Zoé", "email": "zoe@example.org", "password": PASSWORD}
    client.post("/players/new", data=typed, headers=FRENCH)
    assert 'href="/identity/me/delete"' in client.get("/identity/me").text
    wrong = client.post("/identity/me/delete", data={"current_password": "no"} | csrf(client), headers=FRENCH)
    assert (wrong.status_code, "pas votre mot de passe actuel" in wrong.text) == (422, True)
    assert client.post("/identity/me/delete", data={"current_password": PASSWORD}).status_code == 403
    gone = client.post("/identity/me/delete", data={"current_password": PASSWORD} | csrf(client))
    assert (gone.status_code, gone.headers["Location"]) == (303, "/")
    assert client.get_cookie("mpp_access") is None
    assert len(steps.events(PersonLeft)) == 1
    assert steps.sign_in("zoe@example.org").status_code == 401
    assert client.post("/players/new", data=typed).status_code == 303, "the address is free again"


def test_the_last_administrator_cannot_delete_their_account(steps: Steps) -> None:
    client, _ = found(steps)
    refused = client.post("/identity/me/delete", data={"current_password": PASSWORD} | csrf(client), headers=FRENCH)
    assert refused.status_code == 409
    assert client.get("/identity/me").status_code == 200


@pytest.mark.parametrize("page", ["/players/new", "invitation", "/identity/people/invite"])
def test_an_address_that_has_an_account_is_said_beside_its_field(steps: Steps, page: str) -> None:
    client, _ = found(steps)
    typed = {"display_name": "Zoé", "email": "zoe@example.org", "password": PASSWORD}
    field = "emails" if page == "/identity/people/invite" else "email"
    if page == "/players/new":
        assert steps.client().post(page, data=typed).status_code == 303
    if page == "invitation":
        invited = client.post("/identity/people/invite", data={"roles": "player", "emails": ""} | csrf(client)).text
        [page] = re.findall(r"/identity/invitations/[\w-]+", invited)
        typed["email"] = "h@example.org"
    if field == "emails":
        typed = {"emails": "h@example.org", "roles": "player"} | csrf(client)
    refused = (client if field == "emails" else steps.client()).post(page, data=typed, headers=FRENCH)
    assert refused.status_code == 409
    [summary] = re.findall(r"data-form-errors>(.*?)</div>", refused.text, re.DOTALL)
    told = re.findall(rf'href="#field-{field}">([^<]+)', summary)
    beside = refused.text.partition(f'id="error-{field}">')[2].partition("</div>")[0]
    assert told
    assert told[0] in beside
    assert refused.text.count(told[0]) == 2, "above the form stands what to do"
    assert re.search(rf'name="{field}"[^>]* aria-invalid="true" aria-describedby="[^"]*error-{field}"', refused.text)
