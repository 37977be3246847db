"""How a search and a list compare words: accents, case and ligatures do not count."""

from __future__ import annotations

import re
import unicodedata
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


def sort_key(name: str) -> tuple[Any, ...]:
    """What to sort names by, as a reader looks for them: « Écureuil » before « Loutre », « Loutre 7 » before 17."""
    parts = re.findall(r"\d+|[^\W\d_]+", " ".join(fold(name).split()))
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts), name
