"""Leagues and players as the lists of the pages show them: where a league stands, who plays, who has begun."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.leagues.domain.editions import calendar_of, list_editions, phase_of
from services.leagues.domain.leagues import JOINABLE
from services.leagues.models import EVERYONE, Completion, Edition, Leader, League, Player
from shared.auth import Caller
from shared.clock import transaction_time

NOBODY = (0, 0)


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A league on a list: where it stands, how many play, how many of them have begun."""

    league: League
    edition: Edition
    phase: str
    players: int
    begun: int
    is_playing: bool
    is_leading: bool


def cards(session: Session, caller: Caller, leagues: Sequence[League]) -> list[Card]:
    """The leagues of one page of a list, in the order given; four questions whatever their number."""
    ids = [league.league_id for league in leagues]
    editions = {
        edition.edition_id: edition
        for edition in session.scalars(
            sa.select(Edition).where(Edition.edition_id.in_({league.edition_id for league in leagues}))
        )
    }
    playing = sa.and_(Player.league_id.in_(ids), Player.left_at.is_(None))
    has_begun = (  # of each player, and not of each completion: there are a thousand times as many
        sa.exists()
        .where(
            Completion.tenant_id == Player.tenant_id,
            Completion.player_id == Player.player_id,
            Completion.withdrawn_at.is_(None),
        )
        .correlate(Player)
    )
    counted = sa.select(Player.league_id, sa.func.count(), sa.func.count(sa.case((has_begun, 1)))).where(playing)
    counts = {row[0]: row[1:] for row in session.execute(counted.group_by(Player.league_id))}
    mine = set(session.scalars(sa.select(Player.league_id).where(playing, Player.person_id == caller.person_id)))
    led = set(
        session.scalars(
            sa.select(Leader.league_id).where(Leader.league_id.in_(ids), Leader.person_id == caller.person_id)
        )
    )
    now = transaction_time(session)
    return [
        Card(
            league=league,
            edition=editions[league.edition_id],
            phase=phase_of(editions[league.edition_id], calendar_of(editions[league.edition_id], league.zone), now),
            players=counts.get(league.league_id, NOBODY)[0],
            begun=counts.get(league.league_id, NOBODY)[1],
            is_playing=league.league_id in mine,
            is_leading=league.league_id in led,
        )
        for league in leagues
    ]


def is_empty(session: Session, league: League) -> bool:
    """Whether nobody plays in a league."""
    playing = sa.exists(sa.select(Player.player_id)).where(
        Player.league_id == league.league_id, Player.left_at.is_(None)
    )
    return not session.scalar(sa.select(playing))


class Beginnings(msgspec.Struct, frozen=True):
    """How far those have come who prepare a league: is there one, does somebody play, has something been recorded?"""

    has_leagues: bool
    has_players: bool
    has_completions: bool


def beginnings(session: Session) -> Beginnings:
    """What the tenant of the session has done before play begins, in the editions that are not over."""
    of_edition = sa.and_(League.edition_tenant_id == Edition.tenant_id, League.edition_id == Edition.edition_id)
    found = []
    for model in (League, Player, Completion):
        current = sa.select(model.league_id).select_from(model)
        if model is not League:
            of_league = sa.and_(League.tenant_id == model.tenant_id, League.league_id == model.league_id)
            current = current.join(League, of_league)
        current = current.join(Edition, of_edition).where(Edition.frozen_at.is_(None))
        found.append(session.scalar(current.limit(1)) is not None)
    return Beginnings(*found)


def beginnings_among(cards: Sequence[Card]) -> Beginnings | None:
    """The same of somebody's own leagues among friends; None for those who lead none that can still begin."""
    led = [card for card in cards if card.is_leading and card.phase in JOINABLE]
    if not led:
        return None
    return Beginnings(True, any(card.players > 1 for card in led), any(card.begun for card in led))


def joinable_editions(session: Session, caller: Caller) -> list[Edition]:
    """The editions in which the caller's tenant can open a league and players can join now, the newest first."""
    now = transaction_time(session)
    a_day_ago = now.replace(tzinfo=None) - timedelta(days=1)  # whatever the zone in which the wall-clock times hold
    candidates = list_editions(caller).where(
        Edition.audience.in_((EVERYONE, caller.tenant_kind)), Edition.ends_at > a_day_ago, Edition.frozen_at.is_(None)
    )
    return [
        edition
        for edition in session.scalars(candidates)
        if phase_of(edition, calendar_of(edition, caller.zone), now) in JOINABLE
    ]


def leagues_to_join(session: Session, caller: Caller) -> sa.Select[Any]:
    """The leagues that take players who come alone, have room, and are not the caller's; the fullest first.

    Rows of league, edition name, players and the most there may be.
    """
    playing = sa.and_(Player.league_id == League.league_id, Player.tenant_id == League.tenant_id)
    players = (
        sa.select(sa.func.count(Player.player_id))
        .where(playing, Player.left_at.is_(None))
        .correlate(League)
        .scalar_subquery()
    )
    mine = sa.select(Player.league_id).where(Player.person_id == caller.person_id, Player.left_at.is_(None))
    editions = [edition.edition_id for edition in joinable_editions(session, caller)]
    found: sa.Select[Any] = (
        sa.select(League, Edition.name, players.label("players"), Edition.max_players)
        .join(Edition, sa.and_(Edition.tenant_id == League.edition_tenant_id, Edition.edition_id == League.edition_id))
        .where(
            League.is_open.is_(True),
            League.edition_id.in_(editions),
            League.league_id.not_in(mine),
            players < Edition.max_players,
        )
        .order_by(players.desc(), League.name, League.league_id)
    )
    return found


def players_with_counts(league: League) -> sa.Select[Any]:
    """The players of a league by name, each with how many completions count: who has not begun is seen at once."""
    counted = (
        sa.select(Completion.player_id, sa.func.count().label("completions"))
        .where(Completion.league_id == league.league_id, Completion.withdrawn_at.is_(None))
        .group_by(Completion.player_id)
        .subquery()
    )
    found: Any = (
        sa.select(Player, sa.func.coalesce(counted.c.completions, 0))
        .outerjoin(counted, counted.c.player_id == Player.player_id)
        .where(Player.league_id == league.league_id, Player.left_at.is_(None))
        .order_by(Player.display_name, Player.player_id)
    )
    return found  # type: ignore[no-any-return]
