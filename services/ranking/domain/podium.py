"""The podium of a board whose edition is told: who stands on which of its three steps."""

from __future__ import annotations

from typing import NamedTuple

from services.ranking.domain.boards import BoardPage, StandingLine
from services.ranking.models import PER_HEAD, PLAYER_BOARDS

CONTENDERS = 3
"""With fewer there is no podium."""
STEPS = (1, 2, 3)
SHOWN = 3
"""So many of those who share a step are named; the board below names them all."""


class Step(NamedTuple):
    """One step: the names of those who share it, how many more do, and the score they share. Nobody: a tie above."""

    place: int
    names: list[str]
    more: int
    score: float


def podium_of(board: BoardPage) -> list[Step]:
    """The three steps, from the first page of a board; none where nobody stands out.

    Who shares a place shares a step, and the steps that the tie took from the others stay empty. Only points lift
    anybody; and where a page is full of firsts, seconds and thirds, it is not for three steps to hold them.
    """
    lines = board.standings
    is_full = board.total > len(lines) and bool(lines) and lines[-1].place in STEPS
    if board.page != 1 or board.total < CONTENDERS or is_full:
        return []
    raised = [line for line in lines if line.place in STEPS and score_of(board, line) > 0]
    return [_step(board, place, [line for line in raised if line.place == place]) for place in STEPS] if raised else []


def _step(board: BoardPage, place: int, lines: list[StandingLine]) -> Step:
    score = score_of(board, lines[0]) if lines else 0
    return Step(place, [line.name for line in lines[:SHOWN]], max(0, len(lines) - SHOWN), score)


def score_of(board: BoardPage, line: StandingLine) -> float:
    """What a line of a board counts by: its points, or those per head."""
    is_per_head = board.measure == PER_HEAD and board.board not in PLAYER_BOARDS
    return (line.per_head or 0) if is_per_head else line.points
