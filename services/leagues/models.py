"""The tables of leagues: its own, then the copies of what other services own."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from shared.contracts import Impact
from shared.database import NAMES, Columns, PublicRow, TenantRow

EVERYONE = "everyone"
"""The audience of an edition that every kind of tenant may play."""


class Base(Columns, DeclarativeBase):
    """The declarative base of leagues."""

    metadata = sa.MetaData(naming_convention=NAMES)


class Edition(PublicRow, Base):
    """Three weeks of play. Its wall-clock times (naive) hold in the zone of each tenant that takes part.

    Public: an open edition, which other tenants may join.
    """

    __tablename__ = "editions"

    edition_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(80))
    audience: Mapped[str] = mapped_column(sa.String(16))
    zone: Mapped[str] = mapped_column(sa.String(64))
    starts_at: Mapped[datetime] = mapped_column(sa.DateTime())
    ends_at: Mapped[datetime] = mapped_column(sa.DateTime())
    registration_ends_at: Mapped[datetime] = mapped_column(sa.DateTime())
    grace_days: Mapped[int]
    min_players: Mapped[int]
    max_players: Mapped[int]
    published_at: Mapped[datetime | None]
    frozen_at: Mapped[datetime | None]
    revealed_at: Mapped[datetime | None]
    archived_at: Mapped[datetime | None]
    revision: Mapped[int] = mapped_column(default=1)


class League(TenantRow, Base):
    """A league of one tenant, in an edition of its own or in an open one of another tenant."""

    __tablename__ = "leagues"

    league_id: Mapped[UUID] = mapped_column(primary_key=True)
    edition_tenant_id: Mapped[UUID]
    edition_id: Mapped[UUID]
    name: Mapped[str] = mapped_column(sa.String(80))
    age_band: Mapped[str | None] = mapped_column(sa.String(8))
    zone: Mapped[str] = mapped_column(sa.String(64))
    code: Mapped[str] = mapped_column(sa.String(12), unique=True)
    is_open: Mapped[bool] = mapped_column(default=False)
    teams_locked_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    revision: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        sa.ForeignKeyConstraint(["edition_tenant_id", "edition_id"], ["editions.tenant_id", "editions.edition_id"]),
        sa.Index(None, "tenant_id", "edition_id"),
    )


class Team(TenantRow, Base):
    """A team of a league."""

    __tablename__ = "teams"

    team_id: Mapped[UUID] = mapped_column(primary_key=True)
    league_id: Mapped[UUID]
    name: Mapped[str] = mapped_column(sa.String(80))
    revision: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        sa.ForeignKeyConstraint(["tenant_id", "league_id"], ["leagues.tenant_id", "leagues.league_id"]),
        sa.UniqueConstraint("tenant_id", "league_id", "name"),
    )


class Leader(TenantRow, Base):
    """A person who leads a league; a leader need not play."""

    __tablename__ = "leaders"

    league_id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    appointed_at: Mapped[datetime]

    __table_args__ = (
        sa.ForeignKeyConstraint(["tenant_id", "league_id"], ["leagues.tenant_id", "leagues.league_id"]),
        sa.Index(None, "tenant_id", "person_id"),
    )


class FormerLeader(TenantRow, Base):
    """When a person last ceased to lead a league, so that this too can be told again."""

    __tablename__ = "former_leaders"

    league_id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    resigned_at: Mapped[datetime]

    __table_args__ = (sa.ForeignKeyConstraint(["tenant_id", "league_id"], ["leagues.tenant_id", "leagues.league_id"]),)


class Player(TenantRow, Base):
    """Somebody who plays in a league. `person_id` is None for a pupil whom the teacher entered by pseudonym."""

    __tablename__ = "players"

    player_id: Mapped[UUID] = mapped_column(primary_key=True)
    league_id: Mapped[UUID]
    team_id: Mapped[UUID]
    person_id: Mapped[UUID | None]
    display_name: Mapped[str] = mapped_column(sa.String(80))
    joined_at: Mapped[datetime]
    left_at: Mapped[datetime | None]
    revision: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        sa.ForeignKeyConstraint(["tenant_id", "league_id"], ["leagues.tenant_id", "leagues.league_id"]),
        sa.ForeignKeyConstraint(["tenant_id", "team_id"], ["teams.tenant_id", "teams.team_id"]),
        sa.UniqueConstraint("tenant_id", "league_id", "person_id"),
        sa.Index(None, "tenant_id", "person_id"),
        sa.Index(None, "tenant_id", "team_id"),
    )


class PlayerRevision(TenantRow, Base):
    """What happened to a player at one revision, and the team held from then on. Never changed once written.

    Players from before there was this table lack what was not known any more (migration 0003).
    """

    __tablename__ = "player_revisions"

    player_id: Mapped[UUID] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event: Mapped[str] = mapped_column(sa.String(16))  # PlayerJoined | PlayerMoved | PlayerRenamed | PlayerLeft
    team_id: Mapped[UUID]
    at: Mapped[datetime]

    player: Mapped[Player] = relationship()

    __table_args__ = (sa.ForeignKeyConstraint(["tenant_id", "player_id"], ["players.tenant_id", "players.player_id"]),)


class Completion(TenantRow, Base):
    """An act that counts. What it is worth was copied from the challenge when it was recorded, and never changes.

    `subject_id` is the player, or the team for a challenge of the whole team. Its `slot` among the `slots` that the
    repeat rule grants in a `period` is what the unique constraint holds; a withdrawn completion gives its slot back.
    """

    __tablename__ = "completions"

    completion_id: Mapped[UUID] = mapped_column(primary_key=True)
    league_id: Mapped[UUID]
    edition_tenant_id: Mapped[UUID]
    edition_id: Mapped[UUID]
    team_id: Mapped[UUID]
    player_id: Mapped[UUID | None]
    subject_id: Mapped[UUID]
    challenge_id: Mapped[UUID]
    challenge_version: Mapped[int]
    category: Mapped[str] = mapped_column(sa.String(40))
    tier: Mapped[str] = mapped_column(sa.String(40))
    points: Mapped[int]
    co2e_g: Mapped[int | None]
    water_ml: Mapped[int | None]
    waste_g: Mapped[int | None]
    learning_min: Mapped[int | None]
    day: Mapped[date]
    period: Mapped[str] = mapped_column(sa.String(16))
    slot: Mapped[int | None]
    slots: Mapped[int]
    note: Mapped[str | None] = mapped_column(sa.String(500))
    author_id: Mapped[UUID | None]
    recorded_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[UUID | None]

    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "subject_id", "challenge_id", "period", "slot", name="uq_completions_cap"),
        sa.CheckConstraint("slot IS NULL OR (slot >= 0 AND slot < slots)", name="slot"),
        sa.ForeignKeyConstraint(["tenant_id", "team_id"], ["teams.tenant_id", "teams.team_id"]),
        sa.ForeignKeyConstraint(["tenant_id", "player_id"], ["players.tenant_id", "players.player_id"]),
        sa.Index(None, "tenant_id", "league_id", "recorded_at"),
        sa.Index(None, "tenant_id", "player_id"),
    )

    @property
    def impact(self) -> Impact | None:
        """What the act saved; None is « not quantified »."""
        values = (self.co2e_g, self.water_ml, self.waste_g, self.learning_min)
        if all(value is None for value in values):
            return None
        return Impact(co2e_g=values[0], water_ml=values[1], waste_g=values[2], learning_min=values[3])

    @property
    def is_withdrawn(self) -> bool:
        """Whether the act no longer counts."""
        return self.withdrawn_at is not None


class Reaction(TenantRow, Base):
    """What one member of a league says to a completion; one each."""

    __tablename__ = "reactions"

    completion_id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(16))
    reacted_at: Mapped[datetime]

    __table_args__ = (
        sa.ForeignKeyConstraint(["tenant_id", "completion_id"], ["completions.tenant_id", "completions.completion_id"]),
    )


class Tenant(TenantRow, Base):
    """A copy of identity's facts about a tenant."""

    __tablename__ = "tenants"

    kind: Mapped[str] = mapped_column(sa.String(16))
    name: Mapped[str] = mapped_column(sa.String(120))
    zone: Mapped[str] = mapped_column(sa.String(64))
    revision: Mapped[int]


