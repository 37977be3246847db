"""What ranking can tell again: whose boards show the truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.ranking.models import Edition
from shared.announcing import Announcement, Fact
from shared.contracts import BoardsRevealed


def _editions(_session: Session, rows: Sequence[Any]) -> Iterator[Fact]:
    for (edition,) in rows:
        yield Fact(edition.tenant_id, edition.revealed_at, BoardsRevealed(edition_id=edition.edition_id))


ANNOUNCEMENTS = (
    Announcement(
        name="revealed editions",
        key=(Edition.tenant_id, Edition.edition_id),
        rows=sa.select(Edition).where(Edition.revealed_at.is_not(None)),
        facts=_editions,
    ),
)
