from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from amqp.exceptions import RecoverableConnectionError

from shared.clock import utc_now
from shared.database import Database, new_id
from shared.jobs import ATTEMPTS, Job, JobHandler, JobQueue, JobWorker, _wait_for_wake, enqueue
from shared.tenancy import across_tenants, of_tenant
from tests.shared.waiting import wait_until

TENANT = new_id()


class Mails:
    """Work that fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.sent: list[str] = []

    def send(self, payload: dict[str, Any]) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionRefusedError("no mail server")
        self.sent.append(payload["to"])


@pytest.fixture
def queue(database: Database) -> JobQueue:
    return JobQueue(f"tests-{new_id().hex}", "memory://", database)


def worker_of(queue: JobQueue, database: Database, mails: Mails) -> JobWorker:
    handlers: Mapping[str, JobHandler] = {"send_mail": mails.send}
    return JobWorker(queue, database, handlers)


def ask_for_mail(database: Database, to: str = "Awa", kind: str = "send_mail") -> UUID:
    with database.transaction(of_tenant(TENANT)) as session:
        return enqueue(session, kind, {"to": to}, tenant_id=TENANT)


def job_of(database: Database, job_id: UUID) -> Job:
    with database.transaction(across_tenants(), read_only=True) as session:
        return session.get_one(Job, job_id)


def change(database: Database, job_id: UUID, **facts: Any) -> None:
    with database.transaction(across_tenants()) as session:
        for name, value in facts.items():
            setattr(session.get_one(Job, job_id), name, value)


@contextmanager
def running(worker: JobWorker) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    yield
    stop.set()
    thread.join(timeout=20)
    assert not thread.is_alive()


def test_a_job_runs_after_its_commit_and_not_before(database: Database, queue: JobQueue) -> None:
    mails = Mails()
    worker = worker_of(queue, database, mails)
    with database.transaction(of_tenant(TENANT)) as session:
        enqueue(session, "send_mail", {"to": "Awa"}, tenant_id=TENANT)
        session.flush()
        assert not worker.work_once()
    assert worker.work_once()
    assert not worker.work_once()
    assert mails.sent == ["Awa"]


def test_a_transaction_that_is_rolled_back_leaves_no_job(
    database: Database, queue: JobQueue, count_rows: Callable[[type], int]
) -> None:
    def fail_after_asking() -> None:
        with database.transaction(of_tenant(TENANT)) as session:
            enqueue(session, "send_mail", {"to": "Awa"}, tenant_id=TENANT)
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_asking()
    assert count_rows(Job) == 0
    assert not worker_of(queue, database, Mails()).work_once()


def test_a_job_tells_its_state_and_forgets_what_it_was_about(database: Database, queue: JobQueue) -> None:
    job_id = ask_for_mail(database)
    job = job_of(database, job_id)
    assert (job.state, job.progress, job.attempts, job.tenant_id) == ("queued", 0, 0, TENANT)
    worker_of(queue, database, Mails()).work_once()
    job = job_of(database, job_id)
    assert (job.state, job.progress, job.attempts, job.payload, job.error) == ("done", 100, 1, {}, None)


def test_a_job_is_running_while_it_runs(database: Database, queue: JobQueue) -> None:
    states: list[str] = []
    job_id = ask_for_mail(database)
    worker = JobWorker(queue, database, {"send_mail": lambda _: states.append(job_of(database, job_id).state)})
    worker.work_once()
    assert states == ["running"]


def test_the_oldest_job_comes_first(database: Database, queue: JobQueue) -> None:
    mails = Mails()
    for minutes, to in ((1, "third"), (3, "first"), (2, "second")):
        change(database, ask_for_mail(database, to), due_at=utc_now() - timedelta(minutes=minutes))
    worker = worker_of(queue, database, mails)
    while worker.work_once():
        pass
    assert mails.sent == ["first", "second", "third"]


def test_a_failure_is_tried_again_with_growing_delays_and_then_given_up(database: Database, queue: JobQueue) -> None:
    job_id = ask_for_mail(database)
    worker = worker_of(queue, database, Mails(failures=100))
    delays = []
    for _ in range(ATTEMPTS):
        before = utc_now()
        assert worker.work_once()
        job = job_of(database, job_id)
        assert job.error == "ConnectionRefusedError: no mail server"
        delays.append(round((job.due_at - before).total_seconds()))
        assert not worker.work_once()  # not due yet, or given up
        change(database, job_id, due_at=utc_now())
    assert (job.state, job.attempts) == ("failed", ATTEMPTS)
    assert delays == sorted(set(delays))
    assert not worker.work_once()


def test_a_job_that_failed_once_succeeds_the_next_time(database: Database, queue: JobQueue) -> None:
    job_id, mails = ask_for_mail(database), Mails(failures=1)
    worker = worker_of(queue, database, mails)
    worker.work_once()
    assert (job_of(database, job_id).state, mails.sent) == ("queued", [])
    change(database, job_id, due_at=utc_now())
    worker.work_once()
    assert (job_of(database, job_id).state, job_of(database, job_id).error, mails.sent) == ("done", None, ["Awa"])


def test_a_job_nobody_knows_fails_and_keeps_nobody_from_working(database: Database, queue: JobQueue) -> None:
    strange, mails = ask_for_mail(database, kind="dance"), Mails()
    ask_for_mail(database)
    worker = worker_of(queue, database, mails)
    assert worker.work_once()
    assert worker.work_once()
    assert (job_of(database, strange).state, mails.sent) == ("queued", ["Awa"])


def test_a_worker_that_died_gives_its_job_back_when_the_lease_is_over(database: Database, queue: JobQueue) -> None:
    job_id, mails = ask_for_mail(database), Mails()
    worker = worker_of(queue, database, mails)
    assert worker._claim() is not None  # and then it dies
    assert not worker.work_once()
    assert job_of(database, job_id).state == "running"
    change(database, job_id, due_at=utc_now())
    assert worker.work_once()
    assert (job_of(database, job_id).state, job_of(database, job_id).attempts, mails.sent) == ("done", 2, ["Awa"])


def test_a_job_that_kills_its_workers_is_given_up(database: Database, queue: JobQueue) -> None:
    job_id = ask_for_mail(database)
    worker = worker_of(queue, database, Mails())
    for _ in range(ATTEMPTS):
        assert worker._claim() is not None
        change(database, job_id, due_at=utc_now())
    assert not worker.work_once()
    assert job_of(database, job_id).state == "failed"
    assert job_of(database, job_id).error


def test_a_job_is_done_once_by_many_workers(database: Database, queue: JobQueue) -> None:
    mails = Mails()
    for number in range(10):
        ask_for_mail(database, str(number))

    def work() -> None:
        worker = worker_of(queue, database, mails)
        for _ in range(20):
            worker.work_once()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(mails.sent) == [str(number) for number in range(10)]


def test_a_commit_wakes_the_worker(database: Database, queue: JobQueue) -> None:
    mails = Mails()
    with running(worker_of(queue, database, mails)):
        ask_for_mail(database)
        wait_until(lambda: mails.sent)


@pytest.mark.parametrize("failure", [OSError("no route"), RecoverableConnectionError("the broker closed")])
def test_a_wake_that_is_lost_only_delays_the_job(
    database: Database, queue: JobQueue, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def fail() -> None:
        raise failure

    mails = Mails()
    with monkeypatch.context() as broken:
        broken.setattr(queue, "connect", fail)
        ask_for_mail(database)  # the commit itself is not disturbed
    worker_of(queue, database, mails).work_once()
    assert mails.sent == ["Awa"]


def test_a_worker_looks_by_itself_when_no_wake_comes() -> None:
    class Silence:
        Empty = TimeoutError
        waited = 0.0

        def get(self, timeout: float) -> None:
            self.waited += timeout
            raise TimeoutError

    wakes = Silence()
    _wait_for_wake(wakes, threading.Event())
    assert 1 <= wakes.waited <= 10


def test_a_worker_survives_a_database_that_fails(
    database: Database, queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    mails = Mails()
    worker = worker_of(queue, database, mails)
    claim, failures = worker._claim, [ZeroDivisionError()]

    def fail_once() -> Any:
        if failures:
            raise failures.pop()
        return claim()

    monkeypatch.setattr(worker, "_claim", fail_once)
    ask_for_mail(database)
    with running(worker):
        wait_until(lambda: mails.sent == ["Awa"])
