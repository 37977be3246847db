"""How much one tenant plays, for operators: figures alone, and none about few people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.ranking.domain.impact import FEWEST_HEADS
from services.ranking.models import LEAGUE, LIVE, Edition, League, Summary


class Play(msgspec.Struct, frozen=True, kw_only=True):
    """The leagues of a tenant in one edition, or in all. `completions`: None where fewer than FEWEST_HEADS play."""

    leagues: int
    players: int
    completions: int | None
    last_at: datetime | None
    """When the newest completion was recorded; None before the first."""


class EditionPlay(Play, frozen=True, kw_only=True):
    """In one edition; its name is empty while only its leagues have been heard of."""

    edition: str


def play_of_tenant(session: Session, tenant_id: UUID) -> tuple[Play, Sequence[EditionPlay]]:
    """How much a tenant plays in all, and in each edition, the newest first.

    For the session of an operator, which is bound to no tenant: every row says whose it is.
    """
    summed = sa.and_(
        Summary.tenant_id == League.tenant_id,
        Summary.scope == LEAGUE,
        Summary.scope_id == League.league_id,
        Summary.view == LIVE,
    )
    held = sa.and_(Edition.tenant_id == League.edition_tenant_id, Edition.edition_id == League.edition_id)
    rows = session.execute(
        sa.select(
            Edition.name,
            sa.func.count(League.league_id).label("leagues"),
            sa.func.coalesce(sa.func.sum(Summary.playing), 0).label("players"),
            sa.func.coalesce(sa.func.sum(Summary.completions), 0).label("completions"),
            sa.func.max(Summary.as_of).label("last_at"),
        )
        .select_from(League)
        .outerjoin(Summary, summed)
        .outerjoin(Edition, held)
        .where(League.tenant_id == tenant_id)
        .group_by(League.edition_tenant_id, League.edition_id, Edition.name)
        .order_by(League.edition_id.desc(), League.edition_tenant_id)
    ).all()
    editions = [
        EditionPlay(
            edition=row.name or "",
            leagues=row.leagues,
            players=int(row.players),
            completions=int(row.completions) if row.players >= FEWEST_HEADS else None,
            last_at=row.last_at,
        )
        for row in rows
    ]
    players = sum(edition.players for edition in editions)
    return (
        Play(
            leagues=sum(edition.leagues for edition in editions),
            players=players,
            completions=sum(edition.completions or 0 for edition in editions) if players >= FEWEST_HEADS else None,
            last_at=max((edition.last_at for edition in editions if edition.last_at is not None), default=None),
        ),
        editions,
    )
