"""count who has begun.

An organiser's overview counted the players of a whole tenant at every look. What it shows is now kept with each league.

Expands only: the workers of the version before run on, and do not count. A league in which a player comes, leaves or
begins in those seconds is counted again with the next one who does; `verify` names it until then.
"""

import sqlalchemy as sa
from alembic import op

from shared import database as types

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COLUMNS = ("playing", "begun")
summaries = sa.table(
    "summaries",
    sa.column("tenant_id", sa.Uuid()),
    sa.column("scope", sa.String()),
    sa.column("scope_id", sa.Uuid()),
    sa.column("view", sa.String()),
    *(sa.column(name, types.Integer64) for name in COLUMNS),
)
standings = sa.table(
    "standings",
    sa.column("tenant_id", sa.Uuid()),
    sa.column("board", sa.String()),
    sa.column("scope_id", sa.Uuid()),
    sa.column("view", sa.String()),
    sa.column("completions", types.Integer64),
    sa.column("heads", types.Integer64),
)


def upgrade() -> None:
    """count who has begun."""
    for name in COLUMNS:
        op.add_column("summaries", sa.Column(name, types.Integer64, server_default="0", nullable=False))
    playing = sa.select(sa.func.count()).where(
        standings.c.tenant_id == summaries.c.tenant_id,
        standings.c.board == "league_players",
        standings.c.scope_id == summaries.c.scope_id,
        standings.c.view == summaries.c.view,
        standings.c.heads > 0,
    )
    op.execute(
        sa.update(summaries)
        .where(summaries.c.scope == "league")
        .values(playing=playing.scalar_subquery(), begun=playing.where(standings.c.completions > 0).scalar_subquery())
    )
