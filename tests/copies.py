"""The rows that a service has from the events of others, and what of them no announcement can give back."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from services.leagues import models as leagues
from services.ranking import models as ranking
from shared.auth import AccessRule, SigningKey
from shared.database import Database
from shared.tenancy import across_tenants

ACCESS = (AccessRule, SigningKey)
FILLED: dict[str, tuple[Any, ...]] = {
    "challenges": ACCESS,
    "leagues": (*ACCESS, leagues.Tenant, leagues.Person, leagues.Challenge),
    "ranking": (*ACCESS, *(mapper.class_ for mapper in ranking.Base.registry.mappers)),
}
"""Every table that events fill. Identity has none: its audit trail is history, which nobody tells again."""

LEFT_OUT: dict[Any, dict[str, str]] = {
    ranking.Standing: {"batches": "counts how often the row was written"},
    leagues.Challenge: {"retired_version": "of one that came back nobody keeps it; `is_retired` says what counts"},
}
BEFORE_TOLD_AGAIN: dict[Any, dict[str, str]] = {
    leagues.Tenant: {"revision": "counts suspensions too, so the same facts told again have a higher one"},
    leagues.Person: {"revision": "likewise"},
    ranking.Tenant: {"name_rank": "likewise"},
}
OF_DEPARTED = {"display_name", "roles", "revision"}
"""What identity has forgotten of a person who left, as it must; who heard it before still has it."""
ALSO: dict[Any, tuple[str, ...]] = {leagues.Challenge: ("is_retired",)}

Rows = dict[str, list[tuple[Any, ...]]]


def copies(database: Database, service: str, *, departed: Collection[UUID] = (), is_told_again: bool = True) -> Rows:
    """The rows of each table, in order.

    `departed`: people who left their tenant. `is_told_again` False: leaves out what only a telling changes.
    """
    with database.transaction(across_tenants(), read_only=True) as session:
        found: Rows = {}
        for model in FILLED[service]:
            skipped = set(LEFT_OUT.get(model, ())) | (set() if is_told_again else set(BEFORE_TOLD_AGAIN.get(model, ())))
            rows = session.scalars(sa.select(model)).all()
            found[model.__tablename__] = sorted((_row(model, row, skipped, departed) for row in rows), key=repr)
        return found


def _row(model: Any, row: Any, skipped: set[str], departed: Collection[UUID]) -> tuple[Any, ...]:
    if model is leagues.Person and row.person_id in departed:
        skipped = skipped | OF_DEPARTED
    columns = [column.key for column in sa.inspect(model).column_attrs if column.key not in skipped]
    return tuple((name, getattr(row, name)) for name in (*columns, *ALSO.get(model, ())))
