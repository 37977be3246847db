"""The languages users read. English sentences are their own keys; `translations/<language>.po` files hold the others.

The shared sentences are in `shared/translations`, each service's own in `services/<name>/translations`.
"""

from __future__ import annotations

import functools
import io
import re
from gettext import NullTranslations
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import Translations
from flask import g, has_request_context, request

LANGUAGE_NAMES = {"fr": "Français", "en": "English"}
"""Each by its own name."""
LOCALES = {"en": "en_GB", "fr": "fr"}
"""How each language writes its dates."""
LANGUAGES = ("en", "fr")
DEFAULT_LANGUAGE = "en"
LANGUAGE_COOKIE = "mpp_language"
ROOT = Path(__file__).parent.parent


@functools.cache
def translations(language: str) -> NullTranslations:
    """The catalogue of a language, compiled in memory from its .po file."""
    if language == DEFAULT_LANGUAGE:
        return NullTranslations()
    compiled = io.BytesIO()
    write_mo(compiled, _catalog(language))
    compiled.seek(0)
    return Translations(compiled)


@functools.cache
def _catalog(language: str) -> Catalog:
    catalog = Catalog(locale=language)
    for folder in (ROOT / "shared", *sorted((ROOT / "services").iterdir())):
        path = folder / "translations" / f"{language}.po"
        if path.is_file():
            with path.open("rb") as file:
                for entry in read_po(file, locale=language):
                    if entry.id:
                        catalog[entry.id] = entry
    return catalog


def current_language() -> str:
    """The reader's language: `?lang=`, else what they chose, else Accept-Language, else the account's, else English."""
    if not has_request_context():
        return DEFAULT_LANGUAGE
    caller = g.get("caller")
    kept: tuple[Any, str] | None = g.get("language")
    if kept is None or kept[0] is not caller:  # a page asks hundreds of times
        kept = g.language = (caller, _language_asked(caller))
    return kept[1]


def _language_asked(caller: Any) -> str:
    for asked in (request.args.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        if asked in LANGUAGES:
            return asked
    for wanted in request.accept_languages.values():  # best first; "fr-CA" is served in French
        language = wanted.partition("-")[0].lower()
        if language in LANGUAGES:
            return language
    return caller.language if caller is not None and caller.language in LANGUAGES else DEFAULT_LANGUAGE


def translate(text: str, language: str | None = None, **parameters: Any) -> str:
    """The sentence in the reader's language, its braces filled."""
    found = translations(language or current_language()).gettext(text)
    return found.format(**parameters) if parameters else found


def translate_many(one: str, many: str, n: int, **parameters: Any) -> str:
    """The sentence for this many things, in the reader's language, its braces filled; `{n}` is the number."""
    language = current_language()
    found = translations(language).ngettext(one, many, n)
    return found.format(n=written(n, language), **parameters)


@functools.lru_cache(maxsize=16384)
def written(value: float, language: str) -> str:
    """A number as a language writes it; a page has hundreds, mostly the same small ones."""
    return str(format_decimal(value, locale=language)).replace("-", "−")  # a minus is no hyphen


def is_sentence(text: str) -> bool:
    """Whether it is one of ours: every sentence of ours is translated."""
    return text in _catalog("fr")


def translate_validation(text: str, language: str | None = None) -> str:
    """A message of a validation library, whose values are already filled in, in the reader's language."""
    language = language or current_language()
    if language == DEFAULT_LANGUAGE:
        return text
    found = translations(language).gettext(text)
    if found != text:
        return found
    for pattern, translated in _templates(language):
        match = pattern.fullmatch(text)
        if match:
            return translated.format(**match.groupdict())
    return text


@functools.cache
def _templates(language: str) -> list[tuple[re.Pattern[str], str]]:
    """Every translated sentence with braces, as a pattern that finds its values again in a filled-in one.

    The wordiest first: “at least {min}.” would also fit “at least 1 and at most 9.”
    """
    templates = []
    for entry in sorted(_catalog(language), key=lambda entry: -len(re.sub(r"\{\w+\}", "", str(entry.id)))):
        if isinstance(entry.id, str) and "{" in entry.id and isinstance(entry.string, str) and entry.string:
            pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+?)", re.escape(entry.id))
            templates.append((re.compile(pattern, re.DOTALL), entry.string))
    return templates
