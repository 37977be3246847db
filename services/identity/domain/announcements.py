"""What identity can tell again: tenants, people, who may not act any more, and the keys that tokens are signed with.

People who left are rows of nothing but the rules about access: that they left can be told, not how they were called.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.identity.domain.keys import LONGEST_BELIEVED
from services.identity.domain.people import person_joined
from services.identity.domain.tenants import tenant_founded
from services.identity.models import Person, Tenant
from shared.announcing import Announcement, Fact
from shared.auth import EVERYBODY, AccessRule, SigningKey
from shared.contracts import (
    AccessRevoked,
    IdentityEvent,
    PersonLeft,
    PersonResumed,
    PersonSuspended,
    SigningKeyPublished,
    TenantResumed,
    TenantSuspended,
)
from shared.tenancy import PLATFORM_TENANT_ID


def _tenants(_session: Session, rows: Sequence[Any]) -> Iterator[Fact]:
    for (tenant,) in rows:
        yield Fact(tenant.tenant_id, tenant.founded_at, tenant_founded(tenant))


def _people(_session: Session, rows: Sequence[Any]) -> Iterator[Fact]:
    for (person,) in rows:
        yield Fact(person.tenant_id, person.joined_at, person_joined(person))


def _access_rules(_session: Session, rows: Sequence[Any]) -> Iterator[Fact]:
    """When somebody was suspended is not kept, and nobody asks: certainly after the tenant was founded."""
    for rule, founded_at, person_id in rows:
        if rule.suspension_revision:
            yield Fact(rule.tenant_id, founded_at, _suspension(rule, is_there=person_id is not None))
        if rule.refused_before is not None:
            session_id = None if rule.session_id == EVERYBODY else rule.session_id
            revoked = AccessRevoked(person_id=rule.person_id, session_id=session_id, before=rule.refused_before)
            yield Fact(rule.tenant_id, rule.refused_before, revoked)


def _suspension(rule: AccessRule, *, is_there: bool) -> IdentityEvent:
    revision = rule.suspension_revision
    if rule.person_id == EVERYBODY:
        return TenantSuspended(revision=revision) if rule.is_suspended else TenantResumed(revision=revision)
    if not is_there:
        return PersonLeft(person_id=rule.person_id, revision=revision)
    kind = PersonSuspended if rule.is_suspended else PersonResumed
    return kind(person_id=rule.person_id, revision=revision)


def _signing_keys(_session: Session, rows: Sequence[Any]) -> Iterator[Fact]:
    for (key,) in rows:
        event = SigningKeyPublished(key_id=key.key_id, jwk=key.jwk, expires_at=key.expires_at)
        yield Fact(PLATFORM_TENANT_ID, key.expires_at - LONGEST_BELIEVED, event)


ANNOUNCEMENTS = (
    Announcement(name="tenants", key=(Tenant.tenant_id,), rows=sa.select(Tenant), facts=_tenants),
    Announcement(name="people", key=(Person.tenant_id, Person.person_id), rows=sa.select(Person), facts=_people),
    Announcement(
        name="access rules",
        key=(AccessRule.tenant_id, AccessRule.person_id, AccessRule.session_id),
        rows=sa.select(AccessRule, Tenant.founded_at, Person.person_id)
        .join(Tenant, Tenant.tenant_id == AccessRule.tenant_id)
        .outerjoin(Person, sa.and_(Person.tenant_id == AccessRule.tenant_id, Person.person_id == AccessRule.person_id)),
        facts=_access_rules,
    ),
    Announcement(
        name="signing keys",
        key=(SigningKey.key_id,),
        rows=sa.select(SigningKey),
        facts=_signing_keys,
        owner=PLATFORM_TENANT_ID,
    ),
)
