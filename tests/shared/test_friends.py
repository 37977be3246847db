"""Every name has its animal, and every animal is drawn."""

from __future__ import annotations

import re

import pytest

from shared.pages.friends import FRIENDS, NOBODY, animal_of
from shared.pages.static import FOLDER


@pytest.mark.parametrize(
    ("name", "animal"),
    [
        ("Hérisson joyeux 22", "hedgehog"),
        ("hedgehog", "hedgehog"),
        ("Écureuil", "squirrel"),
        ("E\u0301CUREUIL", "squirrel"),
        ("Les Loutres", "otter"),
        ("Ours", "bear"),
        ("Hiboux du soir", "owl"),
        ("Bee happy", "bee"),
        ("L’abeille", "bee"),
        ("Beethoven", animal_of("beethoven")),
    ],
)
def test_a_name_that_names_an_animal_gets_it(name: str, animal: str) -> None:
    assert animal_of(name) == animal


def test_any_other_name_has_one_that_stays_and_the_names_share_them_out() -> None:
    assert animal_of("Zoé") == animal_of("zoe ") != NOBODY
    assert {animal_of(f"Joueur {number}") for number in range(200)} == set(FRIENDS)
    assert animal_of("★") in FRIENDS


@pytest.mark.parametrize("name", ["", "  ", None])
def test_no_name_is_somebody_still_to_come(name: str | None) -> None:
    assert animal_of(name) == NOBODY


def test_every_animal_is_drawn_and_no_other() -> None:
    drawn = re.findall(r'<symbol id="(\w+)"', (FOLDER / "friends.svg").read_text(encoding="utf-8"))
    assert sorted(drawn) == sorted([*FRIENDS, NOBODY])
