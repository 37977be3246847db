"""Players: joining, moving, leaving."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.leagues.domain import teams
from services.leagues.domain.editions import calendar_of, require_phase
from services.leagues.domain.leagues import JOINABLE, edition_of, leads, league_keys, remember_tenant
from services.leagues.errors import AlreadyPlaying, LeagueFull, NameNeeded, NotYours, PlayerUnknown, TeamUnknown
from services.leagues.models import League, Person, Player, PlayerRevision
from shared.auth import Caller
from shared.clock import transaction_time
from shared.contracts import PlayerEvent, PlayerJoined, PlayerLeft, PlayerMoved, PlayerRenamed
from shared.database import new_id
from shared.outbox import emit
from shared.words import fold, sort_key


def join_league(
    session: Session, caller: Caller, league: League, *, display_name: str | None, team_id: UUID | None
) -> Player:
    """The caller becomes a player, in the team they chose or else in the smallest one.

    Somebody who left comes back as the same player, with the points won before.
    Raises AlreadyPlaying, LeagueFull, EditionNotOpen, TeamUnknown, NameNeeded.
    """
    remember_tenant(session, caller)
    former = session.scalar(
        sa.select(Player).where(Player.league_id == league.league_id, Player.person_id == caller.person_id)
    )
    if former is not None and former.left_at is None:
        raise AlreadyPlaying
    if display_name is None:
        display_name = former.display_name if former else known_name(session, caller)
        if display_name is None:
            raise NameNeeded
    player = _Entrance(session, league).enter(former, caller.person_id, display_name, team_id)
    session.flush()
    return player


def known_name(session: Session, caller: Caller) -> str | None:
    """The name the caller shows elsewhere; None when it has not arrived yet."""
    person = session.get(Person, (caller.tenant_id, caller.person_id))
    return person.display_name if person is not None else None


def add_players(session: Session, league: League, names: list[str], team_id: UUID | None) -> list[Player]:
    """A leader enters players by pseudonym, all or none. Raises LeagueFull, EditionNotOpen, TeamUnknown."""
    entrance = _Entrance(session, league)
    return [entrance.enter(None, None, name, team_id) for name in names]


def without_doubles(session: Session, league: League, names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Of some pseudonyms those that nobody in the league has yet, and those that somebody has; case does not count."""
    taken = {fold(name) for name in session.scalars(list_players(league).with_only_columns(Player.display_name))}
    new: list[str] = []
    double: list[str] = []
    for name in names:
        (double if fold(name) in taken else new).append(name)
        taken.add(fold(name))
    return new, double


class _Entrance:
    """The door of a league: how many places are left, and which team is the smallest."""

    def __init__(self, session: Session, league: League) -> None:
        self.session = session
        self.league = league
        self.now = transaction_time(session)
        edition = edition_of(session, league)
        require_phase(edition, calendar_of(edition, league.zone), self.now, *JOINABLE)
        self.maximum = edition.max_players
        self.sizes = teams.sizes(session, league)

    def enter(self, former: Player | None, person_id: UUID | None, display_name: str, team_id: UUID | None) -> Player:
        """Lets one player in, or back in."""
        if sum(self.sizes.values()) >= self.maximum:
            raise LeagueFull(maximum=self.maximum)
        if team_id is None:
            team_id = teams.smallest(self.sizes)
        elif team_id not in self.sizes:
            raise TeamUnknown
        self.sizes[team_id] += 1
        if former is not None:
            former.left_at, former.team_id, former.display_name = None, team_id, display_name
            former.revision += 1
            _tell(self.session, self.league, former, PlayerMoved, self.now)
            return former
        player = Player(
            tenant_id=self.league.tenant_id,
            player_id=new_id(),
            league_id=self.league.league_id,
            team_id=team_id,
            person_id=person_id,
            display_name=display_name,
            joined_at=self.now,
            revision=1,
        )
        self.session.add(player)
        _tell(self.session, self.league, player, PlayerJoined, self.now)
        return player


def _tell(session: Session, league: League, player: Player, kind: type[PlayerEvent], at: datetime) -> None:
    """Emits what happened to a player, and keeps it: the player's row knows the present alone."""
    event = player_fact(kind, league, player, at=at, team_id=player.team_id, revision=player.revision)
    session.add(
        PlayerRevision(
            tenant_id=player.tenant_id,
            player=player,
            revision=player.revision,
            event=kind.__name__,
            team_id=player.team_id,
            at=at,
        )
    )
    emit(session, event, tenant_id=player.tenant_id)


