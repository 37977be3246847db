"""Rows as lines: how a row of any table is written, read again and counted, whatever database it is in.

A line is a JSON array, the columns in the table's order. The same row is the same line on SQLite and PostgreSQL, so
that a checksum over lines compares the two; it is a sum, which asks for no order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Annotated, Any, Union

import msgspec
import sqlalchemy as sa

from shared.database import UtcDateTime
from shared.migrations import metadata_of

PAGE = 1000
_encoder = msgspec.json.Encoder(order="deterministic")  # PostgreSQL's jsonb orders keys its own way
_Aware = Annotated[datetime, msgspec.Meta(tz=True)]
_WallClock = Annotated[datetime, msgspec.Meta(tz=False)]


class Digest:
    """How many lines there were, and the sum of their hashes."""

    def __init__(self) -> None:
        self.rows = 0
        self._sum = 0

    def add(self, line: bytes) -> None:
        """Counts one line, without its end."""
        self.rows += 1
        self._sum += int.from_bytes(hashlib.sha256(line).digest(), "big")

    @property
    def checksum(self) -> str:
        """64 hexadecimal digits."""
        return f"{self._sum % 2**256:064x}"


def tables_of(service: str) -> list[sa.Table]:
    """Every table of a service, those that others refer to first."""
    return [table for metadata in metadata_of(service) for table in metadata.sorted_tables]


def lines_of(connection: sa.Connection, table: sa.Table) -> Iterator[bytes]:
    """Every row of a table as a line; a thousand at a time are in memory."""
    result = connection.execution_options(yield_per=PAGE).execute(sa.select(table))
    for row in result:
        yield _encoder.encode(tuple(row))


def digest_of(connection: sa.Connection, table: sa.Table) -> Digest:
    """Counts and sums a whole table."""
    digest = Digest()
    for line in lines_of(connection, table):
        digest.add(line)
    return digest


def insert_lines(connection: sa.Connection, table: sa.Table, lines: Iterable[bytes]) -> None:
    """Inserts the rows that the lines tell of. Raises msgspec.ValidationError for a line that fits no row."""
    decoder = msgspec.json.Decoder(_row_type(table))
    names = [column.name for column in table.columns]
    page: list[dict[str, Any]] = []
    for line in lines:
        page.append(dict(zip(names, decoder.decode(line), strict=True)))
        if len(page) == PAGE:
            connection.execute(sa.insert(table), page)
            page = []
    if page:
        connection.execute(sa.insert(table), page)


def _row_type(table: sa.Table) -> Any:
    return tuple[tuple(_column_type(column) for column in table.columns)]  # type: ignore[misc]


def _column_type(column: sa.Column[Any]) -> Any:
    kind: Any
    if isinstance(column.type, sa.JSON):
        return Any
    if isinstance(column.type, UtcDateTime):
        kind = _Aware
    elif isinstance(column.type, sa.DateTime):
        kind = _WallClock
    else:
        kind = column.type.python_type
    return Union[kind, None] if column.nullable else kind  # noqa: UP007 (of a type that is only known here)
