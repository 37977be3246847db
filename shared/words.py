"""How a search and a list compare words: accents, case and ligatures do not count."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ß": "ss"})


def fold(text: str) -> str:
    """A text without accents, case and ligatures: « Écureuil » -> "ecureuil"."""
    folded = unicodedata.normalize("NFKD", text.casefold().translate(LIGATURES))
    return "".join(character for character in folded if not unicodedata.combining(character))


def words_of(text: str) -> list[str]:
    """The folded words of a text, each once, in order: « Vélo, œufs ! » -> ["velo", "oeufs"]."""
    return list(dict.fromkeys(re.findall(r"[^\W_]+", fold(text))))


def searchable(*texts: str) -> str:
    """The words of some texts as one string in which `" " + word` finds every word that begins so."""
    return "".join(f" {word}" for word in words_of(" ".join(texts)))


PLURALS = (("aux", "al"), ("ies", "y"), ("s", ""), ("x", ""))
SHORT = 3


def forms_of(query: str) -> list[tuple[str, ...]]:
    """What to look for in `searchable(...) + " "`: for each word of a query the forms of which one must be there.

    A word begins a word, and a plural also is its singular: « légumes » finds « légume ». A short one must be the whole
    word, else « tri » would find « tricher », and "car" would find "carrot"; unless it has digits, as "CO2" has. Single
    letters, such as that of « l'avion », count only where there is nothing else.
    """
    words = words_of(query)
    return [_forms(word) for word in ([word for word in words if len(word) > 1] or words)]


def _forms(word: str) -> tuple[str, ...]:
    if len(word) <= SHORT and word.isalpha():
        return (f" {word} ", f" {word}s ", f" {word}x ")
    pairs = (*PLURALS, *((singular, plural) for plural, singular in PLURALS if singular))
    others = [word.removesuffix(ending) + other for ending, other in pairs if word.endswith(ending)]
    return (f" {word}", *(f" {other} " for other in others))


def has_all(text: str, wanted: Iterable[Sequence[str]]) -> bool:
    """Whether a `searchable` text has one of the forms of every word wanted, as `forms_of` gives them."""
    whole = f"{text} "
    return all(any(form in whole for form in forms) for forms in wanted)


def sort_key(name: str) -> tuple[Any, ...]:
    """What to sort names by, as a reader looks for them: « Écureuil » before « Loutre », « Loutre 7 » before 17."""
    parts = re.findall(r"\d+|[^\W\d_]+", " ".join(fold(name).split()))
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts), name
