"""keep tier labels.

Events said which tiers a challenge has, and not what they are. They do now; of challenges that were published before,
`announce` in challenges tells it again.

Expands only: the version before this one runs on, and shows points alone.
"""

import sqlalchemy as sa
from alembic import op

from shared import database as types

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """keep tier labels."""
    op.add_column("challenges", sa.Column("tier_labels", types.Json, server_default="{}", nullable=False))
