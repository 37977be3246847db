"""E-mail addresses as they are pasted: from a spreadsheet, a mail, a list."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from services.identity.domain.people import normalise_email

_SEPARATORS = re.compile(r"[,;\t]")
_IN_BRACKETS = re.compile(r"<([^<>]*)>")


class Pasted(NamedTuple):
    """Something that should be an address, and the line it stands in, from 1 on."""

    line: int
    text: str


def pasted_addresses(text: str) -> list[Pasted]:
    """What stands where addresses should, in order: `Ana Roux <ana@example.org>; leo@example.org` has two.

    Whether they are addresses is not looked at. Names beside them (in another column, before a comma) are left out.
    """
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        parts = [part for part in (piece.strip().strip("\"'").strip() for piece in _SEPARATORS.split(line)) if part]
        addresses = [address for part in parts if "@" in part for address in _addresses_in(part)]
        found += [Pasted(number, address) for address in (addresses or parts)]
    return found


def _addresses_in(part: str) -> list[str]:
    bracketed = [inside.strip() for inside in _IN_BRACKETS.findall(part) if inside.strip()]
    words = bracketed or (part.split() if part.count("@") > 1 else [part])
    return [word.removeprefix("mailto:") for word in words]


def each_once(emails: Iterable[str]) -> list[str]:
    """The addresses in their order; of two for one account, the first."""
    found: dict[str, str] = {}
    for email in emails:
        found.setdefault(normalise_email(email), email)
    return list(found.values())
