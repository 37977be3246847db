"""The roles of a service: web, worker, migrate; and the threads of a worker, which the embedded mode shares."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
import structlog
from flask import Flask
from gunicorn.app.base import BaseApplication
from sqlalchemy.exc import OperationalError

from shared import announcing, health
from shared.announcing import Announcement
from shared.auth import remove_ended_sessions
from shared.bus import Bus, open_bus
from shared.clock import utc_now
from shared.consumer import Consumer, Handlers, remove_handled, replay_dead_letters
from shared.database import Database
from shared.jobs import JobHandler, JobQueue, JobWorker
from shared.log import configure_logging
from shared.migrations import NewerDatabase, migrate, pending_migrations
from shared.outbox import Relay, remove_published
from shared.settings import Settings, SettingsError, read_settings, require_distributed
from shared.tenancy import across_tenants

log = structlog.get_logger(__name__)
KEEP_PUBLISHED = timedelta(days=7)
KEEP_HANDLED = timedelta(days=30)
KEEP_ENDED_SESSIONS = timedelta(days=2)  # an access token lives a day at most


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """What a service brings: its application, handlers and jobs, what it does every minute and can tell again."""

    name: str
    create_app: Callable[[Settings, Database], Flask]
    handlers: Handlers
    jobs: Callable[[Settings], Mapping[str, JobHandler]] | None = None
    every_minute: Callable[[Database], None] | None = None
    after_migrate: Callable[[Database, Settings], None] | None = None
    announcements: Sequence[Announcement] = ()


class Worker:
    """Relay, consumer, jobs and housekeeping of one service, as threads of this process."""

    def __init__(self, service: Service, settings: Settings, database: Database, bus: Bus) -> None:
        self.service = service
        self.database = database
        self.relay = Relay(service.name, database, bus, batch=settings.relay_batch)
        self.consumer = Consumer(service.name, database, bus, service.handlers)
        self.stop_relay = threading.Event()
        self.stop_others = threading.Event()
        others: list[tuple[str, Callable[[threading.Event], None]]] = [
            ("consumer", self.consumer.run),
            ("housekeeping", self._keep_house),
        ]
        if service.jobs is not None:
            queue = JobQueue(service.name, settings.jobs_url, database)
            others.append(("jobs", JobWorker(queue, database, service.jobs(settings)).run))
        self._relay_thread = self._thread("relay", self.relay.run, self.stop_relay)
        self._other_threads = [self._thread(name, run, self.stop_others) for name, run in others]

    def _thread(self, name: str, run: Callable[[threading.Event], None], stop: threading.Event) -> threading.Thread:
        return threading.Thread(target=run, args=(stop,), name=f"{self.service.name}-{name}", daemon=True)

    def start(self) -> None:
        """Starts every thread. Every consumer must exist before any relay starts."""
        for thread in (*self._other_threads, self._relay_thread):
            thread.start()
        health.watch(self.service.name, self.problems)

    def problems(self) -> list[str]:
        """A sentence per part that has stopped."""
        name = self.service.name
        dead = [thread.name for thread in self._threads() if not thread.is_alive()]
        problems = [f"The thread {thread} has stopped: restart the worker and read its log." for thread in dead]
        if self.consumer.is_stopped:
            problems.append(f"Too many events could not be handled: run `python -m services.{name} dead-letters`.")
        return problems

    def _threads(self) -> list[threading.Thread]:
        return [self._relay_thread, *self._other_threads]

    def stop_publishing(self) -> None:
        """Stops the relay: what it published is still being handled."""
        self.stop_relay.set()
        self.database.emitted.set()
        self._relay_thread.join(timeout=20)

    def stop(self) -> None:
        """Stops everything; what is in hand is finished first."""
        health.unwatch(self.service.name)
        self.stop_publishing()
        self.stop_others.set()
        for thread in self._other_threads:
            thread.join(timeout=20)

    def _keep_house(self, stop: threading.Event) -> None:
        """Every minute: the service's own clockwork, then old outbox and inbox rows, in small steps."""
        while not stop.is_set():
            try:
                if self.service.every_minute is not None:
                    self.service.every_minute(self.database)
                self._sweep(stop)
            except Exception:
                log.exception("housekeeping_failed", service=self.service.name)
            stop.wait(60)

    def _sweep(self, stop: threading.Event) -> None:
        for remove, keep in (
            (remove_published, KEEP_PUBLISHED),
            (remove_handled, KEEP_HANDLED),
            (remove_ended_sessions, KEEP_ENDED_SESSIONS),
        ):
            removed = 1
            while removed and not stop.is_set():
                with self.database.transaction(across_tenants()) as session:
                    removed = remove(session, utc_now() - keep)


