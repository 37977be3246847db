"""Who counts as a head, and where: from a player's moves alone, whatever the order in which they were heard of."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID


class Move(NamedTuple):
    """From `at` the player plays in this team; None: left."""

    revision: int
    team_id: UUID | None
    at: datetime


class Membership(NamedTuple):
    """Where a player plays now, and for which team the player is a head."""

    team_id: UUID | None
    head_team_id: UUID | None


def membership(moves: Iterable[Move], heads_frozen_at: datetime | None, until: datetime | None) -> Membership | None:
    """The place of a player as known at `until` (None: now); None before the joining.

    Up to the freeze a head follows the player. From then on it stays: who leaves remains a head of the team held at
    the freeze, who joins late is added to their first team. So after the freeze a head count can only grow, and
    dropping inactive players raises no average.
    """
    known = sorted(move for move in moves if until is None or move.at <= until)
    if not known:
        return None
    head: UUID | None = None
    for move in known:
        if heads_frozen_at is None or move.at <= heads_frozen_at or head is None:
            head = move.team_id
    return Membership(known[-1].team_id, head)
