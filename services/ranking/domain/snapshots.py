"""Boards that stand still: taken when an edition freezes, dropped when it is revealed. And what everybody may count.

A snapshot holds what happened up to the freeze, however late it was heard of. The public counters see of each edition
what the public sees.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.ranking.domain.facts import name_standings
from services.ranking.domain.recompute import write_recomputed
from services.ranking.domain.writing import chunks
from services.ranking.models import (
    EDITION,
    EDITION_BOARDS,
    FROZEN,
    LIVE,
    NUMBERS,
    SCOPES,
    Counters,
    Edition,
    HistogramBar,
    Standing,
    Summary,
)
from shared.bulk import UNCHECKED
from shared.contracts import BoardsRevealed
from shared.database import upsert_statement
from shared.outbox import announce, emit
from shared.tenancy import PLATFORM_TENANT_ID


def take(session: Session, edition: Edition) -> None:
    """Makes the snapshot of every board of the edition, from ledger and facts."""
    write_recomputed(session, edition, FROZEN, edition.snapshot_at)
    name_standings(session)
    _count(session, edition, shown=FROZEN, hidden=LIVE)


def drop(session: Session, edition: Edition) -> None:
    """Forgets the snapshot: everybody sees the live boards again."""
    _count(session, edition, shown=LIVE, hidden=FROZEN)
    snapshot = sa.and_(
        Summary.edition_tenant_id == edition.tenant_id,
        Summary.edition_id == edition.edition_id,
        Summary.view == FROZEN,
    )
    scopes: defaultdict[tuple[UUID, str], list[UUID]] = defaultdict(list)
    for tenant_id, scope, scope_id in session.execute(
        sa.select(Summary.tenant_id, Summary.scope, Summary.scope_id).where(snapshot)
    ):
        scopes[(tenant_id, scope)].append(scope_id)
    for (tenant_id, scope), scope_ids in scopes.items():
        _drop_boards(session, tenant_id, [board for board, about in SCOPES.items() if about == scope], scope_ids)
    session.execute(sa.delete(Summary).where(snapshot).execution_options(synchronize_session=False))


def _drop_boards(session: Session, tenant_id: UUID, boards: Sequence[str], scope_ids: Sequence[UUID]) -> None:
    for model in (Standing, HistogramBar) if boards else ():
        for chunk in chunks(scope_ids):
            session.execute(
                sa.delete(model)
                .where(
                    model.tenant_id == tenant_id,
                    model.board.in_(boards),
                    model.scope_id.in_(chunk),
                    model.view == FROZEN,
                )
                .execution_options(synchronize_session=False)
            )


def tell(session: Session, edition: Edition, at: datetime, *, is_announced: bool) -> None:
    """Tells the others that the boards show the truth. A reveal that was announced is old news: it is told as such."""
    event = BoardsRevealed(edition_id=edition.edition_id)
    if is_announced:
        announce(session, event, at=at, tenant_id=edition.tenant_id)
    else:
        emit(session, event, tenant_id=edition.tenant_id)


def publish(session: Session, edition: Edition, is_open: bool) -> None:
    """Shows the edition's own boards to everybody, or to its tenant alone."""
    for model, boards in (
        (Standing, Standing.board.in_(EDITION_BOARDS)),
        (HistogramBar, HistogramBar.board.in_(EDITION_BOARDS)),
        (Summary, Summary.scope == EDITION),
    ):
        session.execute(
            sa.update(model)
            .where(model.tenant_id == edition.tenant_id, model.scope_id == edition.edition_id, boards)
            .values(is_public=is_open)
            .execution_options(synchronize_session=False)
        )


def add_to_counters(session: Session, numbers: Sequence[int], *, editions: int = 0) -> None:
    """Adds to the public counters."""
    if not editions and not any(numbers):
        return
    statement = upsert_statement(session, Counters)
    row = {
        "tenant_id": PLATFORM_TENANT_ID,
        "is_public": True,
        "editions": editions,
        **dict(zip(NUMBERS, numbers, strict=True)),
    }
    added: dict[str, Any] = {
        name: getattr(Counters, name) + statement.excluded[name] for name in (*NUMBERS, "editions")
    }
    session.execute(
        statement.on_conflict_do_update(index_elements=["tenant_id"], set_=added), [row], execution_options=UNCHECKED
    )


def _count(session: Session, edition: Edition, *, shown: str, hidden: str) -> None:
    """The public sees another view of the edition from now on."""
    numbers = {
        row.view: row[1:]
        for row in session.execute(
            sa.select(Summary.view, *(getattr(Summary, name) for name in NUMBERS)).where(
                Summary.tenant_id == edition.tenant_id,
                Summary.scope == EDITION,
                Summary.scope_id == edition.edition_id,
            )
        )
    }
    nothing = [0] * len(NUMBERS)
    differences = zip(numbers.get(shown, nothing), numbers.get(hidden, nothing), strict=True)
    add_to_counters(session, [a - b for a, b in differences])
