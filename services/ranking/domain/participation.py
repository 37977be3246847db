"""Who takes part: the leagues of one tenant in one edition, in figures that say nothing of a person's acts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.ranking.domain.impact import FEWEST_HEADS
from services.ranking.models import LEAGUE, LEAGUE_PLAYERS, LIVE, TENANT, Edition, League, Standing, Summary
from shared.auth import Caller


class Participation(msgspec.Struct, frozen=True):
    """One league: how many play, how many of them have begun, what they did.

    `completions` is None where fewer than FEWEST_HEADS play: it would be about persons.
    """

    league_id: UUID
    name: str
    players: int
    begun: int
    completions: int | None


class Totals(msgspec.Struct, frozen=True):
    """All leagues together; `completions` is None like a league's."""

    leagues: int
    players: int
    begun: int
    completions: int | None

    @property
    def share_begun(self) -> float:
        """How many of the players have begun, 0 to 1."""
        return self.begun / self.players if self.players else 0.0


ORDERS = ("least", "most", "name")
"""By the share that has begun, the lowest first or the highest first; or by name."""


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


def participation(caller: Caller, edition_id: UUID, order: str = ORDERS[0]) -> sa.Select[Any]:
    """The leagues of the caller's tenant in an edition, for those who organise: rows for `told`."""
    begun = _begun(caller)
    share = sa.case((Summary.players > 0, begun.c.begun * 1.0 / Summary.players), else_=0)
    orders = {"least": (share.asc(), League.name), "most": (share.desc(), League.name), "name": (League.name,)}
    found: Any = (
        sa.select(
            League.league_id,
            League.name,
            Summary.players,
            sa.func.coalesce(begun.c.begun, 0).label("begun"),
            Summary.completions,
        )
        .select_from(Summary)
        .join(League, sa.and_(League.tenant_id == Summary.tenant_id, League.league_id == Summary.scope_id))
        .outerjoin(begun, begun.c.scope_id == Summary.scope_id)
        .where(*_leagues_in(caller, edition_id))
        .order_by(*orders[order], League.league_id)
    )
    return found  # type: ignore[no-any-return]


def told(row: Any) -> Participation:
    """A row of `participation` as it may be told."""
    return Participation(row.league_id, row.name, row.players, row.begun, _told(row.completions, row.players))


def totals(session: Session, caller: Caller, edition_id: UUID) -> Totals:
    """The leagues of the caller's tenant in an edition, all together."""
    begun = _begun(caller)
    row = session.execute(
        sa.select(
            sa.func.count(Summary.scope_id),
            sa.func.sum(Summary.players),
            sa.func.sum(begun.c.begun),
            sa.func.sum(Summary.completions),
        )
        .select_from(Summary)
        .outerjoin(begun, begun.c.scope_id == Summary.scope_id)
        .where(*_leagues_in(caller, edition_id))
    ).one()
    leagues, players, have_begun, completions = (int(value or 0) for value in row)
    return Totals(leagues, players, have_begun, _told(completions, players))


def _told(completions: int, players: int) -> int | None:
    return completions if players >= FEWEST_HEADS else None


def _leagues_in(caller: Caller, edition_id: UUID) -> tuple[Any, ...]:
    return (
        Summary.tenant_id == caller.tenant_id,
        Summary.scope == LEAGUE,
        Summary.view == LIVE,
        Summary.edition_id == edition_id,
    )


def _begun(caller: Caller) -> Any:
    """How many players of each league have a completion of their own."""
    return (
        sa.select(Standing.scope_id, sa.func.count(Standing.contender_id).label("begun"))
        .where(
            Standing.tenant_id == caller.tenant_id,
            Standing.board == LEAGUE_PLAYERS,
            Standing.view == LIVE,
            Standing.completions > 0,
        )
        .group_by(Standing.scope_id)
        .subquery()
    )
