"""What a league's code says of the league to somebody who is not of its tenant: the kind of its tenant."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.leagues.domain.leagues import plain_code
from services.leagues.errors import CodeUnknown
from services.leagues.models import League, Tenant
from shared.tenancy import across_tenants, scope_of


class Door(NamedTuple):
    """Where a code leads: to a league of this tenant, which is a school, a company, the community or the platform."""

    tenant_id: UUID
    tenant_kind: str


def door_of(session: Session, code: str) -> Door:
    """Whose league has a code, however it was typed. Raises CodeUnknown.

    It looks into every tenant, for whoever asks may be of none; nothing but this comes out. The kind is for everybody
    who has the code, the tenant's id for comparing and not for showing. Codes are not counted per address as passwords
    are: there are 31^8, and who guessed one has learnt that some school plays.
    """
    asker = scope_of(session)
    session.info["scope"] = across_tenants()
    try:
        found = session.execute(
            sa.select(League.tenant_id, Tenant.kind)
            .join(Tenant, Tenant.tenant_id == League.tenant_id)
            .where(League.code == plain_code(code))
        ).first()
    finally:
        session.info["scope"] = asker
    if found is None:
        raise CodeUnknown(given=code)
    return Door(*found)
