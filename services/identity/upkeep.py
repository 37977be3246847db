"""What identity does by itself: its first rows, the rotation of keys, the removal of what has expired."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.identity.domain.keys import rotate_when_due
from services.identity.domain.tenants import TenantFacts, found_tenant
from services.identity.models import Invitation, PasswordReset, PersonSession, RefreshToken, SecretOwner, Tenant
from shared.clock import transaction_time
from shared.database import Database
from shared.settings import Settings
from shared.tenancy import COMMUNITY_TENANT_ID, PLATFORM_TENANT_ID, across_tenants, of_tenant

KEEP = timedelta(days=30)
"""How long an ended session, a used link and an old invitation can still be looked into."""
FIRST_TENANTS = {
    PLATFORM_TENANT_ID: TenantFacts(
        kind="platform", name="Ma Petite Planète", country="FR", language="fr", zone="Europe/Paris"
    ),
    COMMUNITY_TENANT_ID: TenantFacts(
        kind="community", name="Grand public", country="FR", language="fr", zone="Europe/Paris"
    ),
}


def prepare(database: Database, _settings: Settings) -> None:
    """After each migration: the platform, the community and the first signing key, unless they are there."""
    for tenant_id, facts in FIRST_TENANTS.items():
        with database.transaction(of_tenant(tenant_id)) as session:
            if session.get(Tenant, tenant_id) is None:
                found_tenant(session, facts, tenant_id=tenant_id)
    keep_keys(database)


def every_minute(database: Database) -> None:
    """Rotates the keys when it is time, and removes what has expired."""
    keep_keys(database)
    with database.transaction(across_tenants()) as session:
        remove_expired(session)


def keep_keys(database: Database) -> None:
    """Makes the next signing key when it is due."""
    with database.transaction(of_tenant(PLATFORM_TENANT_ID)) as session:
        rotate_when_due(session)


def remove_expired(session: Session) -> None:
    """Deletes sessions, tokens and links that nobody can use any more, in every tenant."""
    now = transaction_time(session)
    for table, expired in (
        (SecretOwner, SecretOwner.expires_at < now),
        (RefreshToken, RefreshToken.expires_at < now),
        (PersonSession, PersonSession.expires_at < now - KEEP),
        (PasswordReset, PasswordReset.expires_at < now - KEEP),
        (Invitation, Invitation.expires_at < now - KEEP),
    ):
        session.execute(sa.delete(table).where(expired).execution_options(synchronize_session=False))
