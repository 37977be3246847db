"""People, tenants and the audit trail as lists: none, one and many, each in both languages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from services.identity.models import Tenant
from shared.tenancy import across_tenants
from tests.identity.steps import Steps
from tests.pages import elements, links, words_of

BOTH = pytest.mark.parametrize("language", ["fr", "en"])


def said(language: str, french: str, english: str) -> str:
    return french if language == "fr" else english


def read(client: FlaskClient, path: str, language: str) -> str:
    page = client.get(path, headers={"Accept-Language": language})
    assert page.status_code == 200, page.text
    return str(page.text)


def leaf(client: FlaskClient, path: str, language: str, names: Callable[[str], list[str]]) -> list[list[str]]:
    """The names on each page of a list, one page after the other by its own links."""
    found: list[list[str]] = []
    address: str | None = path
    base = path.partition("?")[0]
    while address:
        page = read(client, address, language)
        found.append(names(page))
        onward = [attributes["href"] for attributes, _text in elements(page, "a") if attributes.get("rel") == "next"]
        address = base + onward[0] if onward else None
    return found


def strong(page: str) -> list[str]:
    return [text for _attributes, text in elements(page.partition("<main")[2], "strong")]


@BOTH
def test_nobody_one_and_many_people(steps: Steps, language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    head = steps.administrator()
    one = read(head, "/identity/people", language)
    assert said(language, "1 personne ", "1 person ") in words_of(one)
    assert strong(one) == ["Camille"]
    assert not [attributes for attributes, _text in elements(one, "a") if attributes.get("rel") == "next"]
    nobody = read(head, "/identity/people?name=xyzzy", language)
    assert said(language, "Essayez", "Try a shorter part of it") in words_of(nobody)
    assert "/identity/people/invite" in links(nobody).values()
    for number in range(3):
        steps.colleague(head, f"ana{number}@example.org")
    monkeypatch.setattr("shared.pages.listing.listed.__kwdefaults__", {"size": 3, "is_rows": False, "page": None})
    many = read(head, "/identity/people", language)
    assert said(language, "4 personnes ", "4 people ") in words_of(many)
    assert said(language, "Page 1 sur 2", "Page 1 of 2") in words_of(many)
    assert [len(names) for names in leaf(head, "/identity/people", language, strong)] == [3, 1]


@BOTH
def test_no_one_and_many_tenants(steps: Steps, language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    steps.found(name="École des Lilas")
    operator = steps.operator()
    with steps.database.transaction(across_tenants(), read_only=True) as session:
        total = session.scalar(sa.select(sa.func.count()).select_from(Tenant))
    assert said(language, f"{total} espaces", f"{total} tenants") in words_of(
        read(operator, "/identity/platform", language)
    )
    one = words_of(read(operator, "/identity/platform?name=lilas", language))
    assert said(language, "1 espace trouvé ", "1 tenant found ") in one
    none = words_of(read(operator, "/identity/platform?name=xyzzy", language))
    assert said(language, "Essayez", "Try a shorter part of the name") in none
    monkeypatch.setattr("shared.pages.listing.listed.__kwdefaults__", {"size": 2, "is_rows": False, "page": None})
    found = leaf(operator, "/identity/platform", language, lambda page: [name for name in strong(page) if name])
    assert sum(map(len, found)) == total
    assert len(found) > 1


@BOTH
@pytest.mark.parametrize("who", ["administrator", "operator"])
def test_the_trail_of_nothing_of_one_change_and_of_many(
    steps: Steps, language: str, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = steps.administrator()
    reader, path = (
        (head, "/identity/audit") if who == "administrator" else (steps.operator(), "/identity/platform/audit")
    )
    none = words_of(read(reader, f"{path}?action=league_created", language))
    assert said(language, "Rien pour l’instant", "Nothing yet") in none
    one = strong(read(reader, f"{path}?action=tenant_founded", language))
    assert one.count(said(language, "Espace créé", "Tenant founded")) >= 1
    for number in range(4):
        steps.colleague(head, f"ana{number}@example.org")
    monkeypatch.setattr("shared.pages.listing.listed.__kwdefaults__", {"size": 3, "is_rows": False, "page": None})
    found = leaf(reader, f"{path}?action=person_invited", language, strong)
    assert [len(names) for names in found] == [3, 1]
