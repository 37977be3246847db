"""Refusals as a person reads them: what happened and what to do next, in both languages, whoever they are."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

import pytest
from flask import Blueprint
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from services.leagues.errors import EditionNotOpen
from shared.auth import public
from shared.errors import Conflict, Forbidden, NotFound, TooManyRequests, Word
from shared.problems import Unavailable
from shared.settings import Settings
from shared.web import build_app
from tests.house import caller_of, token_of
from tests.pages import elements, links, words_of
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

pages = Blueprint("wrong_pages", __name__, url_prefix="/tiny")


@pages.route("/wrong/<kind>", methods=["GET", "POST"])
@public
def wrong(kind: str) -> str:
    """Fails as it is asked to."""
    raise TOLD[kind].error()


@pytest.fixture
def client(tiny: Tiny) -> FlaskClient:
    """Somebody signed in, at a service whose pages fail."""
    client = build_app("tiny", Settings(), tiny.database, [pages], import_name=__name__).test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token_of(caller_of())}"
    return client


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("kind", TOLD)
def test_an_error_has_a_page_that_says_what_happened_and_what_to_do_next(
    client: FlaskClient, kind: str, language: str
) -> None:
    told = TOLD[kind]
    title, happened, next_step = told.french if language == "fr" else told.english
    came_from = {"Referer": "http://localhost/tiny/form"}
    page = client.post(f"/tiny/wrong/{kind}", headers={"Accept-Language": language} | came_from)
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


@pytest.mark.parametrize("referrer", ["https://evil.example.org/tiny/form", "http://localhost/tiny/wrong/409", ""])
def test_back_leads_only_to_another_page_of_ours(client: FlaskClient, referrer: str) -> None:
    page = client.post("/tiny/wrong/409", headers={"Accept-Language": "en", "Referer": referrer})
    assert "Back" not in links(page.text)
    assert "To the start" in links(page.text)
