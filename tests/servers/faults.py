"""What goes wrong, one function each: done to a stack under load, seen on the health page meanwhile, and mended.

Each takes the stack and the load that goes on, and leaves everything running. `tests/servers/proof.py` then says
whether anything was lost.
"""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Iterator

from confluent_kafka import Producer

from shared.consumer import DEAD_LETTERS_IN_A_ROW
from tests.journeys.history import Load
from tests.journeys.waiting import eventually
from tests.servers.groups import committed_by, published_in
from tests.servers.stack import Instance, Stack

Fault = Callable[[Stack, Load], None]
SEEN_SECONDS = 45.0
"""Until a health page says what is wrong: it looks every few seconds, at a machine that is busy with the load."""
BROKER_SECONDS = 30.0
UNMARKED = "SELECT envelope::json ->> 'id' FROM outbox WHERE published_at IS NULL"
CLOCK_SECONDS = 600
WRONG_CLOCK = "tests.servers.wrong_clock"


def seen(instance: Instance, words: str) -> None:
    """Until the health page of a process says so."""

    def is_said() -> bool:
        said = instance.says()
        assert words in said, f"{instance.name} says {said!r}, and not {words!r}"
        return True

    eventually(is_said, SEEN_SECONDS, pause=0.2)


@contextlib.contextmanager
def locked(stack: Stack, database: str, statement: str) -> Iterator[None]:
    """Holds the locks of a statement for the block: whoever needs them stands where the test wants it."""
    with stack.postgres.connect(database) as connection, connection.transaction():
        connection.execute(statement.encode())
        yield


def is_held_up(stack: Stack, database: str, words: str) -> bool:
    """Whether a statement that begins so waits for a lock."""
    found = stack.postgres.query(
        "SELECT 1 FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock' AND query LIKE %s",
        database,
        f"{words}%",
    )
    return bool(found)


# --- Processes are killed at the worst moment -------------------------------------------------------------------------


def web_is_killed_in_a_request(stack: Stack, load: Load) -> None:
    """A completion is written, its event not yet, when the process goes: neither of them may be there."""
    web = stack.one("leagues-web")
    with locked(stack, "leagues", "LOCK TABLE outbox IN EXCLUSIVE MODE"):
        eventually(lambda: is_held_up(stack, "leagues", "%INSERT INTO outbox"), SEEN_SECONDS)
        web.kill()
        assert web.says() == "nobody answers"
    stack.start("leagues-web")


def relay_is_killed_between_publishing_and_marking(stack: Stack, load: Load) -> None:
    """The broker has the events, the outbox does not say so: they are published a second time."""
    worker = stack.one("leagues-worker")
    worker.send(signal.SIGSTOP)
    load.goes_on(10)
    with locked(stack, "leagues", "SELECT 1 FROM outbox WHERE published_at IS NULL FOR UPDATE"):
        worker.send(signal.SIGCONT)
        eventually(lambda: is_held_up(stack, "leagues", "UPDATE outbox"), SEEN_SECONDS)
        worker.kill()
    unmarked = {event_id for (event_id,) in stack.postgres.query(UNMARKED, database="leagues")}
    assert unmarked & published_in(stack.kafka, "leagues")
    assert worker.says() == "nobody answers"
    seen(stack.one("leagues-web"), "events of leagues wait to be published")
    stack.start("leagues-worker")


def worker_is_killed_between_its_two_commits(stack: Stack, load: Load) -> None:
    """The database has a batch, the broker does not know: the next worker is given it again."""
    worker = stack.one("ranking-worker")
    count = "SELECT count(*) FROM inbox"
    with locked(stack, "ranking", "LOCK TABLE inbox IN EXCLUSIVE MODE"):
        eventually(lambda: is_held_up(stack, "ranking", "INSERT INTO inbox"), SEEN_SECONDS)
        handled = stack.postgres.query(count, database="ranking")
        committed = committed_by(stack.kafka, "ranking")
        stack.kafka.kill()
    eventually(lambda: stack.postgres.query(count, database="ranking") > handled, SEEN_SECONDS)
    worker.kill()
    assert worker.says() == "nobody answers"
    stack.kafka.start()
    assert committed_by(stack.kafka, "ranking") == committed
    stack.start("ranking-worker")


def thread_of_a_worker_crashes(stack: Stack, load: Load) -> None:
    """By a fault of ours nobody thought of: the process ends, so that whoever supervises it starts another one."""
    file = stack.folder / "break"
    worker = stack.replace("ranking-worker", python=["-m", "tests.servers.broken_thread", str(file)])
    eventually(lambda: worker.is_ready, SEEN_SECONDS)
    file.touch()
    assert worker.wait(SEEN_SECONDS) == 1, worker.tail
    assert "worker_crashed" in worker.log
    assert "ranking-consumer" in worker.tail
    stack.start("ranking-worker")


# --- Servers are away -------------------------------------------------------------------------------------------------


