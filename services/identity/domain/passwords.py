"""Passwords: what is good enough, and how they are kept."""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Sequence

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

from services.identity.errors import WeakPassword
from shared.errors import message

MINIMUM = 10
MAXIMUM = 200
SAFE = 3  # zxcvbn's score: below 3, fewer than 10^8 guesses find it
SAFE_APART = 2  # for what is left without the person's own words: 10^6
JUDGED = 40  # nothing longer is common, and zxcvbn's work grows with the square
DISGUISES = frozenset("@({[<!|$+%")
MANY_DISGUISES = 6  # as letters they stand for so many words that zxcvbn takes seconds; and nothing common has them

TOO_SHORT = message("Too short: 10 characters at least. A few words in a row are easy to remember.")
TOO_LONG = message("Too long: 200 characters at most.")
TOO_COMMON = message("Too easy to guess: add a word or two that have nothing to do with you or with each other.")

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)  # OWASP's argon2id for a small machine
_nobody = _hasher.hash("the account that nobody has")
_judge = threading.Lock()  # zxcvbn keeps the words it is given in a global


def hash_password(password: str, *words: str | None, field: str = "password") -> str:
    """The hash to keep. `words` are what others know of the person: name, e-mail, tenant.

    Raises WeakPassword, which says what to do, about the field of that name.
    """
    normal = normalise(password)
    _check_strength(normal, [part for word in words if word for part in _parts(word)], field)
    return _hasher.hash(normal)


def is_right(password: str, password_hash: str | None) -> bool:
    """Whether the password fits. Without a hash, for an account that does not exist, it takes as long and is False."""
    try:
        return _hasher.verify(password_hash or _nobody, normalise(password)) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


def normalise(password: str) -> str:
    """The same password, whichever keyboard composed its accents."""
    return unicodedata.normalize("NFKC", password)


def _check_strength(password: str, words: Sequence[str], field: str) -> None:
    if len(password) < MINIMUM:
        raise WeakPassword(fields={field: [TOO_SHORT]})
    if len(password) > MAXIMUM:
        raise WeakPassword(fields={field: [TOO_LONG]})
    if _score(password, words) < SAFE or _score(_without(password, words), words) < SAFE_APART:
        raise WeakPassword(fields={field: [TOO_COMMON]})


def _score(password: str, words: Sequence[str]) -> int:
    if not password:
        return 0
    if len(DISGUISES.intersection(password)) >= MANY_DISGUISES:
        return SAFE
    with _judge:
        score: int = zxcvbn(password[:JUDGED], user_inputs=list(words))["score"]
    return score


def _without(password: str, words: Sequence[str]) -> str:
    """What is left when the words that everybody knows are taken out: « sacha.martin » is one dot."""
    left = password.lower()
    for word in sorted(words, key=len, reverse=True):
        if len(word) > 2:
            left = left.replace(word.lower(), "")
    return left


def _parts(word: str) -> list[str]:
    """camille.roux@lilas.example -> itself, camille, roux, lilas, example."""
    return [word, *(part for part in re.split(r"[\W_]+", word) if len(part) > 2)]
