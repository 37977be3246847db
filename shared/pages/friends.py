"""Which of the planet's friends stands for a name: the animal it names, or one of its own that stays the same."""

from __future__ import annotations

import functools
import zlib

from shared.words import words_of

FRIENDS = {
    "hedgehog": "herisson porcupine",
    "otter": "loutre",
    "fox": "renard renarde renardeau foxes",
    "frog": "grenouille rainette crapaud toad",
    "rabbit": "lapin lapine lapereau lievre hare bunny bunnies",
    "owl": "chouette hibou effraie",
    "bear": "ours ourse ourson",
    "snail": "escargot limace slug",
    "squirrel": "ecureuil",
    "bee": "abeille bourdon bumblebee guepe",
    "bird": "oiseau mesange hirondelle moineau merle pie rougegorge pinson swallow sparrow robin",
    "ladybird": "coccinelle ladybug",
}
"""Each is a symbol of friends.svg, and answers to its own name and to these."""
NOBODY = "egg"
"""Who stands for no name at all: somebody is still to come out of it."""
_CALLED = {word: friend for friend, names in FRIENDS.items() for word in (friend, *names.split())}
_IN_TURN = tuple(FRIENDS)


@functools.lru_cache(maxsize=16384)
def animal_of(name: str | None) -> str:
    """The symbol of friends.svg for a name: « Hérisson joyeux 22 » -> hedgehog; « Les Loutres » -> otter."""
    words = words_of(name or "")
    for word in words:
        friend = _CALLED.get(word) or _CALLED.get(word.rstrip("sx"))
        if friend:
            return friend
    if not (name or "").strip():
        return NOBODY
    return _IN_TURN[zlib.crc32(" ".join(words or [name or ""]).encode()) % len(_IN_TURN)]
