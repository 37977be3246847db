"""What leagues can tell again: everything that happened in its leagues."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.leagues.domain.completions import completion_fact
from services.leagues.domain.editions import edition_scheduled, league_created
from services.leagues.domain.leagues import league_keys
from services.leagues.domain.players import player_fact
from services.leagues.domain.teams import team_created
from services.leagues.models import (
    Completion,
    Edition,
    FormerLeader,
    Leader,
    League,
    Player,
    PlayerRevision,
    Team,
    Tenant,
)
from shared.announcing import Announcement, Fact
from shared.contracts import (
    CompletionRecorded,
    CompletionWithdrawn,
    EditionFrozen,
    EditionRevealed,
    LeaderAppointed,
    LeaderResigned,
    PlayerEvent,
    PlayerJoined,
    PlayerLeft,
    PlayerMoved,
    PlayerRenamed,
)

PLAYER_EVENTS: Mapping[str, type[PlayerEvent]] = {
    kind.__name__: kind for kind in (PlayerJoined, PlayerMoved, PlayerRenamed, PlayerLeft)
}


def _editions(_session: Session, rows: Sequence[Any]) -> Iterator[Fact]:
    for (edition,) in rows:
        yield Fact(edition.tenant_id, edition.published_at, edition_scheduled(edition))
        for kind, at in ((EditionFrozen, edition.frozen_at), (EditionRevealed, edition.revealed_at)):
            if at is not None:
                yield Fact(edition.tenant_id, at, kind(edition_id=edition.edition_id, at=at))


def _leagues(_session: Session, rows: Sequence[Any]) -> Iterator[Fact]:
    for league, edition, tenant_name in rows:
        yield Fact(league.tenant_id, league.created_at, league_created(league, edition, tenant_name))


def _teams(_session: Session, rows: Sequence[Any]) -> Iterator[Fact]:
    for team, league in rows:
        yield Fact(team.tenant_id, league.created_at, team_created(league, team))


def _leaders(_session: Session, rows: Sequence[Any]) -> Iterator[Fact]:
    for leader, league in rows:
        event = LeaderAppointed(**league_keys(league), person_id=leader.person_id)
        yield Fact(leader.tenant_id, leader.appointed_at, event)


def _former_leaders(_session: Session, rows: Sequence[Any]) -> Iterator[Fact]:
    """Somebody who leads again has a row here too: of the two facts the later one wins."""
    for former, league in rows:
        event = LeaderResigned(**league_keys(league), person_id=former.person_id)
        yield Fact(former.tenant_id, former.resigned_at, event)


def _players(session: Session, rows: Sequence[Any]) -> Iterator[Fact]:
    """Every revision of each player, under the name shown now: the consumers keep the newest name alone."""
    histories = _histories(session, [player for player, _league in rows])
    for player, league in rows:
        for step in complete_history(player, histories[player.tenant_id, player.player_id]):
            event = player_fact(
                PLAYER_EVENTS[step.event], league, player, at=step.at, team_id=step.team_id, revision=step.revision
            )
            yield Fact(player.tenant_id, step.at, event)


def _histories(session: Session, players: Sequence[Player]) -> defaultdict[tuple[UUID, UUID], list[PlayerRevision]]:
    """What is kept of the players of a page, who follow one another in the table as they do here."""
    found: defaultdict[tuple[UUID, UUID], list[PlayerRevision]] = defaultdict(list)
    if players:
        key = sa.tuple_(PlayerRevision.tenant_id, PlayerRevision.player_id)
        first, last = ((player.tenant_id, player.player_id) for player in (players[0], players[-1]))
        steps = sa.select(PlayerRevision).where(key >= _literal(first), key <= _literal(last))
        for step in session.scalars(steps.order_by(PlayerRevision.revision)):
            found[step.tenant_id, step.player_id].append(step)
    return found


def _literal(key: tuple[UUID, UUID]) -> Any:
    return sa.tuple_(*(sa.literal(value, sa.Uuid()) for value in key))


def complete_history(player: Player, known: Sequence[PlayerRevision]) -> list[PlayerRevision]:
    """The revisions of a player, from what is kept of them.

    Those after the revision that was read are left to their own events: the name would be the wrong one. Of a player
    from before revisions were kept the first one and the last one are made up from the player's row, so that nobody is
    lost; but never a move, since that could contradict a consumer who knows what really happened.
    """
    steps = {step.revision: step for step in known if step.revision <= player.revision}
    first_team = next(iter(steps.values())).team_id if steps else player.team_id
    if 1 not in steps:
        steps[1] = PlayerRevision(revision=1, event="PlayerJoined", team_id=first_team, at=player.joined_at)
    if player.revision not in steps:
        event, at = ("PlayerLeft", player.left_at) if player.left_at else ("PlayerRenamed", player.joined_at)
        steps[player.revision] = PlayerRevision(revision=player.revision, event=event, team_id=player.team_id, at=at)
    return [steps[revision] for revision in sorted(steps)]


def _completions(_session: Session, rows: Sequence[Any]) -> Iterator[Fact]:
    for (completion,) in rows:
        for kind, at in ((CompletionRecorded, completion.recorded_at), (CompletionWithdrawn, completion.withdrawn_at)):
            if at is not None:
                yield Fact(completion.tenant_id, at, completion_fact(kind, completion, at=at))


def _of_league(model: Any) -> sa.Select[Any]:
    return sa.select(model, League).join(
        League, sa.and_(League.tenant_id == model.tenant_id, League.league_id == model.league_id)
    )


_EDITION_OF_LEAGUE = sa.and_(Edition.tenant_id == League.edition_tenant_id, Edition.edition_id == League.edition_id)

ANNOUNCEMENTS = (
    Announcement(
        name="editions",
        key=(Edition.tenant_id, Edition.edition_id),
        rows=sa.select(Edition).where(Edition.published_at.is_not(None)),
        facts=_editions,
    ),
    Announcement(
        name="leagues",
        key=(League.tenant_id, League.league_id),
        rows=sa.select(League, Edition, Tenant.name)
        .join(Edition, _EDITION_OF_LEAGUE)
        .join(Tenant, Tenant.tenant_id == League.tenant_id),
        facts=_leagues,
    ),
    Announcement(name="teams", key=(Team.tenant_id, Team.team_id), rows=_of_league(Team), facts=_teams),
    Announcement(
        name="leaders",
        key=(Leader.tenant_id, Leader.league_id, Leader.person_id),
        rows=_of_league(Leader),
        facts=_leaders,
    ),
    Announcement(
        name="former leaders",
        key=(FormerLeader.tenant_id, FormerLeader.league_id, FormerLeader.person_id),
        rows=_of_league(FormerLeader),
        facts=_former_leaders,
    ),
    Announcement(
        name="player revisions", key=(Player.tenant_id, Player.player_id), rows=_of_league(Player), facts=_players
    ),
    Announcement(
        name="completions",
        key=(Completion.tenant_id, Completion.completion_id),
        rows=sa.select(Completion),
        facts=_completions,
    ),
)
"""In the order in which they are told, which nothing depends on."""
