"""Who takes part: the leagues of one tenant in one edition, in figures that say nothing of a person's acts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.ranking.domain.impact import FEWEST_HEADS
from services.ranking.models import LEAGUE, LIVE, TENANT, Edition, League, Summary
from shared.auth import Caller
from shared.database import ByName


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """How many play now, how many of them have begun, what the league did.

    `completions` is None where fewer than FEWEST_HEADS play: it would be about persons.
    """

    players: int
    begun: int
    completions: int | None

    @property
    def share_begun(self) -> float:
        """How many of the players have begun, 0 to 1."""
        return self.begun / self.players if self.players else 0.0


class Participation(Part, frozen=True, kw_only=True):
    """One league."""

    league_id: UUID
    name: str


class Totals(Part, frozen=True, kw_only=True):
    """All leagues together."""

    leagues: int


ORDERS = ("least", "most", "name")
"""By the share that has begun, the lowest first or the highest first, empty leagues last; or by name."""


def editions_of_tenant(session: Session, caller: Caller, most: int = 50) -> Sequence[Any]:
    """The editions in which leagues of the caller's tenant play, the newest first: identifier and name."""
    return session.execute(
        sa.select(Edition.edition_id, Edition.name)
        .join(
            Summary,
            sa.and_(Summary.edition_tenant_id == Edition.tenant_id, Summary.edition_id == Edition.edition_id),
        )
        .where(Summary.tenant_id == caller.tenant_id, Summary.scope == TENANT, Summary.view == LIVE)
        .order_by(Edition.edition_id.desc())
        .limit(most)
    ).all()


def participation(session: Session, caller: Caller, edition_id: UUID, order: str = ORDERS[0]) -> list[Participation]:
    """The leagues of the caller's tenant in an edition, for those who organise; one question for all of them."""
    rows = session.execute(
        sa.select(
            League.league_id,
            League.name,
            Summary.playing,
            Summary.begun,
            sa.case((Summary.playing >= FEWEST_HEADS, Summary.completions)).label("completions"),
        )
        .join(Summary, sa.and_(Summary.tenant_id == League.tenant_id, Summary.scope_id == League.league_id))
        .where(
            Summary.tenant_id == caller.tenant_id,
            Summary.scope == LEAGUE,
            Summary.view == LIVE,
            Summary.edition_id == edition_id,
        )
        .order_by(ByName(League.name), League.league_id)
    )
    found = [
        Participation(
            league_id=row.league_id, name=row.name, players=row.playing, begun=row.begun, completions=row.completions
        )
        for row in rows
    ]
    if order == "name":
        return found
    sign = -1 if order == "most" else 1
    return sorted(found, key=lambda league: (not league.players, sign * league.share_begun))


def totals(leagues: Sequence[Participation]) -> Totals:
    """All of them together. What few people did stays out of the sum too."""
    players = sum(league.players for league in leagues)
    completions = sum(league.completions or 0 for league in leagues)
    return Totals(
        leagues=len(leagues),
        players=players,
        begun=sum(league.begun for league in leagues),
        completions=completions if players >= FEWEST_HEADS else None,
    )
