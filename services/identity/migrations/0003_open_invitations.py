"""Invitations that many people may use.

Expands only: the version before this one runs on, and takes an open invitation for one that one person may use.
"""

import sqlalchemy as sa
from alembic import op

from shared import database as types

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what an open invitation has besides: its token, how many may use it and how many have."""
    op.add_column("invitations", sa.Column("open_token", sa.String(length=64), nullable=True))
    op.add_column("invitations", sa.Column("max_uses", types.Integer64, nullable=True))
    op.add_column("invitations", sa.Column("uses", types.Integer64, server_default="0", nullable=False))