class Gunicorn(BaseApplication):  # type: ignore[misc]
    """gunicorn, threaded, around one WSGI application that is made in the worker, after the fork.

    `on_ready` is called in the arbiter once it listens, `on_exit` in the worker when its last request is answered.
    """

    def __init__(
        self,
        make_application: Callable[[], Any],
        settings: Settings,
        *,
        on_ready: Callable[[], None] = lambda: None,
        on_exit: Callable[[], None] = lambda: None,
    ) -> None:
        self._make_application = make_application
        self._on_ready = on_ready
        self._on_exit = on_exit
        self._options = {
            "bind": f"{settings.host}:{settings.port}",
            "workers": 1,
            "worker_class": "gthread",
            "threads": settings.web_threads,
            "graceful_timeout": 20,
            "timeout": 60,
            "keepalive": 5,
            "control_socket_disable": True,
            "loglevel": "warning",
            "accesslog": None,
            "when_ready": self._when_ready,
            "post_worker_init": self._after_fork,
            "worker_exit": self._before_exit,
        }
        super().__init__()

    def _when_ready(self, _arbiter: Any) -> None:
        """Ctrl-C ends the requests in hand, as SIGTERM does; gunicorn's own answer to it drops them."""
        signal.signal(signal.SIGINT, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        self._on_ready()

    def _after_fork(self, _worker: Any) -> None:
        """A terminal sends Ctrl-C to the worker too: the arbiter alone decides."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def _before_exit(self, _arbiter: Any, _worker: Any) -> None:
        for number in (signal.SIGTERM, signal.SIGQUIT):  # a second one must not cut the clean-up short
            signal.signal(number, signal.SIG_IGN)
        self._on_exit()

    def load_config(self) -> None:
        """Hands our options to gunicorn."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """The WSGI application."""
        return self._make_application()


def die(error: Exception) -> int:
    """One sentence on standard error, and the exit status of a start that failed."""
    print(f"ma-petite-planete: {error}", file=sys.stderr)
    return 2


def main(service: Service, arguments: Sequence[str] | None = None, commands: Mapping[str, Any] | None = None) -> int:
    """`python -m services.<name> web|worker|migrate|dead-letters|announce`, and the service's own commands.

    `commands`: name -> (help, function(parser), function(args, settings, database) -> exit status).
    """
    parser = argparse.ArgumentParser(prog=f"python -m services.{service.name}")
    roles = parser.add_subparsers(dest="role", required=True, metavar="ROLE")
    roles.add_parser("web", help="answer HTTP requests")
    roles.add_parser("worker", help="publish and handle events, run jobs")
    roles.add_parser("migrate", help="bring the database up to date")
    roles.add_parser("dead-letters", help="try again the events that could not be handled")
    announcing.add_arguments(roles.add_parser("announce", help="publish again what the tables hold"))
    for name, (text, add_arguments, _run) in (commands or {}).items():
        add_arguments(roles.add_parser(name, help=text))
    args = parser.parse_args(arguments)
    try:
        settings = read_settings(os.environ)
        configure_logging(settings.log_level)
        if args.role == "migrate":
            return _migrate(service, settings)
        database = open_database(service.name, settings)
        if pending_migrations(service.name, database):
            raise SettingsError(f"The database is not migrated: run `python -m services.{service.name} migrate` first.")
        if args.role in ("web", "worker"):
            require_distributed(settings, service.name, args.role)
            database.require_ordinary_role()
            return _web(service, settings) if args.role == "web" else _worker(service, settings, database)
        if args.role == "dead-letters":
            replayed, left = replay_dead_letters(database, service.handlers)
            print(f"{service.name}: {replayed} handled, {left} left")
            return 1 if left else 0
        if args.role == "announce":
            return announcing.command(args, service.name, database, service.announcements)
        status: int = (commands or {})[args.role][2](args, settings, database)
        return status
    except (SettingsError, NewerDatabase) as error:
        return die(error)
    except (OperationalError, OSError) as error:
        return die(SettingsError(f"The database of {service.name} cannot be used: {str(error).splitlines()[0]}"))


def open_database(service: str, settings: Settings) -> Database:
    """The database of a service, for the role that runs."""
    return Database(settings.database_url_for(service), pool=settings.pool)


def migrate_service(service: Service, settings: Settings) -> list[str]:
    """Brings a service's database up to date, as its owner, with the rows it begins with; returns what was applied."""
    database = Database(settings.owner_database_url_for(service.name))
    try:
        role = sa.engine.make_url(settings.database_url_for(service.name)).username
        applied = migrate(service.name, database, run_time_role=role)
        if service.after_migrate is not None:
            service.after_migrate(database, settings)
        return applied
    finally:
        database.close()


def _migrate(service: Service, settings: Settings) -> int:
    applied = migrate_service(service, settings)
    print(f"{service.name}: {', '.join(applied) or 'already up to date'}")
    return 0


def _web(service: Service, settings: Settings) -> int:
    service.create_app(settings, open_database(service.name, settings))  # refuses here what it must refuse
    Gunicorn(lambda: service.create_app(settings, open_database(service.name, settings)), settings).run()
    return 0


def _worker(service: Service, settings: Settings, database: Database) -> int:
    worker = Worker(service, settings, database, open_bus(settings.bus_url))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    worker.start()
    stop.wait()
    worker.stop()
    return 0


def load_service(name: str) -> Service:
    """The Service object of `services.<name>`."""
    service: Service = importlib.import_module(f"services.{name}.app").SERVICE
    return service
