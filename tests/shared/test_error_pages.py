"""Refusals as a person reads them: what happened and what to do next, in both languages, whoever they are."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple
from uuid import uuid4

import pytest
from flask import Blueprint
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from services.leagues.errors import EditionNotOpen
from shared.auth import Caller, public
from shared.errors import Conflict, Forbidden, NotFound, TooManyRequests, Word
from shared.problems import Unavailable
from shared.settings import Settings
from shared.web import build_app
from tests.house import caller_of, token_of
from tests.pages import buttons, elements, links, words_of
from tests.shared.tiny import Tiny


class Told(NamedTuple):
    """An error as its page tells it: title, what happened, the way on (a link's words and where it leads)."""

    error: Callable[[], Exception]
    status: int
    french: tuple[str, str, str]
    english: tuple[str, str, str]
    leads_to: str


CLOSED = {"phase": Word("frozen"), "allowed": [Word("running"), Word("grace")]}
TOLD = {
    "403": Told(
        Forbidden,
        403,
        ("Cette porte est fermée", "Votre rôle ne permet pas cela", "À l’accueil"),
        ("This door is closed", "Your role does not allow this", "To the start"),
        "/leagues/",
    ),
    "404": Told(
        NotFound,
        404,
        ("Rien ne pousse ici", "Il n’y a rien à cette adresse. Vérifiez-la", "À l’accueil"),
        ("Nothing grows here", "There is nothing at this address. Check it", "To the start"),
        "/leagues/",
    ),
    "409": Told(
        Conflict,
        409,
        ("Cela ne va pas ensemble", "Cela contredit ce qui est déjà enregistré", "Retour"),
        ("That does not fit together", "This contradicts what is already recorded", "Back"),
        "/tiny/form",
    ),
    "closed": Told(
        lambda: EditionNotOpen(**CLOSED),
        409,
        ("Cela ne va pas ensemble", "Cette édition est dans la phase « classements figés »", "Retour"),
        ("That does not fit together", "This edition is in the phase “frozen”", "Back"),
        "/tiny/form",
    ),
    "429": Told(
        lambda: TooManyRequests(seconds=120),
        429,
        ("Un peu moins vite", "Trop de tentatives. Attendez 2 minutes", "Réessayer"),
        ("A little slower, please", "Too many attempts. Wait 2 minutes", "Try again"),
        "/tiny/wrong/429",
    ),
    "500": Told(
        lambda: RuntimeError("a bug"),
        500,
        ("La planète a le hoquet", "Une erreur s’est produite de notre côté", "Réessayer"),
        ("The planet has hiccups", "Something went wrong on our side", "Try again"),
        "/tiny/wrong/500",
    ),
    "maintenance": Told(
        Unavailable,
        503,
        ("La planète reprend son souffle", "occupé ou en maintenance. Rien n’est perdu", "Réessayer"),
        ("The planet is catching its breath", "busy or being looked after. Nothing was lost", "Try again"),
        "/tiny/wrong/maintenance",
    ),
    "database": Told(
        lambda: OperationalError("SELECT", {}, Exception("database is locked")),
        503,
        ("La planète reprend son souffle", "occupé ou en maintenance. Rien n’est perdu", "Réessayer"),
        ("The planet is catching its breath", "busy or being looked after. Nothing was lost", "Try again"),
        "/tiny/wrong/database",
    ),
}

ENGLISH = {"Accept-Language": "en"}
OURS = ENGLISH | {"Origin": "http://localhost", "Referer": "http://localhost/tiny/form?page=2"}
TYPED = {"note": 'Avec "ma" sœur', "day": "2026-11-26", "language": "fr", "team_id": str(uuid4())}
pages = Blueprint("wrong_pages", __name__, url_prefix="/tiny")


@pages.route("/wrong/<kind>", methods=["GET", "POST"])
@public
def wrong(kind: str) -> str:
    """Fails as it is asked to."""
    raise TOLD[kind].error()


@pages.post("/only-wrong/<kind>")
@public
def only_wrong(kind: str) -> str:
    """The same at an address that only takes forms."""
    raise TOLD[kind].error()


@pytest.fixture
def caller() -> Caller:
    """Somebody signed in."""
    return caller_of()


@pytest.fixture
def client(tiny: Tiny, caller: Caller) -> FlaskClient:
    """Their browser, at a service whose pages fail."""
    client = build_app("tiny", Settings(), tiny.database, [pages], import_name=__name__).test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token_of(caller)}"
    return client


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("kind", TOLD)
def test_an_error_has_a_page_that_says_what_happened_and_what_to_do_next(
    client: FlaskClient, kind: str, language: str
) -> None:
    told = TOLD[kind]
    title, happened, next_step = told.french if language == "fr" else told.english
    came_from = {"Referer": "http://localhost/tiny/form"}
    ask = client.get if told.leads_to == f"/tiny/wrong/{kind}" else client.post
    page = ask(f"/tiny/wrong/{kind}", headers={"Accept-Language": language} | came_from)
    assert (page.status_code, page.mimetype) == (told.status, "text/html")
    assert page.headers["Content-Language"] == language
    assert [attributes["lang"] for attributes, _ in elements(page.text, "html")] == [language]
    [(_attributes, heading)] = elements(page.text, "h1")
    assert heading.startswith(title)
    [(_attributes, of_the_window)] = elements(page.text, "title")
    assert of_the_window == f"{heading} · Ma Petite Planète"
    assert happened in words_of(page.text)
    assert links(page.text)[next_step] == told.leads_to
    assert "Traceback" not in page.text
    assert "a bug" not in page.text


