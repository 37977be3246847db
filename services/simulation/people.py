"""What simulated people are like: pure functions of the seed."""

from __future__ import annotations

import random
from collections.abc import Iterator

import msgspec

DAYS = 21
GRACE_DAYS = 2
WEEKEND, LAST_DAY, GRACE_DAY = 0.7, 3.0, 0.15
LATE, GIVES_UP, LEAVES, MOVES = 0.08, 0.12, 0.004, 0.005

ANIMALS = (
    "Renard", "Hérisson", "Loutre", "Mésange", "Chouette", "Grenouille", "Libellule", "Écureuil", "Castor", "Abeille",
    "Coccinelle", "Lynx", "Marmotte", "Papillon", "Tortue", "Dauphin", "Hirondelle", "Blaireau", "Salamandre", "Panda",
)  # fmt: skip
MOODS = (
    "tranquille", "intrépide", "agile", "tenace", "timide", "drôle", "espiègle", "habile", "modeste", "énergique",
    "fantastique", "sympathique", "aimable", "célèbre", "sensible", "brave", "solide", "rapide", "magique", "zen",
)  # fmt: skip
"""Words that go with every animal, « une Tortue » as well as « un Lynx »."""
PLACES = (
    "Lilas", "Tilleuls", "Grands Chênes", "Prés Verts", "Trois Rivières", "Bord de Mer", "Moulin",
    "Jean Jaurès", "Simone Veil", "Jacques Prévert", "Wangari Maathai", "Beau Soleil", "Châtaigniers", "Canal",
)  # fmt: skip
TRADES = ("Atelier", "Comptoir", "Ateliers", "Maison", "Coopérative", "Fabrique", "Studio", "Transports")
ZONES = ("Europe/Paris", "Europe/Paris", "Europe/Paris", "Indian/Reunion", "America/Martinique", "Europe/Brussels")
KINDS = ("school",) * 12 + ("company",) * 5 + ("community",) * 3
LEAGUES_OF = {"school": 8, "company": 12}


class TenantPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant to found, with the numbers of its first league and of its leagues."""

    kind: str
    name: str
    zone: str
    first_league: int
    leagues: int


def plan_tenants(seed: int, leagues: int) -> Iterator[TenantPlan]:
    """Schools of 8 classes, companies of 12 leagues, and the one community, until there are enough leagues."""
    shares = {kind: round(leagues * KINDS.count(kind) / len(KINDS)) for kind in ("company", "community")}
    shares["school"] = leagues - sum(shares.values())
    first = number = 0
    for kind in ("school", "company"):
        left = shares[kind]
        while left > 0:
            draw = random.Random(f"{seed}/tenant/{number}")
            size = min(left, LEAGUES_OF[kind])
            name = (
                f"École {draw.choice(PLACES)}" if kind == "school" else f"{draw.choice(TRADES)} {draw.choice(PLACES)}"
            )
            yield TenantPlan(
                kind=kind, name=f"{name} {number + 1}", zone=draw.choice(ZONES), first_league=first, leagues=size
            )
            first, left, number = first + size, left - size, number + 1
    if shares["community"]:
        yield TenantPlan(
            kind="community", name="", zone="Europe/Paris", first_league=first, leagues=shares["community"]
        )


def size_of_league(seed: int, number: int, leagues: int, players: int) -> int:
    """How many people play in league `number`: two neighbours differ, and all together make `players`."""
    size = players * (number + 1) // leagues - players * number // leagues
    partner = number ^ 1
    if partner >= leagues:
        return size
    smaller = min(size, players * (partner + 1) // leagues - players * partner // leagues)
    shift = random.Random(f"{seed}/size/{number // 2}").randint(0, smaller // 3)
    return size + (shift if number % 2 else -shift)


def player_name(seed: int, league: int, player: int) -> str:
    """A pseudonym."""
    draw = random.Random(f"{seed}/name/{league}/{player}")
    return f"{draw.choice(ANIMALS)} {draw.choice(MOODS)} {player + 1}"


def arrival_day(seed: int, league: int, player: int) -> int:
    """The day somebody joins: 0 during registration, later for those who heard of it late."""
    draw = random.Random(f"{seed}/arrival/{league}/{player}")
    return draw.randint(1, 9) if player > 0 and draw.random() < LATE else 0


def eagerness(seed: int, league: int, place: int, day: int) -> float:
    """How likely somebody is to do something on a day: few do a lot, and some give up."""
    draw = random.Random(f"{seed}/eager/{league}/{place}")
    gives_up_on = draw.randint(3, DAYS - 3) if draw.random() < GIVES_UP else DAYS + GRACE_DAYS
    strength = draw.lognormvariate(0.0, 0.7)
    return strength if day < gives_up_on else 0.0


def share_of_day(day: int) -> float:
    """How much of the edition's activity falls on a day (0 is a Monday); the last evening is the busiest."""
    if day >= DAYS:
        return GRACE_DAY
    if day == DAYS - 1:
        return LAST_DAY
    return WEEKEND if day % 7 in (5, 6) else 1.0


def completions_of_day(day: int, total: int, days: int = DAYS + GRACE_DAYS) -> int:
    """How many completions fall on a day, so that all the days together make `total`."""
    weights = [share_of_day(number) for number in range(days)]
    before, whole = sum(weights[:day]), sum(weights)
    return int(total * (before + weights[day]) / whole) - int(total * before / whole)
