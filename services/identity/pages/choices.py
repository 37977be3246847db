"""What the select boxes of the forms offer."""

from __future__ import annotations

from collections.abc import Collection
from zoneinfo import available_timezones

from babel import Locale
from babel.core import get_global

from services.identity.domain.people import GRANTABLE
from shared.auth import PUPIL, ROLES
from shared.errors import Invalid, message
from shared.i18n import LANGUAGE_NAMES, current_language, translate
from shared.pages.frame import zone_name
from shared.words import sort_key

ZONES = [
    "Europe/Paris",
    "Europe/Brussels",
    "Europe/Zurich",
    "Europe/Luxembourg",
    "Europe/Monaco",
    "Europe/London",
    "Europe/Dublin",
    "Europe/Lisbon",
    "Europe/Madrid",
    "Europe/Rome",
    "Europe/Berlin",
    "Europe/Amsterdam",
    "Europe/Vienna",
    "Europe/Copenhagen",
    "Europe/Stockholm",
    "Europe/Oslo",
    "Europe/Helsinki",
    "Europe/Warsaw",
    "Europe/Prague",
    "Europe/Budapest",
    "Europe/Athens",
    "Europe/Bucharest",
    "Europe/Sofia",
    "Europe/Zagreb",
    "Europe/Ljubljana",
    "Europe/Tallinn",
    "Europe/Riga",
    "Europe/Vilnius",
    "America/Guadeloupe",
    "America/Martinique",
    "America/Cayenne",
    "America/Miquelon",
    "America/Montreal",
    "America/Port-au-Prince",
    "Indian/Reunion",
    "Indian/Mayotte",
    "Pacific/Noumea",
    "Pacific/Tahiti",
    "Pacific/Wallis",
    "Africa/Algiers",
    "Africa/Casablanca",
    "Africa/Tunis",
    "Africa/Dakar",
    "Africa/Abidjan",
    "Africa/Libreville",
    "Africa/Kinshasa",
    "Asia/Beirut",
]
"""Where classes and companies that speak our languages are; the API takes every IANA zone."""
KIND_NAMES = {
    "school": message("School"),
    "company": message("Company"),
    "community": message("Community"),
    "platform": message("Platform"),
}
ROLE_NAMES = {
    "administrator": message("Administrator: people, settings, everything"),
    "organiser": message("Organiser: opens and leads leagues"),
    "player": message("Player: takes part in leagues"),
    "pupil": message("Pupil: plays in a class"),
    "operator": message("Operator: looks after the platform"),
}


def countries() -> list[tuple[str, str]]:
    """Every country by its name in the reader's language, as a dictionary of it has them; France first."""
    names = Locale.parse(current_language()).territories
    known = [(code, name) for code, name in names.items() if len(code) == 2 and code.isalpha() and code not in NONE]
    known.sort(key=lambda country: sort_key(country[1]))
    return [("FR", names["FR"]), *(country for country in known if country[0] != "FR")]


WHICH_ZONE = message("This country has several time zones: choose yours. They come first in the list now.")
MAIN_ZONES = {
    "CL": "America/Santiago",
    "CN": "Asia/Shanghai",
    "CY": "Asia/Nicosia",
    "DE": "Europe/Berlin",
    "EC": "America/Guayaquil",
    "ES": "Europe/Madrid",
    "MY": "Asia/Kuala_Lumpur",
    "NZ": "Pacific/Auckland",
    "PF": "Pacific/Tahiti",
    "PG": "Pacific/Port_Moresby",
    "PT": "Europe/Lisbon",
    "UA": "Europe/Kyiv",
    "UZ": "Asia/Tashkent",
}
"""Where one zone is the country's but for some islands, an enclave or a second name: CLDR calls it the primary one."""
NONE = {"EU", "EZ", "UN", "XA", "XB", "ZZ", "QO", "CQ"}
"""What Babel lists beside countries."""


def zones(kept: str = "", *, of_country: str = "") -> list[tuple[str, str]]:
    """Time zones by the place people know them by, those of a country first; `kept` is offered too, whatever it is."""
    own = zones_of(of_country)
    offered = [*(own if len(own) > 1 else []), *ZONES, *([kept] if kept in available_timezones() else [])]
    return [(zone, zone_name(zone)) for zone in dict.fromkeys(offered)]


def zones_of(country: str) -> list[str]:
    """The time zones of a country, by the name people know them by."""
    found = [zone for zone in get_global("territory_zones").get(country, []) if zone in available_timezones()]
    return sorted(found, key=lambda zone: sort_key(zone_name(zone)))


def zone_of(country: str) -> str:
    """The time zone of a country, or the one that nearly all of it lives by. Raises Invalid where there is no such."""
    found = zones_of(country)
    if country in MAIN_ZONES:
        return MAIN_ZONES[country]
    if len(found) != 1:
        raise Invalid(fields={"zone": [WHICH_ZONE]})
    return found[0]


def country_name(code: str) -> str:
    """A country by its name in the reader's language."""
    return str(Locale.parse(current_language()).territories.get(code, code))


def kind_names() -> dict[str, str]:
    """Every kind of tenant by its name."""
    return {kind: translate(name) for kind, name in KIND_NAMES.items()}


def role_names() -> dict[str, str]:
    """Every role by its name alone."""
    return {role: translate(ROLE_NAMES.get(role, role)).partition(":")[0].strip() for role in ROLES}


def roles(tenant_kind: str, has: Collection[str] = ()) -> list[tuple[str, str]]:
    """What an administrator may make of somebody who `has` some roles: pupils are of schools."""
    fitting = [role for role in GRANTABLE if role != PUPIL or tenant_kind == "school" or role in has]
    return [(role, translate(ROLE_NAMES.get(role, role))) for role in fitting]


def roles_to_invite(tenant_kind: str, *, has_pupils: bool) -> list[tuple[str, str]]:
    """What somebody may be invited as. Pupils need no e-mail: a tenant is offered it that `has_pupils` with one."""
    return [(role, text) for role, text in roles(tenant_kind) if role != PUPIL or has_pupils]


def languages() -> list[tuple[str, str]]:
    """Each by its own name."""
    return list(LANGUAGE_NAMES.items())
