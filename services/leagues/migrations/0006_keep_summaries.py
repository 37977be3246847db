"""keep summaries.

Events said what a challenge is called, which may be a joke, and not what it is. They do now: what one does, and the words
a search finds it by. The catalogue's files have changed with it, so that every challenge is published again; until then
a search looks at titles, as it did. Where the version before this one heard that first, `announce` in challenges tells
it again.

Expands only: the version before this one runs on, and shows titles alone.
"""

import sqlalchemy as sa
from alembic import op

from shared import database as types

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """keep summaries."""
    op.add_column("challenges", sa.Column("summaries", types.Json, server_default="{}", nullable=False))
    op.add_column("challenges", sa.Column("words", types.Json, server_default="{}", nullable=False))
