"""This service's tables. All rows may be public: the platform's catalogue is read by every tenant and by everybody."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from shared.contracts import Impact
from shared.database import NAMES, Columns, Json, PublicRow

AUDIENCES = ("community", "company", "school")
AGE_BANDS = ("3-5", "6-10", "11-14", "15-18")
KINDS = ("individual", "team", "maxi")
DIFFICULTIES = ("easy", "medium", "hard")
SEASONS = ("any", "spring", "summer", "autumn", "winter")
PERIODS = ("day", "week", "edition")
UNITS = ("kgCO2e", "l", "kg", "min")
STANDARD_TIER = "standard"
"""The one tier of a challenge that has no choice of points."""


class Base(Columns, DeclarativeBase):
    """The tables of the challenges service."""

    metadata = sa.MetaData(naming_convention=NAMES)


class Category(PublicRow, Base):
    """A theme of the catalogue, such as `food`."""

    __tablename__ = "categories"

    category: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    names: Mapped[dict[str, Any]]


class ImpactFactor(PublicRow, Base):
    """What one act saves, from one edition of a published source. A new edition is a new row."""

    __tablename__ = "impact_factors"

    factor: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    source_version: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    value: Mapped[float]
    unit: Mapped[str] = mapped_column(sa.String(10))
    means: Mapped[dict[str, Any]]
    source: Mapped[str] = mapped_column(sa.String(200))
    valid_from: Mapped[date]


class Challenge(PublicRow, Base):
    """A challenge's lasting identity, and the version of it that is played now."""

    __tablename__ = "challenges"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "slug"),)

    challenge_id: Mapped[UUID] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(sa.String(80))
    version: Mapped[int]
    is_retired: Mapped[bool] = mapped_column(default=False)


class ChallengeVersion(PublicRow, Base):
    """What a challenge says and is worth, from one publication to the next. Never changed once written."""

    __tablename__ = "challenge_versions"
    __table_args__ = (
        sa.ForeignKeyConstraint(["tenant_id", "challenge_id"], ["challenges.tenant_id", "challenges.challenge_id"]),
        sa.ForeignKeyConstraint(["tenant_id", "category"], ["categories.tenant_id", "categories.category"]),
    )

    challenge_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(sa.String(64))
    published_at: Mapped[datetime]
    category: Mapped[str] = mapped_column(sa.String(40))
    kind: Mapped[str] = mapped_column(sa.String(20))
    difficulty: Mapped[str] = mapped_column(sa.String(20))
    season: Mapped[str] = mapped_column(sa.String(20))
    is_malus: Mapped[bool]
    times: Mapped[int]
    per: Mapped[str] = mapped_column(sa.String(20))
    tiers: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    impact_lines: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    co2e_g: Mapped[int | None]
    water_ml: Mapped[int | None]
    waste_g: Mapped[int | None]
    learning_min: Mapped[int | None]
    sources: Mapped[list[str]]

    challenge: Mapped[Challenge] = relationship()
    texts: Mapped[list[ChallengeText]] = relationship(order_by="ChallengeText.language")
    audiences: Mapped[list[ChallengeAudience]] = relationship()
    age_bands: Mapped[list[ChallengeAgeBand]] = relationship()

    @property
    def impact(self) -> Impact | None:
        """What one completion (of the smallest tier) saves; None: not quantified."""
        impact = Impact(
            co2e_g=self.co2e_g, water_ml=self.water_ml, waste_g=self.waste_g, learning_min=self.learning_min
        )
        return None if impact == Impact() else impact


def _of_version(table: str) -> sa.ForeignKeyConstraint:
    columns = ("tenant_id", "challenge_id", "version")
    name = f"fk_{table}_challenge_versions"  # the conventional one is longer than PostgreSQL's 63 characters
    return sa.ForeignKeyConstraint(columns, [f"challenge_versions.{column}" for column in columns], name=name)


class ChallengeText(PublicRow, Base):
    """A version in one language. `words` is what a search looks at: folded, each word after a space.

    `summary` says in a few plain words what one does; empty in versions from before there were any.
    """

    __tablename__ = "challenge_texts"
    __table_args__ = (_of_version("challenge_texts"),)

    challenge_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    language: Mapped[str] = mapped_column(sa.String(10), primary_key=True)
    title: Mapped[str] = mapped_column(sa.String(80))
    summary: Mapped[str] = mapped_column(sa.String(80), server_default="")
    why: Mapped[str] = mapped_column(sa.String(600))
    how: Mapped[str] = mapped_column(sa.String(600))
    words: Mapped[str] = mapped_column(sa.Text)


class ChallengeAudience(PublicRow, Base):
    """One of the kinds of tenants a version is for."""

    __tablename__ = "challenge_audiences"
    __table_args__ = (_of_version("challenge_audiences"),)

    challenge_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    audience: Mapped[str] = mapped_column(sa.String(20), primary_key=True)


class ChallengeAgeBand(PublicRow, Base):
    """One of the age bands of a school that a version is for."""

    __tablename__ = "challenge_age_bands"
    __table_args__ = (_of_version("challenge_age_bands"),)

    challenge_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    age_band: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
