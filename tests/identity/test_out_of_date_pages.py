"""A form that was opened in another session: who is here now, and what becomes of what was typed."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from tests.identity.steps import EMAIL, PASSWORD, Steps, sign_in

OURS = {"Origin": "http://localhost"}
TYPED = {"display_name": 'Zoé "la"', "language": "fr"}


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of a page."""
    return dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page))


def who(client: FlaskClient) -> dict[str, str]:
    return dict(re.findall(r'data-(\w+)="([^"]*)"', client.get("/identity/fragments/who").text))


def test_who_is_here_is_told_to_nobody_else(browser: FlaskClient, steps: Steps) -> None:
    told = browser.get("/identity/fragments/who")
    assert ">Camille</strong>" in told.text
    assert told.headers["Cache-Control"] == "no-store"
    assert who(browser) == {
        "account": browser.get("/identity/api/v1/me").json["person_id"],  # type: ignore[index]
        "csrf": hidden(browser.get("/identity/me").text)["csrf_token"],
    }
    assert who(steps.client()) == {"account": "", "csrf": ""}


def test_every_form_says_whose_it_is(browser: FlaskClient, steps: Steps) -> None:
    assert hidden(browser.get("/identity/me").text)["account_id"] == who(browser)["account"]
    assert "account_id" not in hidden(steps.client().get("/sign-in").text)


def test_a_form_of_the_same_account_is_sent_again_with_the_new_proof(browser: FlaskClient) -> None:
    old = {"csrf_token": "of an older session", "account_id": who(browser)["account"]}
    page = browser.post("/identity/me", data=TYPED | old, headers=OURS)
    assert page.status_code == 403
    fields = hidden(page.text.partition('id="again"')[2])
    assert fields["csrf_token"] == who(browser)["csrf"]
    assert fields["display_name"] == "Zoé &#34;la&#34;"
    assert browser.post("/identity/me", data=TYPED | {"csrf_token": fields["csrf_token"]}).status_code == 303


def test_a_form_of_another_account_leads_there_with_what_was_typed(browser: FlaskClient) -> None:
    old = {"csrf_token": "theirs", "account_id": "01900000-0000-7000-8000-000000000001"}
    page = browser.post(
        "/identity/me", data=TYPED | old, headers=OURS | {"Referer": "http://localhost/identity/me?x=1"}
    )
    fields = hidden(page.text.partition('id="again"')[2])
    assert fields["kept.display_name"] == "Zoé &#34;la&#34;"
    assert fields["kept_by"] == old["account_id"]
    assert 'href="/identity/me">Retour' in page.text
    asked = browser.post(
        "/sign-out", data={"csrf_token": fields["csrf_token"], "to": fields["to"], "kept.display_name": "Zoé"}
    )
    assert browser.get_cookie("mpp_access") is None
    kept = hidden(asked.text)
    assert kept.pop("back").startswith("/sign-in")
    del kept["csrf_token"]  # of the session that has just ended: nobody asks for it any more
    assert kept == {"to": "/identity/me", "kept.display_name": "Zoé"}
    again = sign_in(browser, to=fields["to"], **{"kept.display_name": "Zoé"})
    assert hidden(again.text)["account_id"] == who(browser)["account"]
    assert EMAIL not in again.text


def test_whoever_signs_in_instead_is_told_that_it_was_typed_by_another(browser: FlaskClient) -> None:
    """On a shared device the session of one has ended in mid-form, and the other signs in."""
    account = who(browser)["account"]
    theirs = {"account_id": "01900000-0000-7000-8000-000000000001", "csrf_token": "theirs"}
    browser.delete_cookie("mpp_access")
    browser.delete_cookie("mpp_refresh", path="/identity")
    asked = browser.post("/identity/continue?to=/identity/me", data=TYPED | theirs)
    kept = {name: value for name, value in hidden(asked.text).items() if name.startswith("kept")}
    assert kept["kept_by"] == theirs["account_id"]
    told = sign_in(browser, to="/identity/me", **kept)
    assert "C’était écrit avec un autre compte. Vous êtes maintenant dans celui de Camille" in told.text
    assert "Envoyer maintenant" not in told.text
    change, send = told.text.split('method="post"')[1:3]
    assert 'action="/sign-out"' in change
    assert 'action="/identity/me"' in send
    assert "L’envoyer en mon nom" in send
    asked = browser.post("/sign-out", data=hidden(change))
    assert hidden(asked.text)["kept_by"] == theirs["account_id"], "nothing is lost on the way to the other account"
    own = sign_in(browser, to="/identity/me", **kept | {"kept_by": account})
    assert "Envoyer maintenant" in own.text


