"""Which boards concern one reader, and who they are on them; the planet of a league."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.ranking.domain.ledger import RECORDED, source_of
from services.ranking.domain.scopes import find_scope
from services.ranking.models import (
    EDITION,
    EDITION_TENANTS,
    LEAGUE,
    LEAGUE_TEAMS,
    LIVE,
    Edition,
    Leader,
    League,
    LedgerEntry,
    Player,
    PlayerMove,
    Standing,
    Summary,
)
from shared.auth import ADMINISTRATOR, ORGANISER, Caller
from shared.errors import NotFound
from shared.tenancy import COMMUNITY_TENANT_ID

STAGES = (1, 5, 15, 30, 50, 80)
"""Points per head from which the planet of a league is one stage further: the first sprout, … , full bloom."""


def stage_of(points: int, heads: int) -> int:
    """The stage of a league's planet, 0 to 6."""
    per_head = points / heads if heads else 0
    return sum(per_head >= step for step in STAGES)


class Growth(msgspec.Struct, frozen=True):
    """How far the planet of a league has grown, in tenths of a point per head: never more than there is."""

    points: int = 0
    heads: int = 0
    is_counted: bool = True
    """Whether the completion that was asked about is in it; after a tap its points may still be on their way."""
    has_just_grown: bool = False
    """Whether without that completion it would be a stage behind."""

    @property
    def stage(self) -> int:
        """0 to 6."""
        return stage_of(self.points, self.heads)

    @property
    def per_head(self) -> float:
        """Points per head."""
        return (self.points * 10 // self.heads) / 10 if self.heads else 0

    @property
    def missing(self) -> float:
        """So many points per head are left until the next stage; none in full bloom."""
        return round(STAGES[self.stage] - self.per_head, 1) if self.stage < len(STAGES) else 0

    @property
    def share(self) -> int:
        """How much of the way from this stage to the next is behind it, in per cent."""
        if self.stage == len(STAGES):
            return 100
        begin, end = (0, *STAGES)[self.stage], STAGES[self.stage]
        return max(0, round(100 * (self.per_head - begin) / (end - begin)))


class Me(msgspec.Struct, frozen=True):
    """A reader on the boards of one league: None where they do not play."""

    player_id: UUID | None = None
    team_id: UUID | None = None


def me_in(session: Session, caller: Caller | None, league_id: UUID) -> Me:
    """The reader's player and team in a league."""
    if caller is None:
        return Me()
    moved = (
        sa.select(Player.player_id, PlayerMove.team_id)
        .join(PlayerMove, sa.and_(PlayerMove.tenant_id == Player.tenant_id, PlayerMove.player_id == Player.player_id))
        .where(Player.league_id == league_id, Player.person_id == caller.person_id)
        .order_by(PlayerMove.revision.desc())
        .limit(1)
    )
    found = session.execute(moved).first()
    return Me(found.player_id, found.team_id) if found is not None and found.team_id is not None else Me()


def own_contenders(session: Session, caller: Caller | None, board: str, edition_id: UUID) -> list[UUID]:
    """Who of an edition's board is the reader's: the tenant, or the leagues they play in before those they lead."""
    if caller is None:
        return []
    if board == EDITION_TENANTS:
        return [caller.tenant_id]
    plays, leads = _belonging(caller)
    leagues = sa.select(League.league_id).where(
        League.tenant_id == caller.tenant_id,
        League.edition_id == edition_id,
        sa.or_(League.league_id.in_(plays), League.league_id.in_(leads)),
    )
    return list(session.scalars(leagues.order_by(League.league_id.not_in(plays), League.league_id).limit(100)))


def _belonging(caller: Caller) -> tuple[sa.Select[Any], sa.Select[Any]]:
    """The leagues the reader plays in, and those they lead."""
    plays = sa.select(Player.league_id).where(Player.person_id == caller.person_id)
    leads = sa.select(Leader.league_id).where(Leader.person_id == caller.person_id, Leader.has_resigned.is_(False))
    return plays, leads


def editions_with_boards() -> sa.Select[Edition]:
    """The editions whose boards the reader may see, the newest first: those open to everybody, and the own tenant's."""
    boards = sa.select(Summary.scope_id).where(Summary.scope == EDITION, Summary.view == LIVE)
    named = sa.select(Edition).where(Edition.name != "", Edition.edition_id.in_(boards))
    return named.order_by(Edition.edition_id.desc())


def own_leagues(caller: Caller) -> sa.Select[Any]:
    """The leagues whose boards concern the reader, with their edition's name, the newest edition first."""
    plays, leads = _belonging(caller)
    found: Any = (
        sa.select(League.league_id, League.name, League.edition_id, Edition.name.label("edition"))
        .join(Edition, sa.and_(Edition.tenant_id == League.edition_tenant_id, Edition.edition_id == League.edition_id))
        .order_by(Edition.edition_id.desc(), League.name, League.league_id)
    )
    organises = caller.has_role(ADMINISTRATOR, ORGANISER) and caller.tenant_id != COMMUNITY_TENANT_ID
    if not organises:
        found = found.where(sa.or_(League.league_id.in_(plays), League.league_id.in_(leads)))
    return found  # type: ignore[no-any-return]


def names_of(session: Session, board_of: str, scope_id: UUID) -> str:
    """What a board is called after: its league or edition; empty when it has not arrived yet."""
    model: Any = League if board_of == LEAGUE else Edition
    key = League.league_id if board_of == LEAGUE else Edition.edition_id
    return session.scalar(sa.select(model.name).where(key == scope_id)) or ""


def is_told(session: Session, board_of: str, scope_id: UUID) -> bool:
    """Whether the edition that a board belongs to has told its winners, so that everybody sees the final boards."""
    found = sa.select(Edition)
    if board_of == LEAGUE:
        here = sa.and_(League.edition_tenant_id == Edition.tenant_id, League.edition_id == Edition.edition_id)
        found = found.join(League, here).where(League.league_id == scope_id)
    else:
        found = found.where(Edition.edition_id == scope_id)
    edition = session.scalar(found)
    return edition is not None and edition.revealed_at is not None and edition.snapshot_at is None


def planet_of(session: Session, caller: Caller, league_id: UUID, completion_id: UUID | None = None) -> Growth:
    """What a league's planet shows this reader: the points and heads of its teams together.

    `completion_id`: of the league; whether its points are in it. It says no more than the league's own board, which its
    tenant reads. Raises NotFound like that board.
    """
    view = find_scope(session, caller, LEAGUE, league_id).view
    # Asked first: what the ledger has then is in the standings that are read after it.
    gained = _points_of(session, league_id, completion_id) if completion_id is not None else 0
    rows = session.execute(
        sa.select(sa.func.sum(Standing.points), sa.func.sum(Standing.heads)).where(
            Standing.tenant_id == caller.tenant_id,
            Standing.board == LEAGUE_TEAMS,
            Standing.scope_id == league_id,
            Standing.view == view,
        )
    ).one()
    points, heads = int(rows[0] or 0), int(rows[1] or 0)
    if gained is None:
        return Growth(points, heads, is_counted=False)
    return Growth(points, heads, has_just_grown=stage_of(points - gained, heads) < stage_of(points, heads))


def _points_of(session: Session, league_id: UUID, completion_id: UUID) -> int | None:
    """What the ledger has of a completion; None before its event has arrived."""
    points: int | None = session.scalar(
        sa.select(LedgerEntry.points).where(
            LedgerEntry.source == source_of(completion_id, RECORDED), LedgerEntry.league_id == league_id
        )
    )
    return points


def taking_part_in(session: Session, caller: Caller, edition_id: UUID) -> tuple[int, int]:
    """How many leagues of how many tenants play in an edition that the reader sees; none before the first has begun."""
    try:
        scope = find_scope(session, caller, EDITION, edition_id)
    except NotFound:
        return 0, 0
    tenants = sa.select(sa.func.count()).where(
        Standing.tenant_id == scope.tenant_id,
        Standing.board == EDITION_TENANTS,
        Standing.scope_id == edition_id,
        Standing.view == scope.view,
    )
    return scope.leagues, session.scalar(tenants) or 0
