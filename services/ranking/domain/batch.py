"""A polled batch of events, collected by the handlers and applied in one go before the transaction commits.

Events of different types alternate in a topic: applied run by run, a thousand of them would cost hundreds of
statements. Nothing here depends on their order, so they are added up together.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import Session

from services.ranking.domain import snapshots
from services.ranking.domain.changes import Changes, Where, edition_numbers
from services.ranking.domain.facts import (
    EditionKey,
    keep_newest,
    known_leagues,
    lock_editions,
    lock_leagues,
    name_standings,
)
from services.ranking.domain.heads import Membership, Move, membership
from services.ranking.domain.ledger import Entry, add_entries
from services.ranking.domain.writing import chunks, remember_leagues, write
from services.ranking.models import FROZEN, LIVE, Edition, Leader, League, Player, PlayerMove, Team, Tenant
from shared.contracts import EditionScheduled
from shared.database import insert_new

Row = dict[str, Any]
PlayerKey = tuple[UUID, UUID]
"""tenant_id, player_id"""


class Revealed(NamedTuple):
    """An edition's boards show the truth from a moment on; announced: that moment has been told of before."""

    edition: EditionKey
    at: datetime
    is_announced: bool


@dataclass(slots=True)
class Batch:
    """Facts on their way into the tables, as rows. Every league mentioned is in `places`."""

    places: dict[UUID, Where] = field(default_factory=dict)
    scheduled: list[tuple[UUID, EditionScheduled]] = field(default_factory=list)
    frozen: list[tuple[EditionKey, datetime]] = field(default_factory=list)
    revealed: list[Revealed] = field(default_factory=list)
    tenants: list[Row] = field(default_factory=list)
    leagues: list[Row] = field(default_factory=list)
    teams: list[Row] = field(default_factory=list)
    players: list[Row] = field(default_factory=list)
    moves: list[Row] = field(default_factory=list)
    leaders: list[Row] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)

    def edition_keys(self) -> set[EditionKey]:
        """Every edition mentioned."""
        turned = {key for key, _at in self.frozen} | {revealed.edition for revealed in self.revealed}
        scheduled = {(tenant_id, data.edition_id) for tenant_id, data in self.scheduled}
        return turned | scheduled | {(where.edition_tenant_id, where.edition_id) for where in self.places.values()}


def batch_of(session: Session) -> Batch:
    """The batch of this transaction; it is applied when the transaction commits."""
    batch: Batch | None = session.info.get("ranking_batch")
    if batch is None:
        batch = session.info["ranking_batch"] = Batch()
        event.listen(session, "before_commit", _apply_before_commit, once=True)
    return batch


def _apply_before_commit(session: Session) -> None:
    batch: Batch | None = session.info.pop("ranking_batch", None)
    if batch is not None:
        apply(session, batch)


LIVE_VIEW: tuple[str, datetime | None] = (LIVE, None)


class Views:
    """Which views of an edition a fact goes into: the live one, and the snapshot when it is older than that."""

    def __init__(self, editions: dict[UUID, Edition], snapshots_at: dict[UUID, datetime]) -> None:
        self.editions = editions
        self.is_open = {edition_id: edition.is_public for edition_id, edition in editions.items()}
        self.public = {edition_id: FROZEN if edition_id in snapshots_at else LIVE for edition_id in editions}
        frozen = {edition_id: [LIVE_VIEW, (FROZEN, until)] for edition_id, until in snapshots_at.items()}
        self._of = {edition_id: frozen.get(edition_id, [LIVE_VIEW]) for edition_id in editions}

    def of(self, edition_id: UUID) -> list[tuple[str, datetime | None]]:
        """(view, until) of each view there is."""
        return self._of[edition_id]


