"""Prepared statements see what the same statement run through the ORM sees, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from shared.database import Database, new_id
from shared.prepared import Prepared
from shared.tenancy import PUBLIC, TenancyError, across_tenants, of_tenant
from tests.shared.gardens import MINE, SHOWN, THEIRS, settle_neighbours
from tests.shared.tables import Garden, Notice, Plant, Reply, Sample

OtherNotice = aliased(Notice)
STATEMENTS: dict[str, sa.Select[Any]] = {
    "private rows": sa.select(Garden.name),
    "public rows": sa.select(Notice.text),
    "a join": sa.select(Garden.name, Plant.name.label("plant")).join(Plant, Plant.garden_id == Garden.garden_id),
    "an outer join on nothing": sa.select(Notice.text, Plant.name).outerjoin(Plant, sa.true()),
    "public rows with private ones": sa.select(Notice.text, Reply.text.label("reply")).outerjoin(
        Reply, Reply.notice_id == Notice.notice_id
    ),
    "an alias": sa.select(Notice.text, OtherNotice.text.label("other")).join(OtherNotice, sa.true()),
    "a count": sa.select(sa.func.count()).select_from(Plant),
    "rows of nobody": sa.select(Sample.word),
}


@pytest.mark.parametrize("what", STATEMENTS)
def test_a_prepared_statement_sees_what_the_orm_sees(database: Database, what: str) -> None:
    two = settle_neighbours(database)
    with database.transaction(across_tenants()) as session:
        session.add(Sample(sample_id=new_id(), word="nobody's", count=1))
    prepared = Prepared(STATEMENTS[what])
    seen = []
    for scope in (of_tenant(two.me), of_tenant(two.other), PUBLIC, across_tenants(), of_tenant(new_id())):
        for _ in range(2):
            with database.transaction(scope, read_only=True) as session:
                rows = prepared.rows(session, {})
                assert sorted(map(repr, rows)) == sorted(map(repr, session.execute(STATEMENTS[what]).all()))
        seen.append(repr(sorted(map(repr, rows))))
    assert len(set(seen)) > 1 or what == "rows of nobody", "it saw the same everywhere: this proves nothing"


def test_a_parameter_cannot_name_another_tenant(database: Database) -> None:
    two = settle_neighbours(database)
    by_tenant = Prepared(sa.select(Garden.name).where(Garden.tenant_id == sa.bindparam("tenant_id", type_=sa.Uuid())))
    with database.transaction(of_tenant(two.me)) as session:
        assert by_tenant.rows(session, {"tenant_id": two.other}) == []
        assert by_tenant.rows(session, {"tenant_id": two.other, "scope_tenant_id": two.other}) == []
        assert [row.name for row in by_tenant.rows(session, {"tenant_id": two.me})] == [MINE]


def test_a_session_that_moves_into_a_tenant_takes_the_statement_along(database: Database) -> None:
    two = settle_neighbours(database)
    notices = Prepared(sa.select(Notice.text).order_by(Notice.text))
    with database.transaction(PUBLIC) as session:
        assert [row.text for row in notices.rows(session, {})] == [SHOWN]
        session.info["scope"] = of_tenant(two.other)
        assert [row.text for row in notices.rows(session, {})] == sorted([SHOWN, THEIRS])


def test_what_the_session_holds_back_is_seen_too(database: Database) -> None:
    two = settle_neighbours(database)
    gardens = Prepared(sa.select(sa.func.count()).select_from(Garden))
    with database.transaction(of_tenant(two.me)) as session:
        session.add(Garden(tenant_id=two.me, garden_id=new_id(), name="new"))
        assert gardens.rows(session, {})[0][0] == 2


def test_without_a_scope_nothing_is_read(database: Database) -> None:
    gardens = Prepared(sa.select(Garden.name))
    with pytest.raises(TenancyError), database.transaction(None) as session:
        gardens.rows(session, {})


REFUSED: dict[str, Any] = {
    "a subquery": sa.select(Notice.text).where(
        sa.exists().where(Reply.notice_id == Notice.notice_id).correlate(Notice)
    ),
    "a scalar": sa.select(sa.select(sa.func.count()).select_from(Garden).scalar_subquery().label("n"), Notice.text),
    "both halves of a union": sa.select(
        sa.union_all(sa.select(Garden.name), sa.select(Notice.text)).subquery("both").c.name
    ),
    "a bare table": sa.select(Garden.__table__.c.name),
    "a text": sa.select(sa.text("name")).select_from(Garden),
    "a class inside a function alone": sa.select(Sample.word).where(sa.func.length(Garden.name) > 0),
    "objects": sa.select(Garden),
    "objects beside columns": sa.select(Sample.word, Garden).join(Garden, sa.true()),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_filtered_or_is_no_column_is_refused_when_it_is_made(what: str) -> None:
    with pytest.raises(TenancyError):
        Prepared(REFUSED[what])


def test_first_is_none_when_there_is_nothing(database: Database) -> None:
    with Session(database.engine) as plain:
        assert plain.scalars(sa.select(Sample.word)).all() == []
    with database.transaction(PUBLIC) as session:
        assert Prepared(sa.select(Sample.word)).first(session, {}) is None
