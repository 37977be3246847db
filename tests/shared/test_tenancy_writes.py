"""Ring 1, writing, and ring 2: nobody changes a row of another tenant, nor gives one away."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session, make_transient_to_detached

from shared.database import Database, insert_new, new_id, upsert_statement
from shared.tenancy import PUBLIC, TenancyError, across_tenants, of_tenant
from tests.shared.gardens import MINE, SHOWN, THEIRS, Neighbours, settle_neighbours
from tests.shared.tables import Base, Garden, Notice, Plant, Reply

gardens, plants = Garden.__table__, Plant.__table__
Write = Callable[[Session, Neighbours], Any]


@pytest.fixture
def two(database: Database) -> Neighbours:
    return settle_neighbours(database)


def everything(database: Database) -> list[str]:
    with database.transaction(across_tenants(), read_only=True) as session:
        tables = (Garden, Plant, Notice, Reply)
        return sorted(str(tuple(row)) for table in tables for row in session.execute(sa.select(table.__table__)))


def theirs(database: Database, two: Neighbours) -> list[str]:
    with database.transaction(across_tenants(), read_only=True) as session:
        columns = (sa.select(sa.literal(table.__tablename__), table.__table__) for table in (Garden, Plant, Notice))
        owned = [session.execute(rows.where(rows.selected_columns.tenant_id == two.other)) for rows in columns]
        return sorted(str(tuple(row)) for rows in owned for row in rows)


def garden_of(tenant_id: Any, name: str = "new") -> Garden:
    return Garden(tenant_id=tenant_id, garden_id=new_id(), name=name)


def values_of(two: Neighbours) -> dict[str, Any]:
    return {"tenant_id": two.other, "garden_id": two.their_garden, "name": "taken"}


def forged(row: Any, session: Session) -> Any:
    """A row we pretend to have loaded."""
    make_transient_to_detached(row)
    session.add(row)
    return row


def load(session: Session, kind: type[Any], *key: Any) -> Any:
    return session.get_one(kind, key)


def change(row: Any, **facts: Any) -> None:
    for name, value in facts.items():
        setattr(row, name, value)


REFUSED: dict[str, Write] = {
    "a row of another tenant": lambda session, two: session.add(garden_of(two.other)),
    "a row of nobody": lambda session, two: session.add(Garden(garden_id=new_id(), name="new")),
    "several rows": lambda session, two: session.add_all([garden_of(two.me), garden_of(two.other)]),
    "insert": lambda session, two: session.execute(sa.insert(Garden).values(values_of(two))),
    "insert of one's own": lambda session, two: session.execute(sa.insert(Garden), [values_of(two)]),
    "insert into a table": lambda session, two: session.execute(sa.insert(gardens).values(values_of(two))),
    "insert from a select": lambda session, two: session.execute(
        sa.insert(Garden).from_select(["tenant_id", "garden_id", "name"], sa.select(gardens))
    ),
    "insert_new": lambda session, two: insert_new(session, Garden, [values_of(two) | {"garden_id": new_id()}]),
    "upsert": lambda session, two: session.execute(
        upsert_statement(session, Garden)
        .values(values_of(two))
        .on_conflict_do_update(index_elements=["tenant_id", "garden_id"], set_={"name": "taken"})
    ),
    "bulk_save_objects": lambda session, two: session.bulk_save_objects([garden_of(two.other)]),
    "bulk_insert_mappings": lambda session, two: session.bulk_insert_mappings(Garden, [values_of(two)]),
    "bulk_update_mappings": lambda session, two: session.bulk_update_mappings(Garden, [values_of(two)]),
    "update by primary key": lambda session, two: session.execute(sa.update(Garden), [values_of(two)]),
    "update with parameters": lambda session, two: session.execute(sa.update(Notice), {"tenant_id": two.other}),
    "update of a table": lambda session, two: session.execute(sa.update(gardens).values(name="taken")),
    "update with a text": lambda session, two: session.execute(
        sa.update(Garden).where(sa.text("1 = 1 OR 1 = 1")).values(name="taken")
    ),
    "update from another tenant's": lambda session, two: session.execute(
        sa.update(Garden).values(name=sa.select(sa.func.max(plants.c.name)).scalar_subquery())
    ),
    "update that gives away": lambda session, two: session.execute(sa.update(Notice).values(tenant_id=two.other)),
    "update that gives away by attribute": lambda session, two: session.execute(
        sa.update(Notice).values({Notice.tenant_id: two.other})
    ),
    "update that gives away in order": lambda session, two: session.execute(
        sa.update(Notice).ordered_values((Notice.tenant_id, two.other))
    ),
    "an old-style update that gives away": lambda session, two: session.query(Notice).update({"tenant_id": two.other}),
    "update where another class": lambda session, two: session.execute(
        sa.update(Garden).where(sa.func.lower(Plant.name) == THEIRS).values(name="taken")
    ),
    "delete from a table": lambda session, two: session.execute(sa.delete(gardens)),
    "delete with a text": lambda session, two: session.execute(sa.delete(Plant).where(sa.text("1 = 1 OR 1 = 1"))),
    "a text": lambda session, two: session.execute(sa.text("DELETE FROM plants")),
    "giving a row away": lambda session, two: change(load(session, Notice, two.me, two.my_notice), tenant_id=two.other),
    "taking a public row": lambda session, two: change(
        load(session, Notice, two.other, two.their_public_notice), tenant_id=two.me
    ),
    "changing a public row": lambda session, two: change(
        load(session, Notice, two.other, two.their_public_notice), text="taken"
    ),
    "deleting a public row": lambda session, two: session.delete(
        load(session, Notice, two.other, two.their_public_notice)
    ),
    "merging a public row": lambda session, two: session.merge(
        Notice(tenant_id=two.other, notice_id=two.their_public_notice, text="taken")
    ),
    "hanging a row on a public row": lambda session, two: session.add(
        Reply(
            tenant_id=two.me,
            reply_id=new_id(),
            text="taken",
            notice=load(session, Notice, two.other, two.their_public_notice),
        )
    ),
    "changing a forged row": lambda session, two: change(
        forged(Garden(tenant_id=two.other, garden_id=two.their_garden), session), name="taken"
    ),
    "deleting a forged row": lambda session, two: session.delete(
        forged(Garden(tenant_id=two.other, garden_id=two.their_garden), session)
    ),
}


@pytest.mark.parametrize("how", REFUSED)
def test_a_write_outside_ones_tenant_is_refused_and_leaves_nothing(
    database: Database, two: Neighbours, how: str
) -> None:
    before = everything(database)
    with (
        pytest.raises((TenancyError, ProgrammingError)) as refused,
        database.transaction(of_tenant(two.me)) as session,
    ):
        REFUSED[how](session, two)
    # PostgreSQL's own policies may be faster than our check after a flush.
    assert isinstance(refused.value, TenancyError) or "row-level security" in str(refused.value)
    assert everything(database) == before


@pytest.mark.parametrize("how", REFUSED)
def test_without_a_scope_nothing_is_written(database: Database, two: Neighbours, how: str) -> None:
    before = everything(database)
    with pytest.raises(TenancyError), database.transaction(None) as session:
        REFUSED[how](session, two)
    assert everything(database) == before


HARMLESS: dict[str, Any] = {
    "update": sa.update(Garden).values(name="mine, changed"),
    "update of what may be public": sa.update(Notice).values(text="mine, changed"),
    "update where": sa.update(Garden).where(Garden.name.in_([MINE, THEIRS])).values(name="mine, changed"),
    "update where a function": sa.update(Garden)
    .where(sa.func.lower(Garden.name) != "")
    .values(name=sa.func.upper(Garden.name))
    .execution_options(synchronize_session=False),
    "update where another exists": sa.update(Garden)
    .where(sa.exists().where(Plant.garden_id == Garden.garden_id))
    .values(name="mine, changed")
    .execution_options(synchronize_session=False),
    "delete": sa.delete(Plant),
    "delete of what may be public": sa.delete(Notice),
    "delete in": sa.delete(Plant)
    .where(Plant.garden_id.in_(sa.select(Garden.garden_id)))
    .execution_options(synchronize_session=False),
}


@pytest.mark.parametrize("how", HARMLESS)
def test_a_statement_changes_ones_own_rows_alone(database: Database, two: Neighbours, how: str) -> None:
    before, all_before = theirs(database, two), everything(database)
    with database.transaction(of_tenant(two.me)) as session:
        assert session.execute(HARMLESS[how]).rowcount == 1
    assert theirs(database, two) == before
    assert everything(database) != all_before


@pytest.mark.parametrize("how", HARMLESS)
def test_the_public_changes_nothing(database: Database, two: Neighbours, how: str) -> None:
    before = everything(database)
    with database.transaction(PUBLIC) as session:
        assert session.execute(HARMLESS[how]).rowcount == 0
    assert everything(database) == before


def test_returning_shows_ones_own_rows_alone(database: Database, two: Neighbours) -> None:
    with database.transaction(of_tenant(two.me)) as session:
        changed = session.execute(sa.update(Garden).values(name=Garden.name).returning(Garden.name)).all()
        assert [row.name for row in changed] == [MINE]


@pytest.mark.parametrize(
    "write",
    [
        lambda session, two: session.add(garden_of(two.other)),
        lambda session, two: session.add(Notice(tenant_id=two.other, notice_id=new_id(), text="x", is_public=True)),
        lambda session, two: change(load(session, Notice, two.other, two.their_public_notice), text="taken"),
        lambda session, two: session.delete(load(session, Notice, two.other, two.their_public_notice)),
        lambda session, two: insert_new(session, Garden, [values_of(two)]),
    ],
)
def test_the_public_writes_no_row(database: Database, two: Neighbours, write: Write) -> None:
    before = everything(database)
    with pytest.raises(TenancyError), database.transaction(PUBLIC) as session:
        write(session, two)
    assert everything(database) == before


def test_a_tenant_writes_its_own_rows_in_every_way(database: Database, two: Neighbours) -> None:
    with database.transaction(of_tenant(two.me)) as session:
        garden = garden_of(two.me)
        garden.plants = [Plant(tenant_id=two.me, plant_id=new_id(), name="a leek")]
        session.add(garden)
        session.flush()
        garden.name = "renamed"
        session.delete(garden.plants[0])
        assert insert_new(session, Garden, [{"tenant_id": two.me, "garden_id": new_id(), "name": "third"}])
        load(session, Notice, two.me, two.my_notice).is_public = True
    with database.transaction(PUBLIC, read_only=True) as session:
        assert set(session.scalars(sa.select(Notice.text))) == {MINE, SHOWN}


def test_across_tenants_writes_for_everybody(database: Database, two: Neighbours) -> None:
    with database.transaction(across_tenants()) as session:
        session.add_all([garden_of(two.me), garden_of(two.other)])
        session.execute(sa.update(gardens).values(name="pruned"))
        assert session.execute(sa.text("SELECT count(*) FROM gardens WHERE name = 'pruned'")).scalar() == 4


# --- ring 2 -----------------------------------------------------------------------------------------------------------


def test_two_tenants_may_use_the_same_id(database: Database, two: Neighbours) -> None:
    for tenant_id in (two.me, two.other):
        with database.transaction(of_tenant(tenant_id)) as session:
            session.add(Garden(tenant_id=tenant_id, garden_id=two.me, name=str(tenant_id)))
    with database.transaction(of_tenant(two.me), read_only=True) as session:
        assert session.scalars(sa.select(Garden.name).where(Garden.garden_id == two.me)).all() == [str(two.me)]


Step = st.tuples(
    st.sampled_from(["add", "insert", "rename", "rename all", "delete", "delete all", "publish"]),
    st.integers(0, 1),  # who
    st.integers(0, 2),  # which
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8),
)


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(Step, max_size=20))
def test_whatever_two_tenants_write_each_reads_exactly_its_own(steps: list[tuple[str, int, int, str]]) -> None:
    tenants, ids = [new_id(), new_id()], [new_id(), new_id(), new_id()]  # both use the same ids
    model: list[dict[Any, tuple[str, bool]]] = [{}, {}]
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/tests.db?synchronous=off")
        Base.metadata.create_all(database.engine)
        for verb, who, which, text in steps:
            with database.transaction(of_tenant(tenants[who])) as session:
                take_step(session, verb, tenants[who], ids[which], text, model[who])
        for who in (0, 1):
            assert_reads_its_own(database, tenants[who], model[who], model[1 - who])
        database.close()


def take_step(session: Session, verb: str, tenant_id: Any, id_: Any, text: str, mine: dict[Any, Any]) -> None:
    """The same step in the database, as one tenant, and in a dictionary."""
    key = {"tenant_id": tenant_id, "notice_id": id_}
    if verb == "add" and id_ not in mine:
        session.add(Notice(**key, text=text, is_public=False))
        mine[id_] = (text, False)
    elif verb == "insert":
        if insert_new(session, Notice, [key | {"text": text, "is_public": False}]):
            assert id_ not in mine
            mine[id_] = (text, False)
    elif verb in ("rename", "publish") and id_ in mine:
        row = load(session, Notice, tenant_id, id_)
        row.text, row.is_public = text, row.is_public or verb == "publish"
        mine[id_] = (text, row.is_public)
    elif verb == "rename all":
        session.execute(sa.update(Notice).values(text=text))
        mine.update({id_: (text, is_public) for id_, (_, is_public) in mine.items()})
    elif verb == "delete" and id_ in mine:
        session.delete(load(session, Notice, tenant_id, id_))
        del mine[id_]
    elif verb == "delete all":
        session.execute(sa.delete(Notice))
        mine.clear()


def assert_reads_its_own(database: Database, tenant_id: Any, mine: dict[Any, Any], others: dict[Any, Any]) -> None:
    statement = sa.select(Notice.notice_id, Notice.text, Notice.is_public)
    with database.transaction(of_tenant(tenant_id), read_only=True) as session:
        own = {row[0]: (row[1], row[2]) for row in session.execute(statement.where(Notice.tenant_id == tenant_id))}
        foreign = {row[0]: (row[1], row[2]) for row in session.execute(statement.where(Notice.tenant_id != tenant_id))}
    assert own == mine
    assert foreign == {id_: facts for id_, facts in others.items() if facts[1]}
