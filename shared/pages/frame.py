"""What every template may use, whichever service's it is."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, get_timezone_location
from babel.numbers import format_decimal
from flask import Blueprint, current_app, g, request
from markupsafe import Markup

from shared.auth import Caller
from shared.i18n import LANGUAGE_NAMES, LOCALES, current_language, translate, translate_many, written
from shared.pages.friends import animal_of
from shared.pages.moves import ACCOUNT_FIELD, CSRF_COOKIE, CSRF_FIELD, page_here, said
from shared.pages.static import colour, static_url

TEMPLATES = Path(__file__).parent.parent / "ui" / "templates"


def number(value: float, digits: int = 1) -> str:
    """A number as the reader writes it: 1,940,000.5 or 1 940 000,5. At most `digits` after the comma."""
    return written(round(value, digits), current_language())


def decimals(value: float) -> str:
    """A number with two digits after the comma, so that a column of them lines up: 27,00 or 1,940.50."""
    return _decimals(value, current_language())


@functools.lru_cache(maxsize=4096)
def _decimals(value: float, language: str) -> str:
    return str(format_decimal(value, format="#,##0.00", locale=language))


def points(value: int) -> str:
    """Points with their sign: +3 points, −2 points."""
    return _points(value, current_language())


@functools.lru_cache(maxsize=4096)
def _points(value: int, _language: str) -> str:
    signed = f"{'+' if value > 0 else '−' if value < 0 else ''}{number(abs(value))}"
    return translate_many("{signed} point", "{signed} points", abs(value), signed=signed)


def day(value: date | datetime, form: str = "full") -> str:
    """A day in words: Monday, 4 May 2026. `form`: full | long | medium | short."""
    if isinstance(value, datetime):
        value = _here(value)
    return format_date(value, form, locale=_locale())


def moment(value: datetime, form: str = "d MMM, HH:mm") -> str:
    """A moment on the clock of the reader's tenant; a naive one is wall-clock time already. `form`: of Babel."""
    return format_datetime(_here(value), form, locale=_locale())


def zone_name(zone: str) -> str:
    """The place people know a time zone by."""
    return get_timezone_location(zone, locale=current_language(), return_city=True)


def _here(value: datetime) -> datetime:
    reader = caller()
    return value if value.tzinfo is None else value.astimezone(ZoneInfo(reader.zone if reader else "Europe/Paris"))


def _locale() -> str:
    return LOCALES[current_language()]


def caller() -> Caller | None:
    """Who reads the page; None for a visitor."""
    found: Caller | None = g.get("caller")
    return found


def contact() -> str:
    """The address people write to; empty where nobody has named one."""
    address: str = current_app.extensions["mpp"]["settings"].contact_address
    return address


def csrf_field() -> Markup:
    """The hidden fields that prove that a form is ours and say whose; without the first a change is refused.

    A page that asks nobody who they are takes the proof from the cookie: a form on it may still change something.
    """
    reader = caller()
    if reader:
        fields = {CSRF_FIELD: reader.csrf, ACCOUNT_FIELD: reader.person_id}
    else:
        fields = {CSRF_FIELD: request.cookies.get(CSRF_COOKIE, "")}
    hidden = Markup('<input type="hidden" name="{}" value="{}">')
    return Markup("").join(hidden.format(name, value) for name, value in fields.items())


def frame_blueprint(service: str) -> Blueprint:
    """The templates of the frame, and what they may use."""
    blueprint = Blueprint("frame", __name__, template_folder=str(TEMPLATES))
    functions: dict[str, Callable[..., Any]] = {
        "_": translate,
        "ngettext": translate_many,
        "current_language": current_language,
        "number": number,
        "decimals": decimals,
        "points": points,
        "day": day,
        "moment": moment,
        "zone_name": zone_name,
        "csrf_field": csrf_field,
        "contact": contact,
        "static_url": static_url,
        "colour": colour,
        "said": said,
        "animal_of": animal_of,
    }
    for name, function in functions.items():
        blueprint.add_app_template_global(function, name)
    blueprint.app_context_processor(
        lambda: {
            "service": service,
            "caller": caller(),
            "languages": LANGUAGE_NAMES,
            "path": request.full_path.rstrip("?"),
            "page_here": page_here(),
        }
    )
    return blueprint
