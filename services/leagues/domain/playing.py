"""What a player's day shows: the challenges on offer, what was done of each, the leagues one belongs to."""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.leagues.domain.completions import phases_to_withdraw
from services.leagues.domain.editions import GRACE, RUNNING, Calendar, calendar_of, list_editions, phase_of, today_in
from services.leagues.domain.leagues import JOINABLE, is_own_player
from services.leagues.domain.recording import INDIVIDUAL, period_of
from services.leagues.models import EVERYONE, Challenge, Completion, Edition, Leader, League, Player
from shared.auth import ADMINISTRATOR, Caller
from shared.clock import transaction_time
from shared.errors import NotFound

EASY_POINTS = 3
"""A challenge of no more points is one to begin with."""


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A challenge as it is offered to a league, and how often a player has done it in the period that runs."""

    challenge_id: UUID
    title: str
    category: str
    kind: str
    tiers: dict[str, int]
    times: int
    per: str
    done: int = 0

    @property
    def is_malus(self) -> bool:
        """Whether it takes points away."""
        return min(self.tiers.values()) < 0

    @property
    def is_used_up(self) -> bool:
        """Whether it has been done as often as it counts."""
        return self.done >= self.times


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A league as one reader stands in it."""

    league: League
    edition: Edition
    calendar: Calendar
    phase: str
    today: date
    person_id: UUID
    player: Player | None
    is_leader: bool

    def is_own(self, completion: Completion) -> bool:
        """What `completions.is_own` says of a completion of this league, without asking the database."""
        if completion.player_id is None:
            return completion.author_id == self.person_id
        return self.player is not None and completion.player_id == self.player.player_id

    @property
    def is_open(self) -> bool:
        """Whether completions can be recorded now."""
        return self.phase in (RUNNING, GRACE)

    @property
    def last_day(self) -> date:
        """The last day that may be recorded now."""
        return min(self.today, self.calendar.last_day)


