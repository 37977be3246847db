"""Dead letters as an operator reads them: none, one and many, each tried again, or all of them by one button."""

from __future__ import annotations

import re

import pytest

from shared.consumer import read_envelope
from shared.contracts import TenantSuspended
from shared.database import new_id
from tests.builders import envelope
from tests.house import House
from tests.pages import buttons, elements, words_of
from tests.shared.test_operating import operator, park

PATH = "/leagues/dead-letters"
BOTH = pytest.mark.parametrize("language", ["fr", "en"])


def read(house: House, language: str) -> str:
    page = operator(house).get(PATH, headers={"Accept-Language": language})
    assert page.status_code == 200
    return str(page.text)


@BOTH
def test_all_of_them_are_tried_again_by_the_button_that_says_so(house: House, language: str) -> None:
    for _ in range(2):
        park(house, envelope(TenantSuspended(revision=1), new_id()).decode())
    park(house)
    page = read(house, language)
    label = "Tout réessayer" if language == "fr" else "Try all of them again"
    forms = re.findall(r"<form[^>]*>.*?</form>", page, re.DOTALL)
    [form] = [form for form in forms if label in buttons(form)]
    [(attributes, _text)] = elements(form, "form")
    assert attributes["method"] == "post"
    assert operator(house).post(attributes["action"]).status_code == 303
    left = read(house, language)
    assert ("1 événement en échec" if language == "fr" else "1 dead letter") in words_of(left), "what is no event stays"


@BOTH
def test_none_says_that_there_is_nothing_to_do_and_many_are_counted(house: House, language: str) -> None:
    empty = words_of(read(house, language))
    assert ("Tous les événements sont traités" if language == "fr" else "Every event was handled") in empty
    assert len(buttons(read(house, language))) == 2, "the two languages alone"
    park(house)
    one = words_of(read(house, language))
    assert ("1 événement en échec " if language == "fr" else "1 dead letter ") in one
    park(house)
    many = words_of(read(house, language))
    assert ("2 événements en échec " if language == "fr" else "2 dead letters ") in many


@BOTH
def test_a_letter_that_fails_again_says_so_beside_its_new_error(house: House, language: str) -> None:
    letter, other = park(house), park(house)
    client = operator(house)
    headers = {"Accept-Language": language}
    again = client.post(f"{PATH}/{letter}/replay", headers=headers)
    assert again.headers["Location"] == f"{PATH}?failed={letter}#letter-{letter}"
    page = client.get(again.headers["Location"], headers=headers).text
    assert ("Nouvel échec" if language == "fr" else "It failed again") in page
    of_letter, of_other = (
        re.findall(rf'<li id="letter-{one}">.*?</li>', page, re.DOTALL)[0] for one in (letter, other)
    )
    failed = "Réessayé à l’instant" if language == "fr" else "Tried just now, and failed again"
    assert failed in of_letter
    assert "DecodeError" in of_letter, "the reason of this time"
    assert "no event" not in of_letter, "and not that of the first"
    assert failed not in of_other
    assert "no event" in of_other


def test_all_that_fail_again_are_told_as_failures(house: House) -> None:
    park(house, envelope(TenantSuspended(revision=1), new_id()).decode())
    park(house)
    client = operator(house)
    again = client.post(f"{PATH}/replay")
    page = client.get(again.headers["Location"]).text
    assert "Tried again. Handled: 1. Failed again, with the errors shown: 1." in page
    assert 'class="notice danger"' in page
    assert "DecodeError" in page


def test_a_letter_names_its_event_and_its_tenant_and_is_dropped_after_a_question(house: House) -> None:
    tenant_id = new_id()
    told = envelope(TenantSuspended(revision=1), tenant_id)
    letter = park(house, told.decode())
    page = read(house, "en")
    words = words_of(page)
    assert "TenantSuspended" in words
    assert str(tenant_id) in words
    assert str(read_envelope(told).id) in words
    [asked] = re.findall(r"<dialog .*?</dialog>", page, re.DOTALL)
    assert page.count(f"{letter}/drop") == asked.count(f"{letter}/drop") == 1
    assert re.search(r'<summary class="button danger">Drop…', page)
