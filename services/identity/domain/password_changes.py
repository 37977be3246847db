"""What takes the present password, or the account's mail: another password, and the end of the account."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.identity.domain import audit
from services.identity.domain.gate import RESET, enter_tenant, forget_secrets, issue_secret, owner_of_link
from services.identity.domain.mails import post_mail, post_nothing
from services.identity.domain.passwords import hash_password, is_right
from services.identity.domain.people import get_person, normalise_email, remove_person
from services.identity.domain.sessions import ACCOUNTS_TRIED, end_other_sessions, sign_out_everywhere
from services.identity.domain.tenants import get_tenant
from services.identity.errors import LinkExpired
from services.identity.models import PasswordReset, Person, SignInName
from shared.auth import Caller
from shared.clock import transaction_time
from shared.database import new_id
from shared.errors import Invalid, message
from shared.settings import Settings

LASTS = timedelta(hours=1)
WRONG_PASSWORD = message("This is not your present password.")


def change_password(session: Session, caller: Caller, *, current: str, new: str) -> None:
    """Another password for the caller; their other sessions end. Raises Invalid, WeakPassword."""
    person = get_person(session, caller.person_id, is_locked=True)
    account = _require_password(session, person, current)
    account.password_hash = hash_password(new, person.display_name, person.email, field="new_password")
    _forget_resets(session, person)
    end_other_sessions(session, person.person_id, caller.session_id)
    audit.record(session, "password_changed", "person", person.person_id)


def delete_account(session: Session, caller: Caller, *, current: str) -> None:
    """The caller leaves for good, as if they were removed. Raises Invalid, LastAdministrator."""
    _require_password(session, get_person(session, caller.person_id, is_locked=True), current)
    remove_person(session, caller.person_id)


def _require_password(session: Session, person: Person, given: str) -> SignInName:
    account = _account_of(session, person)
    if not is_right(given, account.password_hash if account else None) or account is None:
        raise Invalid(fields={"current_password": [WRONG_PASSWORD]})
    return account


def ask_for_reset(session: Session, settings: Settings, email: str) -> None:
    """Mails a link to each account of the e-mail. The caller learns nothing, not even by the time it takes."""
    normal = normalise_email(email)
    accounts = session.scalars(
        sa.select(SignInName)
        .where(SignInName.email_normalised == normal)
        .order_by(SignInName.person_id)
        .limit(ACCOUNTS_TRIED)
    ).all()
    if not accounts:
        post_nothing(session)
    for account in accounts:
        enter_tenant(session, account.tenant_id)  # nothing of it is shown: the mail goes to the account's owner
        _mail_reset(session, settings, account)


def require_reset(session: Session, token: str) -> None:
    """Raises LinkExpired for a link that opens nothing any more."""
    owner_of_link(session, RESET, token)


def confirm_reset(session: Session, *, token: str, password: str) -> None:
    """A new password by the link of a mail: every session ends. Raises LinkExpired, WeakPassword."""
    owner = owner_of_link(session, RESET, token)
    enter_tenant(session, owner.tenant_id)
    reset = session.get(PasswordReset, (owner.tenant_id, owner.subject_id), with_for_update=True)
    if reset is None or reset.used_at is not None:
        raise LinkExpired
    session.info["actor_id"] = reset.person_id
    person = get_person(session, reset.person_id, is_locked=True)
    account = _account_of(session, person)
    if account is None:
        raise LinkExpired
    account.password_hash = hash_password(password, person.display_name, person.email)
    _forget_resets(session, person)
    sign_out_everywhere(session, person.person_id)
    audit.record(session, "password_reset", "person", person.person_id)


def _account_of(session: Session, person: Person) -> SignInName | None:
    if person.email_normalised is None:
        return None
    return session.get(SignInName, (person.email_normalised, person.tenant_id), with_for_update=True)


def _mail_reset(session: Session, settings: Settings, account: SignInName) -> None:
    person = get_person(session, account.person_id)
    tenant = get_tenant(session, account.tenant_id)
    now = transaction_time(session)
    reset = PasswordReset(
        tenant_id=person.tenant_id,
        reset_id=new_id(),
        person_id=person.person_id,
        asked_at=now,
        expires_at=now + LASTS,
    )
    session.add(reset)
    token = issue_secret(session, RESET, reset.reset_id, reset.expires_at)
    link = f"{settings.address}/identity/password-resets/{token}"
    email = person.email or account.email_normalised
    post_mail(
        session, "password_reset", email, person.language, tenant=tenant.name, name=person.display_name, link=link
    )


def _forget_resets(session: Session, person: Person) -> None:
    """No link that is still in a mailbox changes the password again."""
    pending = session.scalars(
        sa.select(PasswordReset).where(
            PasswordReset.tenant_id == person.tenant_id,
            PasswordReset.person_id == person.person_id,
            PasswordReset.used_at.is_(None),
        )
    ).all()
    for reset in pending:
        reset.used_at = transaction_time(session)
        forget_secrets(session, RESET, reset.reset_id)
