"""Which view of a scope somebody gets: the live boards, or the snapshot of an edition that stands still."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.ranking.models import EDITION, FROZEN, LIVE, Leader, Summary
from shared.auth import ADMINISTRATOR, OPERATOR, ORGANISER, Caller
from shared.errors import NotFound


def find_scope(session: Session, caller: Caller | None, scope: str, scope_id: UUID) -> Summary:
    """The summary of a team, league or edition, in the view that the caller may see.

    Raises NotFound when there is none, or when it is another tenant's and not public.
    """
    found = session.scalars(sa.select(Summary).where(Summary.scope == scope, Summary.scope_id == scope_id)).all()
    if not found:
        raise NotFound
    return choose_view(session, caller, list(found))


def choose_view(session: Session, caller: Caller | None, views: list[Summary]) -> Summary:
    """Of a scope's live summary and its snapshot, the one for this caller."""
    by_view = {summary.view: summary for summary in views}
    frozen = by_view.get(FROZEN)
    if frozen is None or knows_the_truth(session, caller, frozen):
        return by_view[LIVE]
    return frozen


def knows_the_truth(session: Session, caller: Caller | None, summary: Summary) -> bool:
    """Whether the caller organises this: sees live boards while the others see them stand still."""
    if caller is None:
        return False
    if caller.tenant_id == summary.tenant_id and caller.has_role(ADMINISTRATOR, ORGANISER):
        return True
    if summary.scope == EDITION:
        return caller.has_role(OPERATOR)
    return summary.league_id is not None and _leads(session, caller, summary.league_id)


def _leads(session: Session, caller: Caller, league_id: UUID) -> bool:
    leads = sa.select(Leader.person_id).where(
        Leader.tenant_id == caller.tenant_id,
        Leader.league_id == league_id,
        Leader.person_id == caller.person_id,
        Leader.has_resigned.is_(False),
    )
    return session.scalar(leads) is not None
