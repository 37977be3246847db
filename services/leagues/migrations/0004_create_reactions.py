"""create reactions.

Expands only: the version before this one runs on, and knows nothing of them.
"""

import sqlalchemy as sa
from alembic import op

from shared import database as types
from shared.row_security import protect

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """create reactions."""
    op.create_table(
        "reactions",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("completion_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("reacted_at", types.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "completion_id"],
            ["completions.tenant_id", "completions.completion_id"],
            name=op.f("fk_reactions_tenant_id_completion_id_completions"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "completion_id", "person_id", name=op.f("pk_reactions")),
    )
    protect("reactions")
