"""Reactions: what the members of a league say to what one of them did, without words of their own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.leagues.domain.completions import is_own
from services.leagues.errors import OwnCompletion
from services.leagues.models import Completion, Reaction
from shared.auth import Caller
from shared.clock import transaction_time
from shared.database import insert_new
from shared.errors import NotFound

KINDS = ("bravo", "love", "laugh", "inspired")
"""No free text: children play, and nobody has to watch over what is written."""


class Reactions(msgspec.Struct):
    """What was said to one completion: how often each kind, and the reader's own, None when there is none."""

    counts: dict[str, int] = msgspec.field(default_factory=dict)
    mine: str | None = None


def react(session: Session, caller: Caller, completion: Completion, kind: str) -> None:
    """The caller's one reaction to a completion of their league: the newest replaces the one before.

    Raises NotFound for a completion that was withdrawn, OwnCompletion.
    """
    if completion.is_withdrawn:
        raise NotFound
    if is_own(session, caller, completion):
        raise OwnCompletion
    key = {"completion_id": completion.completion_id, "person_id": caller.person_id}
    row = {"tenant_id": completion.tenant_id, **key, "kind": kind, "reacted_at": transaction_time(session)}
    insert_new(session, Reaction, [row])
    reaction = session.get_one(Reaction, (completion.tenant_id, completion.completion_id, caller.person_id))
    reaction.kind = kind


def take_reaction_back(session: Session, caller: Caller, completion: Completion) -> None:
    """Takes the caller's reaction back; twice is once."""
    reaction = session.get(Reaction, (completion.tenant_id, completion.completion_id, caller.person_id))
    if reaction is not None:
        session.delete(reaction)


def toggle_reaction(session: Session, caller: Caller, completion: Completion, kind: str) -> None:
    """What a tap on a reaction means: the same one again takes it back. Raises like `react`."""
    if reactions_to(session, caller, [completion.completion_id])[completion.completion_id].mine == kind:
        take_reaction_back(session, caller, completion)
    else:
        react(session, caller, completion, kind)
    session.flush()


def reactions_to(session: Session, caller: Caller, completion_ids: Sequence[UUID]) -> dict[UUID, Reactions]:
    """What was said to some completions of the tenant; one question whatever their number."""
    found: defaultdict[UUID, Reactions] = defaultdict(Reactions)
    mine = sa.func.count(sa.case((Reaction.person_id == caller.person_id, 1)))
    counted = (
        sa.select(Reaction.completion_id, Reaction.kind, sa.func.count(Reaction.person_id), mine)
        .where(Reaction.completion_id.in_(completion_ids))
        .group_by(Reaction.completion_id, Reaction.kind)
    )
    for completion_id, kind, count, is_mine in session.execute(counted):
        found[completion_id].counts[kind] = count
        if is_mine:
            found[completion_id].mine = kind
    return found
