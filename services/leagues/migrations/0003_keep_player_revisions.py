"""keep player revisions and former leaders.

What was emitted once could not be told again: a player's row knows the present alone, a leader's row was deleted. From
here on both are kept. Of what happened before:

- exactly known, and filled in: everything that is still in the outbox (seven days); the joining of a player who did
  nothing since, or nothing but leave; every leaving.
- not known: earlier changes of team and of name, and leaders who resigned. Nothing is invented here.
  `services/leagues/domain/announcements.py` says what is told of players whose revisions are missing.

Expands only: the version before this one runs on, and writes no revisions; they are told as those that are not known.
"""

import json
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from alembic import op

from shared import database as types
from shared.row_security import protect

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

PAGE = 1000
players = sa.table(
    "players",
    sa.column("tenant_id", sa.Uuid()),
    sa.column("player_id", sa.Uuid()),
    sa.column("team_id", sa.Uuid()),
    sa.column("joined_at", types.UtcDateTime()),
    sa.column("left_at", types.UtcDateTime()),
    sa.column("revision", types.Integer64),
)
revisions = sa.table(
    "player_revisions",
    sa.column("tenant_id", sa.Uuid()),
    sa.column("player_id", sa.Uuid()),
    sa.column("revision", types.Integer64),
    sa.column("event", sa.String()),
    sa.column("team_id", sa.Uuid()),
    sa.column("at", types.UtcDateTime()),
)
outbox = sa.table("outbox", sa.column("position", types.Integer64), sa.column("envelope", sa.Text()))


def upgrade() -> None:
    """keep player revisions and former leaders."""
    op.create_table(
        "former_leaders",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("league_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("resigned_at", types.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "league_id"],
            ["leagues.tenant_id", "leagues.league_id"],
            name=op.f("fk_former_leaders_tenant_id_league_id_leagues"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "league_id", "person_id", name=op.f("pk_former_leaders")),
    )
    op.create_table(
        "player_revisions",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("player_id", sa.Uuid(), nullable=False),
        sa.Column("revision", types.Integer64, autoincrement=False, nullable=False),
        sa.Column("event", sa.String(length=16), nullable=False),
        sa.Column("team_id", sa.Uuid(), nullable=False),
        sa.Column("at", types.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "player_id"],
            ["players.tenant_id", "players.player_id"],
            name=op.f("fk_player_revisions_tenant_id_player_id_players"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "player_id", "revision", name=op.f("pk_player_revisions")),
    )
    connection = op.get_bind()
    _fill_from_outbox(connection)
    only_joined = sa.or_(players.c.revision == 1, sa.and_(players.c.revision == 2, players.c.left_at.is_not(None)))
    _fill(connection, sa.literal(1), "PlayerJoined", players.c.joined_at, only_joined)
    _fill(connection, players.c.revision, "PlayerLeft", players.c.left_at, players.c.left_at.is_not(None))
    protect("former_leaders", "player_revisions")


def _fill(connection, number, event, at, condition) -> None:
    """From the rows of the players, where the revision is not there yet."""
    is_there = sa.exists().where(
        revisions.c.tenant_id == players.c.tenant_id,
        revisions.c.player_id == players.c.player_id,
        revisions.c.revision == number,
    )
    rows = sa.select(
        players.c.tenant_id,
        players.c.player_id,
        sa.cast(number, types.Integer64),
        sa.literal(event, sa.String()),
        players.c.team_id,
        at,
    ).where(condition, ~is_there)
    connection.execute(sa.insert(revisions).from_select([column.name for column in revisions.c], rows))


def _fill_from_outbox(connection) -> None:
    """From the events that are still there; each of them was written with a revision of its own."""
    position, seen = 0, set()
    while True:
        envelopes = connection.execute(
            sa.select(outbox.c.position, outbox.c.envelope)
            .where(outbox.c.position > position, outbox.c.envelope.contains('"type":"Player'))
            .order_by(outbox.c.position)
            .limit(PAGE)
        ).all()
        if not envelopes:
            return
        found = {(row["tenant_id"], row["player_id"], row["revision"]): row for row in map(_revision_of, envelopes)}
        fresh = [row for key, row in found.items() if key not in seen]
        if fresh:
            connection.execute(sa.insert(revisions), fresh)
        seen |= found.keys()
        position = envelopes[-1].position


def _revision_of(row):
    envelope = json.loads(row.envelope)
    data = envelope["data"]
    return {
        "tenant_id": UUID(envelope["tenant_id"]),
        "player_id": UUID(data["player_id"]),
        "revision": data["revision"],
        "event": envelope["type"],
        "team_id": UUID(data["team_id"]),
        "at": datetime.fromisoformat(data["at"]),
    }
