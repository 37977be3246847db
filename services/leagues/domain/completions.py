"""Completions once recorded: reading them, taking them back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.leagues.domain.editions import FROZEN, GRACE, RUNNING, calendar_of, require_phase
from services.leagues.domain.leagues import edition_of, find_league, leads, require_member, require_witness
from services.leagues.errors import NotYours
from services.leagues.models import Challenge, Completion, League, Player, Team
from shared.auth import Caller
from shared.clock import transaction_time
from shared.contracts import CompletionEvent, CompletionWithdrawn, Impact
from shared.errors import NotFound
from shared.outbox import emit

CompletionKind = TypeVar("CompletionKind", bound=CompletionEvent)


def completion_fact(kind: type[CompletionKind], completion: Completion, *, at: datetime) -> CompletionKind:
    """What happened to a completion, with all that was copied onto it when it was recorded."""
    return kind(
        league_id=completion.league_id,
        edition_id=completion.edition_id,
        edition_tenant_id=completion.edition_tenant_id,
        completion_id=completion.completion_id,
        team_id=completion.team_id,
        player_id=completion.player_id,
        challenge_id=completion.challenge_id,
        challenge_version=completion.challenge_version,
        category=completion.category,
        tier=completion.tier,
        day=completion.day,
        points=completion.points,
        impact=completion.impact,
        author_id=completion.author_id,
        at=at,
    )


def withdraw_completion(session: Session, caller: Caller, completion: Completion) -> None:
    """Takes a completion back, and its points with it; twice is once.

    Players withdraw their own while the edition runs or is in grace, leaders any until the boards are revealed.
    Raises NotYours, EditionNotOpen.
    """
    league = find_league(session, completion.league_id)
    is_leader = leads(session, caller, league)
    if not is_leader and not is_own(session, caller, completion):
        raise NotYours
    if completion.is_withdrawn:
        return
    now = transaction_time(session)
    edition = edition_of(session, league)
    require_phase(edition, calendar_of(edition, league.zone), now, *phases_to_withdraw(is_leader=is_leader))
    completion.withdrawn_at = now
    completion.withdrawn_by = caller.person_id
    completion.slot = None
    emit(session, completion_fact(CompletionWithdrawn, completion, at=now))


def phases_to_withdraw(*, is_leader: bool) -> tuple[str, ...]:
    """The phases of an edition in which a completion can be withdrawn."""
    return (RUNNING, GRACE, FROZEN) if is_leader else (RUNNING, GRACE)


def is_own(session: Session, caller: Caller, completion: Completion) -> bool:
    """Whether the caller did it; for a team, whether the caller recorded it."""
    if completion.player_id is None:
        return completion.author_id == caller.person_id
    player = session.get(Player, (completion.tenant_id, completion.player_id))
    return player is not None and player.person_id == caller.person_id


def find_completion(session: Session, caller: Caller, completion_id: UUID, *, is_locked: bool = False) -> Completion:
    """A completion of a league the caller belongs to, or one they recorded.

    Raises NotFound, NotInLeague, ParticipationOnly.
    """
    statement = sa.select(Completion).where(Completion.completion_id == completion_id)
    completion = session.scalar(statement.with_for_update() if is_locked else statement)
    if completion is None:
        raise NotFound
    league = find_league(session, completion.league_id)
    if completion.author_id == caller.person_id:
        require_member(session, caller, league)
    else:
        require_witness(session, caller, league)
    return completion


def list_completions(
    caller: Caller,
    *,
    league_id: UUID | None = None,
    player_id: UUID | None = None,
    challenge_id: UUID | None = None,
    has_withdrawn: bool = False,
) -> sa.Select[Completion]:
    """Completions, newest first: of a league (its members see them), else the caller's own in every league."""
    completions = sa.select(Completion).order_by(Completion.recorded_at.desc(), Completion.completion_id.desc())
    if league_id is not None:
        completions = completions.where(Completion.league_id == league_id)
    else:
        own = sa.select(Player.player_id).where(Player.person_id == caller.person_id)
        completions = completions.where(Completion.player_id.in_(own))
    if player_id is not None:
        completions = completions.where(Completion.player_id == player_id)
    if challenge_id is not None:
        completions = completions.where(Completion.challenge_id == challenge_id)
    if not has_withdrawn:
        completions = completions.where(Completion.withdrawn_at.is_(None))
    return completions


def recent_activity(league: League) -> sa.Select[Any]:
    """What happened lately in a league: completions with the names of player, team and challenge, newest first."""
    return (
        sa.select(Completion, Player.display_name, Team.name, Challenge.titles)
        .outerjoin(Player, sa.and_(Player.tenant_id == Completion.tenant_id, Player.player_id == Completion.player_id))
        .join(Team, sa.and_(Team.tenant_id == Completion.tenant_id, Team.team_id == Completion.team_id))
        .outerjoin(Challenge, Challenge.challenge_id == Completion.challenge_id)
        .where(Completion.league_id == league.league_id, Completion.withdrawn_at.is_(None))
        .order_by(Completion.recorded_at.desc(), Completion.challenge_id, Completion.completion_id.desc())
    )


def impact_of(done: Sequence[Completion]) -> Impact | None:
    """What several completions saved together; None where none of them is quantified."""
    known = [completion.impact for completion in done if completion.impact is not None]
    if not known:
        return None
    figures = Impact.__struct_fields__
    return Impact(**{name: sum(getattr(impact, name) or 0 for impact in known) for name in figures})


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a story: what one player or team did, or the same that was ticked for several at once."""

    completion: Completion
    """The one that is reacted to."""
    names: list[str]
    titles: dict[str, str] | None
    points: int


def told_together(activity: Sequence[Any]) -> list[Deed]:
    """The lines of a story, of rows of `recent_activity`: a class that did one thing is one line."""
    deeds = []
    for _what, group in groupby(activity, key=_recorded_together):
        rows = list(group)
        completion, _player, _team, titles = rows[0]
        names = [player or team for _completion, player, team, _titles in rows]
        points = sum(row[0].points for row in rows)
        deeds.append(Deed(completion=completion, names=names, titles=titles, points=points))
    return deeds


def _recorded_together(row: Any) -> tuple[Any, ...]:
    completion = row[0]
    return completion.recorded_at, completion.challenge_id, completion.author_id


def of_player(activity: sa.Select[Any], player: Player) -> sa.Select[Any]:
    """Of a league's activity, what one player did, and their team with the whole of it."""
    return activity.where(Completion.subject_id.in_((player.player_id, player.team_id)))
