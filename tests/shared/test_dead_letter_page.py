"""Dead letters as an operator reads them: none, one and many, each tried again, or all of them by one button."""

from __future__ import annotations

import re

import pytest

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
