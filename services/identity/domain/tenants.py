"""Tenants: founded, changed, suspended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.identity.domain import audit
from services.identity.domain.gate import enter_tenant
from services.identity.domain.passwords import hash_password
from services.identity.domain.people import insert_person
from services.identity.errors import PlatformStaysOpen
from services.identity.models import Person, Tenant
from shared.auth import ADMINISTRATOR, EVERYBODY, ROLES, set_suspended
from shared.clock import transaction_time
from shared.contracts import TenantFounded, TenantResumed, TenantSuspended
from shared.database import ByName, new_id
from shared.errors import NotFound
from shared.outbox import emit
from shared.tenancy import PLATFORM_TENANT_ID


class TenantFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a tenant says of itself."""

    kind: str
    name: str
    country: str
    language: str
    zone: str


class FirstAdministrator(msgspec.Struct, frozen=True, kw_only=True):
    """Who founds a tenant."""

    display_name: str
    email: str
    password: str


def found_tenant(session: Session, facts: TenantFacts, *, tenant_id: UUID | None = None) -> Tenant:
    """A new tenant, without anybody in it yet; binds the session to it."""
    tenant = Tenant(
        tenant_id=tenant_id or new_id(),
        is_suspended=False,
        revision=1,
        founded_at=transaction_time(session),
        **msgspec.structs.asdict(facts),
    )
    enter_tenant(session, tenant.tenant_id, session.info.get("actor_id"))
    session.add(tenant)
    session.flush()  # people refer to it
    emit(session, tenant_founded(tenant))
    return tenant


def found_with_administrator(
    session: Session, facts: TenantFacts, administrator: FirstAdministrator
) -> tuple[Tenant, Person]:
    """A new tenant and its first administrator. Raises WeakPassword."""
    password_hash = hash_password(  # before the first statement, so that nobody waits for our lock meanwhile
        administrator.password, administrator.display_name, administrator.email, facts.name
    )
    session.info["actor_id"] = person_id = new_id()
    tenant = found_tenant(session, facts)
    person = insert_person(
        session,
        display_name=administrator.display_name,
        roles=(ADMINISTRATOR,),
        language=facts.language,
        email=administrator.email,
        password_hash=password_hash,
        person_id=person_id,
    )
    audit.record(session, "tenant_founded", "tenant", tenant.tenant_id)
    return tenant, person


def get_tenant(session: Session, tenant_id: UUID, *, is_locked: bool = False) -> Tenant:
    """A tenant that the session may see. Raises NotFound."""
    tenant = session.get(Tenant, tenant_id, with_for_update=is_locked, populate_existing=is_locked)
    if tenant is None:
        raise NotFound
    return tenant


def tenants(**filters: Any) -> sa.Select[Tenant]:
    """The tenants by name; filters: tenant_id, kind, is_suspended, and name, which is a part of it."""
    found = sa.select(Tenant).order_by(ByName(Tenant.name), Tenant.tenant_id)
    name = filters.pop("name", None)
    if name:
        found = found.where(Tenant.name.icontains(name, autoescape=True))
    return found.filter_by(**filters)


class HeadCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many people a tenant has: all of them, those suspended, those of each role. Nobody in particular."""

    people: int
    suspended: int
    roles: dict[str, int]


def head_count(session: Session, tenant_id: UUID) -> HeadCount:
    """Counts the people of a tenant; who has two roles counts in both."""
    rows = session.execute(
        sa.select(Person.roles, Person.is_suspended, sa.func.count())
        .where(Person.tenant_id == tenant_id)
        .group_by(Person.roles, Person.is_suspended)
    ).all()
    return HeadCount(
        people=sum(count for _roles, _is_suspended, count in rows),
        suspended=sum(count for _roles, is_suspended, count in rows if is_suspended),
        roles={role: count for role in ROLES if (count := sum(count for roles, _, count in rows if role in roles))},
    )


def people_in(session: Session, tenant_ids: Iterable[UUID]) -> dict[UUID, int]:
    """How many people each of some tenants has."""
    rows = session.execute(
        sa.select(Person.tenant_id, sa.func.count().label("people"))
        .where(Person.tenant_id.in_(list(tenant_ids)))
        .group_by(Person.tenant_id)
    )
    return Counter({row.tenant_id: row.people for row in rows})


def require_suspendable(tenant_id: UUID) -> None:
    """Raises PlatformStaysOpen: nobody could reopen it."""
    if tenant_id == PLATFORM_TENANT_ID:
        raise PlatformStaysOpen


def change_tenant(session: Session, tenant: Tenant, changes: dict[str, str]) -> Tenant:
    """Another name, country, language or zone."""
    changed = {name: value for name, value in changes.items() if getattr(tenant, name) != value}
    if not changed:
        return tenant
    details = {name: {"from": getattr(tenant, name), "to": value} for name, value in changed.items()}
    for name, value in changed.items():
        setattr(tenant, name, value)
    tenant.revision += 1
    emit(session, tenant_founded(tenant))
    audit.record(session, "tenant_changed", "tenant", tenant.tenant_id, {"changed": details})
    return tenant


def suspend_tenant(session: Session, tenant_id: UUID) -> None:
    """Nobody of the tenant may sign in or act, in any service. Raises NotFound, PlatformStaysOpen."""
    require_suspendable(tenant_id)
    _set_tenant_suspended(session, tenant_id, True)


def resume_tenant(session: Session, tenant_id: UUID) -> None:
    """The tenant may act again. Raises NotFound."""
    _set_tenant_suspended(session, tenant_id, False)


def _set_tenant_suspended(session: Session, tenant_id: UUID, is_suspended: bool) -> None:
    """For the session of an operator, which is bound to no tenant: every row says whose it is."""
    tenant = get_tenant(session, tenant_id, is_locked=True)
    if tenant.is_suspended == is_suspended:
        return
    tenant.is_suspended = is_suspended
    tenant.revision += 1
    set_suspended(session, tenant_id, EVERYBODY, tenant.revision, is_suspended)
    kind = TenantSuspended if is_suspended else TenantResumed
    emit(session, kind(revision=tenant.revision), tenant_id=tenant_id)
    for reader in {tenant_id, PLATFORM_TENANT_ID}:  # in the trail of both: who was suspended, and who did it
        audit.record(
            session,
            "tenant_suspended" if is_suspended else "tenant_resumed",
            "tenant",
            tenant_id,
            tenant_id=reader,
        )


def tenant_founded(tenant: Tenant) -> TenantFounded:
    """The facts of a tenant as they are now."""
    return TenantFounded(
        kind=tenant.kind,
        name=tenant.name,
        country=tenant.country,
        language=tenant.language,
        zone=tenant.zone,
        revision=tenant.revision,
    )
