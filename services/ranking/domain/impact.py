"""What was saved: one row per scope, kept up to date by the batches."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.ranking.domain.scopes import choose_view, find_scope
from services.ranking.errors import TooManyScopes
from services.ranking.models import EDITION, FROZEN, LEAGUE, LIVE, NUMBERS, TEAM, TENANT, Counters, Summary
from shared.auth import Caller
from shared.errors import NotSignedIn

FEWEST_HEADS = 5
"""Statistics about fewer people than this would be about persons."""


@dataclass(frozen=True, slots=True)
class ImpactTotal:
    """What a team, a league, a tenant or an edition saved; the figures are None when they are hidden."""

    scope: str
    scope_id: UUID
    view: str
    as_of: datetime | None
    is_hidden: bool
    completions: int | None = None
    unquantified: int | None = None
    co2e_g: int | None = None
    water_ml: int | None = None
    waste_g: int | None = None
    learning_min: int | None = None


FIGURES = ("completions", "unquantified", "co2e_g", "water_ml", "waste_g", "learning_min")


def read_impact(
    session: Session,
    caller: Caller | None,
    *,
    league_id: UUID | None = None,
    team_id: UUID | None = None,
    edition_id: UUID | None = None,
) -> ImpactTotal:
    """The impact of one league, team or edition, or of the caller's whole tenant.

    Raises TooManyScopes, NotFound, and NotSignedIn for anybody who asks of more than an open edition.
    """
    asked = [(LEAGUE, league_id), (TEAM, team_id), (EDITION, edition_id)]
    given = [(scope, scope_id) for scope, scope_id in asked if scope_id is not None]
    if len(given) > 1:
        raise TooManyScopes
    if caller is None and edition_id is None:
        raise NotSignedIn
    if given:
        scope, scope_id = given[0]
        summary = find_scope(session, caller, scope, scope_id)
        return _total(scope, scope_id, summary.view, [summary])
    assert caller is not None
    return impact_of_tenant(session, caller)


def impact_of_tenant(session: Session, caller: Caller, in_edition: UUID | None = None) -> ImpactTotal:
    """The caller's tenant in one edition, or in all together: of a frozen one, what the caller may see of it."""
    views: defaultdict[UUID, list[Summary]] = defaultdict(list)
    statement = sa.select(Summary).where(Summary.tenant_id == caller.tenant_id, Summary.scope == TENANT)
    for summary in session.scalars(
        statement if in_edition is None else statement.where(Summary.scope_id == in_edition)
    ):
        views[summary.scope_id].append(summary)
    chosen = [choose_view(session, caller, summaries) for summaries in views.values()]
    view = FROZEN if any(summary.view == FROZEN for summary in chosen) else LIVE
    return _total(TENANT, caller.tenant_id, view, chosen)


def _total(scope: str, scope_id: UUID, view: str, summaries: list[Summary]) -> ImpactTotal:
    as_of = max((summary.as_of for summary in summaries if summary.as_of is not None), default=None)
    if max((summary.heads for summary in summaries), default=0) < FEWEST_HEADS:
        return ImpactTotal(scope, scope_id, view, as_of, is_hidden=True)
    figures = {name: sum(getattr(summary, name) for summary in summaries) for name in FIGURES}
    return ImpactTotal(scope, scope_id, view, as_of, is_hidden=False, **figures)


def read_counters(session: Session) -> dict[str, int]:
    """What everybody may know: players, leagues, editions, completions and impact, all editions together."""
    counters = session.scalar(sa.select(Counters))
    return {name: getattr(counters, name) if counters else 0 for name in (*NUMBERS, "editions")}