def apply(session: Session, batch: Batch) -> None:
    """Applies a batch: facts, then what they change on the boards, then the snapshots that begin or end."""
    turns = bool(batch.scheduled or batch.frozen or batch.revealed)
    editions = lock_editions(session, batch.edition_keys(), exclusive=turns)
    before = {edition_id: edition.snapshot_at for edition_id, edition in editions.items()}
    scheduled = _turn_editions(session, batch, editions)
    session.flush()
    turned = [edition for edition_id, edition in editions.items() if edition.snapshot_at != before[edition_id]]
    for edition in turned:
        if before[edition.edition_id] is not None:
            snapshots.drop(session, edition)
    standing = {
        edition_id: at
        for edition_id, edition in editions.items()
        if (at := edition.snapshot_at) is not None and at == before[edition_id]
    }
    views = Views(editions, standing)
    changes = Changes()
    _add_facts(session, batch, views, changes)
    add_entries(session, batch.entries, batch.places, views.of, changes)
    _write(session, batch, views, changes, scheduled)
    for edition in turned:
        if edition.snapshot_at is not None:
            snapshots.take(session, edition)


def _write(session: Session, batch: Batch, views: Views, changes: Changes, scheduled: int) -> None:
    """First what is one league's, and so one worker's; last what leagues share: an edition's and a tenant's rows.

    Whoever has written a shared row keeps the other workers waiting until the end of the transaction. Nobody who holds
    one waits for a league's row: that would be a deadlock.
    """
    shared = Changes()
    changes.move_edition_level(shared)
    own = write(session, changes, views.is_open)
    keep_newest(session, Tenant, batch.tenants, ("name_rank", "name"))
    new = write(session, shared, views.is_open)
    remember_leagues(session, [batch.places[league_id] for league_id in new.leagues])
    if own.has_rows or new.has_rows:
        name_standings(session)
    name_standings(session, _renamed(batch))
    snapshots.add_to_counters(session, edition_numbers(shared, views.public), editions=scheduled)


def _turn_editions(session: Session, batch: Batch, editions: dict[UUID, Edition]) -> int:
    """Brings the editions up to date; returns how many are scheduled for the first time."""
    new = 0
    for _tenant_id, data in batch.scheduled:
        edition = editions[data.edition_id]
        if data.revision > edition.revision:
            new += edition.revision == 0
            if edition.is_public != data.is_open:
                snapshots.publish(session, edition, data.is_open)
            edition.is_public, edition.name, edition.revision = data.is_open, data.name, data.revision
            edition.heads_frozen_at = data.heads_frozen_at
    for (_tenant_id, edition_id), at in batch.frozen:
        edition = editions[edition_id]
        edition.frozen_at = max(at, edition.frozen_at or at)
    for (_tenant_id, edition_id), at, is_announced in batch.revealed:
        edition = editions[edition_id]
        if edition.revealed_at is None or at > edition.revealed_at:
            edition.revealed_at = at
            snapshots.tell(session, edition, at, is_announced=is_announced)
    return new


def _add_facts(session: Session, batch: Batch, views: Views, changes: Changes) -> None:
    """Names, leagues, teams, leaders and moves."""
    for _tenant_id, data in batch.scheduled:
        for view, _until in views.of(data.edition_id):
            changes.add_edition(views.editions[data.edition_id].tenant_id, data.edition_id, view)
    keep_newest(session, Team, batch.teams, ("revision",))
    keep_newest(session, Player, batch.players, ("revision", "named_at", "name"))
    keep_newest(session, Leader, batch.leaders, ("changed_at", "has_resigned"))
    freezes = _add_leagues(session, batch, views, changes)
    for team in batch.teams:
        where = batch.places[team["league_id"]]
        for view, _until in views.of(where.edition_id):
            changes.add_team(where, view, team["team_id"])
    _add_moves(session, batch, views, changes, freezes)


Freezes = dict[UUID, tuple[datetime | None, datetime | None]]
"""league_id -> its heads_frozen_at before this batch, and after it"""