class Person(TenantRow, Base):
    """A copy of identity's facts about a person."""

    __tablename__ = "people"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    display_name: Mapped[str] = mapped_column(sa.String(80))
    roles: Mapped[list[str]]
    revision: Mapped[int]
    is_active: Mapped[bool] = mapped_column(default=True)
    activity_revision: Mapped[int] = mapped_column(default=0)


class Challenge(PublicRow, Base):
    """A copy of the version of a challenge that is played now; public: the platform's catalogue."""

    __tablename__ = "challenges"

    challenge_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    kind: Mapped[str] = mapped_column(sa.String(16))
    category: Mapped[str] = mapped_column(sa.String(40))
    tiers: Mapped[dict[str, Any]]
    tier_labels: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """tier -> language -> what it is; empty for a plain challenge."""
    audiences: Mapped[list[str]]
    age_bands: Mapped[list[str]]
    times: Mapped[int]
    per: Mapped[str] = mapped_column(sa.String(8))
    impact: Mapped[dict[str, Any]]
    titles: Mapped[dict[str, Any]]
    summaries: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """language -> what one does, in a few plain words; empty where no event has said it."""
    words: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """language -> what a search looks at, folded; empty where no event has said it."""
    retired_version: Mapped[int] = mapped_column(default=0)

    @property
    def is_retired(self) -> bool:
        """Whether it is no longer offered."""
        return self.retired_version >= self.version
