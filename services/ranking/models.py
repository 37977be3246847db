"""The tables of ranking, in three layers.

Facts, as events told them; the ledger, append-only; and what is derived from both: standings, histogram, summaries,
counters. No foreign keys between facts: events arrive in any order, a completion may come before its league.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.database import NAMES, Columns, PublicRow, TenantRow

TEAM_PLAYERS = "team_players"
LEAGUE_PLAYERS = "league_players"
LEAGUE_TEAMS = "league_teams"
EDITION_LEAGUES = "edition_leagues"
EDITION_TENANTS = "edition_tenants"
PLAYER_BOARDS = (TEAM_PLAYERS, LEAGUE_PLAYERS)
EDITION_BOARDS = (EDITION_LEAGUES, EDITION_TENANTS)
COUNTED_BOARDS = (TEAM_PLAYERS, LEAGUE_TEAMS)
"""Boards without a histogram: about as many scores as contenders, and few of both. Counting them is quicker."""

TEAM = "team"
LEAGUE = "league"
EDITION = "edition"
TENANT = "tenant"
"""The scope of one tenant's share of one edition; its `scope_id` is the edition."""
SCOPES = {
    TEAM_PLAYERS: TEAM,
    LEAGUE_PLAYERS: LEAGUE,
    LEAGUE_TEAMS: LEAGUE,
    EDITION_LEAGUES: EDITION,
    EDITION_TENANTS: EDITION,
}
"""What each board is about."""

LIVE = "live"
FROZEN = "frozen"
TOTAL = "total"
PER_HEAD = "per_head"


class Base(Columns, DeclarativeBase):
    """The tables that only ranking has."""

    metadata = sa.MetaData(naming_convention=NAMES)


# --- facts -----------------------------------------------------------------------------------------------------------


class Tenant(TenantRow, Base):
    """What a tenant is called; of two names the higher `name_rank` wins."""

    __tablename__ = "tenants"

    name: Mapped[str] = mapped_column(sa.String(200))
    name_rank: Mapped[int]


class Edition(PublicRow, Base):
    """An edition; public when it is open. `revision` 0: something mentioned it before it was scheduled."""

    __tablename__ = "editions"

    edition_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(200), default="")
    heads_frozen_at: Mapped[datetime | None]
    revision: Mapped[int] = mapped_column(default=0)
    frozen_at: Mapped[datetime | None]
    revealed_at: Mapped[datetime | None]

    __table_args__ = (sa.Index("ix_editions_edition_id", "edition_id"),)

    @property
    def snapshot_at(self) -> datetime | None:
        """The moment its public boards stand still at; None while they move."""
        if self.frozen_at is None or (self.revealed_at is not None and self.revealed_at >= self.frozen_at):
            return None
        return self.frozen_at


class League(TenantRow, Base):
    """A league. `revision` 0: something mentioned it before it was created."""

    __tablename__ = "leagues"

    league_id: Mapped[UUID] = mapped_column(primary_key=True)
    edition_tenant_id: Mapped[UUID]
    edition_id: Mapped[UUID]
    name: Mapped[str] = mapped_column(sa.String(200), default="")
    age_band: Mapped[str | None] = mapped_column(sa.String(16))
    heads_frozen_at: Mapped[datetime | None]
    revision: Mapped[int] = mapped_column(default=0)

    __table_args__ = (
        sa.Index("ix_leagues_edition", "edition_tenant_id", "edition_id", "tenant_id", "league_id"),
        sa.Index("ix_leagues_league_id", "league_id"),
    )


class Team(TenantRow, Base):
    """A team's name."""

    __tablename__ = "teams"

    team_id: Mapped[UUID] = mapped_column(primary_key=True)
    league_id: Mapped[UUID]
    name: Mapped[str] = mapped_column(sa.String(200))
    revision: Mapped[int]

    __table_args__ = (sa.Index("ix_teams_league", "tenant_id", "league_id"),)


class Player(TenantRow, Base):
    """A player's name; the newest of (`revision`, `named_at`) wins."""

    __tablename__ = "players"

    player_id: Mapped[UUID] = mapped_column(primary_key=True)
    league_id: Mapped[UUID]
    person_id: Mapped[UUID | None]
    name: Mapped[str] = mapped_column(sa.String(200))
    revision: Mapped[int]
    named_at: Mapped[datetime]


class PlayerMove(TenantRow, Base):
    """From this moment the player plays in this team; without a team, in none."""

    __tablename__ = "player_moves"

    player_id: Mapped[UUID] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    league_id: Mapped[UUID]
    team_id: Mapped[UUID | None]
    at: Mapped[datetime]

    # Batches look for the players of many tenants by id alone: SQLite scans the table for pairs of (tenant, id).
    __table_args__ = (
        sa.Index("ix_player_moves_player_id", "player_id"),
        sa.Index("ix_player_moves_league_id", "league_id", "player_id"),
    )


class Leader(TenantRow, Base):
    """Whether a person leads a league; the newest word wins, and of two of the same moment the resignation."""

    __tablename__ = "leaders"

    league_id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    changed_at: Mapped[datetime]
    has_resigned: Mapped[bool]


