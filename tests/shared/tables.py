"""Small tables of these tests' own: private ones, one that can be made public, and one that is no tenant's."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from shared.database import NAMES, Columns, PublicRow, TenantRow


class Base(Columns, DeclarativeBase):
    metadata = sa.MetaData(naming_convention=NAMES)


class Garden(TenantRow, Base):
    __tablename__ = "gardens"

    garden_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    plants: Mapped[list[Plant]] = relationship(back_populates="garden", order_by="Plant.name")


class Plant(TenantRow, Base):
    __tablename__ = "plants"

    plant_id: Mapped[UUID] = mapped_column(primary_key=True)
    garden_id: Mapped[UUID]
    name: Mapped[str]
    garden: Mapped[Garden] = relationship(back_populates="plants")

    __table_args__ = (sa.ForeignKeyConstraint(["tenant_id", "garden_id"], ["gardens.tenant_id", "gardens.garden_id"]),)


class Notice(PublicRow, Base):
    __tablename__ = "notices"

    notice_id: Mapped[UUID] = mapped_column(primary_key=True)
    text: Mapped[str]
    replies: Mapped[list[Reply]] = relationship(viewonly=True)


class Reply(TenantRow, Base):
    __tablename__ = "replies"

    reply_id: Mapped[UUID] = mapped_column(primary_key=True)
    notice_id: Mapped[UUID]
    text: Mapped[str]
    notice: Mapped[Notice] = relationship()

    __table_args__ = (sa.ForeignKeyConstraint(["tenant_id", "notice_id"], ["notices.tenant_id", "notices.notice_id"]),)


class Sample(Base):
    __tablename__ = "samples"

    sample_id: Mapped[UUID] = mapped_column(primary_key=True)
    word: Mapped[str] = mapped_column(unique=True)
    count: Mapped[int] = mapped_column(default=0)
    at: Mapped[datetime | None]
    facts: Mapped[dict[str, Any] | None]
