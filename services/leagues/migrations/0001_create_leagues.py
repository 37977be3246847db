"""create leagues."""

import sqlalchemy as sa
from alembic import op

from shared import database as types
from shared.tables_0001 import create_shared_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """create leagues."""
    op.create_table(
        "challenges",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("challenge_id", sa.Uuid(), nullable=False),
        sa.Column("version", types.Integer64, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("tiers", types.Json, nullable=False),
        sa.Column("audiences", types.Json, nullable=False),
        sa.Column("age_bands", types.Json, nullable=False),
        sa.Column("times", types.Integer64, nullable=False),
        sa.Column("per", sa.String(length=8), nullable=False),
        sa.Column("impact", types.Json, nullable=False),
        sa.Column("titles", types.Json, nullable=False),
        sa.Column("retired_version", types.Integer64, nullable=False),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "challenge_id", name=op.f("pk_challenges")),
    )
    op.create_table(
        "editions",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("edition_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("audience", sa.String(length=16), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("starts_at", sa.DateTime(), nullable=False),
        sa.Column("ends_at", sa.DateTime(), nullable=False),
        sa.Column("registration_ends_at", sa.DateTime(), nullable=False),
        sa.Column("grace_days", types.Integer64, nullable=False),
        sa.Column("min_players", types.Integer64, nullable=False),
        sa.Column("max_players", types.Integer64, nullable=False),
        sa.Column("published_at", types.UtcDateTime(), nullable=True),
        sa.Column("frozen_at", types.UtcDateTime(), nullable=True),
        sa.Column("revealed_at", types.UtcDateTime(), nullable=True),
        sa.Column("archived_at", types.UtcDateTime(), nullable=True),
        sa.Column("revision", types.Integer64, nullable=False),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "edition_id", name=op.f("pk_editions")),
    )
    op.create_table(
        "people",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("display_name", sa.String(length=80), nullable=False),
        sa.Column("roles", types.Json, nullable=False),
        sa.Column("revision", types.Integer64, nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("activity_revision", types.Integer64, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "person_id", name=op.f("pk_people")),
    )
    op.create_table(
        "tenants",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("revision", types.Integer64, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_tenants")),
    )
    op.create_table(
        "leagues",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("league_id", sa.Uuid(), nullable=False),
        sa.Column("edition_tenant_id", sa.Uuid(), nullable=False),
        sa.Column("edition_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("age_band", sa.String(length=8), nullable=True),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("teams_locked_at", types.UtcDateTime(), nullable=True),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("revision", types.Integer64, nullable=False),
        sa.ForeignKeyConstraint(
            ["edition_tenant_id", "edition_id"],
            ["editions.tenant_id", "editions.edition_id"],
            name=op.f("fk_leagues_edition_tenant_id_edition_id_editions"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "league_id", name=op.f("pk_leagues")),
        sa.UniqueConstraint("code", name=op.f("uq_leagues_code")),
    )
    with op.batch_alter_table("leagues", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_leagues_tenant_id_edition_id"), ["tenant_id", "edition_id"], unique=False)

    op.create_table(
        "leaders",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("league_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("appointed_at", types.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "league_id"],
            ["leagues.tenant_id", "leagues.league_id"],
            name=op.f("fk_leaders_tenant_id_league_id_leagues"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "league_id", "person_id", name=op.f("pk_leaders")),
    )
    with op.batch_alter_table("leaders", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_leaders_tenant_id_person_id"), ["tenant_id", "person_id"], unique=False)

    op.create_table(
        "teams",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("team_id", sa.Uuid(), nullable=False),
        sa.Column("league_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("revision", types.Integer64, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "league_id"],
            ["leagues.tenant_id", "leagues.league_id"],
            name=op.f("fk_teams_tenant_id_league_id_leagues"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "team_id", name=op.f("pk_teams")),
        sa.UniqueConstraint("tenant_id", "league_id", "name", name=op.f("uq_teams_tenant_id_league_id_name")),
    )
    op.create_table(
        "players",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("player_id", sa.Uuid(), nullable=False),
        sa.Column("league_id", sa.Uuid(), nullable=False),
        sa.Column("team_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("display_name", sa.String(length=80), nullable=False),
        sa.Column("joined_at", types.UtcDateTime(), nullable=False),
        sa.Column("left_at", types.UtcDateTime(), nullable=True),
        sa.Column("revision", types.Integer64, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "league_id"],
            ["leagues.tenant_id", "leagues.league_id"],
            name=op.f("fk_players_tenant_id_league_id_leagues"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "team_id"],
            ["teams.tenant_id", "teams.team_id"],
            name=op.f("fk_players_tenant_id_team_id_teams"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "player_id", name=op.f("pk_players")),
        sa.UniqueConstraint(
            "tenant_id", "league_id", "person_id", name=op.f("uq_players_tenant_id_league_id_person_id")
        ),
    )
    with op.batch_alter_table("players", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_players_tenant_id_person_id"), ["tenant_id", "person_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_players_tenant_id_team_id"), ["tenant_id", "team_id"], unique=False)

    op.create_table(
        "completions",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("completion_id", sa.Uuid(), nullable=False),
        sa.Column("league_id", sa.Uuid(), nullable=False),
        sa.Column("edition_tenant_id", sa.Uuid(), nullable=False),
        sa.Column("edition_id", sa.Uuid(), nullable=False),
        sa.Column("team_id", sa.Uuid(), nullable=False),
        sa.Column("player_id", sa.Uuid(), nullable=True),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("challenge_id", sa.Uuid(), nullable=False),
        sa.Column("challenge_version", types.Integer64, nullable=False),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("tier", sa.String(length=40), nullable=False),
        sa.Column("points", types.Integer64, nullable=False),
        sa.Column("co2e_g", types.Integer64, nullable=True),
        sa.Column("water_ml", types.Integer64, nullable=True),
        sa.Column("waste_g", types.Integer64, nullable=True),
        sa.Column("learning_min", types.Integer64, nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("period", sa.String(length=16), nullable=False),
        sa.Column("slot", types.Integer64, nullable=True),
        sa.Column("slots", types.Integer64, nullable=False),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", types.UtcDateTime(), nullable=False),
        sa.Column("withdrawn_at", types.UtcDateTime(), nullable=True),
        sa.Column("withdrawn_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("slot IS NULL OR (slot >= 0 AND slot < slots)", name=op.f("ck_completions_slot")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "player_id"],
            ["players.tenant_id", "players.player_id"],
            name=op.f("fk_completions_tenant_id_player_id_players"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "team_id"],
            ["teams.tenant_id", "teams.team_id"],
            name=op.f("fk_completions_tenant_id_team_id_teams"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "completion_id", name=op.f("pk_completions")),
        sa.UniqueConstraint("tenant_id", "subject_id", "challenge_id", "period", "slot", name="uq_completions_cap"),
    )
    with op.batch_alter_table("completions", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_completions_tenant_id_league_id_recorded_at"),
            ["tenant_id", "league_id", "recorded_at"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_completions_tenant_id_player_id"), ["tenant_id", "player_id"], unique=False
        )
    create_shared_tables()
