from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from tests.house import House


@pytest.fixture
def visitor(loaded_house: House) -> FlaskClient:
    return loaded_house.client("challenges")


def first(visitor: FlaskClient, query: str = "") -> str:
    return re.findall(r'href="(/challenges/[0-9a-f-]{36})"', visitor.get(f"/challenges/{query}").text)[0]


@pytest.mark.parametrize(("language", "words"), [("fr", "Les défis"), ("en", "The challenges")])
def test_the_catalogue_is_read_without_an_account(visitor: FlaskClient, language: str, words: str) -> None:
    page = visitor.get("/challenges/", headers={"Accept-Language": language})
    assert page.status_code == 200
    assert f"<h1>{words}</h1>" in page.text
    assert page.text.count('class="challenge"') == 30


def test_it_is_found_by_words_category_and_audience(visitor: FlaskClient) -> None:
    everything = visitor.get("/challenges/").text
    found = visitor.get("/challenges/?q=v%C3%A9lo&lang=fr").text
    assert 0 < found.count('class="challenge"') < 30
    mobility = visitor.get("/challenges/?category=mobility").text
    assert mobility != everything
    assert 'class="blob food"' not in mobility
    assert visitor.get("/challenges/?audience=school&age_band=3-5").status_code == 200


def test_the_maluses_are_found_on_their_own_and_keep_the_other_filters(visitor: FlaskClient) -> None:
    page = visitor.get("/challenges/?kind=malus&audience=company&lang=en").text
    cards = page.split('<div class="challenge">')[1:]
    assert len(cards) > 3
    assert all('class="points malus"' in card for card in cards)
    assert '<input type="hidden" name="kind" value="malus">' in page


def test_signing_in_from_a_challenge_leads_back_to_recording_it(visitor: FlaskClient) -> None:
    address = first(visitor)
    page = visitor.get(address).text
    challenge_id = address.rpartition("/")[2]
    assert f'href="/sign-in?to=/leagues/%3Fchallenge%3D{challenge_id}"' in page


STRANGE = ("?category=nothing", "?audience=%00", "?page=-1", "?page=99999", "?q=%3Cscript%3E", "?q=!!")


@pytest.mark.parametrize("query", STRANGE)
def test_a_strange_address_shows_a_page_all_the_same(visitor: FlaskClient, query: str) -> None:
    page = visitor.get(f"/challenges/{query}")
    assert page.status_code == 200
    assert "<script>" not in re.sub(r"<script [^>]*>", "", page.text)


def test_nothing_found_says_what_to_do(visitor: FlaskClient) -> None:
    page = visitor.get("/challenges/?q=xyzzy&lang=en")
    assert "Try another word" in page.text
    assert "See all challenges" in page.text


def test_under_a_joke_stands_what_it_is(visitor: FlaskClient) -> None:
    page = visitor.get("/challenges/?q=nuages&lang=fr").text
    assert "La tête dans les nuages" in page
    assert '<p class="what">Avoir pris l’avion</p>' in page
    assert "défis pour « nuages »" in page.replace("\xa0", " ")
    assert (
        '<p class="lead">Took a plane</p>' in visitor.get(f"{first(visitor, '?q=clouds+flight&lang=en')}?lang=en").text
    )


def test_a_challenge_tells_why_how_and_the_source_of_its_figures(visitor: FlaskClient) -> None:
    address = first(visitor, "?q=v%C3%A9lo&lang=fr")
    page = visitor.get(f"{address}?lang=fr").text
    for word in ("Pourquoi", "Comment", "Ce que cela épargne"):
        assert word in page
    piece = visitor.get(address.replace("/challenges/", "/challenges/fragments/") + "?lang=fr").text
    assert "<html" not in piece
    assert "Pourquoi" in piece


def test_a_figure_says_how_often_its_source_is_taken_and_a_malus_what_it_costs(visitor: FlaskClient) -> None:
    shower = visitor.get(f"{first(visitor, '?q=douche&lang=fr')}?lang=fr").text.replace("\xa0", " ")
    malus = visitor.get(f"{first(visitor, '?q=quota+viande&lang=fr')}?lang=fr").text.replace("\xa0", " ")
    assert re.search(r"<li>\d[\d ,]* × [^<]+ : [\d ,]+ \S", shower)
    for word in ("Ce que cela coûte à la planète", "kg CO₂e"):
        assert word in malus
    assert "épargne" not in malus
    assert not re.search(r"[-−]\d[\d,]* (kg CO₂e|l d)", malus), "a cost has no sign"


def test_where_no_figure_exists_the_page_says_so(visitor: FlaskClient) -> None:
    pages = [
        visitor.get(address).text
        for address in set(
            re.findall(
                r'href="(/challenges/[0-9a-f-]{36})"', visitor.get("/challenges/?category=creation&lang=en").text
            )
        )
    ]
    assert any("not quantified" in page for page in pages)


def test_an_unknown_challenge_is_a_page_too(visitor: FlaskClient) -> None:
    page = visitor.get("/challenges/0190c0de-7a11-7000-8000-000000000001")
    assert (page.status_code, page.mimetype) == (404, "text/html")
