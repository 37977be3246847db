from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, StatementError

from shared.database import ByName, Database, insert_new, new_id
from shared.settings import SettingsError
from shared.tenancy import PUBLIC, TenancyError, across_tenants, of_tenant
from tests.shared.tables import Garden, Plant, Sample

ROOT = Path(__file__).parents[2]


def keep(database: Database, **facts: object) -> Sample:
    """Writes a sample and reads it again in a session that never saw it."""
    sample_id = new_id()
    with database.transaction(PUBLIC) as session:
        session.add(Sample(sample_id=sample_id, word=str(sample_id), **facts))
    with database.transaction(PUBLIC, read_only=True) as session:
        return session.get_one(Sample, sample_id)


@pytest.mark.parametrize("hours", [0, 2, -11, 5.5])
def test_a_moment_of_any_zone_comes_back_aware_and_in_utc(database: Database, hours: float) -> None:
    moment = datetime(2026, 10, 25, 2, 30, 15, 123456, tzinfo=timezone(timedelta(hours=hours)))
    found = keep(database, at=moment).at
    assert found == moment
    assert found is not None
    assert found.tzinfo is UTC


def test_a_naive_moment_is_refused(database: Database, count_rows: Callable[[type], int]) -> None:
    with pytest.raises(StatementError, match="naive datetime"):
        keep(database, at=datetime(2026, 10, 25, 2, 30))  # noqa: DTZ001
    assert count_rows(Sample) == 0


def test_moments_are_compared_as_moments_whatever_their_zone(database: Database) -> None:
    nine_in_paris = datetime(2026, 7, 1, 9, tzinfo=timezone(timedelta(hours=2)))
    keep(database, at=nine_in_paris)
    with database.transaction(PUBLIC, read_only=True) as session:
        before_eight = sa.select(sa.func.count()).where(Sample.at < datetime(2026, 7, 1, 8, tzinfo=UTC))
        assert session.scalar(before_eight.select_from(Sample)) == 1


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 0])
def test_integers_of_64_bits_come_back_exactly(database: Database, number: int) -> None:
    assert keep(database, count=number).count == number


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 2**70])
def test_integers_beyond_64_bits_are_refused(
    database: Database, count_rows: Callable[[type], int], number: int
) -> None:
    with pytest.raises((OverflowError, DBAPIError)):
        keep(database, count=number)
    assert count_rows(Sample) == 0
    assert keep(database, count=1).count == 1  # and the database still answers


