"""create ranking."""

import sqlalchemy as sa
from alembic import op

from shared import database as types
from shared.tables_0001 import create_shared_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """create ranking."""
    op.create_table(
        "counters",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("editions", types.Integer64, nullable=False),
        sa.Column("completions", types.Integer64, nullable=False),
        sa.Column("unquantified", types.Integer64, nullable=False),
        sa.Column("co2e_g", types.Integer64, nullable=False),
        sa.Column("water_ml", types.Integer64, nullable=False),
        sa.Column("waste_g", types.Integer64, nullable=False),
        sa.Column("learning_min", types.Integer64, nullable=False),
        sa.Column("players", types.Integer64, nullable=False),
        sa.Column("leagues", types.Integer64, nullable=False),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_counters")),
    )
    op.create_table(
        "editions",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("edition_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("heads_frozen_at", types.UtcDateTime(), nullable=True),
        sa.Column("revision", types.Integer64, nullable=False),
        sa.Column("frozen_at", types.UtcDateTime(), nullable=True),
        sa.Column("revealed_at", types.UtcDateTime(), nullable=True),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "edition_id", name=op.f("pk_editions")),
    )
    with op.batch_alter_table("editions", schema=None) as batch_op:
        batch_op.create_index("ix_editions_edition_id", ["edition_id"], unique=False)

    op.create_table(
        "histogram",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("board", sa.String(length=16), nullable=False),
        sa.Column("scope_id", sa.Uuid(), nullable=False),
        sa.Column("view", sa.String(length=8), nullable=False),
        sa.Column("measure", sa.String(length=8), nullable=False),
        sa.Column("score", types.Integer64, autoincrement=False, nullable=False),
        sa.Column("contenders", types.Integer64, nullable=False),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id", "board", "scope_id", "view", "measure", "score", name=op.f("pk_histogram")
        ),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("histogram", schema=None) as batch_op:
        batch_op.create_index(
            "ix_histogram_empty",
            ["contenders"],
            unique=False,
            sqlite_where=sa.text("contenders = 0"),
            postgresql_where=sa.text("contenders = 0"),
        )

    op.create_table(
        "leaders",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("league_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("changed_at", types.UtcDateTime(), nullable=False),
        sa.Column("has_resigned", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "league_id", "person_id", name=op.f("pk_leaders")),
    )
    op.create_table(
        "leagues",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("league_id", sa.Uuid(), nullable=False),
        sa.Column("edition_tenant_id", sa.Uuid(), nullable=False),
        sa.Column("edition_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("age_band", sa.String(length=16), nullable=True),
        sa.Column("heads_frozen_at", types.UtcDateTime(), nullable=True),
        sa.Column("revision", types.Integer64, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "league_id", name=op.f("pk_leagues")),
    )
    with op.batch_alter_table("leagues", schema=None) as batch_op:
        batch_op.create_index(
            "ix_leagues_edition", ["edition_tenant_id", "edition_id", "tenant_id", "league_id"], unique=False
        )
        batch_op.create_index("ix_leagues_league_id", ["league_id"], unique=False)

    op.create_table(
        "ledger",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("edition_tenant_id", sa.Uuid(), nullable=False),
        sa.Column("edition_id", sa.Uuid(), nullable=False),
        sa.Column("league_id", sa.Uuid(), nullable=False),
        sa.Column("team_id", sa.Uuid(), nullable=False),
        sa.Column("player_id", sa.Uuid(), nullable=True),
        sa.Column("points", types.Integer64, nullable=False),
        sa.Column("completions", types.Integer64, nullable=False),
        sa.Column("unquantified", types.Integer64, nullable=False),
        sa.Column("co2e_g", types.Integer64, nullable=False),
        sa.Column("water_ml", types.Integer64, nullable=False),
        sa.Column("waste_g", types.Integer64, nullable=False),
        sa.Column("learning_min", types.Integer64, nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column("challenge_id", sa.Uuid(), nullable=False),
        sa.Column("category", sa.String(length=64), nullable=False),
        sa.Column("occurred_at", types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "source", name=op.f("pk_ledger")),
    )
    with op.batch_alter_table("ledger", schema=None) as batch_op:
        batch_op.create_index("ix_ledger_league", ["tenant_id", "league_id"], unique=False)

    op.create_table(
        "player_moves",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("player_id", sa.Uuid(), nullable=False),
        sa.Column("revision", types.Integer64, autoincrement=False, nullable=False),
        sa.Column("league_id", sa.Uuid(), nullable=False),
        sa.Column("team_id", sa.Uuid(), nullable=True),
        sa.Column("at", types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "player_id", "revision", name=op.f("pk_player_moves")),
    )
    with op.batch_alter_table("player_moves", schema=None) as batch_op:
        batch_op.create_index("ix_player_moves_league_id", ["league_id", "player_id"], unique=False)
        batch_op.create_index("ix_player_moves_player_id", ["player_id"], unique=False)

    op.create_table(
        "players",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("player_id", sa.Uuid(), nullable=False),
        sa.Column("league_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("revision", types.Integer64, nullable=False),
        sa.Column("named_at", types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "player_id", name=op.f("pk_players")),
    )
    op.create_table(
        "standings",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("board", sa.String(length=16), nullable=False),
        sa.Column("scope_id", sa.Uuid(), nullable=False),
        sa.Column("view", sa.String(length=8), nullable=False),
        sa.Column("contender_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("bracket", sa.String(length=16), nullable=True),
        sa.Column("points", types.Integer64, nullable=False),
        sa.Column("completions", types.Integer64, nullable=False),
        sa.Column("heads", types.Integer64, nullable=False),
        sa.Column("per_head", types.Integer64, nullable=True),
        sa.Column("batches", types.Integer64, nullable=False),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "board", "scope_id", "view", "contender_id", name=op.f("pk_standings")),
    )
    with op.batch_alter_table("standings", schema=None) as batch_op:
        batch_op.create_index("ix_standings_contender_id", ["contender_id"], unique=False)
        batch_op.create_index(
            "ix_standings_nameless",
            ["board"],
            unique=False,
            sqlite_where=sa.text("name = ''"),
            postgresql_where=sa.text("name = ''"),
        )
        batch_op.create_index(
            "ix_standings_per_head",
            ["tenant_id", "board", "scope_id", "view", sa.literal_column("per_head DESC"), "name", "contender_id"],
            unique=False,
            sqlite_where=sa.text("per_head IS NOT NULL"),
            postgresql_where=sa.text("per_head IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_standings_points",
            ["tenant_id", "board", "scope_id", "view", sa.literal_column("points DESC"), "name", "contender_id"],
            unique=False,
        )

    op.create_table(
        "summaries",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.String(length=8), nullable=False),
        sa.Column("scope_id", sa.Uuid(), nullable=False),
        sa.Column("view", sa.String(length=8), nullable=False),
        sa.Column("edition_tenant_id", sa.Uuid(), nullable=False),
        sa.Column("edition_id", sa.Uuid(), nullable=False),
        sa.Column("league_id", sa.Uuid(), nullable=True),
        sa.Column("as_of", types.UtcDateTime(), nullable=True),
        sa.Column("heads", types.Integer64, nullable=False),
        sa.Column("completions", types.Integer64, nullable=False),
        sa.Column("unquantified", types.Integer64, nullable=False),
        sa.Column("co2e_g", types.Integer64, nullable=False),
        sa.Column("water_ml", types.Integer64, nullable=False),
        sa.Column("waste_g", types.Integer64, nullable=False),
        sa.Column("learning_min", types.Integer64, nullable=False),
        sa.Column("players", types.Integer64, nullable=False),
        sa.Column("leagues", types.Integer64, nullable=False),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "scope", "scope_id", "view", name=op.f("pk_summaries")),
    )
    with op.batch_alter_table("summaries", schema=None) as batch_op:
        batch_op.create_index("ix_summaries_edition", ["edition_tenant_id", "edition_id", "view"], unique=False)
        batch_op.create_index("ix_summaries_scope_id", ["scope_id"], unique=False)

    op.create_table(
        "teams",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("team_id", sa.Uuid(), nullable=False),
        sa.Column("league_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("revision", types.Integer64, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "team_id", name=op.f("pk_teams")),
    )
    with op.batch_alter_table("teams", schema=None) as batch_op:
        batch_op.create_index("ix_teams_league", ["tenant_id", "league_id"], unique=False)

    op.create_table(
        "tenants",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("name_rank", types.Integer64, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_tenants")),
    )
    create_shared_tables()
