"""Which view of a scope somebody gets: the live boards, or the snapshot of an edition that stands still."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.ranking.models import EDITION, FROZEN, LIVE, Edition, Leader, League, Summary
from shared.auth import ADMINISTRATOR, OPERATOR, ORGANISER, Caller
from shared.errors import NotFound
from shared.prepared import Prepared

_SCOPE = Prepared(
    sa.select(
        Summary.tenant_id,
        Summary.scope,
        Summary.scope_id,
        Summary.view,
        Summary.league_id,
        Summary.as_of,
        League.heads_frozen_at.label("of_league"),
        Edition.heads_frozen_at.label("of_edition"),
    )
    .select_from(Summary)
    .outerjoin(League, sa.and_(League.tenant_id == Summary.tenant_id, League.league_id == Summary.league_id))
    .outerjoin(
        Edition,
        sa.and_(
            Summary.scope == EDITION, Edition.tenant_id == Summary.tenant_id, Edition.edition_id == Summary.scope_id
        ),
    )
    .where(
        Summary.scope == sa.bindparam("kind", type_=sa.String()),
        Summary.scope_id == sa.bindparam("id", type_=sa.Uuid()),
    )
)


def find_board_scope(session: Session, caller: Caller | None, scope: str, scope_id: UUID) -> Any:
    """What a board is about, in the view that the caller may see: a row of `_SCOPE`. Raises like `find_scope`."""
    found = _SCOPE.rows(session, {"kind": scope, "id": scope_id})
    if not found:
        raise NotFound
    return choose_view(session, caller, found)


def find_scope(session: Session, caller: Caller | None, scope: str, scope_id: UUID) -> Summary:
    """The summary of a team, league or edition, in the view that the caller may see.

    Raises NotFound when there is none, or when it is another tenant's and not public.
    """
    found = session.scalars(sa.select(Summary).where(Summary.scope == scope, Summary.scope_id == scope_id)).all()
    if not found:
        raise NotFound
    summary: Summary = choose_view(session, caller, found)
    return summary


def choose_view(session: Session, caller: Caller | None, views: Sequence[Any]) -> Any:
    """Of a scope's live summary and its snapshot, the one for this caller."""
    by_view = {summary.view: summary for summary in views}
    frozen = by_view.get(FROZEN)
    if frozen is None or knows_the_truth(session, caller, frozen):
        return by_view[LIVE]
    return frozen


def knows_the_truth(session: Session, caller: Caller | None, summary: Any) -> bool:
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
