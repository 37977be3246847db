"""The tables of identity."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.database import NAMES, Columns, Json, TenantRow


class Base(Columns, DeclarativeBase):
    """The base of identity's own tables."""

    metadata = sa.MetaData(naming_convention=NAMES)


def _of_person() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ("tenant_id", "person_id"), ("people.tenant_id", "people.person_id"), ondelete="CASCADE"
    )


class Tenant(TenantRow, Base):
    """A school, a company, the community or the platform."""

    __tablename__ = "tenants"

    kind: Mapped[str] = mapped_column(sa.String(16))  # school | company | community | platform
    name: Mapped[str] = mapped_column(sa.String(120))
    country: Mapped[str] = mapped_column(sa.String(2))
    language: Mapped[str] = mapped_column(sa.String(8))
    zone: Mapped[str] = mapped_column(sa.String(64))
    is_suspended: Mapped[bool]
    revision: Mapped[int]
    founded_at: Mapped[datetime]


class Person(TenantRow, Base):
    """Somebody who belongs to a tenant. How they sign in is in `sign_in_names`."""

    __tablename__ = "people"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    display_name: Mapped[str] = mapped_column(sa.String(80))
    email: Mapped[str | None] = mapped_column(sa.String(254))
    email_normalised: Mapped[str | None] = mapped_column(sa.String(254))
    language: Mapped[str] = mapped_column(sa.String(8))
    roles: Mapped[list[str]] = mapped_column(Json)
    is_administrator: Mapped[bool]  # the same fact as in `roles`, where an index finds it
    is_suspended: Mapped[bool]
    revision: Mapped[int]
    joined_at: Mapped[datetime]

    __table_args__ = (
        sa.ForeignKeyConstraint(("tenant_id",), ("tenants.tenant_id",)),
        sa.UniqueConstraint("tenant_id", "email_normalised"),
        sa.Index(
            "ix_people_administrators",
            "tenant_id",
            sqlite_where=sa.text("is_administrator"),
            postgresql_where=sa.text("is_administrator"),
        ),
    )


class SignInName(Base):
    """An e-mail that opens an account of a tenant. No tenant's table: who signs in has not said which tenant yet.

    The password's hash is here and nowhere else, so that no private row is read before the password is verified.
    Nobody but the sign-in and the password reset looks an e-mail up here.
    """

    __tablename__ = "sign_in_names"

    email_normalised: Mapped[str] = mapped_column(sa.String(254), primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID]
    password_hash: Mapped[str | None] = mapped_column(sa.String(200))


class SecretOwner(Base):
    """Which tenant a secret token belongs to. No tenant's table: its holder has nothing else to show.

    The hash of the token only. The row of the tenant itself (session, invitation, reset) is read afterwards.
    """

    __tablename__ = "secret_owners"

    secret_hash: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    purpose: Mapped[str] = mapped_column(sa.String(16))  # refresh | invitation | reset
    tenant_id: Mapped[UUID]
    subject_id: Mapped[UUID]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class PersonSession(TenantRow, Base):
    """One signed-in browser or program: the family of the refresh tokens that follow one another in it."""

    __tablename__ = "sessions"

    session_id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID]
    csrf: Mapped[str] = mapped_column(sa.String(64))
    started_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        _of_person(),
        sa.Index("ix_sessions_person_id", "tenant_id", "person_id"),
        sa.Index("ix_sessions_expires_at", "expires_at"),
    )


class RefreshToken(TenantRow, Base):
    """A refresh token by its hash. It is used once; a second use ends its session."""

    __tablename__ = "refresh_tokens"

    secret_hash: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    session_id: Mapped[UUID]
    used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]

    __table_args__ = (
        sa.ForeignKeyConstraint(
            ("tenant_id", "session_id"), ("sessions.tenant_id", "sessions.session_id"), ondelete="CASCADE"
        ),
        sa.Index("ix_refresh_tokens_session_id", "tenant_id", "session_id"),
        sa.Index("ix_refresh_tokens_expires_at", "expires_at"),
    )


class Invitation(TenantRow, Base):
    """A link with which somebody may join the tenant; its secret is in `secret_owners`.

    An open one is for many: it makes players and nothing else. Its token is kept here too, for its link is to be shown
    and printed again; of an invitation for one person only the hash is kept.
    """

    __tablename__ = "invitations"

    invitation_id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str | None] = mapped_column(sa.String(254))
    roles: Mapped[list[str]] = mapped_column(Json)
    language: Mapped[str] = mapped_column(sa.String(8))
    invited_by: Mapped[UUID | None]
    invited_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]  # never of an open one
    open_token: Mapped[str | None] = mapped_column(sa.String(64))
    max_uses: Mapped[int | None]  # None: as many as come
    uses: Mapped[int] = mapped_column(default=0, server_default="0")

    __table_args__ = (sa.ForeignKeyConstraint(("tenant_id",), ("tenants.tenant_id",)),)

    @property
    def places_left(self) -> int | None:
        """How many more people may use an open invitation; None when there is no maximum."""
        return None if self.max_uses is None else max(0, self.max_uses - self.uses)


class PasswordReset(TenantRow, Base):
    """Somebody asked for a new password; the secret of the link is in `secret_owners`."""

    __tablename__ = "password_resets"

    reset_id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID]
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    __table_args__ = (_of_person(), sa.Index("ix_password_resets_person_id", "tenant_id", "person_id"))


class AuditEntry(TenantRow, Base):
    """Who did what, when, to whom. Ids and no names: a person who leaves is forgotten here too."""

    __tablename__ = "audit_entries"

    entry_id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    action: Mapped[str] = mapped_column(sa.String(40))
    actor_id: Mapped[UUID | None]
    subject_type: Mapped[str] = mapped_column(sa.String(16))
    subject_id: Mapped[UUID]
    details: Mapped[dict[str, Any]] = mapped_column(Json)

    __table_args__ = (sa.Index("ix_audit_entries_at", "tenant_id", "at"),)


class PrivateKey(Base):
    """A private key that signs access tokens from `signs_from` on, until a newer one does. No tenant's table."""

    __tablename__ = "private_keys"

    key_id: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    jwk: Mapped[dict[str, Any]] = mapped_column(Json)
    signs_from: Mapped[datetime]
    expires_at: Mapped[datetime]
