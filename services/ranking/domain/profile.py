"""What one person has done in the leagues they play in: their points, their place, and what it saved."""

from __future__ import annotations

from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.ranking.domain.boards import StandingLine, read_board
from services.ranking.domain.mine import me_in
from services.ranking.errors import NotOnBoard
from services.ranking.models import LEAGUE_PLAYERS, Edition, League, LedgerEntry, Player
from shared.auth import Caller
from shared.contracts import Impact
from shared.errors import NotFound

MOST = 6
"""So many leagues are told, the newest: three weeks each, that is years of playing."""


class OwnLeague(msgspec.Struct, frozen=True, kw_only=True):
    """A league the reader plays in. `line`: theirs on the board of its players; None before their first points."""

    league_id: UUID
    name: str
    edition: str
    line: StandingLine | None = None
    players: int = 0
    """How many are on that board."""


class Profile(msgspec.Struct, frozen=True):
    """A player as only they see it."""

    leagues: list[OwnLeague]
    impact: Impact | None
    """What their own completions saved, a malus counted against it; None where nothing is left of it."""


def profile_of(session: Session, caller: Caller) -> Profile:
    """The leagues the caller plays in, the newest edition first, and the impact of what they did there.

    Whoever has left a league is not told of it. A board that stands still is told as it stands; the impact moves on.
    """
    played = (
        sa.select(League.league_id, League.name, Edition.name.label("edition"))
        .join(Edition, sa.and_(Edition.tenant_id == League.edition_tenant_id, Edition.edition_id == League.edition_id))
        .join(Player, sa.and_(Player.tenant_id == League.tenant_id, Player.league_id == League.league_id))
        .where(League.tenant_id == caller.tenant_id, Player.person_id == caller.person_id)
        .order_by(Edition.edition_id.desc(), League.name, League.league_id)
        .limit(MOST)
    )
    found = [(row, me_in(session, caller, row.league_id)) for row in session.execute(played).all()]
    there = [(row, me.player_id) for row, me in found if me.player_id is not None]
    leagues = [
        _standing(session, caller, OwnLeague(league_id=row.league_id, name=row.name, edition=row.edition), player_id)
        for row, player_id in there
    ]
    return Profile(leagues, _impact(session, caller, [row.league_id for row, _ in there], [one for _, one in there]))


def _standing(session: Session, caller: Caller, league: OwnLeague, player_id: UUID) -> OwnLeague:
    try:
        board = read_board(session, caller, LEAGUE_PLAYERS, league.league_id, around=player_id)
    except (NotOnBoard, NotFound):
        return league
    line = next(line for line in board.standings if line.contender_id == player_id)
    return msgspec.structs.replace(league, line=line, players=board.total)


def _impact(session: Session, caller: Caller, leagues: list[UUID], players: list[UUID]) -> Impact | None:
    figures = Impact.__struct_fields__
    row = session.execute(
        sa.select(*(sa.func.sum(getattr(LedgerEntry, name)) for name in figures)).where(
            LedgerEntry.tenant_id == caller.tenant_id,
            LedgerEntry.league_id.in_(leagues),
            LedgerEntry.player_id.in_(players),
        )
    ).one()
    saved = {name: int(figure or 0) for name, figure in zip(figures, row, strict=True)}
    return Impact(**saved) if any(saved.values()) else None
