"""Editions: when one is played, and in which phase it is."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.leagues.errors import (
    DatesFixed,
    DatesImpossible,
    EditionNotOpen,
    EditionOver,
    LimitsImpossible,
    PhaseImpossible,
)
from services.leagues.models import Edition, League, Tenant
from shared.auth import ADMINISTRATOR, OPERATOR, Caller
from shared.clock import at_wall_clock, local_day, transaction_time
from shared.contracts import EditionFrozen, EditionRevealed, EditionScheduled, LeagueCreated
from shared.database import new_id
from shared.errors import Forbidden, Invalid, NotFound, Word, message, words
from shared.outbox import emit

DRAFT, REGISTRATION, RUNNING, GRACE = "draft", "registration", "running", "grace"
FROZEN, REVEALED, ARCHIVED = "frozen", "revealed", "archived"
PHASES = (DRAFT, REGISTRATION, RUNNING, GRACE, FROZEN, REVEALED, ARCHIVED)
USUAL = timedelta(weeks=3)
LONGEST = timedelta(days=366)
A_YEAR = timedelta(weeks=52)
"""From an edition to the next one, on the same weekday."""


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """An edition's moments as one tenant's zone lives them, in UTC, and its first and last day."""

    zone: str
    starts_at: datetime
    ends_at: datetime
    heads_frozen_at: datetime
    grace_ends_at: datetime
    first_day: date
    last_day: date


def calendar_of(edition: Edition, zone: str) -> Calendar:
    """The edition's calendar in a zone: « Monday 9:00 » is 9:00 in Paris and 9:00 in Saint-Denis."""
    return Calendar(
        zone=zone,
        starts_at=at_wall_clock(edition.starts_at, zone),
        ends_at=at_wall_clock(edition.ends_at, zone),
        heads_frozen_at=at_wall_clock(edition.registration_ends_at, zone),
        grace_ends_at=at_wall_clock(edition.ends_at + timedelta(days=edition.grace_days), zone),
        first_day=edition.starts_at.date(),
        last_day=(edition.ends_at - timedelta(microseconds=1)).date(),  # one that ends at midnight ends the day before
    )


def phase_of(edition: Edition, calendar: Calendar, now: datetime) -> str:
    """The phase at a moment. Time alone brings it from registration to frozen; people publish, reveal and archive."""
    for phase, reached_at in (
        (ARCHIVED, edition.archived_at),
        (REVEALED, edition.revealed_at),
        (FROZEN, edition.frozen_at),
    ):
        if reached_at is not None:
            return phase
    if edition.published_at is None:
        return DRAFT
    for phase, until in (
        (REGISTRATION, calendar.starts_at),
        (RUNNING, calendar.ends_at),
        (GRACE, calendar.grace_ends_at),
    ):
        if now < until:
            return phase
    return FROZEN


def require_phase(edition: Edition, calendar: Calendar, now: datetime, *allowed: str) -> str:
    """The phase, when it is one of those allowed. Raises EditionNotOpen otherwise."""
    phase = phase_of(edition, calendar, now)
    if phase not in allowed:
        raise EditionNotOpen(phase=Word(phase), allowed=words(allowed))
    return phase


def open_edition(session: Session, caller: Caller, facts: dict[str, Any]) -> Edition:
    """Creates a draft in the caller's tenant. `is_open` invites other tenants: the operators' alone.

    Raises Forbidden for an open edition of anybody else, DatesImpossible, LimitsImpossible.
    """
    is_open = facts.pop("is_open", False)
    if is_open and not caller.has_role(OPERATOR):
        raise Forbidden
    weeks = facts.pop("weeks", None)
    facts.setdefault("ends_at", facts["starts_at"] + (timedelta(weeks=weeks) if weeks else USUAL))
    facts.setdefault("registration_ends_at", facts["starts_at"])
    edition = Edition(
        tenant_id=caller.tenant_id,
        edition_id=new_id(),
        zone=caller.zone,
        **facts,
        is_public=is_open,
        revision=1,
    )
    _check_dates(edition)
    session.add(edition)
    session.flush()
    return edition


def _check_dates(edition: Edition) -> None:
    is_possible = (
        edition.starts_at < edition.ends_at <= edition.starts_at + LONGEST
        and edition.registration_ends_at <= edition.ends_at
    )
    if not is_possible:
        raise DatesImpossible(fields={"ends_at": [message("After the start, and at most 366 days later.")]})
    if edition.min_players > edition.max_players:
        raise LimitsImpossible


def find_edition(session: Session, edition_id: UUID) -> Edition:
    """An edition of the tenant, or an open one of another. Raises NotFound."""
    edition = session.scalar(sa.select(Edition).where(Edition.edition_id == edition_id))
    if edition is None:
        raise NotFound
    return edition


