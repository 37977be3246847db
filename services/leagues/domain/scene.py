"""The scene of an act: the league, when and how its edition is played, the challenges, and who asks.

All of it is read at once: a completion is recorded far more often than anything else happens.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.leagues.domain.editions import Calendar, calendar_of, phase_of, today_in
from services.leagues.models import Challenge, Edition, Leader, League, Player
from shared.auth import ADMINISTRATOR, Caller
from shared.clock import transaction_time
from shared.errors import NotFound
from shared.prepared import Prepared

_league, _person = (sa.bindparam(name, type_=sa.Uuid()) for name in ("league_id", "person_id"))
_challenges, _players = (
    sa.bindparam(name, type_=sa.Uuid(), expanding=True) for name in ("challenge_ids", "player_ids")
)

_SCENE = Prepared(
    sa.select(
        League.tenant_id,
        League.edition_tenant_id,
        League.edition_id,
        League.age_band,
        League.zone,
        Edition.starts_at,
        Edition.ends_at,
        Edition.registration_ends_at,
        Edition.grace_days,
        Edition.published_at,
        Edition.frozen_at,
        Edition.revealed_at,
        Edition.archived_at,
        Leader.person_id.label("leader_id"),
        Player.player_id.label("own_player_id"),
        Player.team_id.label("own_team_id"),
        Challenge.challenge_id,
        Challenge.version,
        Challenge.retired_version,
        Challenge.kind,
        Challenge.category,
        Challenge.tiers,
        Challenge.audiences,
        Challenge.age_bands,
        Challenge.times,
        Challenge.per,
        Challenge.impact,
    )
    .select_from(League)
    .join(Edition, sa.and_(Edition.tenant_id == League.edition_tenant_id, Edition.edition_id == League.edition_id))
    .outerjoin(
        Leader,
        sa.and_(
            Leader.tenant_id == League.tenant_id, Leader.league_id == League.league_id, Leader.person_id == _person
        ),
    )
    .outerjoin(
        Player,
        sa.and_(
            Player.tenant_id == League.tenant_id,
            Player.league_id == League.league_id,
            Player.person_id == _person,
            Player.left_at.is_(None),
        ),
    )
    .outerjoin(Challenge, Challenge.challenge_id.in_(_challenges))
    .where(League.league_id == _league)
)
_PLAYERS = Prepared(
    sa.select(Player.player_id, Player.team_id).where(
        Player.league_id == _league, Player.left_at.is_(None), Player.player_id.in_(_players)
    )
)


class Scene:
    """Where acts of one league are recorded now, as the caller may see it. Raises NotFound for another's league.

    `league` and each of `challenges` have the columns of the models they are named after, as far as recording asks.
    """

    def __init__(
        self,
        session: Session,
        caller: Caller,
        league_id: UUID,
        challenge_ids: Iterable[UUID],
        player_ids: Iterable[UUID],
    ) -> None:
        who = {"league_id": league_id, "person_id": caller.person_id}
        rows = _SCENE.rows(session, {**who, "challenge_ids": list(set(challenge_ids))})
        if not rows:
            raise NotFound
        self.league_id = league_id
        league: Any = rows[0]
        self.league = league
        self.challenges: dict[UUID, Any] = {row.challenge_id: row for row in rows if row.challenge_id is not None}
        self.is_leader = caller.has_role(ADMINISTRATOR) or league.leader_id is not None
        self.own_player_id: UUID | None = league.own_player_id
        self.team_by_player = self._players(session, set(player_ids))
        self.now = transaction_time(session)
        self.calendar: Calendar = calendar_of(league, league.zone)
        self.phase = phase_of(league, self.calendar, self.now)
        self.today = today_in(self.calendar, self.now)

    def _players(self, session: Session, wanted: set[UUID]) -> dict[UUID, UUID]:
        """The team of the caller's own player, and of those that are named."""
        own = self.own_player_id
        found: dict[UUID, UUID] = {} if own is None else {own: self.league.own_team_id}
        others = list(wanted - found.keys())
        if others:
            rows = _PLAYERS.rows(session, {"league_id": self.league_id, "player_ids": others})
            found |= {row.player_id: row.team_id for row in rows}
        return found
