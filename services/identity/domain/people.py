"""People: who belongs to a tenant, with which roles."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.identity.domain import audit
from services.identity.domain.access import revoke_access
from services.identity.domain.gate import enter_tenant, own_tenant_id
from services.identity.domain.passwords import hash_password
from services.identity.errors import EmailTaken, LastAdministrator, OperatorsByCommandLine
from services.identity.models import Person, SignInName, Tenant
from shared.auth import ADMINISTRATOR, OPERATOR, ORGANISER, PLAYER, PUPIL, ROLES, set_suspended
from shared.clock import transaction_time
from shared.contracts import PersonJoined, PersonLeft, PersonResumed, PersonSuspended
from shared.database import ByName, insert_new, new_id
from shared.errors import NotFound
from shared.outbox import emit
from shared.tenancy import COMMUNITY_TENANT_ID, PLATFORM_TENANT_ID

GRANTABLE = (ADMINISTRATOR, ORGANISER, PLAYER, PUPIL)
"""The roles that an administrator may give: none above their own."""


def normalise_email(email: str) -> str:
    """What makes two ways of writing an address the same account."""
    return email.casefold()


def add_person(
    session: Session,
    *,
    display_name: str,
    roles: Iterable[str],
    language: str,
    email: str | None = None,
    password: str | None = None,
    person_id: UUID | None = None,
) -> Person:
    """Adds somebody to the session's tenant. Without a password nothing is hashed, and nobody signs in by one.

    Raises EmailTaken, WeakPassword.
    """
    password_hash = hash_password(password, display_name, email) if password is not None else None
    return insert_person(
        session,
        display_name=display_name,
        roles=roles,
        language=language,
        email=email,
        password_hash=password_hash,
        person_id=person_id,
    )


def insert_person(
    session: Session,
    *,
    display_name: str,
    roles: Iterable[str],
    language: str,
    email: str | None,
    password_hash: str | None,
    person_id: UUID | None = None,
) -> Person:
    """`add_person` for a caller that hashed the password before the transaction began to hold a lock."""
    person = Person(
        tenant_id=own_tenant_id(session),
        person_id=person_id or new_id(),
        display_name=display_name,
        email=email,
        email_normalised=normalise_email(email) if email else None,
        language=language,
        is_suspended=False,
        revision=1,
        joined_at=transaction_time(session),
    )
    _set_roles(person, roles)
    if person.email_normalised:
        _take_email(session, person, password_hash)
    session.add(person)
    emit(session, person_joined(person))
    return person


def sign_up_player(session: Session, *, display_name: str, email: str, password: str, language: str) -> Person:
    """Joins the community, which is open to all, as a player. Raises EmailTaken, WeakPassword."""
    person_id = new_id()
    enter_tenant(session, COMMUNITY_TENANT_ID, person_id)
    return add_person(
        session,
        display_name=display_name,
        roles=(PLAYER,),
        language=language,
        email=email,
        password=password,
        person_id=person_id,
    )


def create_operator(session: Session, *, email: str, password: str, display_name: str, language: str = "fr") -> Person:
    """Adds an operator to the platform, which they also administer. Raises EmailTaken, WeakPassword."""
    enter_tenant(session, PLATFORM_TENANT_ID)
    person = add_person(
        session,
        display_name=display_name,
        roles=(OPERATOR, ADMINISTRATOR),
        language=language,
        email=email,
        password=password,
    )
    audit.record(session, "operator_created", "person", person.person_id)
    return person


def get_person(session: Session, person_id: UUID, *, is_locked: bool = False) -> Person:
    """A person of the session's tenant. `is_locked` for one that is about to be changed. Raises NotFound.

    Locked, they are as they are now, even when the session has read them before.
    """
    key = (own_tenant_id(session), person_id)
    person = session.get(Person, key, with_for_update=is_locked, populate_existing=is_locked)
    if person is None:
        raise NotFound
    return person


def people(*, name: str | None = None, is_suspended: bool | None = None) -> sa.Select[Person]:
    """The people of the tenant by name; `name` is a part of it."""
    found = sa.select(Person).order_by(ByName(Person.display_name), Person.person_id)
    if name:
        found = found.where(Person.display_name.icontains(name, autoescape=True))
    if is_suspended is not None:
        found = found.where(Person.is_suspended.is_(is_suspended))
    return found


def change_person(session: Session, person: Person, changes: dict[str, Any]) -> Person:
    """Gives a person another name, language or other roles. Other roles end the tokens that carry the old ones.

    Raises LastAdministrator, OperatorsByCommandLine.
    """
    before = {name: getattr(person, name) for name in changes}
    if "roles" in changes:
        _change_roles(session, person, changes["roles"])
    for name in ("display_name", "language"):
        if name in changes:
            setattr(person, name, changes[name])
    changed = [name for name in changes if getattr(person, name) != before[name]]
    if not changed:
        return person
    person.revision += 1
    emit(session, person_joined(person))
    details: dict[str, Any] = {"changed": changed}
    if "roles" in changed:
        details["roles"] = {"from": before["roles"], "to": person.roles}
    audit.record(session, "person_changed", "person", person.person_id, details)
    return person


def suspend_person(session: Session, person_id: UUID) -> None:
    """The person may not act until resumed. Raises NotFound, LastAdministrator."""
    person = get_person(session, person_id, is_locked=True)
    if person.is_suspended:
        return
    _keep_an_administrator(session, person)
    person.is_suspended = True
    person.revision += 1
    set_suspended(session, person.tenant_id, person_id, person.revision, True)
    emit(session, PersonSuspended(person_id=person_id, revision=person.revision))
    audit.record(session, "person_suspended", "person", person_id)


def resume_person(session: Session, person_id: UUID) -> None:
    """The person may act again. Raises NotFound."""
    person = get_person(session, person_id, is_locked=True)
    if not person.is_suspended:
        return
    person.is_suspended = False
    person.revision += 1
    set_suspended(session, person.tenant_id, person_id, person.revision, False)
    emit(session, PersonResumed(person_id=person_id, revision=person.revision))
    audit.record(session, "person_resumed", "person", person_id)


def remove_person(session: Session, person_id: UUID) -> None:
    """Takes a person out of the tenant for good, with their sessions. Raises NotFound, LastAdministrator."""
    person = get_person(session, person_id, is_locked=True)
    _keep_an_administrator(session, person)
    revision = person.revision + 1
    if person.email_normalised:
        session.execute(
            sa.delete(SignInName).where(
                SignInName.email_normalised == person.email_normalised, SignInName.tenant_id == person.tenant_id
            )
        )
    session.delete(person)
    set_suspended(session, person.tenant_id, person_id, revision, True)
    emit(session, PersonLeft(person_id=person_id, revision=revision))
    audit.record(session, "person_removed", "person", person_id)


def _set_roles(person: Person, roles: Iterable[str]) -> None:
    wanted = set(roles)
    person.roles = [role for role in ROLES if role in wanted]
    person.is_administrator = ADMINISTRATOR in wanted


def _change_roles(session: Session, person: Person, roles: Iterable[str]) -> None:
    wanted = set(roles)
    if (OPERATOR in person.roles) != (OPERATOR in wanted):
        raise OperatorsByCommandLine
    if wanted == set(person.roles):
        return
    if ADMINISTRATOR not in wanted:
        _keep_an_administrator(session, person)
    _set_roles(person, wanted)
    revoke_access(session, person.person_id)


def _keep_an_administrator(session: Session, leaving: Person) -> None:
    """Raises LastAdministrator when nobody else could look after the tenant."""
    if not leaving.is_administrator or leaving.is_suspended:
        return
    session.get(Tenant, leaving.tenant_id, with_for_update=True)  # two administrators may not demote each other
    other = sa.select(Person.person_id).where(
        Person.tenant_id == leaving.tenant_id,
        Person.is_administrator,
        Person.is_suspended.is_(False),
        Person.person_id != leaving.person_id,
    )
    if session.scalar(other.limit(1)) is None:
        raise LastAdministrator


def _take_email(session: Session, person: Person, password_hash: str | None) -> None:
    row = {
        "email_normalised": person.email_normalised,
        "tenant_id": person.tenant_id,
        "person_id": person.person_id,
        "password_hash": password_hash,
    }
    if not insert_new(session, SignInName, [row]):
        raise EmailTaken


def person_joined(person: Person) -> PersonJoined:
    """The facts of a person as they are now."""
    return PersonJoined(
        person_id=person.person_id,
        display_name=person.display_name,
        roles=person.roles,
        language=person.language,
        revision=person.revision,
    )
