"""Background work over kombu: mails today; imports, exports, diplomas after them.

A job is a row with a state; the kombu message only wakes a worker, so a lost message delays a job and never loses it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import kombu
import sqlalchemy as sa
import structlog
from sqlalchemy import event
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared.clock import utc_now
from shared.database import Database, Json, SharedBase, new_id
from shared.tenancy import across_tenants

log = structlog.get_logger(__name__)
ATTEMPTS = 6
LEASE = timedelta(minutes=2)

JobHandler = Callable[[dict[str, Any]], None]
"""Does the work of one payload; may be called again after a crash. An exception means: try again later."""


class Job(SharedBase):
    """One piece of background work."""

    __tablename__ = "jobs"

    job_id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(sa.String(64))
    payload: Mapped[dict[str, Any]] = mapped_column(Json)
    state: Mapped[str] = mapped_column(sa.String(16), default="queued")  # queued | running | done | failed
    progress: Mapped[int] = mapped_column(default=0)  # percent
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(index=True)
    error: Mapped[str | None] = mapped_column(sa.Text)


def enqueue(session: Session, kind: str, payload: dict[str, Any], *, tenant_id: UUID) -> UUID:
    """Adds a job in the caller's transaction; it starts after the commit."""
    job = Job(job_id=new_id(), tenant_id=tenant_id, kind=kind, payload=payload, due_at=utc_now())
    session.add(job)
    session.info["has_enqueued"] = True
    return job.job_id


class JobQueue:
    """Wakes the workers of one service, through kombu."""

    def __init__(self, service: str, url: str, database: Database) -> None:
        self.name = f"mpp.jobs.{service}"
        self.url = url
        event.listen(database._writing, "after_commit", self._after_commit)

    def connect(self) -> kombu.Connection:
        """A connection for one thread. Redis and AMQP brokers are reached by the same two calls."""
        return kombu.Connection(self.url, transport_options={"polling_interval": 0.05})

    def _after_commit(self, session: Session) -> None:
        if not session.info.pop("has_enqueued", False):
            return
        try:
            with self.connect() as connection, connection.SimpleQueue(self.name) as queue:
                queue.put("wake")
        except (
            Exception
        ) as error:  # whatever a broker's library raises: the commit stands, and the worker looks by itself
            log.warning("job_wake_failed", queue=self.name, error=type(error).__name__)


class JobWorker:
    """Runs the jobs of one service, one at a time."""

    def __init__(self, queue: JobQueue, database: Database, handlers: Mapping[str, JobHandler]) -> None:
        self.queue = queue
        self.database = database
        self.handlers = handlers

    def run(self, stop: threading.Event) -> None:
        """Works until `stop` is set."""
        while not stop.is_set():
            try:
                with self.queue.connect() as connection, connection.SimpleQueue(self.queue.name) as wakes:
                    while not stop.is_set():
                        while self.work_once():
                            pass
                        _wait_for_wake(wakes, stop)
            except Exception:
                log.exception("job_worker_failed", queue=self.queue.name)
                stop.wait(1.0)

    def work_once(self) -> bool:
        """Takes one job that is due and runs it; False when there is none."""
        claimed = self._claim()
        if claimed is None:
            return False
        job_id, kind, payload, attempts = claimed
        try:
            self.handlers[kind](payload)
        except Exception as error:
            log.exception("job_failed", job_id=str(job_id), kind=kind, attempts=attempts)
            has_hope = attempts < ATTEMPTS
            self._finish(
                job_id,
                state="queued" if has_hope else "failed",
                error=f"{type(error).__name__}: {error}"[:2000],
                due_at=utc_now() + timedelta(seconds=2**attempts),
            )
        else:
            self._finish(job_id, state="done", progress=100, error=None, payload={})
        return True

    def _claim(self) -> tuple[UUID, str, dict[str, Any], int] | None:
        now = utc_now()
        with self.database.transaction(across_tenants(), read_only=True) as session:
            due = session.scalar(
                sa.select(Job.job_id)
                .where(Job.state.in_(("queued", "running")), Job.due_at <= now)
                .order_by(Job.due_at)
                .limit(1)
            )
        if due is None:
            return None
        with self.database.transaction(across_tenants()) as session:
            job = session.get(Job, due, with_for_update=True)
            if job is None or job.state not in ("queued", "running") or job.due_at > now:
                return None
            if job.attempts >= ATTEMPTS:  # each of its workers died with it
                job.state, job.error = "failed", "WorkerDied: no worker came to the end of it"
                return None
            job.state = "running"
            job.attempts += 1
            job.due_at = now + LEASE  # a worker that dies gives the job back by silence
            return job.job_id, job.kind, job.payload, job.attempts

    def _finish(self, job_id: UUID, **values: Any) -> None:
        with self.database.transaction(across_tenants()) as session:
            job = session.get_one(Job, job_id)
            for name, value in values.items():
                setattr(job, name, value)


def _wait_for_wake(wakes: Any, stop: threading.Event) -> None:
    for _ in range(10):
        if stop.is_set():
            return
        try:
            wakes.get(timeout=0.5).ack()
            return
        except wakes.Empty:
            continue
