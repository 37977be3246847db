"""How a search compares words: accents, case and ligatures do not count."""

from __future__ import annotations

import re
import unicodedata

LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ß": "ss"})


def words_of(text: str) -> list[str]:
    """The folded words of a text, each once, in order: « Vélo, œufs ! » -> ["velo", "oeufs"]."""
    folded = unicodedata.normalize("NFKD", text.casefold().translate(LIGATURES))
    plain = "".join(character for character in folded if not unicodedata.combining(character))
    return list(dict.fromkeys(re.findall(r"[^\W_]+", plain)))


def searchable(*texts: str) -> str:
    """The words of some texts as one string in which `" " + word` finds every word that begins so."""
    return "".join(f" {word}" for word in words_of(" ".join(texts)))