def player_fact(
    kind: type[PlayerEvent], league: League, player: Player, *, at: datetime, team_id: UUID, revision: int
) -> PlayerEvent:
    """What happened to a player at a revision, under the name they show now."""
    return kind(
        **league_keys(league),
        player_id=player.player_id,
        team_id=team_id,
        person_id=player.person_id,
        display_name=player.display_name,
        at=at,
        revision=revision,
    )


def count_players(session: Session, league: League) -> int:
    """How many players the league has now."""
    return (
        session.scalar(
            sa.select(sa.func.count())
            .select_from(Player)
            .where(Player.league_id == league.league_id, Player.left_at.is_(None))
        )
        or 0
    )


def list_players(league: League, team_id: UUID | None = None) -> sa.Select[Player]:
    """The players of a league, or of one of its teams, by name; those who left are not listed."""
    players = sa.select(Player).where(Player.league_id == league.league_id, Player.left_at.is_(None))
    if team_id is not None:
        players = players.where(Player.team_id == team_id)
    return players.order_by(Player.display_name, Player.player_id)


def players_by_name(session: Session, league: League) -> list[Player]:
    """The players of a league as a reader looks for them, accents aside; those who left are not listed."""
    return sorted(session.scalars(list_players(league)), key=lambda player: sort_key(player.display_name))


def find_player(session: Session, league: League, player_id: UUID) -> Player:
    """A player of the league who has not left. Raises PlayerUnknown."""
    player = session.get(Player, (league.tenant_id, player_id))
    if player is None or player.league_id != league.league_id or player.left_at is not None:
        raise PlayerUnknown
    return player


def change_player(session: Session, caller: Caller, league: League, player: Player, changes: dict[str, Any]) -> Player:
    """Renames a player (themselves or a leader), or moves them to another team (a leader).

    Points already won stay with the team they were won for.
    Raises NotYours, TeamUnknown, TeamsLocked.
    """
    is_leader = leads(session, caller, league)
    if not is_leader and (player.person_id != caller.person_id or "team_id" in changes):
        raise NotYours
    name = changes.get("display_name", player.display_name)
    if name != player.display_name:
        player.display_name = name
        player.revision += 1
        _tell(session, league, player, PlayerRenamed, transaction_time(session))
    if changes.get("team_id", player.team_id) != player.team_id:
        move_player(session, league, player, teams.find_team(session, league, changes["team_id"]).team_id)
    return player


def move_player(session: Session, league: League, player: Player, team_id: UUID) -> None:
    """Puts a player into another team of the league. Raises TeamsLocked."""
    teams.require_unlocked(session, league)
    player.team_id = team_id
    player.revision += 1
    _tell(session, league, player, PlayerMoved, transaction_time(session))


def balance_teams(session: Session, league: League) -> int:
    """Evens the sizes of the teams with as few moves as possible, the last to join moving first; returns the moves.

    Raises TeamsLocked.
    """
    teams.require_unlocked(session, league)
    members: dict[UUID, list[UUID]] = {team_id: [] for team_id in teams.sizes(session, league)}
    players = session.scalars(list_players(league).order_by(None).order_by(Player.joined_at, Player.player_id)).all()
    for player in players:
        members[player.team_id].append(player.player_id)
    by_id = {player.player_id: player for player in players}
    moves = teams.moves_to_balance(members)
    for player_id, team_id in moves:
        move_player(session, league, by_id[player_id], team_id)
    return len(moves)


def leave_league(session: Session, caller: Caller, league: League, player: Player) -> None:
    """A player leaves, or a leader takes them out; the points stay where they were won. Raises NotYours."""
    if player.person_id != caller.person_id and not leads(session, caller, league):
        raise NotYours
    player.left_at = transaction_time(session)
    player.revision += 1
    _tell(session, league, player, PlayerLeft, player.left_at)


def forget_person(session: Session, tenant_id: UUID, person_id: UUID) -> None:
    """Somebody has left the tenant for good: they leave their leagues, and every one of them forgets their name."""
    known = sa.select(Player, League).join(
        League, sa.and_(League.tenant_id == Player.tenant_id, League.league_id == Player.league_id)
    )
    theirs = known.where(Player.tenant_id == tenant_id, Player.person_id == person_id, Player.display_name != "")
    for player, league in session.execute(theirs).all():
        now = transaction_time(session)
        player.display_name = ""
        player.revision += 1
        if player.left_at is not None:
            _tell(session, league, player, PlayerRenamed, now)
            continue
        player.left_at = now
        _tell(session, league, player, PlayerLeft, now)
