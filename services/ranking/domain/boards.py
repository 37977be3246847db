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
from services.ranking.domain.scopes import find_board_scope, find_scope
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
    HistogramBar,
    Player,
    Standing,
)
from shared.auth import Caller
from shared.database import Integer64
from shared.errors import NotFound
from shared.prepared import Prepared

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
    scope = find_board_scope(session, caller, SCOPES[board], scope_id)
    reader = _Reader(session, scope, board, measure or default_measure(board), bracket)
    rows = reader.page((page - 1) * page_size, page_size) if around is None else reader.around(around)
    total, lines = reader.lines(rows)
    return BoardPage(
        board=board,
        scope_id=scope_id,
        measure=reader.measure,
        view=scope.view,
        as_of=scope.as_of,
        heads_frozen_at=scope.of_edition if scope.scope == EDITION else scope.of_league,
        total=total,
        page=page,
        page_size=page_size,
        standings=lines,
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


SCORES: dict[str, Any] = {TOTAL: Standing.points, PER_HEAD: Standing.per_head}


def _board_of(model: Any) -> list[Any]:
    """The rows of one board: the tenant named outright, so that the index is entered at its first column."""
    return [
        model.tenant_id == sa.bindparam("owner_id", type_=sa.Uuid()),
        model.board == sa.bindparam("board_name", type_=sa.String()),
        model.scope_id == sa.bindparam("about_id", type_=sa.Uuid()),
        model.view == sa.bindparam("shown_view", type_=sa.String()),
    ]


def _contenders(measure: str, has_bracket: bool) -> list[Any]:
    """The standings of one board that count by a measure, all of them or those in one bracket."""
    rows = _board_of(Standing)
    if measure == PER_HEAD:
        rows.append(Standing.per_head.is_not(None))
    if has_bracket:
        rows.append(Standing.bracket == sa.bindparam("bracket_name", type_=sa.String()))
    return rows


def _page_of(measure: str, has_bracket: bool) -> Prepared:
    columns = (Standing.contender_id, Standing.name, Standing.points, Standing.heads, Standing.per_head)
    order = (SCORES[measure].desc(), Standing.name, Standing.contender_id)
    offset, limit = (sa.bindparam(name, type_=sa.Integer()) for name in ("first", "most"))
    rows = sa.select(*columns).where(*_contenders(measure, has_bracket))
    return Prepared(rows.order_by(*order).offset(offset).limit(limit))


def _counts_of(score: Any, contenders: Any, rows: list[Any]) -> Prepared:
    """How many have each score between the lowest and the highest shown; how many are above, and below, all of them."""
    lowest, highest = (sa.bindparam(name, type_=Integer64) for name in ("lowest", "highest"))
    shown = sa.case((score > highest, highest + 1), (score < lowest, lowest - 1), else_=score).label("shown_score")
    return Prepared(sa.select(shown, contenders.label("contenders")).where(*rows).group_by("shown_score"))


_KINDS = [(measure, has_bracket) for measure in SCORES for has_bracket in (False, True)]
_PAGES = {kind: _page_of(*kind) for kind in _KINDS}
_COUNTED = {kind: _counts_of(SCORES[kind[0]], sa.func.count(), _contenders(*kind)) for kind in _KINDS}
_BARS = _counts_of(
    HistogramBar.score,
    sa.func.sum(HistogramBar.contenders),
    [*_board_of(HistogramBar), HistogramBar.measure == sa.bindparam("measured", type_=sa.String())],
)


_PLACE = Prepared(
    sa.select(
        sa.func.max(Standing.points).label("points"),
        sa.func.sum(HistogramBar.contenders).label("above"),
    )
    .select_from(Standing)
    .outerjoin(
        HistogramBar,
        sa.and_(
            *_board_of(HistogramBar), HistogramBar.measure == sa.literal(TOTAL), HistogramBar.score > Standing.points
        ),
    )
    .where(*_board_of(Standing), Standing.contender_id == sa.bindparam("contender", type_=sa.Uuid()))
)
"""The points of one contender, and how many have more."""


def read_place(session: Session, scope: Any, board: str, contender_id: UUID) -> int:
    """The place of one contender by total points on a board with a histogram, and nothing else: one statement.

    `scope`: a row of `find_board_scope`. Raises NotOnBoard.
    """
    values = _values(scope, board)
    found = _PLACE.rows(session, {**values, "contender": contender_id})[0]
    if found.points is None:
        raise NotOnBoard
    return 1 + int(found.above or 0)


def _values(scope: Any, board: str) -> dict[str, Any]:
    return {
        "owner_id": scope.tenant_id,
        "board_name": board,
        "about_id": scope.scope_id,
        "shown_view": scope.view,
    }


class _Reader:
    """The queries of one board, in one view, by one measure."""

    def __init__(self, session: Session, scope: Any, board: str, measure: str, bracket: str | None) -> None:
        self.session = session
        self.measure = measure
        self.is_of_players = board in PLAYER_BOARDS
        scored = TOTAL if self.is_of_players else measure  # a player is one head: both measures are the same
        self.score: Any = SCORES[scored]
        self.kind = (scored, bracket is not None)
        self.counts = _COUNTED[self.kind] if bracket is not None or board in COUNTED_BOARDS else _BARS
        self.values = {**_values(scope, board), "bracket_name": bracket, "measured": scored}

    def page(self, offset: int, limit: int) -> Sequence[Any]:
        prepared = _PAGES[self.kind]
        return prepared.rows(self.session, {**self.values, "first": offset, "most": limit})

    def around(self, contender_id: UUID) -> list[Standing]:
        """The contender with the neighbours; each of the four queries starts where the index says and stops at five."""
        rows = sa.select(Standing).where(*_contenders(*self.kind))
        me = self.session.scalar(rows.where(Standing.contender_id == contender_id), self.values)
        if me is None:
            raise NotOnBoard
        score = self._score_of(me)
        mine, label = sa.tuple_(me.name, me.contender_id), sa.tuple_(Standing.name, Standing.contender_id)
        backwards = (self.score, Standing.name.desc(), Standing.contender_id.desc())
        forwards = (self.score.desc(), Standing.name, Standing.contender_id)
        above = self._nearest(rows, ((self.score == score, label < mine), (self.score > score,)), backwards)
        below = self._nearest(rows, ((self.score == score, label > mine), (self.score < score,)), forwards)
        return [*reversed(above), me, *below]

    def _nearest(self, rows: Any, steps: Sequence[tuple[Any, ...]], order: tuple[Any, ...]) -> list[Standing]:
        found: list[Standing] = []
        for step in steps:
            missing = NEIGHBOURS - len(found)
            if missing:
                nearest = rows.where(*step).order_by(*order).limit(missing)
                found += self.session.scalars(nearest, self.values)
        return found

    def lines(self, rows: Sequence[Any]) -> tuple[int, list[StandingLine]]:
        """How many are on the board, and the rows with their places.

        The first one's is 1 + those above, then each tie moves the next one down.
        """
        highest, lowest = (self._score_of(rows[0]), self._score_of(rows[-1])) if rows else (0, 0)
        counted = self.counts.rows(self.session, {**self.values, "highest": highest, "lowest": lowest})
        sharing = {row.shown_score: int(row.contenders) for row in counted}
        place, score = 1 + sharing.get(highest + 1, 0), highest
        lines = []
        for row in rows:
            if self._score_of(row) != score:
                place += sharing[score]
                score = self._score_of(row)
            lines.append(self._line(row, place, sharing[score] > 1))
        return sum(sharing.values()), lines

    def _line(self, row: Any, place: int, is_tied: bool) -> StandingLine:
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

    def _score_of(self, row: Any) -> int:
        value: int = getattr(row, self.score.key)
        return value