@pytest.mark.parametrize("address", ["/sign-in", "/reset", "/language"])
def test_a_form_from_before_signing_in_is_out_of_date_and_nothing_of_it_is_offered(
    browser: FlaskClient, steps: Steps, address: str
) -> None:
    """It was open in one tab, and signed in was in another."""
    before = hidden(steps.client().get("/sign-in").text)
    assert "account_id" not in before
    typed = before | {"email": EMAIL, "password": PASSWORD, "language": "en", "to": "/leagues/"}
    page = browser.post(address, data=typed, headers=OURS | {"Referer": "http://localhost/sign-in"})
    assert page.status_code == 403
    assert "Vous vous êtes connecté·e depuis qu’elle a été ouverte. Rien n’a été envoyé." in page.text
    main = page.text.partition("<main")[2].partition("</main>")[0]
    assert not re.search(f"{PASSWORD}|{EMAIL}|<button", main)
    assert 'href="/leagues/"' in main
    assert browser.get_cookie("mpp_access") is not None
    elsewhere = browser.post(address, data=typed, headers={"Origin": "https://evil.example"})
    assert "connecté·e depuis" not in elsewhere.text


@pytest.mark.parametrize(("address", "has_page"), [("/identity/me", True), ("/identity/people/x/suspend", False)])
def test_on_the_way_to_another_account_only_what_has_a_page_can_be_changed_first(
    browser: FlaskClient, address: str, has_page: bool
) -> None:
    address = address.replace("x", "01900000-0000-7000-8000-000000000002")
    old = {"csrf_token": "theirs", "account_id": "01900000-0000-7000-8000-000000000001", "display_name": "Zoé"}
    page = browser.post(address, data=old, headers=OURS).text
    asked = browser.post("/sign-out", data=hidden(page.partition('id="again"')[2]))
    kept = hidden(asked.text.partition("<main")[2])
    assert (kept["to"], kept["kept.display_name"], "has_page" in kept) == (address, "Zoé", has_page)
    assert ("Modifier d’abord" in sign_in(browser, **kept | {"kept_by": ""}).text) is has_page


def test_a_password_is_not_in_the_page_that_refuses_its_form(browser: FlaskClient) -> None:
    old = {"csrf_token": "old", "account_id": who(browser)["account"], "current_password": PASSWORD}
    page = browser.post("/identity/me/password", data=old | {"new_password": "another one"}, headers=OURS)
    assert page.status_code == 403
    assert "Cette page n’est plus à jour" in page.text
    assert not re.search(f"{PASSWORD}|another one|Envoyer maintenant", page.text)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://[", ""])
def test_nothing_of_another_site_is_offered_to_be_sent(browser: FlaskClient, origin: str) -> None:
    old = {"csrf_token": "", "account_id": who(browser)["account"]}
    page = browser.post("/identity/me", data=TYPED | old, headers={"Origin": origin, "Referer": f"{origin}/x"})
    assert page.status_code == 403
    assert "Zoé" not in page.text
    assert ">Retour<" not in page.text


def test_a_refusal_of_what_was_kept_is_told_to_the_script(browser: FlaskClient) -> None:
    proof = {"csrf_token": who(browser)["csrf"]}
    kept = {"X-Kept": "yes", "Accept-Language": "fr"}
    refused = browser.post("/identity/me", data=proof | {"display_name": "", "language": "fr"}, headers=kept)
    assert (refused.status_code, refused.mimetype) == (422, "application/problem+json")
    assert refused.json is not None
    assert [error["field"] for error in refused.json["errors"]] == ["display_name"]
    missing = browser.post("/identity/me", data=TYPED | {"csrf_token": "old"}, headers=kept)
    assert missing.json is not None
    assert (missing.status_code, missing.json["code"]) == (403, "csrf_missing")
    assert browser.post("/identity/me", data=TYPED | proof, headers=kept).status_code == 303
