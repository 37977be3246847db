"""Teams: adding, renaming, balancing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.leagues.errors import TeamNameTaken, TeamsLocked, TeamUnknown, TooManyTeams
from services.leagues.models import League, Player, Team
from shared.clock import transaction_time
from shared.contracts import TeamCreated
from shared.database import new_id
from shared.outbox import emit

MAX_TEAMS = 12


def list_teams(league: League) -> sa.Select[Team]:
    """The teams of a league, in the order they were made."""
    return sa.select(Team).where(Team.league_id == league.league_id).order_by(Team.team_id)


def add_team(session: Session, league: League, name: str) -> Team:
    """Adds a team. Raises TeamNameTaken, TooManyTeams."""
    teams = session.scalars(list_teams(league)).all()
    if len(teams) >= MAX_TEAMS:
        raise TooManyTeams(maximum=MAX_TEAMS)
    _check_name(teams, name)
    team = Team(tenant_id=league.tenant_id, team_id=new_id(), league_id=league.league_id, name=name, revision=1)
    session.add(team)
    session.flush()
    emit(session, team_created(league, team))
    return team


def rename_team(session: Session, league: League, team: Team, name: str) -> Team:
    """Gives a team another name. Raises TeamNameTaken."""
    if team.name != name:
        _check_name([other for other in session.scalars(list_teams(league)) if other is not team], name)
        team.name = name
        team.revision += 1
        emit(session, team_created(league, team))
    return team


def _check_name(others: Iterable[Team], name: str) -> None:
    if any(team.name.casefold() == name.casefold() for team in others):
        raise TeamNameTaken(name=name)


def team_created(league: League, team: Team) -> TeamCreated:
    """The facts of a team as they are now."""
    return TeamCreated(
        league_id=league.league_id,
        edition_id=league.edition_id,
        edition_tenant_id=league.edition_tenant_id,
        team_id=team.team_id,
        name=team.name,
        revision=team.revision,
    )


def find_team(session: Session, league: League, team_id: UUID) -> Team:
    """A team of this league. Raises TeamUnknown."""
    team = session.get(Team, (league.tenant_id, team_id))
    if team is None or team.league_id != league.league_id:
        raise TeamUnknown
    return team


def require_unlocked(session: Session, league: League) -> None:
    """Raises TeamsLocked once the lock date has passed."""
    if league.teams_locked_at is not None and are_locked(session, league):
        raise TeamsLocked(since=league.teams_locked_at.astimezone(ZoneInfo(league.zone)))


def are_locked(session: Session, league: League) -> bool:
    """Whether the lock date has passed: nobody changes team any more."""
    return league.teams_locked_at is not None and league.teams_locked_at <= transaction_time(session)


def sizes(session: Session, league: League) -> dict[UUID, int]:
    """How many players each team has, by team id; teams without any included."""
    counts = dict.fromkeys(session.scalars(list_teams(league).with_only_columns(Team.team_id)), 0)
    rows = session.execute(
        sa.select(Player.team_id, sa.func.count().label("players"))
        .where(Player.league_id == league.league_id, Player.left_at.is_(None))
        .group_by(Player.team_id)
    )
    return counts | {row.team_id: row.players for row in rows}


def teams_with_sizes(session: Session, league: League) -> list[dict[str, Any]]:
    """The teams of a league, each with how many play in it."""
    counts = sizes(session, league)
    return [_with_size(team, counts[team.team_id]) for team in session.scalars(list_teams(league))]


def team_with_size(session: Session, league: League, team: Team) -> dict[str, Any]:
    """A team, with how many play in it."""
    return _with_size(team, sizes(session, league)[team.team_id])


def _with_size(team: Team, players: int) -> dict[str, Any]:
    return {"team_id": team.team_id, "league_id": team.league_id, "name": team.name, "players": players}


def smallest(sizes: dict[UUID, int]) -> UUID:
    """The team a new player goes to: the one with fewest players, the oldest of equals."""
    return min(sizes, key=lambda team_id: (sizes[team_id], team_id))


def moves_to_balance(members: dict[UUID, list[UUID]]) -> list[tuple[UUID, UUID]]:
    """The fewest moves (player, new team) after which team sizes differ by one at most.

    `members`: players by team; those listed last move first.
    """
    total = sum(map(len, members.values()))
    by_size = sorted(members, key=lambda team: (-len(members[team]), team))
    small, extra = divmod(total, len(members))
    wanted = {team: small + (1 if index < extra else 0) for index, team in enumerate(by_size)}
    leaving = [player for team in by_size for player in members[team][wanted[team] :]]
    free = [team for team in by_size for _ in range(wanted[team] - len(members[team]))]
    return list(zip(leaving, free, strict=True))