def place_in(session: Session, caller: Caller, league: League) -> Place:
    """Where the caller stands in a league, and when it is; one question."""
    leads_it = sa.and_(Leader.league_id == league.league_id, Leader.person_id == caller.person_id)
    edition, player, leader = session.execute(
        sa.select(Edition, Player, Leader)
        .select_from(Edition)
        .outerjoin(Player, is_own_player(caller, league))
        .outerjoin(Leader, leads_it)
        .where(Edition.tenant_id == league.edition_tenant_id, Edition.edition_id == league.edition_id)
    ).one()
    calendar = calendar_of(edition, league.zone)
    now = transaction_time(session)
    return Place(
        league=league,
        edition=edition,
        calendar=calendar,
        phase=phase_of(edition, calendar, now),
        today=today_in(calendar, now),
        person_id=caller.person_id,
        player=player,
        is_leader=leader is not None or caller.has_role(ADMINISTRATOR),
    )


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
    found: Any = (
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
    return found  # type: ignore[no-any-return]


def may_take_back(place: Place, completion: Completion) -> bool:
    """Whether the reader can withdraw a completion of the league now; what `withdraw_completion` would let pass."""
    if completion.is_withdrawn or place.phase not in phases_to_withdraw(is_leader=place.is_leader):
        return False
    return place.is_leader or place.is_own(completion)


def offers(
    session: Session, caller: Caller, place: Place, language: str, player: Player | None, *, only: UUID | None = None
) -> list[Offer]:
    """The challenges that count in a league, bonus first, by category and title; with what a player did of them.

    `only`: that one alone, where it is among them.
    """
    columns = (
        Challenge.challenge_id,
        Challenge.titles,
        Challenge.category,
        Challenge.kind,
        Challenge.tiers,
        Challenge.times,
        Challenge.per,
        Challenge.audiences,
        Challenge.age_bands,
    )
    played = sa.select(*columns).where(Challenge.retired_version < Challenge.version)
    rows = session.execute(played if only is None else played.where(Challenge.challenge_id == only)).all()
    done = _done(session, player, place.today) if player is not None else Counter[tuple[UUID, str]]()
    band = place.league.age_band
    found = [
        Offer(
            challenge_id=row.challenge_id,
            title=row.titles.get(language) or next(iter(row.titles.values())),
            category=row.category,
            kind=row.kind,
            tiers=row.tiers,
            times=row.times,
            per=row.per,
            done=done[row.challenge_id, period_of(row.per, place.today)],
        )
        for row in rows
        if caller.tenant_kind in row.audiences and (band is None or band in row.age_bands)
    ]
    return sorted(found, key=lambda offer: (offer.is_malus, offer.category, offer.title))


def _done(session: Session, player: Player, today: date) -> Counter[tuple[UUID, str]]:
    """How often each challenge was done by a player, or their team, in the periods that run today."""
    periods = [period_of(per, today) for per in ("day", "week", "edition")]
    counted = sa.select(Completion.challenge_id, Completion.period, sa.func.count().label("times")).where(
        Completion.tenant_id == player.tenant_id,
        Completion.subject_id.in_((player.player_id, player.team_id)),
        Completion.period.in_(periods),
        Completion.slot.is_not(None),
    )
    rows = session.execute(counted.group_by(Completion.challenge_id, Completion.period))
    return Counter({(row.challenge_id, row.period): row.times for row in rows})


def offer_of(session: Session, caller: Caller, place: Place, language: str, challenge_id: UUID) -> Offer:
    """One of the challenges on offer in a league. Raises NotFound."""
    found = offers(session, caller, place, language, place.player, only=challenge_id)
    if not found:
        raise NotFound
    return found[0]


def suggested(offered: Sequence[Offer], player: Player | None, today: date, count: int = 6) -> list[Offer]:
    """Some to do today: not done yet, easy ones first, one of each category before a second; others every day."""
    seed = zlib.crc32(f"{player.player_id if player else ''}{today}".encode())
    open_ones = [offer for offer in offered if not offer.is_malus and offer.done == 0 and offer.kind == INDIVIDUAL]
    by_category: dict[str, list[Offer]] = defaultdict(list)
    for offer in sorted(open_ones, key=lambda offer: (min(offer.tiers.values()) > EASY_POINTS, _draw(seed, offer))):
        by_category[offer.category].append(offer)
    rounds = sorted(
        ((turn, _draw(seed, offer), offer) for many in by_category.values() for turn, offer in enumerate(many)),
        key=lambda drawn: drawn[:2],
    )
    return [offer for _turn, _drawn, offer in rounds[:count]]


def _draw(seed: int, offer: Offer) -> int:
    """A number that looks like chance, and is the same all day for the same player."""
    return zlib.crc32(offer.challenge_id.bytes, seed)


def done_on(player: Player, day: date) -> sa.Select[Any]:
    """What a player, or their team by them, did on a day, the newest first; with the titles."""
    return (
        sa.select(Completion, Challenge.titles)
        .outerjoin(Challenge, Challenge.challenge_id == Completion.challenge_id)
        .where(*_on_day(player, day))
        .order_by(Completion.recorded_at.desc())
        .limit(20)
    )


def points_today(session: Session, place: Place, completion: Completion) -> int | None:
    """What the reader's day has brought so far; None where the completion is of another day, or somebody else's."""
    if place.player is None or completion.day != place.today or not place.is_own(completion):
        return None
    return session.scalar(sa.select(sa.func.sum(Completion.points)).where(*_on_day(place.player, place.today)))


def _on_day(player: Player, day: date) -> tuple[Any, ...]:
    """The completions of a player, or their team, that count on a day."""
    return (
        Completion.tenant_id == player.tenant_id,
        Completion.subject_id.in_((player.player_id, player.team_id)),
        Completion.day == day,
        Completion.withdrawn_at.is_(None),
    )


class Beginnings(msgspec.Struct, frozen=True):
    """How far a tenant has come: is there a league, does somebody play, has something been recorded?"""

    has_leagues: bool
    has_players: bool
    has_completions: bool


def beginnings(session: Session) -> Beginnings:
    """What the tenant of the session has done of what there is to do before play begins."""
    asked = (sa.exists(sa.select(model.tenant_id)) for model in (League, Player, Completion))
    return Beginnings(*(bool(session.scalar(sa.select(one))) for one in asked))


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
    """The leagues of one page of a list, in the order given; five questions whatever their number."""
    ids = [league.league_id for league in leagues]
    editions = {
        edition.edition_id: edition
        for edition in session.scalars(
            sa.select(Edition).where(Edition.edition_id.in_({league.edition_id for league in leagues}))
        )
    }
    playing = sa.and_(Player.league_id.in_(ids), Player.left_at.is_(None))
    players = _counted(session, sa.select(Player.league_id, sa.func.count()).where(playing), Player.league_id)
    begun = _counted(
        session,
        sa.select(Completion.league_id, sa.func.count(sa.distinct(Completion.player_id))).where(
            Completion.league_id.in_(ids), Completion.withdrawn_at.is_(None)
        ),
        Completion.league_id,
    )
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
            players=players.get(league.league_id, 0),
            begun=begun.get(league.league_id, 0),
            is_playing=league.league_id in mine,
            is_leading=league.league_id in led,
        )
        for league in leagues
    ]


def _counted(session: Session, statement: Any, by: Any) -> dict[UUID, int]:
    return {row[0]: row[1] for row in session.execute(statement.group_by(by))}


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
