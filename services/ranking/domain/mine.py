"""Which boards concern one reader, and who they are on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.ranking.domain.scopes import find_scope
from services.ranking.models import (
    LEAGUE,
    LEAGUE_TEAMS,
    LIVE,
    Edition,
    Leader,
    League,
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


def own_leagues(caller: Caller) -> sa.Select[Any]:
    """The leagues whose boards concern the reader, with their edition's name, the newest edition first."""
    playing = sa.select(Player.league_id).where(Player.person_id == caller.person_id)
    leading = sa.select(Leader.league_id).where(Leader.person_id == caller.person_id, Leader.has_resigned.is_(False))
    found: Any = (
        sa.select(League.league_id, League.name, League.edition_id, Edition.name.label("edition"))
        .join(Edition, sa.and_(Edition.tenant_id == League.edition_tenant_id, Edition.edition_id == League.edition_id))
        .order_by(Edition.edition_id.desc(), League.name, League.league_id)
    )
    organises = caller.has_role(ADMINISTRATOR, ORGANISER) and caller.tenant_id != COMMUNITY_TENANT_ID
    if not organises:
        found = found.where(sa.or_(League.league_id.in_(playing), League.league_id.in_(leading)))
    return found  # type: ignore[no-any-return]


def names_of(session: Session, board_of: str, scope_id: UUID) -> str:
    """What a board is called after: its league or edition; empty when it has not arrived yet."""
    model: Any = League if board_of == LEAGUE else Edition
    key = League.league_id if board_of == LEAGUE else Edition.edition_id
    return session.scalar(sa.select(model.name).where(key == scope_id)) or ""


class Participation(msgspec.Struct, frozen=True):
    """One league of a tenant in figures."""

    league_id: UUID
    name: str
    heads: int
    players: int
    completions: int


def participation(session: Session, caller: Caller) -> Sequence[Participation]:
    """The leagues of the caller's tenant, those with most completions first; for those who organise."""
    rows = session.execute(
        sa.select(League.league_id, League.name, Summary.heads, Summary.players, Summary.completions)
        .join(League, sa.and_(League.tenant_id == Summary.tenant_id, League.league_id == Summary.scope_id))
        .where(Summary.tenant_id == caller.tenant_id, Summary.scope == LEAGUE, Summary.view == LIVE)
        .order_by(Summary.completions.desc(), League.name)
        .limit(200)
    )
    return [Participation(*row) for row in rows]


def planet_of(session: Session, caller: Caller, league_id: UUID) -> tuple[int, int]:
    """The points and heads that a league's planet shows this reader: those of its teams together."""
    try:
        view = find_scope(session, caller, LEAGUE, league_id).view
    except NotFound:
        return 0, 0
    rows = session.execute(
        sa.select(sa.func.sum(Standing.points), sa.func.sum(Standing.heads)).where(
            Standing.tenant_id == caller.tenant_id,
            Standing.board == LEAGUE_TEAMS,
            Standing.scope_id == league_id,
            Standing.view == view,
        )
    ).one()
    return int(rows[0] or 0), int(rows[1] or 0)
