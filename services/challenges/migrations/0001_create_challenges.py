"""Create challenges."""

import sqlalchemy as sa
from alembic import op

from shared import database as types
from shared.tables_0001 import create_shared_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create challenges."""
    op.create_table(
        "categories",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("names", types.Json, nullable=False),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "category", name=op.f("pk_categories")),
    )
    op.create_table(
        "challenges",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("challenge_id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.String(length=80), nullable=False),
        sa.Column("version", types.Integer64, nullable=False),
        sa.Column("is_retired", sa.Boolean(), nullable=False),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "challenge_id", name=op.f("pk_challenges")),
        sa.UniqueConstraint("tenant_id", "slug", name=op.f("uq_challenges_tenant_id_slug")),
    )
    op.create_table(
        "impact_factors",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("factor", sa.String(length=80), nullable=False),
        sa.Column("source_version", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("unit", sa.String(length=10), nullable=False),
        sa.Column("means", types.Json, nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "factor", "source_version", name=op.f("pk_impact_factors")),
    )
    op.create_table(
        "challenge_versions",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("challenge_id", sa.Uuid(), nullable=False),
        sa.Column("version", types.Integer64, nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("published_at", types.UtcDateTime(), nullable=False),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("difficulty", sa.String(length=20), nullable=False),
        sa.Column("season", sa.String(length=20), nullable=False),
        sa.Column("is_malus", sa.Boolean(), nullable=False),
        sa.Column("times", types.Integer64, nullable=False),
        sa.Column("per", sa.String(length=20), nullable=False),
        sa.Column("tiers", types.Json, nullable=False),
        sa.Column("impact_lines", types.Json, nullable=False),
        sa.Column("co2e_g", types.Integer64, nullable=True),
        sa.Column("water_ml", types.Integer64, nullable=True),
        sa.Column("waste_g", types.Integer64, nullable=True),
        sa.Column("learning_min", types.Integer64, nullable=True),
        sa.Column("sources", types.Json, nullable=False),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "category"],
            ["categories.tenant_id", "categories.category"],
            name=op.f("fk_challenge_versions_tenant_id_category_categories"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "challenge_id"],
            ["challenges.tenant_id", "challenges.challenge_id"],
            name=op.f("fk_challenge_versions_tenant_id_challenge_id_challenges"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "challenge_id", "version", name=op.f("pk_challenge_versions")),
    )
    op.create_table(
        "challenge_age_bands",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("challenge_id", sa.Uuid(), nullable=False),
        sa.Column("version", types.Integer64, nullable=False),
        sa.Column("age_band", sa.String(length=20), nullable=False),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "challenge_id", "version"],
            ["challenge_versions.tenant_id", "challenge_versions.challenge_id", "challenge_versions.version"],
            name="fk_challenge_age_bands_challenge_versions",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "challenge_id", "version", "age_band", name=op.f("pk_challenge_age_bands")
        ),
    )
    op.create_table(
        "challenge_audiences",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("challenge_id", sa.Uuid(), nullable=False),
        sa.Column("version", types.Integer64, nullable=False),
        sa.Column("audience", sa.String(length=20), nullable=False),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "challenge_id", "version"],
            ["challenge_versions.tenant_id", "challenge_versions.challenge_id", "challenge_versions.version"],
            name="fk_challenge_audiences_challenge_versions",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "challenge_id", "version", "audience", name=op.f("pk_challenge_audiences")
        ),
    )
    op.create_table(
        "challenge_texts",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("challenge_id", sa.Uuid(), nullable=False),
        sa.Column("version", types.Integer64, nullable=False),
        sa.Column("language", sa.String(length=10), nullable=False),
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.Column("why", sa.String(length=600), nullable=False),
        sa.Column("how", sa.String(length=600), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "challenge_id", "version"],
            ["challenge_versions.tenant_id", "challenge_versions.challenge_id", "challenge_versions.version"],
            name="fk_challenge_texts_challenge_versions",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "challenge_id", "version", "language", name=op.f("pk_challenge_texts")),
    )
    create_shared_tables()
