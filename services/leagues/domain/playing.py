"""What a player's day shows: where they stand in a league, the challenges on offer, what was done of each."""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.leagues.domain.completions import phases_to_withdraw
from services.leagues.domain.editions import GRACE, RUNNING, Calendar, calendar_of, phase_of, today_in
from services.leagues.domain.leagues import is_own_player, witnesses
from services.leagues.domain.recording import INDIVIDUAL, period_of
from services.leagues.models import Challenge, Completion, Edition, Leader, League, Player
from shared.auth import ADMINISTRATOR, Caller
from shared.clock import transaction_time
from shared.errors import NotFound

EASY_POINTS = 3
"""A challenge of no more points is one to begin with."""


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A challenge as it is offered to a league, and how often a player has done it in the period that runs."""

    challenge_id: UUID
    title: str
    summary: str = ""
    """What one does, in a few plain words; empty where no event has said it."""
    category: str
    kind: str
    tiers: dict[str, int]
    labels: dict[str, str]
    """What each tier is, in the reader's language; empty for a plain challenge."""
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
    is_witness: bool
    """Whether the reader may see who did what; HR of a company sees participation alone."""

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
        is_witness=witnesses(caller, plays=player is not None, leads=leader is not None),
    )


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
        Challenge.summaries,
        Challenge.category,
        Challenge.kind,
        Challenge.tiers,
        Challenge.tier_labels,
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
            title=_in_language(row.titles, language),
            summary=_in_language(row.summaries, language) if row.summaries else "",
            category=row.category,
            kind=row.kind,
            tiers=row.tiers,
            labels={tier: _in_language(texts, language) for tier, texts in row.tier_labels.items()},
            times=row.times,
            per=row.per,
            done=done[row.challenge_id, period_of(row.per, place.today)],
        )
        for row in rows
        if caller.tenant_kind in row.audiences and (band is None or band in row.age_bands)
    ]
    return sorted(found, key=lambda offer: (offer.is_malus, offer.category, offer.title))


def title_of(session: Session, challenge_id: UUID, language: str) -> str:
    """What a challenge is called; empty as long as its event has not arrived."""
    titles = session.scalar(sa.select(Challenge.titles).where(Challenge.challenge_id == challenge_id))
    return _in_language(titles, language) if titles else ""


def _in_language(texts: dict[str, str], language: str) -> str:
    return texts.get(language) or next(iter(texts.values()))


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
    """What the reader's day has brought so far; None where it is the only act, of another day, or somebody else's."""
    if place.player is None or completion.day != place.today or not place.is_own(completion):
        return None
    summed = sa.select(sa.func.sum(Completion.points), sa.func.count()).where(*_on_day(place.player, place.today))
    points, acts = session.execute(summed.select_from(Completion)).one()
    return int(points) if acts > 1 else None


def _on_day(player: Player, day: date) -> tuple[Any, ...]:
    """The completions of a player, or their team, that count on a day."""
    return (
        Completion.tenant_id == player.tenant_id,
        Completion.subject_id.in_((player.player_id, player.team_id)),
        Completion.day == day,
        Completion.withdrawn_at.is_(None),
    )
