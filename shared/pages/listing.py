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


def asked_page() -> int:
    """The page that the address asks for, from 1 on; 1 for what is no number."""
    asked = request.args.get("page", "1")
    return min(max(1, int(asked)), MAX_PAGE) if asked.isascii() and asked.isdigit() and len(asked) < 9 else 1


def pages_of(total: int, size: int) -> int:
    """How many pages a list has; at least one."""
    return max(1, -(-total // size))


def sliced(items: Sequence[Any], *, size: int = SIZE) -> Listed:
    """The page that the address asks for of a list that is there already; beyond the last one, the last."""
    pages = pages_of(len(items), size)
    page = min(asked_page(), pages)
    return Listed(items=items[(page - 1) * size : page * size], page=page, pages=pages, total=len(items))


def leafed(session: Session, statement: sa.Select[Any], *, size: int = SIZE) -> Listed:
    """The rows of the page that the address asks for, uncounted: of a list that only goes on.

    `pages` says whether there is a next one; `total` what is known.
    """
    page = asked_page()
    found = session.execute(statement.offset((page - 1) * size).limit(size + 1)).all()
    return Listed(items=found[:size], page=page, pages=page + (len(found) > size), total=(page - 1) * size + len(found))


def listed(
    session: Session, statement: sa.Select[Any], *, size: int = SIZE, is_rows: bool = False, page: int | None = None
) -> Listed:
    """The page that the address asks for, or another one; beyond the last one, the last."""
    total = session.scalar(sa.select(sa.func.count()).select_from(statement.order_by(None).subquery())) or 0
    pages = pages_of(total, size)
    page = min(page or asked_page(), pages)
    found = session.execute(statement.offset((page - 1) * size).limit(size))
    return Listed(items=found.all() if is_rows else found.scalars().all(), page=page, pages=pages, total=total)
