"""Reading a board: a page of it, or somebody's neighbourhood. Nothing here adds up points.

Places come from the histogram; on small boards and within a bracket, from counting the standings above.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.ranking.domain.changes import MICRO
from services.ranking.domain.scopes import find_scope
from services.ranking.errors import NotOnBoard
from services.ranking.models import (
    COUNTED_BOARDS,
    EDITION,
    EDITION_BOARDS,
    LEAGUE_PLAYERS,
    PER_HEAD,
    PLAYER_BOARDS,
    SCOPES,
    TEAM_PLAYERS,
    TOTAL,
    Edition,
    HistogramBar,
    League,
    Player,
    Standing,
    Summary,
)
from shared.auth import Caller
from shared.errors import NotFound

NEIGHBOURS = 5


@dataclass(frozen=True, slots=True)
class StandingLine:
    """One line of a board. `per_head` is None where there is no head."""

    place: int
    contender_id: UUID
    name: str
    points: int
    heads: int
    per_head: float | None
    is_tied: bool


@dataclass(frozen=True, slots=True)
class BoardPage:
    """A part of a board, and what it is a part of."""

    board: str
    scope_id: UUID
    measure: str
    view: str
    as_of: datetime | None
    heads_frozen_at: datetime | None
    total: int
    page: int
    page_size: int
    standings: list[StandingLine] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PlayerPosition:
    """A player and the neighbours, in the league and in the team; None where the player is on no board."""

    player_id: UUID
    view: str
    league: BoardPage | None
    team: BoardPage | None


def default_measure(board: str) -> str:
    """Leagues and tenants differ in size, and are compared per head; teams and players by what they have."""
    return PER_HEAD if board in EDITION_BOARDS else TOTAL


def read_board(
    session: Session,
    caller: Caller | None,
    board: str,
    scope_id: UUID,
    *,
    measure: str | None = None,
    page: int = 1,
    page_size: int = 20,
    around: UUID | None = None,
    bracket: str | None = None,
) -> BoardPage:
    """A page of a board as the caller may see it; with `around`, a contender and five on either side.

    Raises NotFound for a board that is not there or not theirs, NotOnBoard for a contender that is not on it.
    """
    summary = find_scope(session, caller, SCOPES[board], scope_id)
    reader = _Reader(session, summary, board, measure or default_measure(board), bracket)
    rows = reader.page((page - 1) * page_size, page_size) if around is None else reader.around(around)
    return BoardPage(
        board=board,
        scope_id=scope_id,
        measure=reader.measure,
        view=summary.view,
        as_of=summary.as_of,
        heads_frozen_at=_heads_frozen_at(session, summary),
        total=reader.count(),
        page=page,
        page_size=page_size,
        standings=reader.lines(rows),
    )


def read_position(session: Session, caller: Caller, player_id: UUID) -> PlayerPosition:
    """Where a player stands in league and team. Raises NotFound for a player of another tenant."""
    player = session.get(Player, (caller.tenant_id, player_id))
    if player is None:
        raise NotFound
    view = find_scope(session, caller, SCOPES[LEAGUE_PLAYERS], player.league_id).view
    places = session.execute(
        sa.select(Standing.board, Standing.scope_id).where(
            Standing.contender_id == player_id,
            Standing.tenant_id == caller.tenant_id,
            Standing.view == view,
            sa.or_(Standing.board == LEAGUE_PLAYERS, Standing.heads > 0),
        )
    )
    # A player who moved is on the boards of several teams: the one they play in now is where they are a head.
    scopes = {row.board: row.scope_id for row in places}
    pages = {
        board: read_board(session, caller, board, scope_id, around=player_id)
        for board, scope_id in scopes.items()
        if board in PLAYER_BOARDS
    }
    return PlayerPosition(player_id, view, pages.get(LEAGUE_PLAYERS), pages.get(TEAM_PLAYERS))


def _heads_frozen_at(session: Session, summary: Summary) -> datetime | None:
    if summary.scope == EDITION:
        edition = session.get(Edition, (summary.tenant_id, summary.scope_id))
        return edition.heads_frozen_at if edition else None
    league = session.get(League, (summary.tenant_id, summary.league_id))
    return league.heads_frozen_at if league else None


class _Reader:
    """The queries of one board, in one view, by one measure."""

    def __init__(self, session: Session, summary: Summary, board: str, measure: str, bracket: str | None) -> None:
        self.session = session
        self.measure = measure
        self.has_bars = bracket is None and board not in COUNTED_BOARDS
        self.is_of_players = board in PLAYER_BOARDS
        scored = TOTAL if self.is_of_players else measure  # a player is one head: both measures are the same
        self.score: Any = Standing.points if scored == TOTAL else Standing.per_head
        self.key = sa.and_(*_board_of(Standing, summary, board))
        self.rows = self.key if bracket is None else sa.and_(self.key, Standing.bracket == bracket)
        if scored == PER_HEAD:
            self.rows = sa.and_(self.rows, Standing.per_head.is_not(None))
        self.bars = sa.and_(*_board_of(HistogramBar, summary, board), HistogramBar.measure == scored)

    def page(self, offset: int, limit: int) -> Sequence[Standing]:
        order = (self.score.desc(), Standing.name, Standing.contender_id)
        return self.session.scalars(
            sa.select(Standing).where(self.rows).order_by(*order).offset(offset).limit(limit)
        ).all()

    def around(self, contender_id: UUID) -> list[Standing]:
        """The contender with the neighbours; each of the four queries starts where the index says and stops at five."""
        me = self.session.scalar(sa.select(Standing).where(self.rows, Standing.contender_id == contender_id))
        if me is None:
            raise NotOnBoard
        score = self._score_of(me)
        mine, label = sa.tuple_(me.name, me.contender_id), sa.tuple_(Standing.name, Standing.contender_id)
        backwards = (self.score, Standing.name.desc(), Standing.contender_id.desc())
        forwards = (self.score.desc(), Standing.name, Standing.contender_id)
        above = self._nearest(((self.score == score, label < mine), (self.score > score,)), backwards)
        below = self._nearest(((self.score == score, label > mine), (self.score < score,)), forwards)
        return [*reversed(above), me, *below]

    def _nearest(self, steps: Sequence[tuple[Any, ...]], order: tuple[Any, ...]) -> list[Standing]:
        found: list[Standing] = []
        for step in steps:
            missing = NEIGHBOURS - len(found)
            if missing:
                nearest = sa.select(Standing).where(self.rows, *step).order_by(*order).limit(missing)
                found += self.session.scalars(nearest)
        return found

    def count(self) -> int:
        """How many are on the board."""
        if not self.has_bars:
            return self.session.scalar(sa.select(sa.func.count()).select_from(Standing).where(self.rows)) or 0
        return int(self.session.scalar(sa.select(sa.func.sum(HistogramBar.contenders)).where(self.bars)) or 0)

    def lines(self, rows: Sequence[Standing]) -> list[StandingLine]:
        """The rows with their places: the first one's is 1 + those above, then each tie moves the next one down."""
        if not rows:
            return []
        sharing = self._sharing({self._score_of(row) for row in rows})
        place, score = 1 + self._above(self._score_of(rows[0])), self._score_of(rows[0])
        lines = []
        for row in rows:
            if self._score_of(row) != score:
                place += sharing[score]
                score = self._score_of(row)
            lines.append(self._line(row, place, sharing[score] > 1))
        return lines

    def _line(self, row: Standing, place: int, is_tied: bool) -> StandingLine:
        per_head = row.points * MICRO if self.is_of_players else row.per_head
        return StandingLine(
            place=place,
            contender_id=row.contender_id,
            name=row.name,
            points=row.points,
            heads=1 if self.is_of_players else row.heads,
            per_head=None if per_head is None else per_head / MICRO,
            is_tied=is_tied,
        )

    def _score_of(self, row: Standing) -> int:
        value: int = getattr(row, self.score.key)
        return value

    def _above(self, score: int) -> int:
        if not self.has_bars:
            above = sa.select(sa.func.count()).select_from(Standing).where(self.rows, self.score > score)
        else:
            above = sa.select(sa.func.sum(HistogramBar.contenders)).where(self.bars, HistogramBar.score > score)
        return int(self.session.scalar(above) or 0)

    def _sharing(self, scores: set[int]) -> dict[int, int]:
        """How many contenders have each of these scores."""
        statement: sa.Select[*tuple[Any, ...]]
        if not self.has_bars:
            statement = (
                sa.select(self.score, sa.func.count()).where(self.rows, self.score.in_(scores)).group_by(self.score)
            )
        else:
            statement = sa.select(HistogramBar.score, HistogramBar.contenders).where(
                self.bars, HistogramBar.score.in_(scores)
            )
        return {score: int(count) for score, count in self.session.execute(statement)}


def _board_of(model: Any, summary: Summary, board: str) -> tuple[Any, ...]:
    """The rows of one board: the tenant named outright, so that the index is entered at its first column."""
    return (
        model.tenant_id == summary.tenant_id,
        model.board == board,
        model.scope_id == summary.scope_id,
        model.view == summary.view,
    )