def find_visible_edition(session: Session, caller: Caller | None, edition_id: UUID) -> Edition:
    """Like find_edition, also for anonymous callers; a draft is seen by those who may change it only."""
    edition = find_edition(session, edition_id)
    if edition.published_at is None and (caller is None or not may_change(caller, edition)):
        raise NotFound
    return edition


def list_editions(caller: Caller) -> sa.Select[Edition]:
    """The editions the caller may see, newest first."""
    editions = sa.select(Edition).order_by(Edition.starts_at.desc(), Edition.edition_id)
    if caller.has_role(ADMINISTRATOR, OPERATOR):
        return editions.where(sa.or_(Edition.published_at.is_not(None), Edition.tenant_id == caller.tenant_id))
    return editions.where(Edition.published_at.is_not(None))


def may_change(caller: Caller, edition: Edition) -> bool:
    """An edition is changed by the administrators of its tenant; the platform's by operators."""
    return caller.tenant_id == edition.tenant_id and caller.has_role(ADMINISTRATOR, OPERATOR)


def find_own_edition(session: Session, caller: Caller, edition_id: UUID) -> Edition:
    """An edition the caller may change, locked. Raises NotFound, or Forbidden for an open edition of another tenant."""
    edition = find_visible_edition(session, caller, edition_id)
    if not may_change(caller, edition):
        raise Forbidden
    session.refresh(edition, with_for_update=True)
    return edition


def reschedule_edition(session: Session, edition: Edition, changes: dict[str, Any]) -> Edition:
    """Changes name, dates or limits. Raises DatesFixed, DatesImpossible, LimitsImpossible.

    Once the edition runs, the name alone may change; so it is for an open edition from its publication, since other
    tenants have planned with its dates.
    """
    changed = {name: value for name, value in changes.items() if getattr(edition, name) != value}
    if set(changed) - {"name"} and not may_move(session, edition):
        raise DatesFixed
    for name, value in changed.items():
        setattr(edition, name, value)
    _check_dates(edition)
    if changed and edition.published_at is not None:  # nobody has heard of a draft
        edition.revision += 1
        emit(session, edition_scheduled(edition), tenant_id=edition.tenant_id)
        _tell_leagues(session, edition)
    return edition


def _require_still_to_begin(session: Session, edition: Edition, starts_at: datetime) -> None:
    """Raises Invalid: moved into the past it would begin at once, and its dates could not be moved back."""
    if at_wall_clock(starts_at, edition.zone) <= transaction_time(session):
        raise Invalid(fields={"starts_at": [message("This moment has passed: a published edition begins later.")]})


def change_edition(session: Session, edition: Edition, typed: dict[str, Any]) -> Edition:
    """What a form says of an edition. Raises like `reschedule_edition`.

    Raises Invalid besides, for a published edition that would begin in the past. An end left empty is three weeks after
    the start, one left as it was moves with the start; so does a head count that is frozen at the start.
    """
    changes = dict(typed)
    if "starts_at" in changes:
        changes.setdefault("ends_at", changes["starts_at"] + USUAL)
        shown = edition.ends_at.replace(second=0, microsecond=0)
        if changes["ends_at"] == shown:
            changes["ends_at"] += changes["starts_at"] - edition.starts_at
        if edition.registration_ends_at == edition.starts_at:
            changes["registration_ends_at"] = changes["starts_at"]
        if changes["starts_at"] != edition.starts_at and edition.published_at is not None:
            _require_still_to_begin(session, edition, changes["starts_at"])
    return reschedule_edition(session, edition, changes)


def may_move(session: Session, edition: Edition) -> bool:
    """Whether its dates and limits may still change."""
    phase = phase_of(edition, calendar_of(edition, edition.zone), transaction_time(session))
    return phase == DRAFT or (phase == REGISTRATION and not edition.is_public)


def _tell_leagues(session: Session, edition: Edition) -> None:
    """The moment a league's heads are frozen moves with its edition."""
    leagues = sa.select(League).where(League.edition_id == edition.edition_id)
    # Locked: two changes of a league at once would give two facts the same revision.
    for league in session.scalars(leagues.order_by(League.league_id).with_for_update()):
        league.revision += 1
        tell_league(session, league, edition)


def tell_league(session: Session, league: League, edition: Edition) -> None:
    """Emits the facts of a league."""
    emit(session, league_created(league, edition, session.get_one(Tenant, league.tenant_id).name))


def league_created(league: League, edition: Edition, tenant_name: str) -> LeagueCreated:
    """The facts of a league as they are now."""
    return LeagueCreated(
        league_id=league.league_id,
        edition_id=league.edition_id,
        edition_tenant_id=league.edition_tenant_id,
        name=league.name,
        tenant_name=tenant_name,
        age_band=league.age_band,
        heads_frozen_at=calendar_of(edition, league.zone).heads_frozen_at,
        revision=league.revision,
    )


