"""Let PostgreSQL itself keep each tenant's rows to the tenant.

No version that ran on PostgreSQL came before this one: a later table is protected by the migration that creates it.
"""

from shared.row_security import protect

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

PRIVATE = (
    "leaders",
    "leagues",
    "ledger",
    "player_moves",
    "players",
    "teams",
    "tenants",
)
PUBLIC = (
    "counters",
    "editions",
    "histogram",
    "standings",
    "summaries",
)


def upgrade() -> None:
    """Enable row-level security."""
    protect(*PRIVATE)
    protect(*PUBLIC, is_public=True)
