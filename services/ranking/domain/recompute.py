"""What the boards must show, computed from ledger and facts alone, league by league.

`rebuild` and snapshots write it, `verify` compares it with what is there. The memory it takes grows with the size of
a league and with the number of leagues of an edition, never with the number of completions.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.ranking.domain.changes import Changes, Where
from services.ranking.domain.facts import name_standings
from services.ranking.domain.heads import Move, membership
from services.ranking.domain.writing import write
from services.ranking.models import (
    EDITION,
    FROZEN,
    LIVE,
    NUMBERS,
    Counters,
    Edition,
    HistogramBar,
    League,
    LedgerEntry,
    PlayerMove,
    Standing,
    Summary,
    Team,
)
from shared.bulk import UNCHECKED
from shared.database import upsert_statement
from shared.tenancy import PLATFORM_TENANT_ID

ROWS_AT_A_TIME = 2000


class Rebuilt(NamedTuple):
    """How much was rebuilt."""

    editions: int
    leagues: int


def recompute(session: Session, edition: Edition, view: str, until: datetime | None) -> Iterator[Changes]:
    """The boards of one edition as of `until` (None: now): each league's own, and at last the edition's."""
    whole = Changes()
    if edition.revision:
        whole.add_edition(edition.tenant_id, edition.edition_id, view)
    for where, revision, heads_frozen_at in _leagues(session, edition):
        changes = Changes()
        if revision:
            changes.add_league(where, view, 1)
        _add_teams(session, changes, where, view)
        _add_players(session, changes, where, view, heads_frozen_at, until)
        _add_points(session, changes, where, view, until)
        changes.move_edition_level(whole)
        yield changes
    yield whole


def _leagues(session: Session, edition: Edition) -> list[tuple[Where, int, datetime | None]]:
    rows = session.execute(
        sa.select(League.tenant_id, League.league_id, League.revision, League.heads_frozen_at)
        .where(League.edition_tenant_id == edition.tenant_id, League.edition_id == edition.edition_id)
        .order_by(League.tenant_id, League.league_id)
    )
    return [
        (Where(row.tenant_id, edition.tenant_id, edition.edition_id, row.league_id), row.revision, row.heads_frozen_at)
        for row in rows
    ]


def _add_teams(session: Session, changes: Changes, where: Where, view: str) -> None:
    mine = sa.select(Team.team_id).where(Team.tenant_id == where.tenant_id, Team.league_id == where.league_id)
    for team_id in session.scalars(mine):
        changes.add_team(where, view, team_id)


def _add_players(
    session: Session,
    changes: Changes,
    where: Where,
    view: str,
    heads_frozen_at: datetime | None,
    until: datetime | None,
) -> None:
    rows = session.execute(
        sa.select(PlayerMove.player_id, PlayerMove.revision, PlayerMove.team_id, PlayerMove.at)
        .where(PlayerMove.tenant_id == where.tenant_id, PlayerMove.league_id == where.league_id)
        .order_by(PlayerMove.player_id, PlayerMove.revision)
    )
    for player_id, moves in groupby(rows, key=lambda row: row.player_id):
        known = [Move(row.revision, row.team_id, row.at) for row in moves if until is None or row.at <= until]
        for move in known:
            changes.add_move(where, view, move.team_id, move.at)
        place = membership(known, heads_frozen_at, until)
        if place is not None:
            changes.add_membership(where, view, player_id, place, 1)


def _add_points(session: Session, changes: Changes, where: Where, view: str, until: datetime | None) -> None:
    sums = [
        sa.func.sum(getattr(LedgerEntry, name))
        for name in ("completions", "unquantified", "co2e_g", "water_ml", "waste_g", "learning_min")
    ]
    entries = (
        sa.select(
            LedgerEntry.team_id,
            LedgerEntry.player_id,
            sa.func.sum(LedgerEntry.points),
            sa.func.max(LedgerEntry.occurred_at),
            *sums,
        )
        .where(LedgerEntry.tenant_id == where.tenant_id, LedgerEntry.league_id == where.league_id)
        .group_by(LedgerEntry.team_id, LedgerEntry.player_id)
    )
    if until is not None:
        entries = entries.where(LedgerEntry.occurred_at <= until)
    for team_id, player_id, points, at, *numbers in session.execute(entries):
        completions, *others = map(int, numbers)
        changes.add_points(where, view, team_id, int(points), [completions, *others], at)
        if player_id is not None:
            changes.add_player_points(where, view, team_id, player_id, int(points), completions)


def every_edition(session: Session) -> Iterator[Edition]:
    """The editions, oldest first."""
    keys = session.execute(sa.select(Edition.tenant_id, Edition.edition_id).order_by(Edition.edition_id)).all()
    for tenant_id, edition_id in keys:
        edition = session.get_one(Edition, (tenant_id, edition_id))
        yield edition
        session.expunge(edition)


def views_of(edition: Edition) -> list[tuple[str, datetime | None]]:
    """(view, until) of each view of the edition."""
    return [(LIVE, None)] if edition.snapshot_at is None else [(LIVE, None), (FROZEN, edition.snapshot_at)]


def write_recomputed(session: Session, edition: Edition, view: str, until: datetime | None) -> None:
    """Fills one view of an edition, which must be empty, a few leagues at a time."""
    waiting = Changes()
    for changes in recompute(session, edition, view, until):
        waiting.absorb(changes)
        if len(waiting.standings) > ROWS_AT_A_TIME:
            write(session, waiting, {edition.edition_id: edition.is_public})
            waiting = Changes()
    write(session, waiting, {edition.edition_id: edition.is_public})


def rebuild(session: Session) -> Rebuilt:
    """Makes every derived table again: standings, histogram, summaries, counters."""
    session.scalars(sa.select(Edition).with_for_update()).all()  # nobody adds points meanwhile
    for model in (Standing, HistogramBar, Summary, Counters):
        session.execute(sa.delete(model).execution_options(synchronize_session=False))
    editions = 0
    for edition in every_edition(session):
        editions += 1
        for view, until in views_of(edition):
            write_recomputed(session, edition, view, until)
    name_standings(session)
    counters = count_everything(session)
    if any(counters.values()):
        row = {"tenant_id": PLATFORM_TENANT_ID, "is_public": True, **counters}
        session.execute(upsert_statement(session, Counters), [row], execution_options=UNCHECKED)
    leagues = session.scalar(sa.select(sa.func.count()).select_from(League)) or 0
    return Rebuilt(editions, leagues)


def count_everything(session: Session) -> dict[str, int]:
    """What the public counters must be: the sum over all editions of what the public sees of each."""
    frozen = sa.orm.aliased(Summary)
    has_snapshot = (
        sa.select(frozen.scope_id)
        .where(
            frozen.tenant_id == Summary.tenant_id,
            frozen.scope == EDITION,
            frozen.scope_id == Summary.scope_id,
            frozen.view == FROZEN,
        )
        .exists()
    )
    sums = session.execute(
        sa.select(*(sa.func.coalesce(sa.func.sum(getattr(Summary, name)), 0) for name in NUMBERS)).where(
            Summary.scope == EDITION, sa.or_(Summary.view == FROZEN, ~has_snapshot)
        )
    ).one()
    scheduled = session.scalar(sa.select(sa.func.count()).select_from(Edition).where(Edition.revision > 0)) or 0
    return {**{name: int(number) for name, number in zip(NUMBERS, sums, strict=True)}, "editions": scheduled}