@pytest.mark.parametrize("kind", ["500", "maintenance"])
def test_who_asks_us_for_help_has_the_number_of_the_log(client: FlaskClient, kind: str) -> None:
    page = client.get(f"/tiny/wrong/{kind}")
    assert page.headers["X-Request-ID"] in words_of(page.text)


def test_who_is_throttled_is_told_when_by_the_header_too(client: FlaskClient) -> None:
    assert client.get("/tiny/wrong/429").headers["Retry-After"] == "120"


@pytest.mark.parametrize("kind", TOLD)
def test_a_visitor_is_led_to_the_front_door_and_a_closed_one_to_signing_in(tiny: Tiny, kind: str) -> None:
    visitor = build_app("tiny", Settings(), tiny.database, [pages], import_name=__name__).test_client()
    page = visitor.get(f"/tiny/wrong/{kind}", headers={"Accept-Language": "en"}).text
    assert links(page)["To the start"] == "/"
    in_main = links(re.findall(r"<main.*</main>", page, re.DOTALL)[0])
    assert ("Sign in" in in_main) is (kind == "403")


@pytest.mark.parametrize(
    "referrer",
    [
        "https://evil.example.org/tiny/form",
        "http://localhost/tiny/wrong/409",
        "http://localhost//evil.example.org/tiny/form",
        "",
    ],
)
def test_back_leads_only_to_another_page_of_ours(client: FlaskClient, referrer: str) -> None:
    page = client.post("/tiny/wrong/409", headers={"Accept-Language": "en", "Referer": referrer})
    assert "Back" not in links(page.text)
    assert "To the start" in links(page.text)


