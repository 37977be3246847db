"""The marshmallow base of every service, and the fields that many of them need."""

from __future__ import annotations

import unicodedata
import zoneinfo
from typing import Any

import marshmallow as ma
from babel import Locale
from marshmallow import validate

from shared.errors import message
from shared.i18n import LANGUAGES

MAX_INTEGER = 2**53 - 1
"""The largest integer that every JSON reader keeps exactly."""
COUNTRIES = frozenset(map(str, Locale("en").territories)) - {"EU", "EZ", "UN", "ZZ", "XA", "XB", "QO"}


class Schema(ma.Schema):
    """Refuses unknown fields; keeps the order of declaration."""

    class Meta:
        unknown = ma.RAISE

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """A value of a dict or an object; marshmallow would try either on each."""
        return obj.get(attr, default) if isinstance(obj, dict) else getattr(obj, attr, default)


class Text(ma.fields.String):
    """One line of text from a person: trimmed, normalised (NFC), any script and any emoji, no control characters.

    `is_multiline` also lets line breaks through.
    """

    default_error_messages = {
        "control": message("There is a control character in it: type the text again instead of pasting it."),
        "empty": message("This cannot be empty."),
        "long": message("Too long: {maximum} characters at most."),
    }

    def __init__(self, *, maximum: int, is_multiline: bool = False, may_be_empty: bool = False, **kwargs: Any) -> None:
        self.maximum = maximum
        self.is_multiline = is_multiline
        self.may_be_empty = may_be_empty
        metadata = {"maxLength": maximum, "minLength": 0 if may_be_empty else 1, **kwargs.pop("metadata", {})}
        super().__init__(metadata=metadata, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text: str = unicodedata.normalize("NFC", super()._deserialize(value, attr, data, **kwargs)).strip()
        if any(_is_control(character, self.is_multiline) for character in text):
            raise self.make_error("control")
        if not self.may_be_empty and all(unicodedata.category(one) in ("Cf", "Zs") for one in text):
            raise self.make_error("empty")  # nothing in it shows
        if len(text) > self.maximum:
            raise self.make_error("long", maximum=self.maximum)
        return text


def _is_control(character: str, is_multiline: bool) -> bool:
    """Control and surrogate characters, and those that turn the direction of the text around them."""
    if character in "\n\r\t" and is_multiline:
        return False
    if character in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029":
        return True
    is_no_character = 0xFDD0 <= ord(character) <= 0xFDEF or ord(character) & 0xFFFE == 0xFFFE
    return is_no_character or unicodedata.category(character) in ("Cc", "Cs")  # Cn: an emoji younger than this Python


class Integer(ma.fields.Integer):
    """A whole number between `minimum` and `maximum`; never a float, a text or a number beyond 64 bits."""

    def __init__(self, *, minimum: int = 0, maximum: int = MAX_INTEGER, **kwargs: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(min=minimum, max=maximum), **kwargs)


class Zone(ma.fields.String):
    """The name of an IANA time zone, such as Europe/Paris or Indian/Reunion."""

    default_error_messages = {
        "zone": message("This is not a time zone: give an IANA name such as Europe/Paris or Indian/Reunion."),
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        name = super()._deserialize(value, attr, data, **kwargs)
        if name not in zoneinfo.available_timezones():
            raise self.make_error("zone")
        return name


class Country(ma.fields.String):
    """A two-letter ISO 3166-1 code, such as FR."""

    default_error_messages = {"country": message("This is not a country: give its two-letter code, such as FR or BE.")}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        given = super()._deserialize(value, attr, data, **kwargs)
        code = given.upper()
        if len(given) != 2 or code not in COUNTRIES:  # "ß".upper() is "SS"
            raise self.make_error("country")
        return code


class Language(ma.fields.String):
    """One of the languages we speak."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=validate.OneOf(LANGUAGES), **kwargs)