def _add_leagues(session: Session, batch: Batch, views: Views, changes: Changes) -> Freezes:
    created = [batch.places[row["league_id"]] for row in batch.leagues]
    remember_leagues(session, created)  # so that there is a row to lock: told to two workers, it counts once
    lock_leagues(session, {where.league_id for where in created})
    mentioned = {row["league_id"] for row in (*batch.leagues, *batch.moves)}
    known = known_leagues(session, {(batch.places[league_id].tenant_id, league_id) for league_id in mentioned})
    freezes = {league_id: (at, at) for league_id, (_revision, at) in known.items()}
    revisions = {league_id: revision for league_id, (revision, _at) in known.items()}
    for row in batch.leagues:
        league_id, where = row["league_id"], batch.places[row["league_id"]]
        revision = revisions.get(league_id, 0)
        if row["revision"] > revision:
            revisions[league_id] = row["revision"]
            freezes[league_id] = (freezes.get(league_id, (None, None))[0], row["heads_frozen_at"])
            for view, _until in views.of(where.edition_id):
                changes.add_league(where, view, 1 if revision == 0 else 0)
    keep_newest(session, League, batch.leagues, ("revision",))
    return freezes


def _add_moves(session: Session, batch: Batch, views: Views, changes: Changes, freezes: Freezes) -> None:
    """Compares where the players of the batch were, and are heads, with where they are now."""
    known = _known_moves(session, batch, freezes)
    fresh: dict[tuple[UUID, UUID, int], Row] = {}
    for row in batch.moves:
        if row["revision"] not in {move.revision for move in known[(row["tenant_id"], row["player_id"])][1]}:
            fresh.setdefault((row["tenant_id"], row["player_id"], row["revision"]), row)
    # Rows without a team are another statement: kept together, there are two of them and not hundreds.
    insert_new(session, PlayerMove, sorted(fresh.values(), key=lambda row: row["team_id"] is None))
    added: defaultdict[PlayerKey, list[Move]] = defaultdict(list)
    for (tenant_id, player_id, revision), row in fresh.items():
        added[(tenant_id, player_id)].append(Move(revision, row["team_id"], row["at"]))
    for key, (league_id, moves) in known.items():
        frozen_before, frozen_after = freezes.get(league_id, (None, None))
        where = batch.places[league_id]
        for view, until in views.of(where.edition_id):
            for move in added[key]:
                if until is None or move.at <= until:
                    changes.add_move(where, view, move.team_id, move.at)
            before = membership(moves, frozen_before, until)
            after = membership([*moves, *added[key]], frozen_after, until)
            _replace(changes, where, view, key[1], before, after)


def _replace(
    changes: Changes, where: Where, view: str, player_id: UUID, before: Membership | None, after: Membership | None
) -> None:
    if before == after:
        return
    if before is not None:
        changes.add_membership(where, view, player_id, before, -1)
    if after is not None:
        changes.add_membership(where, view, player_id, after, 1)


def _known_moves(session: Session, batch: Batch, freezes: Freezes) -> dict[PlayerKey, tuple[UUID, list[Move]]]:
    """The moves known so far of the batch's players, and of every player of a league whose freeze has changed."""
    known: dict[PlayerKey, tuple[UUID, list[Move]]] = {
        (row["tenant_id"], row["player_id"]): (row["league_id"], []) for row in batch.moves
    }
    changed = [league_id for league_id, (before, after) in freezes.items() if before != after]
    players = sorted(player_id for _tenant_id, player_id in known)
    conditions = [PlayerMove.player_id.in_(chunk) for chunk in chunks(players)]
    conditions += [PlayerMove.league_id.in_(chunk) for chunk in chunks(sorted(changed))]
    mine = {(batch.places[league_id].tenant_id, league_id) for league_id in batch.places}
    seen: set[tuple[UUID, UUID, int]] = set()
    for condition in conditions:
        for move in session.execute(
            sa.select(
                PlayerMove.tenant_id,
                PlayerMove.player_id,
                PlayerMove.revision,
                PlayerMove.league_id,
                PlayerMove.team_id,
                PlayerMove.at,
            ).where(condition)
        ):
            if move[:3] not in seen and (move.tenant_id, move.league_id) in mine:
                seen.add(move[:3])
                moves = known.setdefault((move.tenant_id, move.player_id), (move.league_id, []))[1]
                moves.append(Move(move.revision, move.team_id, move.at))
    return known


def _renamed(batch: Batch) -> dict[str, set[UUID]]:
    return {
        "tenants": {row["tenant_id"] for row in batch.tenants},
        "leagues": {row["league_id"] for row in batch.leagues},
        "teams": {row["team_id"] for row in batch.teams},
        "players": {row["player_id"] for row in batch.players},
    }
