"""What stands against a move is said in one sentence that says what to do; nothing is half done."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from services.demo import DEMO_PASSWORD, DEMO_PEOPLE
from services.embedded import NAMES, Embedded
from services.identity.domain import create_operator
from services.moving import arriving
from services.moving.leaving import export_data
from services.moving.rows import tables_of
from shared.clock import utc_now
from shared.database import Database
from shared.outbox import OutboxRow
from shared.settings import Settings, SettingsError
from shared.tenancy import across_tenants
from tests.journeys.moved import move, new_databases, rows_of
from tests.journeys.process import run_anyway
from tests.journeys.waiting import eventually
from tests.servers.postgres import PostgresServer


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """An installation in which nothing but its first start has happened."""
    settings = Settings(data=tmp_path_factory.mktemp("begun"))
    house = Embedded(settings)
    house.migrate()
    house.close()
    return settings


@pytest.fixture
def settings(begun: Settings, tmp_path: Path) -> Settings:
    """A copy that a test may spoil."""
    shutil.copytree(begun.data, tmp_path / "data")
    return msgspec.structs.replace(begun, data=tmp_path / "data")


@pytest.fixture(scope="module")
def file(begun: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("file") / "everything.zip"
    move(begun, "export-data", path)
    return path


@pytest.fixture
def target(postgres_server: PostgresServer) -> Iterator[Settings]:
    with new_databases(postgres_server) as named:
        yield named


@pytest.fixture
def empty(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "empty")


def refuses(settings: Settings, what: str, file: Path, *words: str) -> None:
    """One sentence or two, with these words."""
    with pytest.raises(SettingsError) as refused:
        move(settings, what, file)
    said = str(refused.value)
    assert "\n" not in said
    assert all(word in said for word in words), said


def is_untouched(settings: Settings) -> bool:
    """Whether no table has a row, where there are tables at all."""
    for service in NAMES:
        database = Database(settings.owner_database_url_for(service))
        with database.engine.connect() as connection:
            tables = set(sa.inspect(connection).get_table_names())
            for table in tables_of(service):
                if table.name in tables and connection.scalar(sa.select(sa.func.count()).select_from(table)):
                    return False
        database.close()
    return True


def change(file: Path, to: Path, **members: Any) -> Path:
    """A copy of a file in which some members are others: a function of what was there."""
    with zipfile.ZipFile(file) as before, zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            content = before.read(name)
            after.writestr(name, members[name](content) if name in members else content)
    return to


def of_manifest(edit: Any) -> dict[str, Any]:
    def changed(content: bytes) -> str:
        manifest = json.loads(content)
        edit(manifest)
        return json.dumps(manifest)

    return {"manifest.json": changed}


# --- the one that leaves ---


def test_while_it_runs_nothing_is_exported_or_imported(settings: Settings, file: Path, tmp_path: Path) -> None:
    house = Embedded(settings)
    house.start()
    try:
        eventually(lambda: all(worker.relay.is_active for worker in house.workers))
        refuses(settings, "export-data", tmp_path / "out.zip", "is at work", "stop `python -m services`")
        refuses(settings, "import-data", file, "is at work", "stop `python -m services`")
    finally:
        house.stop()
        house.close()
    assert not list(tmp_path.glob("out.zip*"))
    move(settings, "export-data", tmp_path / "out.zip")


def test_webs_that_are_connected_to_postgresql_are_named(file: Path, target: Settings, tmp_path: Path) -> None:
    for service in NAMES:
        database = Database(target.database_url_for(service))
        with database.engine.connect():
            refuses(target, "import-data", file, "connections of", service, "stop its webs and workers")
        database.close()
    assert is_untouched(target)


def test_what_is_written_during_an_export_is_noticed(settings: Settings, tmp_path: Path) -> None:
    """Somebody starts the services again too early."""

    def write(_said: str) -> None:
        database = Database(settings.database_url_for("leagues"))
        with database.transaction(across_tenants()) as session:
            session.add(OutboxRow(key="", envelope="{}", emitted_at=utc_now()))
        database.close()

    with pytest.raises(SettingsError, match="written into the database of leagues meanwhile"):
        export_data(settings, tmp_path / "out.zip", write)
    assert not list(tmp_path.glob("out.zip*"))


def test_a_demo_is_called_one(settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database = Database(settings.database_url_for("identity"))
    with database.transaction(across_tenants()) as session:
        create_operator(session, email=DEMO_PEOPLE[0].email, password=DEMO_PASSWORD, display_name="Sacha")
    database.close()
    move(settings, "export-data", tmp_path / "demo.zip")
    assert "everybody knows the password" in capsys.readouterr().err
    move(Settings(data=tmp_path / "new"), "import-data", tmp_path / "demo.zip")
    assert "everybody knows the password" in capsys.readouterr().err


def test_a_file_that_exists_is_not_overwritten(settings: Settings, file: Path) -> None:
    before = file.read_bytes()
    refuses(settings, "export-data", file, "exists", "another file")
    assert file.read_bytes() == before


def test_a_folder_that_is_not_there(settings: Settings, tmp_path: Path) -> None:
    refuses(settings, "export-data", tmp_path / "no" / "out.zip", "cannot be written", "another folder")


def test_no_installation_to_export(empty: Settings, tmp_path: Path) -> None:
    refuses(empty, "export-data", tmp_path / "out.zip", "no database of identity", "MPP_DATA")
    assert not list(empty.data.rglob("*.db")), "looking makes nothing"


def test_an_installation_of_an_older_version(settings: Settings, tmp_path: Path) -> None:
    database = Database(settings.database_url_for("leagues"))
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    database.close()
    refuses(settings, "export-data", tmp_path / "out.zip", "leagues", "run `python -m services.leagues migrate`")


def test_a_disk_without_room_leaves_nothing(settings: Settings, tmp_path: Path) -> None:
    """Stood in for by a limit on the size of a file."""
    env = {"MPP_DATA": str(settings.data)}
    small = ("prlimit", "--fsize=100000")
    done = run_anyway("-m", "services", "export-data", str(tmp_path / "out.zip"), env=env, before=small)
    assert done.returncode == 2
    assert "out.zip cannot be written: File too large. Free some room" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("out.zip*"))


# --- the file ---


def test_a_file_that_was_cut(file: Path, empty: Settings, tmp_path: Path) -> None:
    cut = tmp_path / "cut.zip"
    cut.write_bytes(file.read_bytes()[:-1000])
    refuses(empty, "import-data", cut, "damaged", "copy it again")


def test_a_file_with_one_wrong_byte(file: Path, empty: Settings, tmp_path: Path) -> None:
    content = bytearray(file.read_bytes())
    with zipfile.ZipFile(file) as archive:
        entry = archive.getinfo("challenges/challenge_texts.jsonl")
    content[entry.header_offset + entry.compress_size // 2] ^= 0xFF
    (tmp_path / "wrong.zip").write_bytes(content)
    refuses(empty, "import-data", tmp_path / "wrong.zip", "damaged", "challenges/challenge_texts")
    assert is_untouched(empty)


def test_a_file_that_lost_or_changed_a_row(file: Path, empty: Settings, tmp_path: Path) -> None:
    name = "challenges/categories.jsonl"
    for number, edit in enumerate(
        (lambda text: text.partition(b"\n")[2], lambda text: text.replace(b"food", b"foot"), lambda text: text * 2)
    ):
        spoilt = change(file, tmp_path / f"{number}.zip", **{name: edit})
        refuses(empty, "import-data", spoilt, "damaged", "challenges/categories is not what was exported")


def test_a_file_that_is_none_of_ours(empty: Settings, tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("Chère planète, " * 100)
    refuses(empty, "import-data", tmp_path / "letter", "damaged", "no file of `export-data`")
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("beach.jpg", b"")
    refuses(empty, "import-data", tmp_path / "photos.zip", "no file of `export-data`")
    refuses(empty, "import-data", tmp_path / "nothing.zip", "cannot be read", "No such file")


@pytest.mark.parametrize("revision", ["0001", "9999"])
def test_a_file_of_another_version(file: Path, empty: Settings, tmp_path: Path, revision: str) -> None:
    other = of_manifest(lambda manifest: manifest["services"]["leagues"].update(revision=revision))
    spoilt = change(file, tmp_path / "other.zip", **other)
    refuses(empty, "import-data", spoilt, "another version", f"leagues at {revision}", "same version")
    assert not empty.data.exists()


def test_a_file_of_another_format(file: Path, empty: Settings, tmp_path: Path) -> None:
    newer = change(file, tmp_path / "newer.zip", **of_manifest(lambda manifest: manifest.update(format=2)))
    refuses(empty, "import-data", newer, "has format 2", "the version that exported it")


def test_a_file_without_one_of_the_services(file: Path, empty: Settings, tmp_path: Path) -> None:
    spoilt = change(file, tmp_path / "three.zip", **of_manifest(lambda manifest: manifest["services"].pop("ranking")))
    refuses(empty, "import-data", spoilt, "ranking at none")


# --- the new home ---


def test_a_database_in_use_is_left_as_it_is(file: Path, settings: Settings) -> None:
    database = Database(settings.database_url_for("leagues"))
    with database.transaction(across_tenants()) as session:
        session.add(OutboxRow(key="", envelope="{}", emitted_at=utc_now(), published_at=utc_now()))
    database.close()
    before = rows_of(settings)
    refuses(settings, "import-data", file, "leagues is in use", "new databases only")
    assert rows_of(settings) == before


def test_a_catalogue_that_others_have_heard_of_is_in_use(file: Path, settings: Settings) -> None:
    """Migrated, and then its workers ran for a moment."""
    database = Database(settings.database_url_for("challenges"))
    with database.transaction(across_tenants()) as session:
        session.execute(sa.update(OutboxRow).values(published_at=utc_now()))
    database.close()
    refuses(settings, "import-data", file, "challenges is in use")


def test_a_database_of_an_older_version(file: Path, settings: Settings) -> None:
    database = Database(settings.database_url_for("ranking"))
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    database.close()
    refuses(settings, "import-data", file, "ranking is an older version's", "new database")


def test_a_database_of_a_newer_version(settings: Settings, file: Path) -> None:
    database = Database(settings.database_url_for("ranking"))
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    done = run_anyway("-m", "services", "import-data", str(file), env={"MPP_DATA": str(settings.data)})
    assert done.returncode == 2
    assert "9999" in done.stderr
    assert "newer version" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_address_that_leads_to_another_service(file: Path, target: Settings) -> None:
    confused = msgspec.structs.replace(
        target,
        owner_database_url=target.owner_database_url_for("leagues") + "?application_name={service}",
        database_url=target.database_url_for("leagues") + "?application_name={service}",
    )
    refuses(confused, "import-data", file, "tables that are not its own", "is it another service's?")
    assert is_untouched(target)


def test_a_wrong_password(file: Path, target: Settings) -> None:
    wrong = target.owner_database_url.replace("for-tests", "guessed")
    refuses(
        msgspec.structs.replace(target, owner_database_url=wrong),
        "import-data",
        file,
        "refuses the password",
        "MPP_OWNER_DATABASE_URL",
    )


def test_one_address_for_four_databases(file: Path, target: Settings) -> None:
    one = msgspec.structs.replace(target, database_url=target.database_url_for("leagues"))
    refuses(one, "import-data", file, "MPP_DATABASE_URL must contain {service}", "PGPASSFILE")


def test_postgresql_without_its_owners(file: Path, target: Settings, tmp_path: Path) -> None:
    ownerless = msgspec.structs.replace(target, owner_database_url="")
    for what, path in (("import-data", file), ("export-data", tmp_path / "out.zip")):
        refuses(ownerless, what, path, "MPP_OWNER_DATABASE_URL")


def test_postgresql_without_kafka_is_not_exported(file: Path, target: Settings, tmp_path: Path) -> None:
    move(target, "import-data", file)
    refuses(target, "export-data", tmp_path / "out.zip", "MPP_BUS_URL")


def test_a_row_that_postgresql_does_not_take(settings: Settings, target: Settings, tmp_path: Path) -> None:
    """SQLite holds a NUL in a text, and texts that are longer than said."""
    database = Database(settings.database_url_for("identity"))
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE tenants SET name = 'Grand' || char(0) || 'public'")
    database.close()
    move(settings, "export-data", tmp_path / "nul.zip")
    refuses(
        target, "import-data", tmp_path / "nul.zip", "identity.tenants does not fit", "nothing of identity was kept"
    )
    assert is_untouched(target)


def test_an_import_that_fails_in_the_last_service_goes_on_there(
    file: Path, begun: Settings, target: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = arriving.insert_lines

    def fail_in_leagues(connection: sa.Connection, table: sa.Table, lines: Any) -> None:
        insert(connection, table, lines)
        if table in tables_of("leagues")[-1:]:
            raise OSError("cut")

    monkeypatch.setattr(arriving, "insert_lines", fail_in_leagues)
    with pytest.raises(OSError, match="cut"):
        move(target, "import-data", file)
    monkeypatch.undo()
    move(target, "import-data", file)
    assert rows_of(target) == rows_of(begun)
