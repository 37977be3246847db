"""Signing in and out by page, as a browser without JavaScript does it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.identity.steps import API, EMAIL, PASSWORD, Steps, csrf_of, sign_in
from tests.pages import buttons, elements, words_of

EVIL = {"Origin": "https://evil.example.org"}


def test_signing_in_leads_to_where_one_was_going(steps: Steps) -> None:
    steps.found()
    client = steps.client()
    page = client.get("/sign-in?to=/leagues/join/ABCD")
    assert 'name="to" value="/leagues/join/ABCD"' in page.text
    answer = sign_in(client, to="/leagues/join/ABCD")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/leagues/join/ABCD")
    assert client.get(f"{API}/me").json["email"] == EMAIL


@pytest.mark.parametrize("to", ["https://evil.example.org/", "//evil.example.org", "/\\evil.example.org"])
def test_nobody_is_led_to_another_origin(steps: Steps, to: str) -> None:
    steps.found()
    client = steps.client()
    assert sign_in(client, to=to).headers["Location"] == "/leagues/"
    assert client.get("/sign-in", query_string={"to": to}).headers["Location"] == "/leagues/"
    assert client.get("/identity/continue", query_string={"to": to}).headers["Location"] == "/leagues/"
    assert steps.client().post("/language", data={"language": "fr", "back": to}).headers["Location"] == "/"


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_wrong_password_is_said_and_the_address_stays(steps: Steps, language: str) -> None:
    steps.found()
    client = steps.client()
    client.post("/language", data={"language": language})
    answer = sign_in(client, "something else")
    assert answer.status_code == 401
    assert f'lang="{language}"' in answer.text
    assert f'value="{EMAIL}"' in answer.text
    assert "something else" not in answer.text
    assert 'role="alert"' in answer.text
    assert client.get_cookie("mpp_access") is None


def test_what_is_no_address_is_said_beside_its_field(steps: Steps) -> None:
    typed = {"email": '<b>"no', "password": "x"}
    answer = steps.client().post("/sign-in", data=typed, headers={"Accept-Language": "en"})
    assert answer.status_code == 422
    assert "This is not an e-mail address" in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert 'aria-describedby="error-email"' in answer.text
    assert "<b>" not in answer.text


def test_who_has_several_accounts_chooses_one(steps: Steps) -> None:
    steps.found(name="Lilas")
    steps.found(name="Roses <i>")
    client = steps.client()
    page = sign_in(client)
    assert page.status_code == 200
    assert "Lilas" in page.text
    assert "Roses &lt;i&gt;" in page.text
    tenant_id = re.findall(r'name="tenant_id" value="([^"]+)"', page.text)[0]
    assert sign_in(client, tenant_id=tenant_id).status_code == 303


def test_another_sites_form_signs_nobody_in(steps: Steps) -> None:
    steps.found()
    client = steps.client()
    answer = client.post("/sign-in", data={"email": EMAIL, "password": PASSWORD}, headers=EVIL)
    assert answer.status_code == 403
    assert client.get_cookie("mpp_access") is None


def test_signing_out_ends_the_session_and_needs_our_own_form(browser: FlaskClient, steps: Steps) -> None:
    token = browser.get_cookie("mpp_access")
    assert token is not None
    assert browser.post("/sign-out").status_code == 403
    answer = browser.post("/sign-out", data={"csrf_token": csrf_of(browser)})
    assert answer.headers["Location"] == "/"
    assert browser.get_cookie("mpp_access") is None
    assert steps.client(token.value).get(f"{API}/me").status_code == 401
    assert "À bientôt" in browser.get("/", headers={"Accept-Language": "fr"}).text
    assert "À bientôt" not in browser.get("/", headers={"Accept-Language": "fr"}).text, "it is said once"


def test_only_a_sentence_of_ours_is_said(steps: Steps) -> None:
    client = steps.client()
    for cookie in ("%7B%22sentence%22%3A%22Send%20money%22%2C%22values%22%3A%7B%7D%7D", "nonsense", "%5B1%5D"):
        client.set_cookie("mpp_said", cookie)
        page = client.get("/")
        assert page.status_code == 200
        assert "Send money" not in page.text


# --- the short token has ended ----------------------------------------------------------------------------------------


def test_a_page_renews_the_session_by_itself(browser: FlaskClient) -> None:
    browser.delete_cookie("mpp_access")
    sent = browser.get("/identity/me")
    assert (sent.status_code, sent.headers["Location"]) == (303, "/identity/continue?to=%2Fidentity%2Fme")
    back = browser.get(sent.headers["Location"])
    assert (back.status_code, back.headers["Location"]) == (303, "/identity/me")
    assert browser.get("/identity/me").status_code == 200


def test_a_form_sent_after_the_token_has_ended_arrives_all_the_same(browser: FlaskClient) -> None:
    browser.delete_cookie("mpp_access")
    typed = {"display_name": "Camille Roux", "language": "fr", "csrf_token": csrf_of(browser)}
    sent = browser.post("/identity/me", data=typed)
    assert sent.status_code == 307
    back = browser.post(sent.headers["Location"], data=typed)
    assert (back.status_code, back.headers["Location"]) == (307, "/identity/me")
    assert browser.post("/identity/me", data=typed).status_code == 303
    assert browser.get(f"{API}/me").json["display_name"] == "Camille Roux"


def test_what_was_typed_outlives_a_session_that_has_ended_for_good(browser: FlaskClient, steps: Steps) -> None:
    typed = {"display_name": 'Zoé "la"', "language": "fr", "csrf_token": csrf_of(browser)}
    browser.delete_cookie("mpp_access")
    browser.delete_cookie("mpp_refresh", path="/identity")
    asked = browser.post("/identity/continue?to=/identity/me", data=typed)
    assert asked.status_code == 401
    assert 'name="kept.display_name" value="Zoé &#34;la&#34;"' in asked.text
    assert "kept.csrf_token" not in asked.text
    again = sign_in(browser, to="/identity/me", **{"kept.display_name": typed["display_name"], "kept.language": "fr"})
    assert again.status_code == 200
    assert 'action="/identity/me"' in again.text
    assert f'name="csrf_token" value="{csrf_of(browser)}"' in again.text
    assert 'name="display_name" value="Zoé &#34;la&#34;"' in again.text


def test_who_changes_it_first_finds_what_was_typed_and_nothing_is_done(browser: FlaskClient) -> None:
    csrf = csrf_of(browser)
    typed = {"csrf_token": csrf, "display_name": "Nouvelle", "language": "fr", "draft": "yes"}
    page = browser.post("/identity/me", data=typed)
    assert page.status_code == 200
    assert 'value="Nouvelle"' in page.text
    assert browser.get(f"{API}/me").json["display_name"] != "Nouvelle"
    assert browser.post("/sign-out", data={"csrf_token": csrf, "draft": "yes"}).status_code == 404, "it has no page"
    assert browser.get(f"{API}/me").status_code == 200


@pytest.fixture
def ended(browser: FlaskClient) -> FlaskClient:
    """The same browser, whose session has ended for good."""
    browser.delete_cookie("mpp_access")
    browser.delete_cookie("mpp_refresh", path="/identity")
    return browser


def sent_on(client: FlaskClient, address: str, typed: dict[str, Any]) -> TestResponse:
    """What a form is answered with in the end, as a browser follows it."""
    sent = client.post(address, data=typed)
    assert sent.status_code == 307
    return client.post(sent.headers["Location"], data=typed)


def carried(page: str) -> dict[str, str]:
    """What the form in the main part of a page carries."""
    main = page.partition("<main")[2].partition("</main>")[0]
    fields = (attributes for attributes, _ in elements(main, "input") if attributes.get("type") == "hidden")
    return {attributes["name"]: attributes["value"] for attributes in fields}


def test_a_tap_of_an_ended_session_is_not_forgotten_and_can_be_done_afterwards(
    ended: FlaskClient, steps: Steps
) -> None:
    me = {"csrf_token": csrf_of(ended), "account_id": "01900000-0000-7000-8000-000000000001"}
    asked = sent_on(ended, "/sign-out-everywhere", me)
    assert asked.status_code == 401
    assert "Ce n’est pas encore fait, vous pourrez le faire ensuite" in words_of(asked.text)
    assert "saisi" not in words_of(asked.text), "nothing was typed"
    wrong = sign_in(ended, "wrong", **carried(asked.text))
    again = sign_in(ended, **carried(wrong.text) | {"kept_by": ""})
    assert again.status_code == 200
    assert "n’est pas encore fait" in words_of(again.text)
    assert 'action="/sign-out-everywhere"' in again.text
    assert "Le faire maintenant" in buttons(again.text)
    assert "Modifier d’abord" not in again.text
    done = ended.post("/sign-out-everywhere", data=carried(again.text))
    assert done.headers["Location"] == "/"
    assert ended.get_cookie("mpp_access") is None


def test_who_signs_in_instead_is_asked_whether_the_tap_is_theirs(ended: FlaskClient) -> None:
    other = {"csrf_token": csrf_of(ended), "account_id": "01900000-0000-7000-8000-000000000001"}
    asked = sent_on(ended, "/sign-out-everywhere", other)
    told = sign_in(ended, **carried(asked.text))
    assert "demandé avec un autre compte, et ce n’est pas fait" in words_of(told.text)
    assert "Le faire en mon nom" in buttons(told.text)
    assert "Le faire maintenant" not in buttons(told.text)
    change = told.text.partition('action="/sign-out"')[2].partition("</form>")[0]
    back = ended.post("/sign-out", data=carried(f"<main{change}</main>"))
    assert {name: carried(back.text)[name] for name in ("to", "kept_by", "on_its_way")} == {
        "to": "/sign-out-everywhere",
        "kept_by": other["account_id"],
        "on_its_way": "1",
    }


def test_who_signs_out_of_an_ended_session_is_signed_out(ended: FlaskClient) -> None:
    gone = sent_on(ended, "/sign-out", {"csrf_token": csrf_of(ended)})
    assert (gone.status_code, gone.headers["Location"]) == (303, "/")
    assert "À bientôt" in ended.get("/").text


@pytest.mark.parametrize(
    ("address", "has_page"), [("/identity/me", True), ("/identity/people/invitations/{}/withdraw", False)]
)
def test_only_what_has_a_page_can_be_changed_first(ended: FlaskClient, address: str, has_page: bool) -> None:
    typed = {"display_name": "Zoé", "csrf_token": csrf_of(ended)}
    asked = sent_on(ended, address.format("01900000-0000-7000-8000-000000000001"), typed)
    assert "Ce que vous avez saisi est gardé" in words_of(asked.text)
    assert ("has_page" in carried(asked.text)) is has_page
    again = sign_in(ended, **carried(asked.text) | {"kept_by": ""})
    assert ("Modifier d’abord" in buttons(again.text)) is has_page
    assert "Envoyer maintenant" in buttons(again.text)


def test_what_was_typed_is_shown_in_words(ended: FlaskClient) -> None:
    typed = {"display_name": "Zoé", "language": "fr", "day": "2026-11-26", "ticks": ["a:b", "c:d", ""]}
    asked = sent_on(ended, "/identity/me", typed)
    again = sign_in(ended, **carried(asked.text) | {"kept_by": "", "kept.ticks": ["a:b", "c:d", ""]})
    [shown] = re.findall(r'<ul class="typed">(.*?)</ul>', again.text)
    assert re.findall(r"<li[^>]*>([^<]*)", shown) == ["Zoé", "jeudi 26 novembre 2026", "2 cases cochées"]


def test_a_password_is_never_kept(browser: FlaskClient) -> None:
    browser.delete_cookie("mpp_access")
    browser.delete_cookie("mpp_refresh", path="/identity")
    typed = {"current_password": PASSWORD, "new_password": "another one", "password": "third"}
    asked = browser.post("/identity/continue?to=/identity/me/password", data=typed)
    assert not re.search(f"another one|third|{PASSWORD}", asked.text)


def test_a_visitor_is_asked_to_sign_in_and_a_public_page_asks_nobody(steps: Steps) -> None:
    client = steps.client()
    sent = client.get("/identity/me")
    assert client.get(sent.headers["Location"]).headers["Location"] == "/sign-in?to=%2Fidentity%2Fme"
    client.set_cookie("mpp_csrf", "old")
    sent = client.get("/sign-in")
    assert sent.headers["Location"].endswith("guest=1")
    assert client.get(sent.headers["Location"]).headers["Location"] == "/sign-in"
    assert client.get("/sign-in").status_code == 200


def test_a_piece_of_a_page_leads_the_whole_page_to_sign_in(steps: Steps) -> None:
    client = steps.client()
    headers = {"HX-Request": "true", "HX-Current-URL": "http://localhost/leagues/?q=1"}
    answer = client.get("/identity/continue?to=/leagues/piece", headers=headers)
    assert answer.headers["HX-Redirect"] == "/sign-in?to=%2Fleagues%2F%3Fq%3D1"
    headers["HX-Current-URL"] = "https://evil.example.org/x"
    answer = client.get("/identity/continue?to=/leagues/piece", headers=headers)
    assert answer.headers["HX-Redirect"] == "/sign-in?to=%2Fleagues%2F"


def test_a_stolen_refresh_token_ends_the_session(browser: FlaskClient, steps: Steps, clock: Any) -> None:
    old = browser.get_cookie("mpp_refresh", path="/identity")
    assert old is not None
    browser.get("/identity/continue?to=/identity/me")
    clock.advance(seconds=60)
    thief = steps.client()
    thief.set_cookie("mpp_refresh", old.value, path="/identity")
    thief.set_cookie("mpp_csrf", csrf_of(browser))
    assert "sign-in" in thief.get("/identity/continue?to=/identity/me").headers["Location"]
    assert browser.get(f"{API}/me").status_code == 401


# --- refusals as pages ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "sentence"), [("fr", "Rien ne pousse ici"), ("en", "Nothing grows here")])
def test_an_unknown_address_has_a_page_and_a_program_gets_json(steps: Steps, language: str, sentence: str) -> None:
    page = steps.client().get("/nowhere", headers={"Accept-Language": language})
    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert sentence in page.text
    assert steps.client().get(f"{API}/nowhere").mimetype == "application/problem+json"


def test_a_piece_that_cannot_be_shown_is_a_sentence_only(steps: Steps) -> None:
    piece = steps.client().get("/nowhere", headers={"HX-Request": "true"})
    assert piece.status_code == 404
    assert "<html" not in piece.text
    assert 'role="alert"' in piece.text