def test_ids_are_uuids_that_sort_by_the_moment_they_were_made(database: Database) -> None:
    ids = [new_id() for _ in range(1000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 1000
    assert all(id_.version == 7 for id_ in ids)
    assert isinstance(keep(database).sample_id, UUID)


def test_json_keeps_accents_emoji_and_nesting(database: Database) -> None:
    facts = {"titles": {"fr": "Déjeuner végétarien 🥕"}, "points": [3, 5], "none": None}
    assert keep(database, facts=facts).facts == facts


def test_names_are_listed_as_in_a_dictionary_on_any_database(database: Database) -> None:
    listed = ["ana", "Dauphin", "dauphine", "Écureuil", "éléphant", "Elfe", "Œil", "Ours", "Zèbre"]
    tenant_id = new_id()
    with database.transaction(of_tenant(tenant_id)) as session:
        session.add_all(Garden(tenant_id=tenant_id, garden_id=new_id(), name=name) for name in reversed(listed))
    with database.transaction(of_tenant(tenant_id), read_only=True) as session:
        assert session.scalars(sa.select(Garden.name).order_by(ByName(Garden.name))).all() == listed
        assert session.scalars(sa.select(Garden.name).order_by(ByName(Garden.name).desc()).limit(1)).all() == ["Zèbre"]


def test_foreign_keys_are_enforced(database: Database) -> None:
    tenant_id = new_id()
    with pytest.raises(IntegrityError), database.transaction(of_tenant(tenant_id)) as session:
        session.add(Plant(tenant_id=tenant_id, plant_id=new_id(), garden_id=new_id(), name="Orphan"))


def test_a_row_cannot_hang_on_a_row_of_another_tenant(database: Database) -> None:
    garden = Garden(tenant_id=new_id(), garden_id=new_id(), name="Theirs")
    with database.transaction(across_tenants()) as session:
        session.add(garden)
    with pytest.raises(IntegrityError), database.transaction(across_tenants()) as session:
        session.add(Plant(tenant_id=new_id(), plant_id=new_id(), garden_id=garden.garden_id, name="Ours"))


def test_an_exception_in_the_block_takes_everything_back(database: Database, count_rows: Callable[[type], int]) -> None:
    def fail_halfway() -> None:
        with database.transaction(PUBLIC) as session:
            insert_new(session, Sample, rows("gone"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_halfway()
    assert count_rows(Sample) == 0


def test_a_reader_neither_waits_for_a_writer_nor_holds_one_up(database: Database) -> None:
    with database.transaction(PUBLIC) as writing, database.transaction(PUBLIC, read_only=True) as reading:
        writing.add(Sample(sample_id=new_id(), word="unseen"))
        writing.flush()
        assert reading.scalars(sa.select(Sample.word)).all() == []
        writing.commit()
    assert keep(database).word


def test_a_read_only_session_takes_no_write_lock(database: Database) -> None:
    with database.transaction(PUBLIC, read_only=True) as reading:
        assert reading.scalars(sa.select(Sample.word)).all() == []
        assert keep(database).word  # a writer comes and goes in the meantime, or it would be refused


def test_writers_of_eight_threads_all_succeed(database: Database, count_rows: Callable[[type], int]) -> None:
    def write(thread: int) -> None:
        for number in range(20):
            keep(database, count=thread * 100 + number)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(8)))
    assert count_rows(Sample) == 160


def test_no_increment_of_eight_threads_is_lost(database: Database) -> None:
    sample_id = keep(database, count=0).sample_id

    def add_one(_: int) -> None:
        with database.transaction(PUBLIC) as session:
            sample = session.get_one(Sample, sample_id, with_for_update=True)
            sample.count += 1

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add_one, range(80)))
    with database.transaction(PUBLIC, read_only=True) as session:
        assert session.get_one(Sample, sample_id).count == 80


def test_a_writer_that_failed_does_not_keep_the_others_waiting(database: Database) -> None:
    taken = keep(database).word
    for _ in range(3):
        with pytest.raises(IntegrityError), database.transaction(PUBLIC) as session:
            session.add(Sample(sample_id=new_id(), word=taken))
    assert keep(database).word


def test_an_error_of_the_database_does_not_show_the_values_it_was_about(database: Database) -> None:
    with pytest.raises(IntegrityError) as error, database.transaction(PUBLIC) as session:
        session.add_all(Sample(sample_id=new_id(), word="Camille Dupont") for _ in range(2))
    shown = str(error.value).replace(str(error.value.orig), "")  # a log has the first line of both
    assert "Camille" not in shown


def rows(*words: str) -> list[dict[str, object]]:
    return [{"sample_id": new_id(), "word": word, "count": 1} for word in words]


def test_insert_new_returns_only_the_rows_that_were_new(database: Database) -> None:
    first, again = rows("apple", "pear"), rows("pear", "plum")
    with database.transaction(PUBLIC) as session:
        assert insert_new(session, Sample, first) == [(row["sample_id"],) for row in first]
        assert insert_new(session, Sample, again) == [(again[1]["sample_id"],)]
        assert insert_new(session, Sample, first + again) == []
        assert insert_new(session, Sample, []) == []


def test_insert_new_keeps_the_first_of_two_equal_rows_of_one_call(database: Database) -> None:
    twice = rows("apple", "apple")
    with database.transaction(PUBLIC) as session:
        assert insert_new(session, Sample, twice) == [(twice[0]["sample_id"],)]


def test_a_conflict_in_insert_new_does_not_spoil_the_transaction(
    database: Database, count_rows: Callable[[type], int]
) -> None:
    keep_word = keep(database).word
    with database.transaction(PUBLIC) as session:
        insert_new(session, Sample, rows(keep_word))
        session.add(Sample(sample_id=new_id(), word="afterwards"))
    assert count_rows(Sample) == 2