def publish_edition(session: Session, edition: Edition) -> None:
    """Opens registration."""
    edition.published_at = transaction_time(session)
    emit(session, edition_scheduled(edition), tenant_id=edition.tenant_id)


def edition_scheduled(edition: Edition) -> EditionScheduled:
    """The facts of an edition as they are now."""
    calendar = calendar_of(edition, edition.zone)
    return EditionScheduled(
        edition_id=edition.edition_id,
        name=edition.name,
        audience=edition.audience,
        is_open=edition.is_public,
        starts_at=calendar.starts_at,
        ends_at=calendar.ends_at,
        heads_frozen_at=calendar.heads_frozen_at,
        revision=edition.revision,
    )


def require_to_come(session: Session, edition: Edition) -> None:
    """Raises EditionOver for a draft whose end has passed: published, it would be over at once, and for good."""
    is_over = calendar_of(edition, edition.zone).ends_at <= transaction_time(session)
    if edition.published_at is None and is_over:
        raise EditionOver(ends_at=edition.ends_at)


def next_monday(now: datetime, zone: str) -> datetime:
    """When an edition may well begin: nine o'clock on the clock of a zone, on the first Monday after today."""
    today = local_day(now, zone)
    return datetime.combine(today + timedelta(days=7 - today.weekday()), time(9))


def move_to_phase(session: Session, edition: Edition, wanted: str) -> Edition:
    """Publishes, freezes, reveals or archives. Asking for the phase it is in changes nothing.

    Raises PhaseImpossible for any other step: nobody can skip or go back.
    """
    now = transaction_time(session)
    phase = phase_of(edition, calendar_of(edition, edition.zone), now)
    if phase == wanted and not (wanted == FROZEN and edition.frozen_at is None):
        return edition
    if (phase, wanted) == (DRAFT, REGISTRATION):
        publish_edition(session, edition)
    elif wanted == FROZEN and phase in (GRACE, FROZEN):
        freeze_edition(session, edition)
    elif (phase, wanted) == (FROZEN, REVEALED):
        if edition.frozen_at is None:
            freeze_edition(session, edition)
        edition.revealed_at = now
        emit(session, EditionRevealed(edition_id=edition.edition_id, at=now), tenant_id=edition.tenant_id)
    elif (phase, wanted) == (REVEALED, ARCHIVED):
        edition.archived_at = now
    else:
        raise PhaseImpossible(phase=Word(phase), wanted=Word(wanted))
    return edition


def freeze_edition(session: Session, edition: Edition) -> None:
    """Makes the public boards stand still."""
    edition.frozen_at = transaction_time(session)
    emit(session, EditionFrozen(edition_id=edition.edition_id, at=edition.frozen_at), tenant_id=edition.tenant_id)


def freeze_what_is_over(session: Session) -> int:
    """Freezes the editions whose grace has ended in every zone that takes part; returns how many. Across tenants."""
    now = transaction_time(session)
    earliest_end = now.replace(tzinfo=None) + timedelta(hours=14)  # no zone is further ahead of UTC
    over = 0
    for edition in session.scalars(
        sa.select(Edition)
        .where(Edition.published_at.is_not(None), Edition.frozen_at.is_(None), Edition.ends_at < earliest_end)
        .order_by(Edition.edition_id)
        .with_for_update()  # the clocks of two workers freeze it once
    ).all():
        zones = set(session.scalars(sa.select(League.zone).where(League.edition_id == edition.edition_id).distinct()))
        if all(calendar_of(edition, zone).grace_ends_at <= now for zone in zones | {edition.zone}):
            freeze_edition(session, edition)
            over += 1
    return over


def today_in(calendar: Calendar, now: datetime) -> date:
    """The day it is in the calendar's zone."""
    return local_day(now, calendar.zone)


def clone_edition(session: Session, caller: Caller, source: Edition, facts: dict[str, Any]) -> Edition:
    """Last year's edition again: same length, audience and limits, from a new start. Raises like open_edition."""
    length = source.ends_at - source.starts_at
    registration = source.registration_ends_at - source.starts_at
    starts_at: datetime = facts["starts_at"]
    return open_edition(
        session,
        caller,
        {
            "name": facts["name"],
            "audience": source.audience,
            "is_open": source.is_public and caller.has_role(OPERATOR),
            "starts_at": starts_at,
            "ends_at": starts_at + length,
            "registration_ends_at": starts_at + registration,
            "grace_days": source.grace_days,
            "min_players": source.min_players,
            "max_players": source.max_players,
        },
    )
