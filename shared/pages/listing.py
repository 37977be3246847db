"""A long list, a page at a time: `?page=2`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from flask import request
from sqlalchemy.orm import Session

from shared.api import MAX_PAGE

SIZE = 30


class Listed(msgspec.Struct, frozen=True):
    """One page of a list. `pages` is at least 1."""

    items: Sequence[Any]
    page: int
    pages: int
    total: int


def listed(session: Session, statement: sa.Select[Any], *, size: int = SIZE, is_rows: bool = False) -> Listed:
    """The page that the address asks for; beyond the last one, the last."""
    total = session.scalar(sa.select(sa.func.count()).select_from(statement.order_by(None).subquery())) or 0
    pages = max(1, -(-total // size))
    asked = request.args.get("page", "1")
    page = min(int(asked), pages, MAX_PAGE) if asked.isascii() and asked.isdigit() and len(asked) < 9 else 1
    page = max(page, 1)
    found = session.execute(statement.offset((page - 1) * size).limit(size))
    return Listed(items=found.all() if is_rows else found.scalars().all(), page=page, pages=pages, total=total)
