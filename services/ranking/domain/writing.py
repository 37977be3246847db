"""The changes, written: one statement per kind of row, whatever the number of events behind them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.ranking.domain.changes import (
    MICRO,
    BarKey,
    Changes,
    Line,
    StandingKey,
    Sum,
    SummaryKey,
    Where,
    scores,
)
from services.ranking.models import (
    EDITION,
    EDITION_BOARDS,
    EDITION_LEAGUES,
    LEAGUE,
    LEAGUE_PLAYERS,
    NUMBERS,
    PLAYER_BOARDS,
    TEAM,
    HistogramBar,
    League,
    Standing,
    Summary,
)
from shared.bulk import insert_columns
from shared.database import insert_new


class New(NamedTuple):
    """What a write found that was not there before.

    `leagues`: on an edition's board. `has_rows`: there are rows, which have no name yet. `stirred`: leagues in which a
    player came, left, or has begun.
    """

    leagues: list[UUID]
    has_rows: bool
    stirred: set[UUID]


def write(session: Session, changes: Changes, open_editions: Mapping[UUID, bool]) -> New:
    """Adds the changes to standings, histogram and summaries.

    Rows are written by key: two workers that meet on a company's row wait for each other instead of deadlocking.
    """
    bars, new = _write_standings(session, changes, open_editions)
    _write_bars(session, bars, open_editions)
    _write_summaries(session, changes.summaries, open_editions)
    _count_players(session, new.stirred)
    return new


STANDING = ("tenant_id", "board", "scope_id", "view", "contender_id")
"""The key of a standing."""


def _write_standings(
    session: Session, changes: Changes, open_editions: Mapping[UUID, bool]
) -> tuple[Counter[BarKey], New]:
    """The database adds and answers with the sums: what they were before is the sum less our difference.

    Returns what changes in the histogram, and what is new.
    """
    keys = list(changes.standings)
    bars: Counter[BarKey] = Counter()
    gone: set[UUID] = set()
    new_leagues: list[UUID] = []
    stirred: set[UUID] = set()
    has_new = False
    if keys:
        names, columns = _standing_columns(keys, list(changes.standings.values()), open_editions)
        answers: Any = insert_columns(session, Standing, names, columns, _add_to_standings, order=STANDING)
        for *parts, points, completions, heads, batches in answers.all():
            key: StandingKey = tuple(parts)
            line, board, is_new = changes.standings[key], key[1], batches == 1
            if board == LEAGUE_PLAYERS and (line.heads or (completions > 0) != (completions > line.completions)):
                stirred.add(key[2])
            if not is_new:
                for measure, score in scores(board, points - line.points, heads - line.heads):
                    bars[(*key[:4], measure, score)] -= 1
            if board in PLAYER_BOARDS and not (points or completions or heads):
                gone.add(key[4])
                continue
            for measure, score in scores(board, points, heads):
                bars[(*key[:4], measure, score)] += 1
            if is_new:
                has_new = True
                if board == EDITION_LEAGUES:
                    new_leagues.append(key[4])
    _delete_gone(session, gone)
    return bars, New(new_leagues, has_new, stirred)


def _standing_columns(
    keys: list[StandingKey], lines: list[Line], open_editions: Mapping[UUID, bool]
) -> tuple[list[str], list[Sequence[Any]]]:
    """The rows of standings, column by column."""
    per_head = [
        line.points * MICRO // line.heads if line.heads > 0 and key[1] not in PLAYER_BOARDS else None
        for key, line in zip(keys, lines, strict=True)
    ]
    is_public = [key[1] in EDITION_BOARDS and open_editions.get(key[2], False) for key in keys]
    columns: dict[str, Sequence[Any]] = {
        **dict(zip(STANDING, zip(*keys, strict=True), strict=True)),
        "name": [""] * len(keys),
        "points": [line.points for line in lines],
        "completions": [line.completions for line in lines],
        "heads": [line.heads for line in lines],
        "per_head": per_head,
        "batches": [1] * len(keys),
        "is_public": is_public,
    }
    return list(columns), list(columns.values())


def _add_to_standings(statement: Any) -> Any:
    added = statement.excluded
    points, heads = Standing.points + added.points, Standing.heads + added.heads
    return statement.on_conflict_do_update(
        index_elements=STANDING,
        set_={
            "points": points,
            "completions": Standing.completions + added.completions,
            "heads": heads,
            "per_head": _per_head(points, heads),
            "batches": Standing.batches + 1,
        },
    ).returning(
        Standing.tenant_id,
        Standing.board,
        Standing.scope_id,
        Standing.view,
        Standing.contender_id,
        Standing.points,
        Standing.completions,
        Standing.heads,
        Standing.batches,
    )


def _per_head(points: Any, heads: Any) -> Any:
    """Rounded down as in Python, on databases whose division of integers rounds towards zero."""
    return sa.case(
        (sa.or_(heads <= 0, *(Standing.board == board for board in PLAYER_BOARDS)), None),
        (points >= 0, points * MICRO // heads),
        else_=-((-points * MICRO + heads - 1) // heads),
    )


def _delete_gone(session: Session, player_ids: set[UUID]) -> None:
    """Takes players off a board they are no longer on, and never won anything on."""
    for chunk in chunks(sorted(player_ids)):
        session.execute(
            sa.delete(Standing)
            .where(
                Standing.contender_id.in_(chunk),
                Standing.board.in_(PLAYER_BOARDS),
                Standing.points == 0,
                Standing.completions == 0,
                Standing.heads == 0,
            )
            .execution_options(synchronize_session=False)
        )


def remember_leagues(session: Session, wheres: Sequence[Where]) -> None:
    """A league is first heard of by any of its events: from then on `rebuild` knows where to look."""
    rows = [
        {
            "tenant_id": where.tenant_id,
            "league_id": where.league_id,
            "edition_tenant_id": where.edition_tenant_id,
            "edition_id": where.edition_id,
            "name": "",
            "revision": 0,
        }
        for where in sorted(set(wheres))
    ]
    insert_new(session, League, rows)


BAR = ("tenant_id", "board", "scope_id", "view", "measure", "score")
"""The key of a bar."""


def _write_bars(session: Session, bars: Counter[BarKey], open_editions: Mapping[UUID, bool]) -> None:
    keys = [key for key, count in bars.items() if count]
    if not keys:
        return
    is_public = [key[1] in EDITION_BOARDS and open_editions.get(key[2], False) for key in keys]
    columns = [*zip(*keys, strict=True), [bars[key] for key in keys], is_public]
    insert_columns(session, HistogramBar, (*BAR, "contenders", "is_public"), columns, _add_to_bars, order=BAR)
    nobody = HistogramBar.contenders == sa.literal_column("0")  # a literal: the index is partial
    session.execute(sa.delete(HistogramBar).where(nobody).execution_options(synchronize_session=False))


def _add_to_bars(statement: Any) -> Any:
    return statement.on_conflict_do_update(
        index_elements=BAR, set_={"contenders": HistogramBar.contenders + statement.excluded.contenders}
    )


SUMMARY = ("tenant_id", "scope", "scope_id", "view")
"""The key of a summary."""


def _write_summaries(session: Session, summaries: Mapping[SummaryKey, Sum], open_editions: Mapping[UUID, bool]) -> None:
    keys = list(summaries)
    if not keys:
        return
    found = [summaries[key] for key in keys]
    columns: dict[str, Sequence[Any]] = {
        **dict(zip(SUMMARY, zip(*keys, strict=True), strict=True)),
        "edition_tenant_id": [one.where.edition_tenant_id for one in found],
        "edition_id": [one.where.edition_id for one in found],
        "league_id": [
            one.where.league_id if key[1] in (TEAM, LEAGUE) else None for key, one in zip(keys, found, strict=True)
        ],
        "as_of": [one.as_of for one in found],
        "heads": [one.heads for one in found],
        "is_public": [key[1] == EDITION and open_editions.get(key[2], False) for key in keys],
        **dict(zip(NUMBERS, zip(*(one.numbers for one in found), strict=True), strict=True)),
    }
    insert_columns(session, Summary, list(columns), list(columns.values()), _add_to_summaries, order=SUMMARY)


def _add_to_summaries(statement: Any) -> Any:
    added = statement.excluded
    is_newer = sa.or_(Summary.as_of.is_(None), added.as_of > Summary.as_of)
    return statement.on_conflict_do_update(
        index_elements=SUMMARY,
        set_={
            **{name: getattr(Summary, name) + added[name] for name in (*NUMBERS, "heads")},
            "as_of": sa.case((is_newer, added.as_of), else_=Summary.as_of),
        },
    )


def _count_players(session: Session, league_ids: set[UUID]) -> None:
    """How many play in these leagues, and how many of them have begun: rarely asked, for it changes once per player."""
    play = (
        Standing.tenant_id == Summary.tenant_id,
        Standing.board == LEAGUE_PLAYERS,
        Standing.scope_id == Summary.scope_id,
        Standing.view == Summary.view,
        Standing.heads > 0,
    )
    playing = sa.select(sa.func.count(Standing.contender_id)).where(*play)
    begun = playing.where(Standing.completions > 0)
    for chunk in chunks(sorted(league_ids)):
        session.execute(
            sa.update(Summary)
            .where(Summary.scope == LEAGUE, Summary.scope_id.in_(chunk))
            .values(playing=playing.scalar_subquery(), begun=begun.scalar_subquery())
            .execution_options(synchronize_session=False)
        )


def chunks(keys: Iterable[Any], size: int = 500) -> list[list[Any]]:
    """Pieces that fit the number of variables a statement may have."""
    listed = list(keys)
    return [listed[start : start + size] for start in range(0, len(listed), size)]
