"""Ring 1, reading: nobody sees a row of another tenant, however they ask."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import (
    Bundle,
    Session,
    aliased,
    joinedload,
    make_transient_to_detached,
    selectinload,
    subqueryload,
)
from sqlalchemy.orm.exc import ObjectDeletedError

from shared.database import Database
from shared.tenancy import PUBLIC, TenancyError, across_tenants, of_tenant, scope_of
from tests.shared.gardens import MINE, SHOWN, THEIRS, Neighbours, settle_neighbours
from tests.shared.tables import Garden, Notice, Plant, Reply

lower = sa.func.lower
gardens, plants = Garden.__table__, Plant.__table__
another = aliased(Garden, name="another")
theirs_by_function = lower(Garden.name) == THEIRS


@pytest.fixture
def two(database: Database) -> Neighbours:
    return settle_neighbours(database)


def seen(database: Database, scope: Any, statement: Any) -> list[tuple[Any, ...]]:
    with warnings.catch_warnings(), database.transaction(scope, read_only=True) as session:
        warnings.filterwarnings("ignore", "SELECT statement has a cartesian product")
        return [tuple(row) for row in session.execute(statement)]


# --- without a scope --------------------------------------------------------------------------------------------------

READS: list[Callable[[Session], Any]] = [
    lambda session: session.execute(sa.select(Garden)).all(),
    lambda session: session.scalars(sa.select(Garden.name)).all(),
    lambda session: session.get(Garden, (sa.Uuid().python_type(int=1), sa.Uuid().python_type(int=1))),
    lambda session: session.execute(sa.text("SELECT 1")).all(),
    lambda session: session.execute(sa.select(gardens)).all(),
    lambda session: session.query(Garden).count(),
]


@pytest.mark.parametrize("read", READS)
def test_a_session_without_a_scope_reads_nothing(database: Database, read: Callable[[Session], Any]) -> None:
    with pytest.raises(TenancyError, match="no tenancy scope"), database.transaction(None) as session:
        read(session)


def test_a_scope_is_that_of_its_session(database: Database, two: Neighbours) -> None:
    with database.transaction(of_tenant(two.me)) as session:
        assert scope_of(session) == of_tenant(two.me)
    with database.transaction(PUBLIC) as session:
        assert scope_of(session).tenant_id is None


# --- what may be asked shows one's own rows ---------------------------------------------------------------------------

VISIBLE: dict[str, Any] = {
    "columns": sa.select(Garden.name),
    "a function of a column": sa.select(lower(Garden.name)),
    "a label": sa.select(sa.func.trim(lower(Garden.name)).label("name")),
    "an aggregate": sa.select(sa.func.max(Garden.name)),
    "an alias": sa.select(another.name),
    "a bundle": sa.select(Bundle("row", Garden.name)),
    "a condition that is always true": sa.select(Garden.name).where(sa.or_(sa.true(), Garden.name == THEIRS)),
    "a join": sa.select(Garden.name, Plant.name).join(Garden.plants),
    "a join to an alias": sa.select(Garden.name, another.name).join(another, sa.true()),
    "a join on anything": sa.select(Plant.name, Garden.name).join(Garden, sa.true()),
    "an outer join": sa.select(Plant.name, Garden.name).outerjoin(Garden, sa.true()),
    "two classes side by side": sa.select(Plant.name, Garden.name),
    "a union": sa.union_all(sa.select(Garden.name), sa.select(lower(Plant.name))),
    "a union in a subquery": sa.select(sa.union_all(sa.select(Garden.name), sa.select(Plant.name)).subquery()),
    "a subquery": sa.select(sa.select(Garden.name).subquery().c.name),
    "a subquery of a subquery": sa.select(sa.select(sa.select(Garden.name).subquery().c.name).subquery().c.name),
    "a common table expression": sa.select(sa.select(lower(Garden.name).label("name")).cte().c.name),
    "a scalar subquery": sa.select(Plant.name, sa.select(sa.func.max(lower(Garden.name))).scalar_subquery()),
    "a scalar subquery alone": sa.select(sa.select(sa.func.max(Garden.name)).scalar_subquery()),
    "a correlated subquery": sa.select(
        Garden.name, sa.select(sa.func.max(Plant.name)).where(Plant.garden_id != Garden.tenant_id).scalar_subquery()
    ),
    "an aliased subquery": sa.select(aliased(Garden, sa.select(Garden).subquery()).name),
    "a statement for a class": sa.select(Garden.name).from_statement(sa.select(Garden.name)),
    "a window": sa.select(sa.func.first_value(Garden.name).over(order_by=Garden.name)).select_from(Garden),
}


@pytest.mark.parametrize("how", VISIBLE)
def test_a_tenant_sees_its_own_rows_alone(database: Database, two: Neighbours, how: str) -> None:
    rows = seen(database, of_tenant(two.me), VISIBLE[how])
    assert rows
    assert {value if isinstance(value, str) else value[0] for row in rows for value in row} == {MINE}


@pytest.mark.parametrize("how", VISIBLE)
def test_the_public_sees_no_private_row(database: Database, two: Neighbours, how: str) -> None:
    rows = seen(database, PUBLIC, VISIBLE[how])
    assert {value for row in rows for value in row} <= {None}


@pytest.mark.parametrize("how", ["columns", "an alias", "a join on anything", "a union", "a subquery"])
def test_across_tenants_sees_all(database: Database, two: Neighbours, how: str) -> None:
    assert {value for row in seen(database, across_tenants(), VISIBLE[how]) for value in row} == {MINE, THEIRS}


YES_OR_NO: dict[str, Any] = {
    "where": sa.select(sa.literal("yes")).where(Garden.name == THEIRS),
    "where with a function": sa.select(sa.literal("yes")).where(theirs_by_function),
    "where with a function of an alias": sa.select(sa.literal("yes")).where(lower(another.name) == THEIRS),
    "where of another class": sa.select(Plant.name).where(Garden.name == THEIRS),
    "where with a function of another class": sa.select(Plant.name).where(theirs_by_function),
    "where with a choice": sa.select(Plant.name).where(sa.or_(Plant.name == "", theirs_by_function)),
    "where with a tuple": sa.select(Plant.name).where(sa.tuple_(Garden.name, Plant.name).in_([(THEIRS, MINE)])),
    "in": sa.select(Plant.name).where(sa.literal(THEIRS).in_(sa.select(Garden.name))),
    "in a union": sa.select(Plant.name).where(
        sa.literal(THEIRS).in_(sa.union(sa.select(Garden.name), sa.select(sa.literal("x"))))
    ),
    "exists": sa.select(Plant.name).where(sa.exists().where(Garden.name == THEIRS)),
    "exists with a function": sa.select(Plant.name).where(sa.exists().where(theirs_by_function)),
    "exists with a named class": sa.select(Plant.name).where(sa.exists().select_from(Garden).where(theirs_by_function)),
    "exists in itself": sa.select(Garden.name).where(sa.exists(sa.select(sa.literal(1)).where(Garden.name == THEIRS))),
    "exists of two": sa.select(Garden.name).where(
        sa.exists(sa.select(Plant.name).where(theirs_by_function).correlate(None))
    ),
    "a join": sa.select(Plant.name).join(Garden, theirs_by_function),
    "a plain join": sa.select(Plant.name).select_from(sa.join(Plant, Garden, theirs_by_function)),
    "having": sa.select(sa.func.max(Plant.name)).having(sa.func.max(lower(Garden.name)) == THEIRS),
    "a scalar subquery": sa.select(Plant.name).where(
        sa.select(sa.func.count()).where(theirs_by_function).scalar_subquery() > 0
    ),
    "a common table expression": sa.select(sa.select(sa.literal("yes").label("it")).where(theirs_by_function).cte()),
    "any": sa.select(Notice.text).where(Notice.replies.any()),
    "any with a function": sa.select(Notice.text).where(Notice.replies.any(lower(Reply.text) == THEIRS)),
    "has": sa.select(Reply.text).where(Reply.notice.has(lower(Notice.text) == THEIRS)),
}


@pytest.mark.parametrize("how", YES_OR_NO)
@pytest.mark.parametrize("is_public", [False, True])
def test_nobody_finds_out_whether_another_tenant_has_something(
    database: Database, two: Neighbours, how: str, is_public: bool
) -> None:
    with contextlib.suppress(TenancyError):  # no answer is as good as no
        assert seen(database, PUBLIC if is_public else of_tenant(two.me), YES_OR_NO[how]) == []


def test_a_class_that_is_only_mentioned_may_be_named(database: Database, two: Neighbours) -> None:
    count = sa.select(sa.func.count()).select_from(Garden)
    assert seen(database, of_tenant(two.me), count.where(lower(Garden.name) == MINE)) == [(1,)]
    assert seen(database, of_tenant(two.me), count.where(theirs_by_function)) == [(0,)]


# --- what cannot be filtered is refused -------------------------------------------------------------------------------

REFUSED: dict[str, Any] = {
    "a table": sa.select(gardens.c.name),
    "a text": sa.text("SELECT name FROM gardens"),
    "a text for a class": sa.select(Garden).from_statement(sa.text("SELECT * FROM gardens")),
    "a text as a condition": sa.select(Garden.name).where(sa.text("1 = 1 OR 1 = 1")),
    "a text as a column": sa.select(Garden.name, sa.text("(SELECT max(name) FROM gardens)")),
    "a text as a subquery": sa.select(
        Garden.name, sa.text("SELECT name FROM gardens").columns(sa.column("name")).subquery().c.name
    ),
    "a text as an order": sa.select(Garden.name).order_by(sa.text("(SELECT 1)")),
    "a text as a prefix": sa.select(Garden.name).prefix_with("(SELECT max(name) FROM gardens),"),
    "a text as a suffix": sa.select(Garden.name).suffix_with("UNION SELECT name FROM gardens"),
    "a literal column": sa.select(Garden.name, sa.literal_column("(SELECT max(name) FROM gardens)")),
    "a table by its name": sa.select(Garden.name, sa.table("plants", sa.column("name")).c.name),
    "a table beside a class": sa.select(Garden.name, plants.c.name),
    "a table beside an alias of its class": sa.select(another.garden_id, gardens.c.name),
    "a table for a class": sa.select(Garden).from_statement(sa.select(gardens)),
    "an alias of a table": sa.select(Garden.name, gardens.alias().c.name),
    "an alias of a table in FROM": sa.select(sa.func.count(Garden.name)).join(gardens.alias(), sa.true()),
    "a subquery of a table": sa.select(Garden.name, sa.select(gardens.c.name).subquery().c.name),
    "a common table expression of a table": sa.select(sa.select(gardens.c.name).cte().c.name, Garden.name),
    "a scalar subquery of a table": sa.select(Garden.name, sa.select(sa.func.max(gardens.c.name)).scalar_subquery()),
    "a class on a subquery of a table": sa.select(aliased(Garden, sa.select(gardens).subquery()).name),
    "a union of tables": sa.union(sa.select(gardens.c.name), sa.select(plants.c.name)),
    "a union of a class and its table": sa.union_all(sa.select(Garden.name), sa.select(gardens.c.name)),
    "two classes in one expression": sa.select(Plant.name + Garden.name),
    "a class and an alias in one expression": sa.select(Plant.name + another.name),
    "a function of two classes": sa.select(sa.func.max(Plant.name + Garden.name)),
    "another class in the order": sa.select(Plant.name).order_by(lower(Garden.name)),
    "a writing expression": sa.select(Garden.name).add_cte(sa.delete(Plant).returning(Plant.name).cte()),
}


@pytest.mark.parametrize("how", REFUSED)
@pytest.mark.parametrize("is_public", [False, True])
def test_what_cannot_be_filtered_is_refused(database: Database, two: Neighbours, how: str, is_public: bool) -> None:
    with pytest.raises(TenancyError):
        seen(database, PUBLIC if is_public else of_tenant(two.me), REFUSED[how])


def test_a_statement_that_was_allowed_once_opens_no_door_for_its_lookalikes(
    database: Database, two: Neighbours
) -> None:
    for _ in range(2):
        assert seen(database, of_tenant(two.me), sa.select(Garden.name).where(Garden.name.is_not(None))) == [(MINE,)]
        with pytest.raises(TenancyError):
            seen(database, of_tenant(two.me), sa.select(Garden.name).where(gardens.alias().c.name.is_not(None)))


# --- objects ----------------------------------------------------------------------------------------------------------


def test_get_does_not_find_what_is_another_tenants(database: Database, two: Neighbours) -> None:
    with database.transaction(of_tenant(two.me), read_only=True) as session:
        assert session.get(Garden, (two.me, two.my_garden)) is not None
        assert session.get(Garden, (two.other, two.their_garden)) is None
        assert session.get(Notice, (two.other, two.their_notice)) is None


def test_refresh_does_not_fill_in_another_tenants_row(database: Database, two: Neighbours) -> None:
    with database.transaction(of_tenant(two.me), read_only=True) as session:
        forged = Garden(tenant_id=two.other, garden_id=two.their_garden)
        make_transient_to_detached(forged)
        session.add(forged)
        with pytest.raises(InvalidRequestError):
            session.refresh(forged)
        with pytest.raises(ObjectDeletedError):
            _ = forged.name


def test_refresh_fills_in_ones_own_and_public_rows(database: Database, two: Neighbours) -> None:
    with database.transaction(of_tenant(two.me), read_only=True) as session:
        rows = [session.get_one(Garden, (two.me, two.my_garden)), session.get_one(Notice, (two.me, two.my_notice))]
        rows.append(session.get_one(Notice, (two.other, two.their_public_notice)))
        for row in rows:
            session.refresh(row)
        assert [getattr(row, "name", None) or getattr(row, "text", None) for row in rows] == [MINE, MINE, SHOWN]


def test_merge_does_not_bring_back_another_tenants_row(database: Database, two: Neighbours) -> None:
    with pytest.raises(TenancyError), database.transaction(of_tenant(two.me)) as session:
        session.merge(Garden(tenant_id=two.other, garden_id=two.their_garden, name=MINE))


@pytest.mark.parametrize("load", [None, joinedload, selectinload, subqueryload])
def test_what_hangs_on_a_public_row_of_another_tenant_stays_hidden(
    database: Database, two: Neighbours, load: Any
) -> None:
    statement = sa.select(Notice).where(Notice.notice_id == two.their_public_notice)
    with database.transaction(of_tenant(two.me), read_only=True) as session:
        notice = session.scalars(statement.options(load(Notice.replies)) if load else statement).unique().one()
        assert (notice.text, notice.replies) == (SHOWN, [])
    with database.transaction(of_tenant(two.other), read_only=True) as session:
        notice = session.scalars(statement.options(load(Notice.replies)) if load else statement).unique().one()
        assert [reply.text for reply in notice.replies] == [THEIRS]


@pytest.mark.parametrize("load", [None, joinedload, selectinload, subqueryload])
def test_what_hangs_on_ones_own_row_is_loaded(database: Database, two: Neighbours, load: Any) -> None:
    statement = sa.select(Garden).options(load(Garden.plants)) if load else sa.select(Garden)
    with database.transaction(of_tenant(two.me), read_only=True) as session:
        garden = session.scalars(statement).unique().one()
        assert [plant.name for plant in garden.plants] == [MINE]
        assert garden.plants[0].garden is garden


# --- public rows ------------------------------------------------------------------------------------------------------


def test_a_row_its_tenant_made_public_is_seen_by_everybody(database: Database, two: Neighbours) -> None:
    texts = sa.select(Notice.text).order_by(Notice.text)
    assert seen(database, of_tenant(two.me), texts) == [(MINE,), (SHOWN,)]
    assert seen(database, of_tenant(two.other), texts) == [(THEIRS,), (SHOWN,)]
    assert seen(database, PUBLIC, texts) == [(SHOWN,)]


def test_counts_count_what_may_be_seen(database: Database, two: Neighbours) -> None:
    count = sa.select(sa.func.count()).select_from(Notice)
    assert [seen(database, scope, count)[0][0] for scope in (of_tenant(two.me), PUBLIC, across_tenants())] == [2, 1, 3]
    of_page = sa.select(sa.func.count()).select_from(sa.select(Notice).subquery())
    assert seen(database, PUBLIC, of_page) == [(1,)]
