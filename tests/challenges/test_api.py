"""The catalogue over HTTP: for everybody, in both languages."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from services.challenges.app import load_folder
from services.challenges.catalogue_files import Catalogue
from services.challenges.domain.catalogue import challenge_id_of
from tests.challenges.conftest import Files
from tests.house import House, caller_of

BASE = "/challenges/api/v1"


@pytest.fixture
def client(loaded_house: House) -> FlaskClient:
    return loaded_house.client("challenges")


def all_of(client: FlaskClient, query: str = "") -> list[dict[str, Any]]:
    answer = client.get(f"{BASE}/challenges?page_size=100&{query}")
    assert answer.status_code == 200, answer.text
    rest = client.get(f"{BASE}/challenges?page_size=100&page=2&{query}")
    return [*answer.get_json(), *rest.get_json()]


def slugs(client: FlaskClient, query: str) -> set[str]:
    return {challenge["slug"] for challenge in all_of(client, query)}


def problem_of(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    problem: dict[str, Any] = answer.get_json()
    assert problem["code"] == code
    return problem


def test_anybody_may_list_the_challenges(client: FlaskClient, catalogue: Catalogue) -> None:
    listed = all_of(client)
    assert {challenge["slug"] for challenge in listed} == {entry.slug for entry in catalogue.challenges}
    assert client.get(f"{BASE}/challenges").headers["X-Pagination"].startswith('{"total": 112')


@pytest.mark.parametrize("kind", ["school", "company", "community"])
def test_every_tenant_reads_the_platforms_challenges(loaded_house: House, kind: str) -> None:
    client = loaded_house.client("challenges", caller_of(None, "player", kind=kind))
    assert len(all_of(client)) >= 100


def test_the_order_is_stable_and_pages_do_not_overlap(client: FlaskClient) -> None:
    pages = [client.get(f"{BASE}/challenges?page_size=20&page={page}").get_json() for page in range(1, 7)]
    ids = [challenge["challenge_id"] for page in pages for challenge in page]
    assert len(ids) == len(set(ids)) >= 100
    assert ids == [challenge["challenge_id"] for challenge in all_of(client)]


def test_categories_have_names_in_the_readers_language(client: FlaskClient) -> None:
    french = client.get(f"{BASE}/categories?lang=fr").get_json()
    english = client.get(f"{BASE}/categories", headers={"Accept-Language": "en-GB"}).get_json()
    assert [category["category"] for category in french] == [category["category"] for category in english]
    assert {"category": "food", "language": "fr", "name": "Alimentation", "challenges": 16} in french
    assert {"category": "food", "language": "en", "name": "Food", "challenges": 16} in english


@pytest.mark.parametrize(
    ("query", "meets"),
    [
        ("audience=community", lambda c: "community" in c["audiences"]),
        ("audience=school&age_band=3-5", lambda c: "3-5" in c["age_bands"]),
        ("category=food", lambda c: c["category"] == "food"),
        ("kind=team", lambda c: c["kind"] == "team"),
        ("difficulty=hard", lambda c: c["difficulty"] == "hard"),
        ("is_malus=true", lambda c: c["is_malus"]),
        ("is_malus=false", lambda c: not c["is_malus"]),
        ("category=waste&kind=maxi", lambda c: (c["category"], c["kind"]) == ("waste", "maxi")),
    ],
)
def test_a_filter_keeps_those_that_fit_and_only_them(client: FlaskClient, query: str, meets: Any) -> None:
    expected = {challenge["slug"] for challenge in all_of(client) if meets(challenge)}
    assert expected
    assert slugs(client, query) == expected


@pytest.mark.parametrize("query", ["velo", "V%C3%89LO", "v%C3%A9lo", "ve%CC%81lo", "%20velo%20"])
def test_words_are_found_without_accents_and_case(client: FlaskClient, query: str) -> None:
    assert "bike-check-up" in slugs(client, f"lang=fr&q={query}")


def test_every_word_must_occur(client: FlaskClient) -> None:
    both = slugs(client, "lang=fr&q=velo+freins")
    assert both
    assert both < slugs(client, "lang=fr&q=velo")
    assert not slugs(client, "lang=fr&q=velo+xylophone")


def test_words_are_looked_for_in_the_readers_language(client: FlaskClient) -> None:
    assert "veggie-lunch" in slugs(client, "lang=fr&q=vache")
    assert "veggie-lunch" not in slugs(client, "lang=en&q=vache")
    assert "veggie-lunch" in slugs(client, "lang=en&q=cow")


def test_a_word_is_found_by_its_beginning_only(client: FlaskClient) -> None:
    assert slugs(client, "lang=fr&q=oeuf") == slugs(client, "lang=fr&q=%C5%93uf")
    assert "bike-to-work" in slugs(client, "lang=fr&q=velot")
    assert "bike-to-work" not in slugs(client, "lang=fr&q=elotaf")


@pytest.mark.parametrize(
    ("headers", "query", "language"),
    [
        ({"Accept-Language": "fr-CA, fr;q=0.9, en;q=0.5"}, "", "fr"),
        ({"Accept-Language": "fr"}, "?lang=en", "en"),
        ({"Accept-Language": "de"}, "", "en"),
        ({}, "", "en"),
    ],
)
def test_texts_come_in_the_readers_language(
    client: FlaskClient, headers: dict[str, str], query: str, language: str
) -> None:
    address = f"{BASE}/challenges/{challenge_id_of('veggie-lunch')}{query}"
    challenge = client.get(address, headers=headers).get_json()
    assert challenge["language"] == language
    assert (
        challenge["title"] == {"fr": "Aujourd’hui, la vache est en congé", "en": "Give the cow the day off"}[language]
    )
    assert [text["language"] for text in challenge["texts"]] == ["en", "fr"]


def test_one_challenge_shows_impact_with_its_sources(client: FlaskClient) -> None:
    challenge = client.get(f"{BASE}/challenges/{challenge_id_of('pulse-potluck')}?lang=fr").get_json()
    assert challenge["impact"] == {"co2e_g": 3660, "water_ml": 1_626_000, "waste_g": None, "learning_min": None}
    assert challenge["impact_lines"][0] == {
        "factor": "vegetarian-instead-of-chicken-co2e",
        "means": "un repas végétarien (0,85) au lieu d’un repas au poulet (1,46)",
        "value": 0.61,
        "unit": "kgCO2e",
        "quantity": 6.0,
        "amount": 3.66,
        "source": "ADEME, Impact CO2",
        "source_version": "2026-07-01",
        "valid_from": "2026-07-01",
    }
    assert challenge["version"] == 1
    assert challenge["is_current"]


def test_what_is_not_quantified_is_null(client: FlaskClient) -> None:
    challenge = client.get(f"{BASE}/challenges/{challenge_id_of('leftovers-cook')}").get_json()
    assert challenge["impact"] is None
    assert challenge["impact_lines"] == []


def test_tiers_have_labels_in_the_readers_language(client: FlaskClient) -> None:
    address = f"{BASE}/challenges/{challenge_id_of('meat-over-the-quota')}"
    tiers = client.get(f"{address}?lang=en").get_json()["tiers"]
    assert tiers[0] == {"tier": "one", "points": -2, "label": "1 meal over"}
    plain = client.get(f"{BASE}/challenges/{challenge_id_of('veggie-lunch')}").get_json()["tiers"]
    assert plain == [{"tier": "standard", "points": 2, "label": None}]


def test_an_unchanged_challenge_is_not_sent_twice(client: FlaskClient) -> None:
    address = f"{BASE}/challenges/{challenge_id_of('veggie-lunch')}?lang=fr"
    etag = client.get(address).headers["ETag"]
    again = client.get(address, headers={"If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")
    assert client.get(address.replace("fr", "en"), headers={"If-None-Match": etag}).status_code == 200


def test_versions_are_listed_newest_first_and_keep_their_words(house: House, files: Files) -> None:
    database = house.databases["challenges"]
    load_folder(database, files.folder)
    texts = {"title": "Une vache, deux vaches", "summary": "Faire cela", "why": "Parce que.", "how": "Comme ceci."}
    files.change("food.yaml", "veggie-lunch", fr=texts, points=3)
    load_folder(database, files.folder)
    client = house.client("challenges")
    versions = client.get(f"{BASE}/challenges/{challenge_id_of('veggie-lunch')}/versions?lang=fr").get_json()
    assert [(v["version"], v["is_current"], v["tiers"][0]["points"]) for v in versions] == [(2, True, 3), (1, False, 2)]
    assert versions[1]["title"] == "Aujourd’hui, la vache est en congé"
    assert "veggie-lunch" in slugs(client, "lang=fr&q=deux+vaches")
    assert "veggie-lunch" not in slugs(client, "lang=fr&q=conge")


def test_a_retired_challenge_is_not_listed_but_can_be_read(house: House, files: Files) -> None:
    database = house.databases["challenges"]
    load_folder(database, files.folder)
    files.remove("food.yaml", "veggie-lunch")
    load_folder(database, files.folder)
    client = house.client("challenges")
    assert "veggie-lunch" not in slugs(client, "")
    assert client.get(f"{BASE}/challenges/{challenge_id_of('veggie-lunch')}").get_json()["is_retired"] is True
    assert client.get(f"{BASE}/categories").get_json()[0]["challenges"] == 15


@pytest.mark.parametrize("path", ["", "/versions"])
def test_an_unknown_challenge_is_not_found(client: FlaskClient, path: str) -> None:
    problem_of(client.get(f"{BASE}/challenges/{uuid4()}{path}"), 404, "not_found")


@pytest.mark.parametrize("path", ["", "/versions"])
def test_an_id_that_is_no_uuid_is_told_so(client: FlaskClient, path: str) -> None:
    problem_of(client.get(f"{BASE}/challenges/veggie-lunch{path}"), 422, "bad_identifier")


@pytest.mark.parametrize(
    ("query", "field", "allowed"),
    [
        ("audience=public", "audience", "Must be one of: community, company, school."),
        ("age_band=7", "age_band", "Must be one of: 3-5, 6-10, 11-14, 15-18."),
        ("kind=malus", "kind", "Must be one of: individual, team, maxi."),
        ("difficulty=", "difficulty", "Must be one of: easy, medium, hard."),
        ("is_malus=perhaps", "is_malus", "Must be true or false."),
        ("lang=de", "lang", "Must be one of: en, fr."),
    ],
)
def test_an_unknown_filter_value_says_what_is_allowed(
    client: FlaskClient, query: str, field: str, allowed: str
) -> None:
    problem = problem_of(client.get(f"{BASE}/challenges?{query}"), 422, "invalid")
    assert problem["errors"] == [{"field": field, "message": allowed}]


def test_an_unknown_category_says_which_there_are(client: FlaskClient) -> None:
    problem = problem_of(client.get(f"{BASE}/challenges?category=sport"), 422, "unknown_category")
    assert problem["errors"][0]["field"] == "category"
    assert "food, mobility, solidarity" in problem["errors"][0]["message"]


def test_a_search_without_a_word_is_refused_in_french(client: FlaskClient) -> None:
    answer = client.get(f"{BASE}/challenges?q=%F0%9F%9A%B2&lang=fr")
    problem = problem_of(answer, 422, "nothing_to_search")
    assert problem["title"].startswith("Il n’y a aucun mot à chercher")


@pytest.mark.parametrize(
    "query",
    [
        "q=" + "x" * 101,
        "q=",
        "q=a%00b",
        "q=%E2%80%AEabc",
        "category=" + "x" * 41,
        "page=0",
        "page=99999999999999999999",
        "page_size=1000",
        "page_size=two",
        "colour=green",
    ],
)
def test_bad_queries_are_refused(client: FlaskClient, query: str) -> None:
    answer = client.get(f"{BASE}/challenges?{query}")
    assert answer.status_code == 422, answer.text
    assert answer.get_json()["errors"]


@pytest.mark.parametrize("query", ["%25", "_", "%27%3B--", "%D9%85%D8%B1%D8%AD%D8%A8%D8%A7"])
def test_signs_and_other_scripts_find_nothing_by_accident(client: FlaskClient, query: str) -> None:
    answer = client.get(f"{BASE}/challenges?q={query}")
    assert answer.status_code in (200, 422)
    assert answer.status_code == 422 or answer.get_json() == []


def test_nothing_can_be_written(client: FlaskClient) -> None:
    for method in (client.post, client.put, client.patch, client.delete):
        problem_of(method(f"{BASE}/challenges/{uuid4()}", json={}), 405, "method_not_allowed")


def test_every_operation_is_documented(client: FlaskClient) -> None:
    document = client.get(f"{BASE}/openapi.json").get_json()
    operations = {path: operation["get"] for path, operation in document["paths"].items()}
    assert len(operations) == 4
    for operation in operations.values():
        assert re.fullmatch(r"[A-Z].{5,70}\.", operation["summary"])
        assert operation["security"] == []
        assert "422" in operation["responses"]
