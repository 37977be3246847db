"""`python -m services.<name> ROLE`: the roles of a service, and the commands that every service has."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
import structlog
from flask import Flask
from sqlalchemy.exc import OperationalError

from shared import announcing, commands
from shared.database import Database, explain
from shared.log import configure_logging
from shared.migrations import NewerDatabase, migrate, pending_migrations
from shared.monitor import monitor_app
from shared.server import Gunicorn, Monitor, calm_collector
from shared.service import Service
from shared.settings import Settings, SettingsError, read_settings, require_distributed
from shared.tracing import start_tracing, stop_tracing
from shared.worker import Worker

log = structlog.get_logger(__name__)
LOOK_SECONDS = 1.0
"""Between two looks of a worker at its own threads."""


def die(error: Exception) -> int:
    """One sentence on standard error, and the exit status of a start that failed."""
    print(f"ma-petite-planete: {error}", file=sys.stderr)
    return 2


def main(service: Service, arguments: Sequence[str] | None = None, own: Mapping[str, Any] | None = None) -> int:
    """`python -m services.<name> web|worker|migrate|...`, and the service's own commands.

    `own`: name -> (help, function(parser), function(args, settings, database) -> exit status).
    """
    args = _parser(service, own or {}).parse_args(arguments)
    try:
        settings = read_settings(os.environ)
        configure_logging(settings.log_level)
        if args.role == "migrate":
            print(f"{service.name}: {', '.join(migrate_service(service, settings)) or 'already up to date'}")
            return 0
        if args.role == "topics":
            return commands.topics(service.name, settings)
        return _run(service, settings, args, own or {})
    except (SettingsError, NewerDatabase) as error:
        return die(error)
    except OperationalError as error:
        return die(SettingsError(f"The database of {service.name} cannot be used: {explain(error)}"))
    except OSError as error:
        return die(SettingsError(f"The database of {service.name} cannot be used: {str(error).splitlines()[0]}"))


def _parser(service: Service, own: Mapping[str, Any]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m services.{service.name}")
    roles = parser.add_subparsers(dest="role", required=True, metavar="ROLE")
    roles.add_parser("web", help="answer HTTP requests")
    roles.add_parser("worker", help="publish and handle events, run jobs")
    roles.add_parser("migrate", help="bring the database up to date")
    roles.add_parser("topics", help="make the topics in Kafka; safe to run twice")
    commands.add_dead_letters(roles.add_parser("dead-letters", help="events that could not be handled"))
    commands.add_outbox(roles.add_parser("outbox", help="events that wait to be published"))
    roles.add_parser("catch-up", help="fill this database from Kafka, beside the live one, then stop")
    announcing.add_arguments(roles.add_parser("announce", help="publish again what the tables hold"))
    for name, (text, add_arguments, _run_it) in own.items():
        add_arguments(roles.add_parser(name, help=text))
    return parser


def _run(service: Service, settings: Settings, args: argparse.Namespace, own: Mapping[str, Any]) -> int:
    """What needs a migrated database."""
    database = open_database(service.name, settings)
    if pending_migrations(service.name, database):
        raise SettingsError(f"The database is not migrated: run `python -m services.{service.name} migrate` first.")
    if args.role in ("web", "worker", "catch-up"):
        require_distributed(settings, service.name, args.role)
        database.require_ordinary_role()
    if args.role in ("worker", "catch-up"):
        calm_collector()
    if args.role == "web":
        database.close()  # no connection crosses gunicorn's fork
        return _web(service, settings)
    if args.role == "worker":
        return _worker(service, settings, database)
    if args.role == "catch-up":
        return commands.catch_up(service, settings, database)
    if args.role == "dead-letters":
        return commands.dead_letters(args, service, database)
    if args.role == "outbox":
        return commands.outbox(service.name, database)
    if args.role == "announce":
        return announcing.command(args, service.name, database, service.announcements)
    status: int = own[args.role][2](args, settings, database)
    return status


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


def _web(service: Service, settings: Settings) -> int:
    service.create_app(settings, open_database(service.name, settings))  # refuses here what it must refuse

    def make_application() -> Flask:
        start_tracing(settings, service.name, "web")
        return service.create_app(settings, open_database(service.name, settings))

    Gunicorn(make_application, settings, on_exit=stop_tracing).run()
    return 0


def _worker(service: Service, settings: Settings, database: Database) -> int:
    """Relay, consumer, jobs and housekeeping until a signal; what is in hand then is finished first.

    A thread that crashes ends it too, with status 1: whoever supervises it (compose, Kubernetes) starts a new one.
    """
    bus = commands.open_kafka(settings)
    worker = Worker(service, settings, database, bus)
    monitor = Monitor(monitor_app(service, database), settings)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    start_tracing(settings, service.name, "worker")
    worker.start()
    monitor.start()
    crashed: list[str] = []
    while not stop.wait(LOOK_SECONDS) and not crashed:
        crashed = worker.crashed()
    if crashed:
        log.error("worker_crashed", service=service.name, threads=crashed)
    worker.stop()
    monitor.stop()
    stop_tracing()
    bus.close()
    database.close()
    return 1 if crashed else 0
