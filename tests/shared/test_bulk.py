from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from shared.bulk import as_columns, insert_columns
from shared.database import Database, insert_new, new_id
from shared.tenancy import PUBLIC, across_tenants
from tests.shared.tables import Sample
from tests.shared.test_database import rows

AWKWARD = [
    "",
    "NULL",
    "null",
    "{}",
    '{"a"}',
    'a "word"',
    "back\\slash",
    "\\",
    "a,b",
    "two\nlines",
    "\ttab",
    "é🌱",
    "'",
    "%s",
]
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
NAMES = ("sample_id", "word", "count", "at")


def keep_all(statement: Any) -> Any:
    return statement


def add_up(statement: Any) -> Any:
    return statement.on_conflict_do_update(
        index_elements=["word"], set_={"count": Sample.count + statement.excluded.count}
    ).returning(Sample.word, Sample.count)


def write(database: Database, *rows: tuple[Any, ...], finish: Any = keep_all) -> list[Any]:
    with database.transaction(across_tenants()) as session:
        result = insert_columns(session, Sample, NAMES, list(zip(*rows, strict=True)), finish)
        return [tuple(row) for row in result] if result.returns_rows else []


def read(database: Database) -> dict[str, tuple[int, datetime | None]]:
    with database.transaction(PUBLIC, read_only=True) as session:
        return {
            row.word: (row.count, row.at) for row in session.execute(sa.select(Sample.word, Sample.count, Sample.at))
        }


def test_every_text_number_and_moment_comes_back_as_it_was(database: Database) -> None:
    paris = timezone(timedelta(hours=2))
    moments = [None, datetime(2026, 11, 2, 8, 30, 1, 123456, UTC), datetime(1999, 1, 1, tzinfo=paris)]
    numbers = [0, -1, 2**63 - 1, -(2**63)]
    write(database, *((new_id(), word, numbers[n % 4], moments[n % 3]) for n, word in enumerate(AWKWARD)))
    assert read(database) == {word: (numbers[n % 4], moments[n % 3]) for n, word in enumerate(AWKWARD)}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    words=st.sets(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1, max_size=20)
)
def test_any_text_at_all_comes_back_as_it_was(database: Database, words: set[str]) -> None:
    with database.transaction(across_tenants()) as session:
        session.execute(sa.delete(Sample))
    write(database, *((new_id(), word, 1, None) for word in words))
    assert set(read(database)) == words


def test_a_conflict_adds_and_answers_with_the_sum(database: Database) -> None:
    write(database, (new_id(), "apple", 2, None), (new_id(), "pear", 3, None))
    assert sorted(write(database, (new_id(), "pear", 4, None), (new_id(), "plum", 5, None), finish=add_up)) == [
        ("pear", 7),
        ("plum", 5),
    ]
    assert {word: count for word, (count, _at) in read(database).items()} == {"apple": 2, "pear": 7, "plum": 5}


def test_a_naive_moment_is_refused(database: Database) -> None:
    with pytest.raises((ValueError, sa.exc.StatementError), match="naive datetime"):
        write(database, (new_id(), "apple", 1, datetime(2026, 1, 1)))  # noqa: DTZ001


def test_what_breaks_a_constraint_is_refused_and_nothing_of_it_written(database: Database) -> None:
    with pytest.raises(DBAPIError):
        write(database, (new_id(), "apple", 1, None), (new_id(), "apple", 1, None))
    assert read(database) == {}


def test_rows_turn_into_columns() -> None:
    assert as_columns(("a", "b"), [{"a": 1, "b": 2}, {"a": 3, "b": 4}]) == [[1, 3], [2, 4]]


def test_insert_new_takes_many_rows_with_facts_and_without(database: Database) -> None:
    many: list[dict[str, Any]] = [
        {**row, "facts": {"number": n} if n % 2 else None} for n, row in enumerate(rows(*map(str, range(40))))
    ]
    with database.transaction(PUBLIC) as session:
        assert len(insert_new(session, Sample, many)) == 40
        found = {row.word: row.facts for row in session.scalars(sa.select(Sample))}
    assert found == {row["word"]: row["facts"] for row in many}
