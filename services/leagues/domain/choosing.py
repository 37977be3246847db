"""The list of all challenges of a league: what it can be narrowed to, and under which headings it stands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.leagues.domain.grid import MALUS, TEAM
from services.leagues.domain.playing import Offer, Place
from services.leagues.domain.recording import INDIVIDUAL
from services.leagues.models import Challenge, Completion
from shared.words import forms_of, has_all, searchable

NEW = "new"
KINDS = (NEW, MALUS, TEAM)
"""Besides the categories, what the list can be narrowed to: what is not done yet, takes points away, is a team's."""


def matching(session: Session, offered: Sequence[Offer], words: str, language: str) -> list[Offer]:
    """Those that a search in a language finds; all of them where there is no word to look for.

    What it looks at was folded when the event came. Where none has said it, it is the title.
    """
    wanted = forms_of(words)
    if not wanted:
        return list(offered)
    told = sa.select(Challenge.challenge_id, Challenge.words[language].as_string().label("words"))
    texts = {row.challenge_id: row.words for row in session.execute(told)}
    return [offer for offer in offered if has_all(texts.get(offer.challenge_id) or searchable(offer.title), wanted)]


def narrowed(
    session: Session, place: Place, offered: Sequence[Offer], *, category: str = "", kind: str = ""
) -> list[Offer]:
    """Those of a category and of one of KINDS; each where it is given."""
    found = [offer for offer in offered if category in ("", offer.category)]
    if kind == NEW:
        done = done_before(session, place)
        return [offer for offer in found if offer.challenge_id not in done and not offer.is_malus]
    if kind == MALUS:
        return [offer for offer in found if offer.is_malus]
    if kind == TEAM:
        return [offer for offer in found if offer.kind != INDIVIDUAL]
    return found


class Section(NamedTuple):
    """A heading of the list and what stands under it. `name`: a category, or MALUS. `total`: of all there are."""

    name: str
    offers: Sequence[Offer]
    total: int


def sections(offered: Sequence[Offer], most: int | None = None) -> list[Section]:
    """Offers under their categories; what takes points away under MALUS, last.

    `most`: how many of each stand there, those not done yet before the others; all of them where it is None.
    """
    found: dict[str, list[Offer]] = defaultdict(list)
    for offer in sorted(offered, key=lambda offer: (offer.is_malus, offer.category)):
        found[MALUS if offer.is_malus else offer.category].append(offer)
    shown = {name: those if most is None else _first(those, most) for name, those in found.items()}
    return [Section(name, shown[name], len(those)) for name, those in found.items()]


def _first(offered: Sequence[Offer], most: int) -> list[Offer]:
    return sorted(offered, key=lambda offer: offer.done > 0)[:most]


def done_before(session: Session, place: Place) -> set[UUID]:
    """The challenges done at least once since the edition began: by the reader or their team; by anybody of the league
    where the reader does not play in it."""
    done = sa.select(Completion.challenge_id).distinct().where(Completion.slot.is_not(None))
    if place.player is None:
        league = place.league
        done = done.where(Completion.tenant_id == league.tenant_id, Completion.league_id == league.league_id)
    else:
        subjects = (place.player.player_id, place.player.team_id)
        done = done.where(Completion.tenant_id == place.player.tenant_id, Completion.subject_id.in_(subjects))
    return set(session.scalars(done))
