"""What somebody typed into a form, in words: to be recognised and copied, where the form itself cannot be shown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime

from shared.i18n import translate_many
from shared.pages.frame import day, moment
from shared.pages.moves import HAS_PAGE, KEPT, ON_ITS_WAY

WORDS = (
    "action age_band audience back category country days from is_open kept_as kept_by kind language roles sheet show"
)
CHOSEN = frozenset({*WORDS.split(), "sort", "tier", "to", "zone", HAS_PAGE, ON_ITS_WAY})
"""Fields that hold a word of ours, chosen from a list or put there by a page: nobody would recognise it."""
WHEN = "d MMMM y, HH:mm"
TICKS = ("ticks", "player_ids")
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


def in_words(fields: Iterable[tuple[str, str]]) -> list[str]:
    """What a person typed, of the fields of a form: texts line by line, days in words, ticks by their number.

    No ids, and no words of ours.
    """
    found, ticks = [], 0
    for carried, value in fields:
        name = carried.removeprefix(KEPT)
        if name in TICKS:
            ticks += bool(value)
        elif value.strip() and name not in CHOSEN and not name.endswith("_id") and not ID.fullmatch(value):
            found += [_written(line) for line in value.splitlines() if line.strip()]
    return found + ([translate_many("{n} tick", "{n} ticks", ticks)] if ticks else [])


def _written(value: str) -> str:
    if re.fullmatch(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?)?", value):
        try:
            return day(date.fromisoformat(value)) if len(value) == 10 else moment(datetime.fromisoformat(value), WHEN)
        except ValueError:
            pass  # no such day: as it was typed
    return value
