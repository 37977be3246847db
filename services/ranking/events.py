"""What ranking does when something happened elsewhere: it puts the fact into the batch, as a row.

The batch is applied before the transaction commits (`domain/batch.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from services.ranking.domain import Batch, Revealed, batch_of
from services.ranking.domain.changes import Where
from services.ranking.domain.ledger import RECORDED, WITHDRAWN, Entry, source_of
from shared.auth import ACCESS_HANDLERS
from shared.consumer import Handlers, Received, merge_handlers
from shared.contracts import (
    CompletionEvent,
    CompletionRecorded,
    CompletionWithdrawn,
    EditionFrozen,
    EditionRevealed,
    EditionScheduled,
    Impact,
    LeaderAppointed,
    LeaderResigned,
    LeagueCreated,
    LeagueEvent,
    PlayerEvent,
    PlayerJoined,
    PlayerLeft,
    PlayerMoved,
    PlayerRenamed,
    TeamCreated,
    TenantFounded,
)

FOUNDED_RANK = 2**62
"""The founding tenant's own word on its name is above every league's, whatever the moment of that one."""


def name_tenants(session: Session, events: Sequence[Received[TenantFounded]]) -> None:
    """A tenant has a name, or a new one."""
    batch_of(session).tenants += [
        {"tenant_id": event.tenant_id, "name": event.data.name, "name_rank": FOUNDED_RANK + event.data.revision}
        for event in events
    ]


def open_boards(session: Session, events: Sequence[Received[EditionScheduled]]) -> None:
    """An edition has boards; everybody may read those of an open one."""
    batch_of(session).scheduled += [(event.tenant_id, event.data) for event in events]


def freeze_boards(session: Session, events: Sequence[Received[EditionFrozen]]) -> None:
    """The boards of an edition stand still for all but its organisers."""
    batch_of(session).frozen += [((event.tenant_id, event.data.edition_id), event.data.at) for event in events]


def reveal_boards(session: Session, events: Sequence[Received[EditionRevealed]]) -> None:
    """The boards of an edition show the truth."""
    batch_of(session).revealed += [
        Revealed((event.tenant_id, event.data.edition_id), event.data.at, event.is_announced) for event in events
    ]


def _place(batch: Batch, event: Received[Any]) -> UUID:
    data: LeagueEvent = event.data
    if data.league_id not in batch.places:
        batch.places[data.league_id] = Where(event.tenant_id, data.edition_tenant_id, data.edition_id, data.league_id)
    return data.league_id


def add_leagues(session: Session, events: Sequence[Received[LeagueCreated]]) -> None:
    """A league is on its edition's board."""
    batch = batch_of(session)
    for event in events:
        data = event.data
        batch.leagues.append(
            {
                "tenant_id": event.tenant_id,
                "league_id": _place(batch, event),
                "edition_tenant_id": data.edition_tenant_id,
                "edition_id": data.edition_id,
                "name": data.name,
                "age_band": data.age_band,
                "heads_frozen_at": data.heads_frozen_at,
                "revision": data.revision,
            }
        )
        rank = _microseconds(event.time)
        batch.tenants.append({"tenant_id": event.tenant_id, "name": data.tenant_name, "name_rank": rank})


def _microseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)


def add_teams(session: Session, events: Sequence[Received[TeamCreated]]) -> None:
    """A team is on its league's board."""
    batch = batch_of(session)
    batch.teams += [
        {
            "tenant_id": event.tenant_id,
            "team_id": event.data.team_id,
            "league_id": _place(batch, event),
            "name": event.data.name,
            "revision": event.data.revision,
        }
        for event in events
    ]


def appoint_leaders(session: Session, events: Sequence[Received[LeaderAppointed]]) -> None:
    """A person sees the truth of a league whose boards stand still."""
    _change_leaders(session, events, has_resigned=False)


def dismiss_leaders(session: Session, events: Sequence[Received[LeaderResigned]]) -> None:
    """A person sees of a league what everybody sees."""
    _change_leaders(session, events, has_resigned=True)


def _change_leaders(session: Session, events: Sequence[Received[Any]], *, has_resigned: bool) -> None:
    batch = batch_of(session)
    batch.leaders += [
        {
            "tenant_id": event.tenant_id,
            "league_id": _place(batch, event),
            "person_id": event.data.person_id,
            "changed_at": event.time,
            "has_resigned": has_resigned,
        }
        for event in events
    ]


def move_players(session: Session, events: Sequence[Received[PlayerEvent]]) -> None:
    """A player plays in a team, or in none any more; heads follow the rule of `domain/heads.py`."""
    name_players(session, events)
    batch_of(session).moves += [
        {
            "tenant_id": event.tenant_id,
            "player_id": event.data.player_id,
            "revision": event.data.revision,
            "league_id": event.data.league_id,
            "team_id": None if isinstance(event.data, PlayerLeft) else event.data.team_id,
            "at": event.data.at,
        }
        for event in events
    ]


def name_players(session: Session, events: Sequence[Received[PlayerEvent]]) -> None:
    """A player shows a name."""
    batch = batch_of(session)
    batch.players += [
        {
            "tenant_id": event.tenant_id,
            "player_id": event.data.player_id,
            "league_id": _place(batch, event),
            "person_id": event.data.person_id,
            "name": event.data.display_name,
            "revision": event.data.revision,
            "named_at": event.data.at,
        }
        for event in events
    ]


def add_points(session: Session, events: Sequence[Received[CompletionRecorded]]) -> None:
    """A completion's points and impact are the player's, team's, league's and tenant's."""
    batch = batch_of(session)
    batch.entries += [_entry(batch, event, RECORDED, 1) for event in events]


def take_points_back(session: Session, events: Sequence[Received[CompletionWithdrawn]]) -> None:
    """They no longer are."""
    batch = batch_of(session)
    batch.entries += [_entry(batch, event, WITHDRAWN, -1) for event in events]


NOT_QUANTIFIED = Impact()


def _entry(batch: Batch, event: Received[Any], reason: str, sign: int) -> Entry:
    data: CompletionEvent = event.data
    impact = data.impact or NOT_QUANTIFIED
    return Entry(
        event.tenant_id,
        source_of(data.completion_id, reason),
        data.edition_tenant_id,
        data.edition_id,
        _place(batch, event),
        data.team_id,
        data.player_id,
        sign * data.points,
        sign,
        sign if impact == NOT_QUANTIFIED else 0,
        sign * (impact.co2e_g or 0),
        sign * (impact.water_ml or 0),
        sign * (impact.waste_g or 0),
        sign * (impact.learning_min or 0),
        reason,
        data.author_id,
        data.challenge_id,
        data.category,
        data.at,
    )


HANDLERS: Handlers = merge_handlers(
    ACCESS_HANDLERS,
    {
        TenantFounded: name_tenants,
        EditionScheduled: open_boards,
        EditionFrozen: freeze_boards,
        EditionRevealed: reveal_boards,
        LeagueCreated: add_leagues,
        TeamCreated: add_teams,
        LeaderAppointed: appoint_leaders,
        LeaderResigned: dismiss_leaders,
        PlayerJoined: move_players,
        PlayerMoved: move_players,
        PlayerLeft: move_players,
        PlayerRenamed: name_players,
        CompletionRecorded: add_points,
        CompletionWithdrawn: take_points_back,
    },
)
