"""The grid of a class: players down, challenges across; which cells are left to tick."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.leagues.domain.playing import Offer, suggested
from services.leagues.domain.recording import INDIVIDUAL, period_of
from services.leagues.models import Completion, Player


def columns(offered: Sequence[Offer], category: str, day: date) -> list[Offer]:
    """The challenges across: those one tick can record, of a category, or without one some for the day."""
    simple = [offer for offer in offered if fits_a_tick(offer)]
    return [offer for offer in simple if offer.category == category] if category else suggested(simple, None, day)


def fits_a_tick(offer: Offer) -> bool:
    """Whether a tick says it all: done by one player, worth one value, taking nothing away."""
    return offer.kind == INDIVIDUAL and len(offer.tiers) == 1 and not offer.is_malus


def used_up(session: Session, players: Sequence[Player], offered: Sequence[Offer], day: date) -> set[tuple[UUID, UUID]]:
    """The cells (player, challenge) that were done as often as they count in the day's periods; one question."""
    rules = {offer.challenge_id: (period_of(offer.per, day), offer.times) for offer in offered}
    times = sa.func.count()
    done = (
        sa.select(Completion.subject_id, Completion.challenge_id, Completion.period, times.label("times"))
        .where(
            Completion.subject_id.in_([player.player_id for player in players]),
            Completion.challenge_id.in_(list(rules)),
            Completion.period.in_({period for period, _times in rules.values()}),
            Completion.slot.is_not(None),
        )
        .group_by(Completion.subject_id, Completion.challenge_id, Completion.period)
    )
    return {
        (row.subject_id, row.challenge_id)
        for row in session.execute(done)
        if row.period == rules[row.challenge_id][0] and row.times >= rules[row.challenge_id][1]
    }
