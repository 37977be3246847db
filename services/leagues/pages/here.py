"""The league an address names, as its reader stands in it."""

from __future__ import annotations

from uuid import UUID

from services.leagues.domain import leagues
from services.leagues.domain.playing import Place, place_in
from services.leagues.errors import NotLeader
from shared.web import current_caller, current_session


def member_of(league_id: UUID) -> Place:
    """A league the reader belongs to. Raises NotFound, NotInLeague."""
    session, caller = current_session(), current_caller()
    league = leagues.find_league(session, league_id)
    leagues.require_member(session, caller, league)
    return place_in(session, caller, league)


def leader_of(league_id: UUID) -> Place:
    """A league the reader leads, locked when a form was sent. Raises NotFound, NotLeader."""
    session, caller = current_session(), current_caller()
    place = place_in(session, caller, leagues.find_league(session, league_id))
    if not place.is_leader:
        raise NotLeader
    return place