def broker_is_stopped(stack: Stack, load: Load) -> None:
    """Recording goes on without Kafka: the events wait, and the page of each process says so."""
    stack.kafka.stop()
    since = time.monotonic()
    load.goes_on(30)
    for name in ("leagues-worker", "ranking-worker"):
        seen(stack.one(name), "does not answer us")
        assert not stack.one(name).is_ready
    seen(stack.one("leagues-web"), "events of leagues wait to be published")
    assert stack.one("leagues-web").is_ready
    time.sleep(max(0.0, BROKER_SECONDS - (time.monotonic() - since)))
    stack.kafka.start()


def postgres_is_restarted(stack: Stack, load: Load) -> None:
    """Every connection of every process ends at once."""
    stack.postgres.stop()
    for name in ("leagues-web", "leagues-worker", "ranking-worker"):
        seen(stack.one(name), "cannot be reached")
    stack.postgres.start()


def postgres_is_killed(stack: Stack, load: Load) -> None:
    """A power cut of the database's machine: it recovers from its log."""
    stack.postgres.kill()
    seen(stack.one("ranking-web"), "cannot be reached")
    stack.postgres.start()


def database_is_read_only(stack: Stack, load: Load) -> None:
    """As a standby is, or a server whose disk is nearly full."""
    stack.postgres.set_read_only(True)
    try:
        for name in ("leagues-web", "ranking-worker"):
            seen(stack.one(name), "is read-only: make it writable again")
    finally:
        stack.postgres.set_read_only(False)


def redis_is_restarted(stack: Stack, load: Load) -> None:
    """It forgets everything: jobs are rows elsewhere, and counting begins anew."""
    stack.redis.kill()
    load.goes_on(20)
    stack.redis.start()


# --- Events that cannot be handled ------------------------------------------------------------------------------------


def poison_arrives(stack: Stack, load: Load) -> None:
    """What is no event of ours is parked, and those behind it go on."""
    producer = Producer({"bootstrap.servers": stack.kafka.bootstrap})
    for poison in (b"\x00 not JSON", b'{"id": 7}', b""):
        producer.produce("leagues", poison, b"somebody")
    assert producer.flush(20) == 0
    worker = stack.one("ranking-worker")
    seen(worker, "3 events could not be handled by ranking")
    assert worker.is_ready
    load.goes_on(20)
    for service in ("ranking", "identity"):  # both listen to leagues
        command = (f"services.{service}", "dead-letters")
        eventually(lambda: "3 dead letters" in stack.run(f"{service}-worker", *command, "list"), SEEN_SECONDS)  # noqa: B023
        assert "unreadable" in stack.run(f"{service}-worker", *command, "list")
        assert "3 dropped" in stack.run(f"{service}-worker", *command, "drop", "--all")
    assert "could not be handled" not in worker.says()


def consumer_stops_at_too_many_dead_letters(stack: Stack, load: Load) -> None:
    """Something is wrong with us, not with the events: the worker stops, and once that is mended it goes on there."""
    worker = stack.one("ranking-worker")
    stack.postgres.query("ALTER TABLE ledger ADD CONSTRAINT broken CHECK (false) NOT VALID", database="ranking")
    try:
        seen(worker, "Too many events could not be handled: run `python -m services.ranking dead-letters`")
        assert not worker.is_ready
        load.goes_on(20)
    finally:
        stack.postgres.query("ALTER TABLE ledger DROP CONSTRAINT broken", database="ranking")
    listed = stack.run("ranking-worker", "services.ranking", "dead-letters", "list")
    assert listed.count("CompletionRecorded") >= DEAD_LETTERS_IN_A_ROW // 2, listed
    stack.replace("ranking-worker")
    assert "0 left" in stack.run("ranking-worker", "services.ranking", "dead-letters", "replay")


# --- Clocks -----------------------------------------------------------------------------------------------------------


def clocks_are_wrong(stack: Stack, load: Load) -> None:
    """The machines of leagues are ten minutes ahead, that of ranking ten minutes behind."""
    ahead, behind = ["faketime", "-m", "-f", f"+{CLOCK_SECONDS}s"], f"-{CLOCK_SECONDS}"
    stack.replace("leagues-web", before=ahead, NO_FAKE_STAT="1", FAKE_UTIME="0")  # of files, gunicorn reads the times
    stack.replace("leagues-worker", python=["-m", WRONG_CLOCK, str(CLOCK_SECONDS)])
    stack.replace("ranking-worker", python=["-m", WRONG_CLOCK, behind])
    wrong = {"leagues-web": "ahead of", "leagues-worker": "ahead of", "ranking-worker": "behind"}
    for name, side in wrong.items():
        seen(stack.one(name), f"clock is {CLOCK_SECONDS} s {side} its database's: set it by NTP")
    load.goes_on(40)
    stack.one("leagues-web").kill()  # faketime waits for its child, and hands no signal on
    stack.start("leagues-web")
    for name in ("leagues-worker", "ranking-worker"):
        stack.replace(name)


FAULTS: dict[str, Fault] = {
    fault.__name__: fault
    for fault in (
        web_is_killed_in_a_request,
        relay_is_killed_between_publishing_and_marking,
        worker_is_killed_between_its_two_commits,
        thread_of_a_worker_crashes,
        broker_is_stopped,
        postgres_is_restarted,
        postgres_is_killed,
        database_is_read_only,
        redis_is_restarted,
        poison_arrives,
        consumer_stops_at_too_many_dead_letters,
        clocks_are_wrong,
    )
}
