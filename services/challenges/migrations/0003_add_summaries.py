"""add summaries.

What one does in a few plain words, under a title that may be a joke. The files say it for every challenge, so that the
next load publishes a version with it; what was published before stays as it was.

Expands only: the version before this one runs on, and knows nothing of them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """add summaries."""
    op.add_column("challenge_texts", sa.Column("summary", sa.String(length=80), server_default="", nullable=False))
