"""The grid of a class: players (or teams) down, challenges across; which cells are left to tick."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.leagues.domain.playing import Offer, suggested
from services.leagues.domain.recording import INDIVIDUAL, Act, period_of
from services.leagues.models import Completion
from shared.auth import Caller

MALUS = "malus"
TEAM = "team"
"""Besides the categories, what a grid can show: what takes points away, and what a whole team does."""


class Tick(msgspec.Struct, frozen=True):
    """A cell that was ticked: who (a player or a team) did which challenge, and for how much where one may choose."""

    challenge_id: UUID
    subject_id: UUID
    tier: str | None = None


def sheets(offered: Sequence[Offer]) -> list[str]:
    """What the grid can show, in order: the categories with something of one player's, then malus and teams."""
    categories = sorted({offer.category for offer in offered if _of_player(offer) and not offer.is_malus})
    others = [name for name in (MALUS, TEAM) if columns(offered, name, date.min)]
    return [*categories, *others]


def columns(offered: Sequence[Offer], sheet: str, day: date) -> list[Offer]:
    """The challenges across: of a sheet, or without one some for the day."""
    if sheet == TEAM:
        return [offer for offer in offered if not _of_player(offer)]
    if sheet == MALUS:
        return [offer for offer in offered if _of_player(offer) and offer.is_malus]
    mine = [offer for offer in offered if _of_player(offer) and not offer.is_malus]
    return [offer for offer in mine if offer.category == sheet] if sheet else suggested(mine, None, day)


def _of_player(offer: Offer) -> bool:
    return offer.kind == INDIVIDUAL


def acts_of(ticks: Sequence[Tick], offered: Sequence[Offer], day: date | None, first_id: UUID) -> list[Act]:
    """What the ticks say was done. Their ids are made of the form's: sent again, they are the same."""
    of_teams = {offer.challenge_id for offer in offered if not _of_player(offer)}
    acts = {}
    for tick in ticks:
        is_of_team = tick.challenge_id in of_teams
        acts[tick.challenge_id, tick.subject_id] = Act(
            challenge_id=tick.challenge_id,
            player_id=None if is_of_team else tick.subject_id,
            team_id=tick.subject_id if is_of_team else None,
            completion_id=id_for(id_for(first_id, tick.subject_id), tick.challenge_id),
            tier=tick.tier,
            day=day,
        )
    return list(acts.values())


LOW_BITS = (1 << 62) - 1


def id_for(first: UUID, other: UUID) -> UUID:
    """The completion's id of one player on a form: the same whenever the form is sent, and still a UUIDv7."""
    return UUID(int=first.int ^ (other.int & LOW_BITS))


def of_form(activity: sa.Select[Any], caller: Caller, first_id: UUID) -> sa.Select[Any]:
    """Of a league's activity, what the caller recorded with one form: the ids that `id_for` makes of the form's."""
    least, most = first_id.int & ~LOW_BITS, first_id.int | LOW_BITS
    return activity.where(
        Completion.completion_id.between(UUID(int=least), UUID(int=most)), Completion.author_id == caller.person_id
    )


def times_done(
    session: Session, subject_ids: Sequence[UUID], offered: Sequence[Offer], day: date
) -> dict[tuple[UUID, UUID], int]:
    """How often each (subject, challenge) was done in the day's periods, where it was; one question."""
    rules = {offer.challenge_id: period_of(offer.per, day) for offer in offered}
    times = sa.func.count()
    done = (
        sa.select(Completion.subject_id, Completion.challenge_id, Completion.period, times.label("times"))
        .where(
            Completion.subject_id.in_(subject_ids),
            Completion.challenge_id.in_(list(rules)),
            Completion.period.in_(set(rules.values())),
            Completion.slot.is_not(None),
        )
        .group_by(Completion.subject_id, Completion.challenge_id, Completion.period)
    )
    return {
        (row.subject_id, row.challenge_id): row.times
        for row in session.execute(done)
        if row.period == rules[row.challenge_id]
    }


def used_up(
    session: Session, subject_ids: Sequence[UUID], offered: Sequence[Offer], day: date
) -> set[tuple[UUID, UUID]]:
    """The cells (subject, challenge) that were done as often as they count in the day's periods."""
    most = {offer.challenge_id: offer.times for offer in offered}
    done = times_done(session, subject_ids, offered, day)
    return {cell for cell, times in done.items() if times >= most[cell[1]]}