# --- the ledger ------------------------------------------------------------------------------------------------------


class LedgerEntry(TenantRow, Base):
    """One change of points. Never updated, never deleted; `source` makes it unique."""

    __tablename__ = "ledger"

    source: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    edition_tenant_id: Mapped[UUID]
    edition_id: Mapped[UUID]
    league_id: Mapped[UUID]
    team_id: Mapped[UUID]
    player_id: Mapped[UUID | None]
    points: Mapped[int]
    completions: Mapped[int]  # 1 recorded, -1 withdrawn
    unquantified: Mapped[int]  # as completions, for those whose impact nobody has measured
    co2e_g: Mapped[int]
    water_ml: Mapped[int]
    waste_g: Mapped[int]
    learning_min: Mapped[int]
    reason: Mapped[str] = mapped_column(sa.String(16))
    author_id: Mapped[UUID | None]
    challenge_id: Mapped[UUID]
    category: Mapped[str] = mapped_column(sa.String(64))
    occurred_at: Mapped[datetime]

    __table_args__ = (sa.Index("ix_ledger_league", "tenant_id", "league_id"),)


# --- derived ---------------------------------------------------------------------------------------------------------


class Standing(PublicRow, Base):
    """One contender on one board, in one view. The tenant is the board's owner: an edition's board spans tenants.

    `per_head` is in micro-points, rounded down. `batches` counts the writes, which tells a new row from an old one.
    """

    __tablename__ = "standings"

    board: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    scope_id: Mapped[UUID] = mapped_column(primary_key=True)
    view: Mapped[str] = mapped_column(sa.String(8), primary_key=True)
    contender_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    bracket: Mapped[str | None] = mapped_column(sa.String(16))
    points: Mapped[int]
    completions: Mapped[int]
    heads: Mapped[int]
    per_head: Mapped[int | None]
    batches: Mapped[int]

    __table_args__ = (
        sa.Index("ix_standings_contender_id", "contender_id"),
        sa.Index(
            "ix_standings_nameless",
            "board",
            sqlite_where=sa.text("name = ''"),
            postgresql_where=sa.text("name = ''"),
        ),
    )


_BOARD = (Standing.tenant_id, Standing.board, Standing.scope_id, Standing.view)
sa.Index("ix_standings_points", *_BOARD, Standing.points.desc(), Standing.name, Standing.contender_id)
sa.Index(
    "ix_standings_per_head",
    *_BOARD,
    Standing.per_head.desc(),
    Standing.name,
    Standing.contender_id,
    sqlite_where=Standing.per_head.is_not(None),
    postgresql_where=Standing.per_head.is_not(None),
)


class HistogramBar(PublicRow, Base):
    """How many contenders of a board have one score. A score that nobody has any more has no bar.

    COUNTED_BOARDS have no bars at all.
    """

    __tablename__ = "histogram"

    board: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    scope_id: Mapped[UUID] = mapped_column(primary_key=True)
    view: Mapped[str] = mapped_column(sa.String(8), primary_key=True)
    measure: Mapped[str] = mapped_column(sa.String(8), primary_key=True)
    score: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    contenders: Mapped[int]

    __table_args__ = (
        sa.Index(
            "ix_histogram_empty",
            "contenders",
            sqlite_where=sa.text("contenders = 0"),
            postgresql_where=sa.text("contenders = 0"),
        ),
        {"sqlite_with_rowid": False},
    )


class Numbers:
    """What is added up about a scope; mixed into the tables that hold such sums."""

    completions: Mapped[int]
    unquantified: Mapped[int]
    co2e_g: Mapped[int]
    water_ml: Mapped[int]
    waste_g: Mapped[int]
    learning_min: Mapped[int]
    players: Mapped[int]
    leagues: Mapped[int]


NUMBERS = ("completions", "unquantified", "co2e_g", "water_ml", "waste_g", "learning_min", "players", "leagues")
"""The columns of Numbers, in the order in which they are added up."""


class Summary(Numbers, PublicRow, Base):
    """One scope in one view: as of when, how many heads, what was saved. No row: no board.

    Of a league also how many play now (`playing`; `players` counts who left as well), and how many of them have
    recorded something (`begun`). Counted anew when it changes; 0 in other scopes.
    """

    __tablename__ = "summaries"

    scope: Mapped[str] = mapped_column(sa.String(8), primary_key=True)
    scope_id: Mapped[UUID] = mapped_column(primary_key=True)
    view: Mapped[str] = mapped_column(sa.String(8), primary_key=True)
    edition_tenant_id: Mapped[UUID]
    edition_id: Mapped[UUID]
    league_id: Mapped[UUID | None]
    as_of: Mapped[datetime | None]
    heads: Mapped[int]
    playing: Mapped[int] = mapped_column(server_default="0")
    begun: Mapped[int] = mapped_column(server_default="0")

    __table_args__ = (
        sa.Index("ix_summaries_scope_id", "scope_id"),
        sa.Index("ix_summaries_edition", "edition_tenant_id", "edition_id", "view"),
    )


class Counters(Numbers, PublicRow, Base):
    """The public counters: one row, which belongs to the platform."""

    __tablename__ = "counters"

    editions: Mapped[int]
