"""Let PostgreSQL itself keep each tenant's rows to the tenant.

No version that ran on PostgreSQL came before this one: a later table is protected by the migration that creates it.
"""

from shared.row_security import protect

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

PUBLIC = (
    "categories",
    "challenge_age_bands",
    "challenge_audiences",
    "challenge_texts",
    "challenge_versions",
    "challenges",
    "impact_factors",
)


def upgrade() -> None:
    """Enable row-level security."""
    protect(*PUBLIC, is_public=True)
