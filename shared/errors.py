"""The refusals a caller can get: one family, each with an HTTP status, a stable code and a translated sentence.

A domain function raises them; `shared/web.py` turns them into problem+json (RFC 9457) in one place.
A refusal is a class, so that an operation can list its own in its OpenAPI text.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, ClassVar


def message(text: str) -> str:
    """Marks a text for translation; the sentence itself is its own key in the catalogues of `shared/translations`."""
    return text


class Word(str):
    """A parameter of a refusal that is one of our own words (a phase, a period) and is translated like the sentence."""

    __slots__ = ()


def words(values: Iterable[str]) -> list[Word]:
    """Several of our own words, shown with commas between them."""
    return [Word(value) for value in values]


class Refusal(Exception):
    """A request that cannot be granted. `parameters` fill the braces of `text` and are shown to the caller."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad_request"
    text: ClassVar[str] = message("This request cannot be understood. Check it against the API page and send it again.")
    keeps_changes: ClassVar[bool] = False
    """Whether what was written stays written: when the refusal itself is a fact, as a stolen token is."""

    def __init__(self, *, fields: dict[str, list[str]] | None = None, **parameters: Any) -> None:
        super().__init__(self.code)
        self.fields = fields
        self.parameters = parameters


class NotSignedIn(Refusal):
    """No valid access token, or one that has been revoked."""

    status = 401
    code = "not_signed_in"
    text = message("Sign in first: your session is missing, has expired or has been ended.")


class Forbidden(Refusal):
    """The caller is known but may not do this."""

    status = 403
    code = "forbidden"
    text = message("Your role does not allow this. Ask an administrator or a leader of your league.")


class NotFound(Refusal):
    """Nothing there, or it belongs to another tenant: the two are not told apart."""

    status = 404
    code = "not_found"
    text = message("There is nothing at this address. Check the identifier.")


class Conflict(Refusal):
    """The state of things does not allow it now."""

    status = 409
    code = "conflict"
    text = message("This contradicts what is already recorded. Load it again and retry.")


class Invalid(Refusal):
    """A value is well formed but cannot be accepted; `fields` says which."""

    status = 422
    code = "invalid"
    text = message("Some values cannot be accepted: correct the fields listed and send again.")


class TooManyRequests(Refusal):
    """Throttled; `seconds` says how long to wait."""

    status = 429
    code = "too_many_requests"
    text = message("Too many attempts. Wait {wait} and try again.")

    def __init__(self, *, seconds: int = 60, **parameters: Any) -> None:
        super().__init__(**parameters, wait=timedelta(seconds=seconds))
        self.seconds = seconds
