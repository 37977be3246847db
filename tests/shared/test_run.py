from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import requests
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from shared import health
from shared.bus.memory import MemoryBus
from shared.clock import utc_now
from shared.consumer import Consumer, DeadLetter, Handlers, InboxRow, Received
from shared.contracts import BoardsRevealed, EditionRevealed
from shared.database import Database, SharedBase, new_id
from shared.jobs import enqueue
from shared.log import configure_logging
from shared.outbox import OutboxRow, emit
from shared.run import main
from shared.service import Service
from shared.settings import Settings
from shared.tenancy import across_tenants, of_tenant
from shared.worker import Worker
from tests.builders import envelope
from tests.shared.tables import Base, Sample
from tests.shared.waiting import wait_until

ROOT = Path(__file__).parents[2]
TENANT = new_id()
MIGRATION = '''
"""Create a table."""

from alembic import op
import sqlalchemy as sa

revision, down_revision, branch_labels, depends_on = "{number}", {before!r}, None, None


def upgrade() -> None:
    op.create_table("table_{number}", sa.Column("id", sa.Integer(), primary_key=True))
'''


def no_app(settings: Settings, database: Database) -> Flask:
    raise AssertionError("the web role must not start here")


def service_of(name: str = "tiny", handlers: Handlers | None = None, **facts: Any) -> Service:
    return Service(name=name, create_app=no_app, handlers=handlers or {}, **facts)


@pytest.fixture
def tiny_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A service `tiny` with one migration, as far as Alembic can see; gives the folder of its migrations."""
    folder = tmp_path / "services" / "tiny" / "migrations"
    folder.mkdir(parents=True)
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "alembic").symlink_to(ROOT / "shared" / "alembic")
    (folder / "0001_create.py").write_text(MIGRATION.format(number="0001", before=None))
    models = ModuleType("services.tiny.models")
    models.__dict__["Base"] = Base
    monkeypatch.setitem(sys.modules, "services.tiny", ModuleType("services.tiny"))
    monkeypatch.setitem(sys.modules, "services.tiny.models", models)
    monkeypatch.setattr("shared.migrations.ROOT", tmp_path)
    monkeypatch.setenv("MPP_DATABASE_URL", f"sqlite:///{tmp_path}/{{service}}.db")
    return folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., tuple[int, str, str]]]:
    """Runs a service's command line; gives its status and what it printed."""

    def call(*arguments: str, service: Service | None = None, **options: Any) -> tuple[int, str, str]:
        status = main(service or service_of(), list(arguments), **options)
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    yield call
    with contextlib.redirect_stderr(sys.__stderr__):
        configure_logging("ERROR")


Run = Callable[..., tuple[int, str, str]]


# --- the command line -------------------------------------------------------------------------------------------------


def test_migrating_twice_changes_nothing_the_second_time(tiny_room: Path, run: Run) -> None:
    assert run("migrate")[:2] == (0, "tiny: 0001\n")
    assert run("migrate")[:2] == (0, "tiny: already up to date\n")
    (tiny_room / "0002_more.py").write_text(MIGRATION.format(number="0002", before="0001"))
    assert run("migrate")[:2] == (0, "tiny: 0002\n")


def test_after_migrating_a_service_does_what_it_must(tiny_room: Path, run: Run) -> None:
    called: list[str] = []
    service = service_of(after_migrate=lambda database, settings: called.append(str(database.url.database)))
    assert run("migrate", service=service)[0] == 0
    assert called
    assert called[0].endswith("tiny.db")


@pytest.mark.parametrize("role", ["web", "worker", "dead-letters"])
def test_a_database_that_is_not_migrated_stops_every_role_with_a_sentence(tiny_room: Path, run: Run, role: str) -> None:
    status, _, sentence = run(role)
    assert status == 2
    assert "run `python -m services.tiny migrate` first" in sentence
    run("migrate")
    (tiny_room / "0002_more.py").write_text(MIGRATION.format(number="0002", before="0001"))
    assert run(role)[0] == 2


