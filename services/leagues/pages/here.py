"""The league an address names, as its reader stands in it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from flask import request

from services.leagues.domain import leagues
from services.leagues.domain.playing import Place, place_in
from services.leagues.errors import NotInLeague, NotLeader, ParticipationOnly
from shared.web import current_caller, current_session


def member_of(league_id: UUID, *, changes: bool = False) -> Place:
    """A league the reader belongs to; locked when a form `changes` it. Raises NotFound, NotInLeague."""
    session, caller = current_session(), current_caller()
    league = leagues.find_league(session, league_id, is_locked=changes and request.method == "POST")
    place = place_in(session, caller, league)
    if not (place.is_leader or place.player or leagues.works_here(caller)):
        raise NotInLeague
    return place


def witness_of(league_id: UUID) -> Place:
    """A league in which the reader may see who did what. Raises NotFound, NotInLeague, ParticipationOnly."""
    place = member_of(league_id)
    if not place.is_witness:
        raise ParticipationOnly
    return place


def leader_of(league_id: UUID, *, changes: bool = True) -> Place:
    """A league the reader leads; locked when a form `changes` it, as recording does not. Raises NotFound, NotLeader."""
    session, caller = current_session(), current_caller()
    league = leagues.find_league(session, league_id, is_locked=changes and request.method == "POST")
    place = place_in(session, caller, league)
    if not place.is_leader:
        raise NotLeader
    return place


def day_asked(place: Place, asked: Mapping[str, str]) -> date:
    """The day asked for; today, or the edition's last day, where none is named that may be recorded."""
    try:
        day = date.fromisoformat(asked.get("day", ""))
    except ValueError:
        return place.last_day
    return day if place.calendar.first_day <= day <= place.last_day else place.last_day
