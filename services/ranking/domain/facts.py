"""What events told about editions, leagues, teams, players and leaders: the newest word is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.ranking.domain.writing import chunks
from services.ranking.models import (
    EDITION_LEAGUES,
    EDITION_TENANTS,
    LEAGUE_TEAMS,
    PLAYER_BOARDS,
    Edition,
    League,
    Player,
    Standing,
    Team,
    Tenant,
)
from shared.bulk import UNCHECKED
from shared.database import insert_new, upsert_statement

EditionKey = tuple[UUID, UUID]
"""tenant_id of the owner, edition_id"""


def keep_newest(session: Session, model: type[Any], rows: Iterable[Mapping[str, Any]], rank: Sequence[str]) -> None:
    """Writes the facts that are newer than what is known, comparing the columns of `rank`."""
    keys = [column.name for column in sa.inspect(model).primary_key]
    newest: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for row in rows:
        key = tuple(row[name] for name in keys)
        known = newest.get(key)
        if known is None or [row[name] for name in rank] > [known[name] for name in rank]:
            newest[key] = row
    if not newest:
        return
    statement = upsert_statement(session, model)
    values = next(iter(newest.values()))
    session.execute(
        statement.on_conflict_do_update(
            index_elements=keys,
            set_={name: statement.excluded[name] for name in values if name not in keys},
            where=sa.tuple_(*(statement.excluded[name] for name in rank))
            > sa.tuple_(*(getattr(model, name) for name in rank)),
        ),
        [newest[key] for key in sorted(newest)],
        execution_options=UNCHECKED,
    )


def lock_editions(session: Session, keys: set[EditionKey], *, exclusive: bool) -> dict[UUID, Edition]:
    """The editions, those unheard of added; by id.

    Shared lock: while one worker adds points nobody may take the edition's snapshot, and the other way round.
    """
    found = _editions(session, keys, exclusive)
    missing = sorted(key for key in keys if key[1] not in found)
    if missing:
        rows = [{"tenant_id": key[0], "edition_id": key[1], "is_public": False, "revision": 0} for key in missing]
        insert_new(session, Edition, [{**row, "name": ""} for row in rows])
        found |= _editions(session, set(missing), exclusive)
    return found


def _editions(session: Session, keys: set[EditionKey], exclusive: bool) -> dict[UUID, Edition]:
    return {
        edition.edition_id: edition
        for chunk in chunks(sorted(edition_id for _tenant_id, edition_id in keys))
        for edition in session.scalars(
            sa.select(Edition)
            .where(Edition.edition_id.in_(chunk))
            .order_by(Edition.edition_id)
            .with_for_update(read=not exclusive)
        )
        if (edition.tenant_id, edition.edition_id) in keys
    }


def lock_leagues(session: Session, league_ids: Iterable[UUID]) -> None:
    """Keeps other workers from these leagues until the transaction ends."""
    for chunk in chunks(sorted(league_ids)):
        rows = sa.select(League.league_id).where(League.league_id.in_(chunk)).order_by(League.league_id)
        session.execute(rows.with_for_update()).all()


def known_leagues(session: Session, keys: set[tuple[UUID, UUID]]) -> dict[UUID, tuple[int, datetime | None]]:
    """league_id -> (revision, heads_frozen_at) of the leagues (tenant_id, league_id) that are known.

    Many tenants' rows at once are found by id alone, which an index serves on every database, then checked.
    """
    return {
        row.league_id: (row.revision, row.heads_frozen_at)
        for chunk in chunks(sorted(league_id for _tenant_id, league_id in keys))
        for row in session.execute(
            sa.select(League.tenant_id, League.league_id, League.revision, League.heads_frozen_at).where(
                League.league_id.in_(chunk)
            )
        )
        if (row.tenant_id, row.league_id) in keys
    }


def name_standings(session: Session, renamed: Mapping[str, set[UUID]] | None = None) -> None:
    """Copies names onto the rows that have none; with `renamed` (table -> ids), onto the rows of those."""
    if renamed is None:
        for model in _NAMED:
            _name(session, model, _nameless(model))
        return
    for model in _NAMED:
        for chunk in chunks(sorted(renamed.get(model.__tablename__, ()))):
            _name(session, model, Standing.contender_id.in_(chunk))


def _nameless(model: type[Any]) -> sa.ColumnElement[bool]:
    """The rows without a name, but for those that another worker is writing: it names them itself."""
    key = sa.inspect(Standing).primary_key
    rows = (
        sa.select(*key)
        .where(Standing.board.in_(_NAMED[model][0]), Standing.name == sa.literal_column("''"))  # the index is partial
        .with_for_update(skip_locked=True)
    )
    return sa.tuple_(*key).in_(rows)


def _name(session: Session, model: type[Any], which: sa.ColumnElement[bool]) -> None:
    boards, fact = _NAMED[model]
    named = {"name": sa.func.coalesce(_of_contender(model, model.name, fact), "")}
    if model is League:
        named["bracket"] = _of_contender(model, League.age_band, fact)
    session.execute(
        sa.update(Standing)
        .where(Standing.board.in_(boards), which)
        .values(named)
        .execution_options(synchronize_session=False)
    )


def _of_contender(model: type[Any], column: Any, fact: tuple[Any, ...]) -> Any:
    return sa.select(column).where(*fact).correlate(Standing).scalar_subquery()


_NAMED: dict[type[Any], tuple[tuple[str, ...], tuple[Any, ...]]] = {
    Player: (PLAYER_BOARDS, (Player.tenant_id == Standing.tenant_id, Player.player_id == Standing.contender_id)),
    Team: ((LEAGUE_TEAMS,), (Team.tenant_id == Standing.tenant_id, Team.team_id == Standing.contender_id)),
    League: ((EDITION_LEAGUES,), (League.league_id == Standing.contender_id,)),
    Tenant: ((EDITION_TENANTS,), (Tenant.tenant_id == Standing.contender_id,)),
}
"""Where the names of a board's contenders are. A league's tenant is not the edition's: its id alone finds it."""