# --- what was typed ---------------------------------------------------------------------------------------------------


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of the form in the main part of a page."""
    main = re.findall(r"<main.*</main>", page, re.DOTALL)[0]
    return {attributes["name"]: attributes["value"] for attributes, _ in elements(main, "input")}


@pytest.mark.parametrize("kind", ["429", "500", "maintenance", "database"])
def test_what_was_typed_is_sent_again_where_it_may_go_well_then(client: FlaskClient, caller: Caller, kind: str) -> None:
    sent = TYPED | {"csrf_token": caller.csrf, "account_id": str(caller.person_id)}
    page = client.post(f"/tiny/only-wrong/{kind}?x=1", data=sent, headers=OURS).text
    assert hidden(page) == sent
    [form] = [attributes for attributes, _ in elements(page, "form") if attributes.get("id") == "again"]
    assert (form["method"], form["action"]) == ("post", f"/tiny/only-wrong/{kind}?x=1")
    assert "Try again" in buttons(page)
    assert "Try again" not in links(page), "that would open an address without a page, and lose it"
    assert [text for _, text in elements(page, "li") if text in TYPED.values()] == [TYPED["note"]]
    assert "Thursday, 26 November 2026" in words_of(page)


def test_a_draft_is_tried_again_as_a_draft(client: FlaskClient, caller: Caller) -> None:
    sent = TYPED | {"csrf_token": caller.csrf, "draft": "yes"}
    assert hidden(client.post("/tiny/wrong/500", data=sent, headers=OURS).text)["draft"] == "yes"


@pytest.mark.parametrize("more", [{"csrf_token": "old"}, {"current_password": "trois tortues"}], ids=str)
def test_without_its_proof_or_with_a_password_the_way_leads_back_to_the_form(
    client: FlaskClient, caller: Caller, more: dict[str, str]
) -> None:
    page = client.post("/tiny/wrong/500", data=TYPED | {"csrf_token": caller.csrf} | more, headers=OURS).text
    assert links(page)["Back"] == "/tiny/form"
    assert "Try again" not in links(page) | dict.fromkeys(buttons(page), "")
    assert hidden(page) == {}
    assert "tortues" not in page
    assert 'Avec "ma" sœur' in words_of(page)


@pytest.mark.parametrize("kind", ["403", "404", "409"])
def test_a_form_that_cannot_be_shown_again_leaves_what_was_typed_to_be_copied(client: FlaskClient, kind: str) -> None:
    page = client.post(f"/tiny/only-wrong/{kind}", data=TYPED, headers=OURS)
    told = words_of(page.text)
    assert "What you had typed" in told
    assert 'Avec "ma" sœur' in told
    assert TYPED["team_id"] not in page.text
    assert " fr " not in told
    assert hidden(page.text) == {}
    assert "What you had typed" not in client.post(f"/tiny/only-wrong/{kind}", headers=OURS).text


@pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
@pytest.mark.parametrize("kind", ["404", "409", "500", "429"])
def test_nothing_that_another_site_sent_is_shown_or_offered(
    client: FlaskClient, caller: Caller, kind: str, origin: str
) -> None:
    headers = ENGLISH | {"Origin": origin, "Referer": f"{origin}/x"}
    page = client.post(f"/tiny/wrong/{kind}", data=TYPED | {"csrf_token": caller.csrf}, headers=headers)
    assert page.status_code == int(kind)
    assert "sœur" not in page.text
    assert hidden(page.text) == {}


def test_a_form_that_is_too_large_to_be_read_has_its_page_all_the_same(tiny: Tiny, caller: Caller) -> None:
    app = build_app("tiny", Settings(), tiny.database, [pages], import_name=__name__)
    app.config["MAX_CONTENT_LENGTH"] = 100
    headers = OURS | {"Authorization": f"Bearer {token_of(caller)}"}
    page = app.test_client().post("/tiny/wrong/500", data={"note": "x" * 200}, headers=headers)
    assert (page.status_code, page.mimetype) == (500, "text/html")
    assert "xxx" not in page.text


# --- addresses without a page -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "sentence"),
    [("en", "There is no page at this address: it only takes what a form sends"), ("fr", "Il n’y a pas de page")],
)
def test_who_opens_an_address_for_forms_hears_nothing_of_methods(
    client: FlaskClient, language: str, sentence: str
) -> None:
    page = client.get("/tiny/only-wrong/409", headers={"Accept-Language": language})
    assert (page.status_code, page.headers["Allow"]) == (405, "OPTIONS, POST")
    assert sentence in words_of(page.text)
    assert "GET" not in words_of(page.text)
    assert "/leagues/" in links(page.text).values()


def _language_leads_to(page: str) -> str:
    return next(field["value"] for field, _ in elements(page, "input") if field["name"] == "back")


@pytest.mark.parametrize(
    ("address", "method", "referrer", "leads_to"),
    [
        ("/tiny/wrong/409?x=1", "POST", "http://localhost/tiny/form", "/tiny/wrong/409?x=1"),
        ("/tiny/only-wrong/409", "POST", "http://localhost/tiny/form?x=1", "/tiny/form"),
        ("/tiny/only-wrong/409", "POST", "http://localhost//evil.example/x", "/"),
        ("/tiny/only-wrong/409", "POST", "https://evil.example/x", "/"),
        ("/tiny/only-wrong/409", "POST", "", "/"),
        ("/tiny/only-wrong/409", "GET", "", "/"),
        ("/tiny/nowhere", "GET", "http://localhost/tiny/form", "/tiny/nowhere"),
        ("/tiny/nowhere", "POST", "http://localhost/tiny/form", "/tiny/form"),
    ],
)
def test_another_language_leads_to_an_address_that_has_a_page(
    client: FlaskClient, address: str, method: str, referrer: str, leads_to: str
) -> None:
    page = client.open(address, method=method, headers=ENGLISH | {"Referer": referrer}).text
    assert _language_leads_to(page) == leads_to
