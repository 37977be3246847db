"""Many rows in one statement, whatever their number: how consumers write a thousand events at a time.

PostgreSQL gets one array per column, so that the statement is the same for every number of rows: its text is short, its
plan is prepared once, and neither the driver nor the server reads thousands of placeholders. A thousand rows of
VALUES cost ten times as much, most of it in the driver. SQLite, in the same process, gets the rows as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

UNCHECKED = {"rows_are_checked": True, "dml_strategy": "raw", "preserve_rowcount": True}
"""The rows were checked, or belong to many tenants; and no detour through mapped objects."""
Finish = Callable[[Any], Any]
"""Adds ON CONFLICT and RETURNING to an INSERT of either dialect: a function of a module, so that it is called once."""
_encode = msgspec.json.Encoder().encode


def as_columns(names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> list[list[Any]]:
    """The rows, turned: one list per name."""
    listed = list(rows)
    return [[row[name] for row in listed] for name in names]


def insert_columns(
    session: Session,
    model: type[Any],
    names: Sequence[str],
    columns: Sequence[Sequence[Any]],
    finish: Finish,
    *,
    order: Sequence[str] = (),
) -> sa.Result[Any]:
    """Inserts the rows that `columns` hold, one list per name of `names`, as `finish` says.

    Every column without a default must be named. The caller has checked whose the rows are. `order`: the columns by
    which the rows are written, so that two writers who meet on some of them wait for each other instead of deadlocking
    (SQLite has one writer).
    """
    if not _takes_arrays(session):
        rows = [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
        return session.execute(finish(sqlite.insert(model)), rows, execution_options=UNCHECKED)
    types = [getattr(model, name).type for name in names]
    arrays = {f"given_{name}": _array(type_, values) for name, type_, values in zip(names, types, columns, strict=True)}
    statement = _statement(model, tuple(names), finish, tuple(order))  # type: ignore[arg-type]  # classes do hash
    return session.execute(statement, arrays, execution_options=UNCHECKED)


@lru_cache(maxsize=200)
def _statement(model: type[Any], names: tuple[str, ...], finish: Finish, order: tuple[str, ...]) -> Any:
    """Made once: the thousands of objects of a statement refer to each other, and would wait for the collector."""
    types = [getattr(model, name).type for name in names]
    return finish(postgresql.insert(model).from_select(list(names), _given(names, types, order)))


def insert_new_columns(
    session: Session,
    model: type[Any],
    names: Sequence[str],
    columns: Sequence[Sequence[Any]],
    *,
    order: Sequence[str] = (),
) -> Sequence[int]:
    """Inserts the rows that break no unique constraint, and returns the positions of those rows.

    Of two equal rows the first is inserted. When all were new, which is nearly always, no key is read back.
    """
    keys = sa.inspect(model).primary_key
    result: Any = insert_columns(session, model, names, columns, _keep_new, order=order)
    if _takes_arrays(session) and result.rowcount == len(columns[0]):
        return range(len(columns[0]))
    inserted = {tuple(row) for row in result.all()}
    found = []
    for position, key in enumerate(zip(*(columns[names.index(key.name)] for key in keys), strict=True)):
        if key in inserted:
            inserted.discard(key)
            found.append(position)
    return found


def _keep_new(statement: Any) -> Any:
    return statement.on_conflict_do_nothing().returning(*statement.table.primary_key)


def _takes_arrays(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def _given(names: Sequence[str], types: Sequence[Any], order: Sequence[str]) -> sa.Select[Any]:
    """The rows of the arrays: SELECT ... FROM unnest(...)."""
    arrays = [
        sa.cast(sa.bindparam(f"given_{name}", type_=sa.Text()), postgresql.ARRAY(_loose(type_)))
        for name, type_ in zip(names, types, strict=True)
    ]
    given = sa.func.unnest(*arrays).table_valued(*names, name="given").render_derived()
    return sa.select(*(given.c[name] for name in names)).order_by(*(given.c[name] for name in order))


def _loose(type_: Any) -> Any:
    """Texts of any length: a cast to a limited one would cut them instead of refusing them."""
    return sa.Text() if isinstance(type_, sa.String) else type_


def _array(type_: Any, values: Sequence[Any]) -> str:
    """PostgreSQL's text of an array. Its numbers, ids, moments, booleans and nulls look as in JSON."""
    if isinstance(type_, sa.String):
        return _array_of_texts(values)
    if isinstance(type_, sa.JSON):
        return "{" + ",".join([_quoted(_encode(value).decode()) for value in values]) + "}"
    is_moments = isinstance(next((value for value in values if value is not None), None), datetime)
    if is_moments and any(value is not None and value.tzinfo is None for value in values):
        raise ValueError("naive datetime: times are aware, in UTC")
    return "{" + _encode(values).decode()[1:-1] + "}"


def _array_of_texts(values: Sequence[Any]) -> str:
    if None not in values:
        joined = '","'.join(values)
        if "\\" not in joined and joined.count('"') == 2 * (len(values) - 1):  # nothing to escape, as nearly always
            return f'{{"{joined}"}}'
    return "{" + ",".join(["NULL" if value is None else _quoted(value) for value in values]) + "}"


def _quoted(text: str) -> str:
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