@pytest.mark.parametrize("role", ["web", "worker", "migrate"])
def test_a_database_of_a_newer_version_stops_every_role_with_a_sentence(tiny_room: Path, run: Run, role: str) -> None:
    newer = tiny_room / "0002_more.py"
    newer.write_text(MIGRATION.format(number="0002", before="0001"))
    run("migrate")
    newer.unlink()
    status, _, sentence = run(role)
    assert status == 2
    assert "revision 0002" in sentence
    assert "run the newer version" in sentence


def test_a_worker_alone_is_refused_on_a_bus_of_one_process(tiny_room: Path, run: Run) -> None:
    run("migrate")
    status, _, sentence = run("worker")
    assert status == 2
    assert "memory://" in sentence
    assert "run `python -m services`" in sentence


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MPP_PROT", "8000"),
        ("MPP_PORT", "none"),
        ("MPP_LOG_LEVEL", "LOUD"),
        ("MPP_DATABASE_URL", "nonsense {service}"),
        ("MPP_DATABASE_URL", "sqlite:////proc/nowhere/{service}.db"),
        ("MPP_DATABASE_URL", "sqlite:///tests/{service}.db?synchronous=maybe"),
    ],
)
def test_an_environment_that_cannot_be_used_gets_a_sentence(
    tiny_room: Path, run: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    status, _, sentence = run("web")
    assert status == 2
    assert sentence.startswith("ma-petite-planete: ")
    assert "Traceback" not in sentence
    assert len(sentence.splitlines()) == 1


def test_a_file_that_is_no_database_gets_a_sentence(tiny_room: Path, tmp_path: Path, run: Run) -> None:
    (tmp_path / "tiny.db").write_bytes(b"Dear diary, " * 1000)
    status, _, sentence = run("web")
    assert status == 2
    assert len(sentence.splitlines()) == 1


def test_an_unknown_role_is_answered_with_those_there_are(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("dance")
    usage = capsys.readouterr().err
    assert all(role in usage for role in ("web", "worker", "migrate", "dead-letters"))


def test_a_service_has_commands_of_its_own(tiny_room: Path, run: Run) -> None:
    run("migrate")
    commands = {
        "count": ("count to", lambda parser: parser.add_argument("number", type=int), lambda args, *_: args.number)
    }
    assert run("count", "7", own=commands)[0] == 7


@pytest.fixture
def letters(tiny_room: Path, tmp_path: Path, run: Run) -> Iterator[Database]:
    """The migrated database of `tiny`, with two dead letters: one that can be handled by now, and poison."""
    run("migrate")
    database = open_room(tmp_path, "tiny")
    with database.transaction(across_tenants()) as session:
        good = envelope(BoardsRevealed(edition_id=new_id()), TENANT).decode()
        for text in (good, "poison"):
            session.add(DeadLetter(dead_letter_id=new_id(), envelope=text, error="ValueError: x", parked_at=utc_now()))
    yield database
    database.close()


def test_dead_letters_are_listed_replayed_and_dropped(letters: Database, run: Run) -> None:
    service = service_of(handlers={BoardsRevealed: remember})
    status, listed, _ = run("dead-letters", service=service)
    assert (status, f"BoardsRevealed of tenant {TENANT}  ValueError: x" in listed) == (0, True)
    assert "unreadable" in listed
    assert "2 dead letters" in listed
    assert run("dead-letters", "replay", service=service)[:2] == (1, "tiny: 1 handled, 1 left\n")
    assert count(letters, Sample) == 1
    assert run("dead-letters", "drop", service=service)[0] == 2
    assert count(letters, DeadLetter) == 1
    assert run("dead-letters", "drop", "--all", service=service)[:2] == (0, "tiny: 1 dropped\n")
    assert run("dead-letters", "list", service=service)[:2] == (0, "tiny: no dead letters\n")


def test_one_dead_letter_is_dropped_and_the_others_stay(letters: Database, run: Run) -> None:
    with letters.transaction(across_tenants(), read_only=True) as session:
        first = session.scalars(sa.select(DeadLetter.dead_letter_id).order_by(DeadLetter.dead_letter_id)).first()
    assert run("dead-letters", "drop", "--id", str(first))[:2] == (0, "tiny: 1 dropped\n")
    assert count(letters, DeadLetter) == 1


def test_the_outbox_says_what_waits_and_complains_after_a_minute(tiny_room: Path, tmp_path: Path, run: Run) -> None:
    run("migrate")
    database = open_room(tmp_path, "tiny")
    assert run("outbox", "status")[:2] == (0, "tiny: 0 events wait; last published never\n")
    with database.transaction(of_tenant(TENANT)) as session:
        emit(session, BoardsRevealed(edition_id=new_id()))
    status, text, _ = run("outbox", "status")
    assert (status, "1 events wait, the oldest for 0 s" in text) == (0, True)
    with database.transaction(across_tenants()) as session:
        session.execute(sa.update(OutboxRow).values(emitted_at=utc_now() - timedelta(minutes=2)))
    status, _, complaint = run("outbox", "status")
    assert (status, "Is the worker of tiny running" in complaint) == (1, True)
    database.close()


def test_topics_need_a_bus_that_has_some(tiny_room: Path, run: Run) -> None:
    status, _, sentence = run("topics")
    assert (status, "has no topics" in sentence) == (2, True)


# --- the threads of a worker ------------------------------------------------------------------------------------------


def remember(session: Session, events: Sequence[Received[Any]]) -> None:
    session.add_all(Sample(sample_id=new_id(), word=str(event.id), count=1) for event in events)


class Rooms:
    """Two services in one process: ranking tells leagues, leagues tells ranking."""

    def __init__(self, folder: Path, **facts: Any) -> None:
        self.bus = MemoryBus()
        self.databases = {name: open_room(folder, name) for name in ("ranking", "leagues")}
        listened: dict[str, Handlers] = {"leagues": {BoardsRevealed: remember}, "ranking": {EditionRevealed: remember}}
        self.workers = {
            name: Worker(service_of(name, listened[name], **facts), Settings(data=folder), database, self.bus)
            for name, database in self.databases.items()
        }

    def start(self) -> None:
        for worker in self.workers.values():
            worker.start()

    def stop(self) -> None:
        for worker in self.workers.values():
            worker.stop_publishing()
        for worker in self.workers.values():
            worker.stop()

    def tell(self, name: str, count: int = 1) -> None:
        with self.databases[name].transaction(of_tenant(TENANT)) as session:
            for _ in range(count):
                told = BoardsRevealed(edition_id=new_id())
                emit(session, told if name == "ranking" else EditionRevealed(edition_id=new_id(), at=utc_now()))

    def heard(self, name: str) -> int:
        return count(self.databases[name], Sample)


def open_room(folder: Path, name: str) -> Database:
    database = Database(f"sqlite:///{folder}/{name}.db?synchronous=off")
    SharedBase.metadata.create_all(database.engine)
    Base.metadata.create_all(database.engine)
    return database


def count(database: Database, model: type) -> int:
    with database.transaction(across_tenants(), read_only=True) as session:
        return session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[Rooms]:
    opened = Rooms(tmp_path)
    opened.start()
    yield opened
    opened.stop()
    for database in opened.databases.values():
        database.close()


def test_an_event_reaches_another_service(rooms: Rooms) -> None:
    for teller, hearer in (("ranking", "leagues"), ("leagues", "ranking")):
        rooms.tell(teller)
        wait_until(lambda hearer=hearer: rooms.heard(hearer))  # type: ignore[misc]


def test_thousands_of_events_arrive_each_once(rooms: Rooms) -> None:
    for _ in range(5):
        rooms.tell("ranking", 500)
    wait_until(lambda: rooms.heard("leagues") == 2500)
    assert (rooms.heard("ranking"), count(rooms.databases["leagues"], InboxRow)) == (0, 2500)


def test_threads_start_and_stop_and_lose_nothing(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    rooms = Rooms(tmp_path)
    rooms.start()
    assert len(set(threading.enumerate()) - before) == 6
    rooms.tell("ranking", 300)
    rooms.stop()
    assert set(threading.enumerate()) - before == set()
    left = sum(row is None for row in published(rooms.databases["ranking"]))
    assert left + rooms.heard("leagues") == 300

    again = Rooms(tmp_path)
    again.start()
    wait_until(lambda: again.heard("leagues") == 300)
    again.stop()


def published(database: Database) -> Sequence[Any]:
    with database.transaction(across_tenants(), read_only=True) as session:
        return session.scalars(sa.select(OutboxRow.published_at)).all()


def test_a_worker_runs_its_jobs_and_its_clockwork(tmp_path: Path) -> None:
    done: list[dict[str, Any]] = []
    ticked: list[Database] = []
    database = open_room(tmp_path, "tiny")
    service = service_of(jobs=lambda settings: {"greet": done.append}, every_minute=ticked.append)
    worker = Worker(service, Settings(data=tmp_path), database, MemoryBus())
    worker.start()
    with database.transaction(of_tenant(TENANT)) as session:
        enqueue(session, "greet", {"who": "Awa"}, tenant_id=TENANT)
    wait_until(lambda: done == [{"who": "Awa"}] and ticked == [database])
    assert worker.problems() == []
    worker.stop()
    database.close()


def test_clockwork_that_fails_stops_nothing_else(tmp_path: Path) -> None:
    def fail(database: Database) -> None:
        raise ZeroDivisionError

    rooms = Rooms(tmp_path, every_minute=fail)
    rooms.start()
    rooms.tell("ranking")
    wait_until(lambda: rooms.heard("leagues"))
    assert rooms.workers["ranking"].problems() == []
    rooms.stop()


def test_health_tells_of_a_consumer_that_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.health.pending_migrations", lambda service, database: [])
    monkeypatch.setattr("threading.excepthook", lambda _: None)
    monkeypatch.setattr("shared.consumer.DEAD_LETTERS_IN_A_ROW", 2)
    monkeypatch.setattr("shared.bus.PUBLISH_SECONDS", 0.5)
    rooms = Rooms(tmp_path)
    poisoned: Consumer = rooms.workers["leagues"].consumer
    poisoned.handlers = {BoardsRevealed: _poison}
    rooms.start()
    assert health.what_is_not_ready("leagues", rooms.databases["leagues"]) == []
    rooms.tell("ranking", 5)
    wait_until(lambda: poisoned.is_stopped)
    wait_until(lambda: len(health.what_is_not_ready("leagues", rooms.databases["leagues"])) == 2)
    assert None in published(rooms.databases["ranking"])  # not drained: they wait for its return
    rooms.stop()
    assert health.what_is_not_ready("leagues", rooms.databases["leagues"]) == []


def _poison(session: Session, events: Sequence[Received[Any]]) -> None:
    raise ValueError("never")


# --- gunicorn ---------------------------------------------------------------------------------------------------------

SERVER = """
import sys, threading
from flask import Flask
from shared.server import Gunicorn
from shared.settings import Settings

def make():
    app = Flask("tiny")
    app.add_url_rule("/", view_func=lambda: threading.current_thread().name)
    return app

Gunicorn(
    make,
    Settings(port=int(sys.argv[1])),
    on_ready=lambda: print("listening", flush=True),
    on_exit=lambda: print("left", flush=True),
).run()
"""


def test_the_web_role_serves_and_stops_at_a_signal(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", SERVER, str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            wait_until(lambda: _answers(f"http://127.0.0.1:{port}/"))
        finally:
            server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=20) == 0
        assert server.stdout is not None
        assert server.stdout.read().split() == ["listening", "left"]


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.ConnectionError:
        return False