def test_insert_new_takes_thousands_of_rows(database: Database) -> None:
    many = rows(*(f"word {number}" for number in range(5000)))
    with database.transaction(PUBLIC) as session:
        assert len(insert_new(session, Sample, many[:3000])) == 3000
        assert {key for (key,) in insert_new(session, Sample, many)} == {row["sample_id"] for row in many[3000:]}


def test_the_same_new_row_of_many_threads_is_new_once(database: Database) -> None:
    def insert(_: int) -> int:
        with database.transaction(PUBLIC) as session:
            return len(insert_new(session, Sample, rows("wanted by all")))

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(insert, range(16))) == 1


def test_insert_new_refuses_rows_of_another_tenant_and_no_scope(database: Database) -> None:
    row = {"tenant_id": new_id(), "garden_id": new_id(), "name": "Theirs"}
    for scope in (of_tenant(new_id()), PUBLIC, None):
        with pytest.raises(TenancyError), database.transaction(scope) as session:
            insert_new(session, Garden, [row])


def test_a_lock_lets_one_in(database: Database) -> None:
    with database.exclusive("relay") as mine, database.exclusive("relay") as second:
        assert (bool(mine), bool(second)) == (True, False)
        with database.exclusive("other") as another:
            assert another
    with database.exclusive("relay") as free_again:
        assert free_again


def test_a_lock_lets_one_thread_in(database: Database) -> None:
    inside: list[bool] = []
    everybody = threading.Barrier(8)

    def enter(_: int) -> None:
        with database.exclusive("relay") as is_mine:
            inside.append(bool(is_mine))
            everybody.wait(timeout=20)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(enter, range(8)))
    assert sorted(inside) == [False] * 7 + [True]


HOLDER = """
import sys, time
from shared.database import Database
with Database(sys.argv[1]).exclusive("relay") as taken:
    print("taken" if taken else "refused", flush=True)
    time.sleep(60)
"""


def test_a_lock_is_free_again_when_its_holder_is_killed(database: Database) -> None:
    url = database.url.render_as_string(hide_password=False)
    with subprocess.Popen([sys.executable, "-c", HOLDER, url], cwd=ROOT, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "taken\n"
        with database.exclusive("relay") as too_early:
            assert not too_early
        holder.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    is_mine = False
    while not is_mine and time.monotonic() < deadline:
        with database.exclusive("relay") as is_mine:
            pass
    assert is_mine


WRITER = """
import sys, time
from shared.database import Database, new_id
from shared.tenancy import PUBLIC
from tests.shared.tables import Sample
with Database(sys.argv[1]).transaction(PUBLIC) as session:
    session.add(Sample(sample_id=new_id(), word="half done", count=0))
    session.flush()
    print("written", flush=True)
    time.sleep(60)
"""


def test_a_killed_writer_leaves_nothing_and_holds_nobody_up(
    database: Database, count_rows: Callable[[type], int]
) -> None:
    url = database.url.render_as_string(hide_password=False)
    with subprocess.Popen([sys.executable, "-c", WRITER, url], cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "written\n"
        writer.kill()
    keep(database)
    assert count_rows(Sample) == 1


# --- what SQLite must be told ----------------------------------------------------------------------------------------


@pytest.fixture
def sqlite(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path}/deep/er/tests.db")


def test_sqlite_writes_ahead_and_syncs_fully(sqlite: Database) -> None:
    with sqlite.engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "synchronous")
        }
    sqlite.close()
    assert pragmas == {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 2}


def test_an_unknown_way_to_sync_is_refused_with_the_choices(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="choose off, normal or full"):
        Database(f"sqlite:///{tmp_path}/tests.db?synchronous=maybe")


def test_a_writer_of_another_process_is_waited_for_and_then_refused(
    sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.engines.BUSY_SECONDS", 0.3)
    impatient = Database(sqlite.url.render_as_string())
    with sqlite.transaction(PUBLIC) as session:
        session.connection()  # a writer takes its lock when it begins
        with pytest.raises(OperationalError, match="locked"), impatient.transaction(PUBLIC) as second:
            second.connection()
    with impatient.transaction(PUBLIC) as free_again:
        free_again.connection()
    impatient.close()
    sqlite.close()
