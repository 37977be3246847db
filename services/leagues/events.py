"""What leagues does when something happened elsewhere: it keeps its copies of tenants, people and challenges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from services.leagues.domain.leagues import relieve_departed_leaders, replace_departed_leader
from services.leagues.domain.players import forget_person
from services.leagues.models import Challenge, Person, Tenant
from shared.auth import ACCESS_HANDLERS, ADMINISTRATOR
from shared.consumer import Received, merge_handlers
from shared.contracts import (
    ChallengePublished,
    ChallengeRetired,
    PersonJoined,
    PersonLeft,
    PersonResumed,
    PersonSuspended,
    TenantFounded,
)
from shared.tenancy import PLATFORM_TENANT_ID
from shared.words import searchable


def copy_tenants(session: Session, events: Sequence[Received[TenantFounded]]) -> None:
    """Keeps the newest facts of each tenant."""
    for event in events:
        known = session.get(Tenant, event.tenant_id)
        if known is None or event.data.revision > known.revision:
            facts = {"kind": event.data.kind, "name": event.data.name, "zone": event.data.zone}
            session.merge(Tenant(tenant_id=event.tenant_id, revision=event.data.revision, **facts))


def copy_people(session: Session, events: Sequence[Received[PersonJoined]]) -> None:
    """Keeps the newest facts of each person."""
    for event in events:
        person = _person(session, event)
        if event.data.revision > person.revision:
            person.display_name = event.data.display_name
            person.roles = list(event.data.roles)
            person.revision = event.data.revision
            _take_over(session, person)


def note_departures(session: Session, events: Sequence[Received[PersonSuspended | PersonLeft]]) -> None:
    """The person is no longer active, and leads nothing any more."""
    for event in events:
        if _set_active(session, event, False):
            replace_departed_leader(session, event.tenant_id, event.data.person_id)


def let_go(session: Session, events: Sequence[Received[PersonLeft]]) -> None:
    """The person plays nowhere any more, and their name is forgotten; the points stay where they were won."""
    note_departures(session, events)
    for event in events:
        person = _person(session, event)
        person.display_name, person.revision = "", max(person.revision, event.data.revision)
        forget_person(session, event.tenant_id, event.data.person_id)


def note_returns(session: Session, events: Sequence[Received[PersonResumed]]) -> None:
    """The person is active again."""
    for event in events:
        if _set_active(session, event, True):
            _take_over(session, _person(session, event))


def _take_over(session: Session, person: Person) -> None:
    """An administrator who arrives takes over the leagues whose leaders left while there was none."""
    if person.is_active and ADMINISTRATOR in person.roles:
        relieve_departed_leaders(session, person.tenant_id)


def _set_active(session: Session, event: Received[Any], is_active: bool) -> bool:
    person = _person(session, event)
    is_newer = bool(event.data.revision > person.activity_revision)
    if is_newer:
        person.is_active = is_active
        person.activity_revision = event.data.revision
    return is_newer


def _person(session: Session, event: Received[Any]) -> Person:
    person = session.get(Person, (event.tenant_id, event.data.person_id))
    if person is None:
        person = Person(
            tenant_id=event.tenant_id,
            person_id=event.data.person_id,
            display_name="",
            roles=[],
            revision=0,
            is_active=True,
            activity_revision=0,
        )
        session.add(person)
    return person


def copy_challenges(session: Session, events: Sequence[Received[ChallengePublished]]) -> None:
    """Keeps the newest version of each challenge; the platform's are everybody's."""
    for event in events:
        challenge = _challenge(session, event)
        fact = event.data
        labels = {tier.tier: dict(tier.labels) for tier in fact.tiers if tier.labels}
        words = {name: searchable(text) for name, text in fact.words.items()}
        told = {"tier_labels": labels, "summaries": dict(fact.summaries), "words": words}
        if fact.version == challenge.version:
            told = {name: value for name, value in told.items() if value}  # what older events of it did not say
        if fact.version >= challenge.version:
            for name, value in told.items():
                setattr(challenge, name, value)
        if fact.version > challenge.version:
            challenge.version = fact.version
            challenge.kind = fact.kind
            challenge.category = fact.category
            challenge.tiers = {tier.tier: tier.points for tier in fact.tiers}
            challenge.audiences = list(fact.audiences)
            challenge.age_bands = list(fact.age_bands)
            challenge.times = fact.times
            challenge.per = fact.per
            challenge.impact = msgspec.to_builtins(fact.impact) if fact.impact else {}
            challenge.titles = dict(fact.titles)


def retire_challenges(session: Session, events: Sequence[Received[ChallengeRetired]]) -> None:
    """Offers the challenge no more."""
    for event in events:
        challenge = _challenge(session, event)
        challenge.retired_version = max(challenge.retired_version, event.data.version)


def _challenge(session: Session, event: Received[Any]) -> Challenge:
    challenge = session.get(Challenge, (event.tenant_id, event.data.challenge_id))
    if challenge is None:
        challenge = Challenge(
            tenant_id=event.tenant_id,
            challenge_id=event.data.challenge_id,
            version=0,
            kind="individual",
            category="",
            tiers={},
            audiences=[],
            age_bands=[],
            times=1,
            per="edition",
            impact={},
            titles={},
            retired_version=0,
            is_public=event.tenant_id == PLATFORM_TENANT_ID,
        )
        session.add(challenge)
    return challenge


HANDLERS = merge_handlers(
    ACCESS_HANDLERS,
    {
        TenantFounded: copy_tenants,
        PersonJoined: copy_people,
        PersonSuspended: note_departures,
        PersonLeft: let_go,
        PersonResumed: note_returns,
        ChallengePublished: copy_challenges,
        ChallengeRetired: retire_challenges,
    },
)
