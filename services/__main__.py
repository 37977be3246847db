"""`python -m services`: the four services in one process (the embedded mode), and what concerns all of them.

python -m services [serve] [--demo]     migrate, then serve everything on one port
python -m services simulate ...         play a whole edition and prove its boards
python -m services verify               compare the boards with the completions
python -m services export-data FILE     write everything into one file, for another installation
python -m services import-data FILE     fill new databases from it: PostgreSQL, or SQLite
python -m services announce             tell everything again to a service that lost its database, while it runs or not
"""

from __future__ import annotations

import argparse
import errno
import os
import shutil
import socket
import sqlite3
import sys
from pathlib import Path

import msgspec
from sqlalchemy.exc import OperationalError

from services.demo import DEMO_PASSWORD, DEMO_PEOPLE, open_demo
from services.embedded import Embedded
from services.four import add_ranking_database
from services.moving import command as moving
from services.simulation.command import add_simulate_arguments, simulate, verify
from shared import announcing
from shared.interrupt import kept_interrupts
from shared.log import configure_logging
from shared.migrations import NewerDatabase
from shared.run import die
from shared.server import Gunicorn
from shared.settings import Settings, SettingsError, read_settings

DATABASES = "databases"
DEMO = "demo"
"""The file that says, beside the databases, that the demo's accounts are in them."""
ROOM_ON_DISK = 200 * 1024 * 1024


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m services", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    serve_parser = commands.add_parser("serve", help="serve everything on one port (the default)")
    serve_parser.add_argument("--demo", action="store_true", help="open a demo edition when there is nothing yet")
    add_simulate_arguments(commands.add_parser("simulate", help="play a whole edition and prove its boards"))
    add_ranking_database(commands.add_parser("verify", help="compare the boards with the completions they come from"))
    moving.add_arguments(commands)
    announcing.add_arguments(commands.add_parser("announce", help="tell everything again, to fill what was lost"))
    args = parser.parse_args(arguments)
    try:
        settings = read_settings(os.environ)
        configure_logging(settings.log_level)
        if args.command == "simulate":
            configure_logging("WARNING")  # a line for each of its batches would drown the progress bar
            return simulate(args, settings)
        if settings.uses_files:
            check_disk(settings.data)
        if args.command in moving.COMMANDS:
            configure_logging("WARNING")
            return moving.run(args, settings)
        if args.command == "verify":
            return verify(settings, ranking_database=args.ranking_database)
        if args.command == "announce":
            return announce(args, settings)
        configure_logging(settings.log_level, settings.log_file)
        return serve(settings, wants_demo=getattr(args, "demo", False))
    except (SettingsError, NewerDatabase) as error:
        return die(error)
    except (OperationalError, sqlite3.OperationalError, OSError) as error:
        return die(explain(error, os.environ.get("MPP_DATA", "data")))
    except KeyboardInterrupt:  # while it starts: gunicorn has its own ear for Ctrl-C afterwards
        return die(SettingsError("stopped before everything was up. Start again: nothing is left half done."))


def check_disk(folder: Path) -> None:
    """Raises SettingsError when the data folder cannot be written or its disk is nearly full."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"The data folder {folder} cannot be made: {error.strerror}. Set MPP_DATA to another one."
        ) from error
    if not os.access(folder, os.W_OK):
        raise SettingsError(
            f"The data folder {folder} cannot be written: change its owner, or set MPP_DATA to another one."
        )
    if shutil.disk_usage(folder).free < ROOM_ON_DISK:
        raise SettingsError(f"The disk of {folder} is nearly full: free 200 MB, or set MPP_DATA to a folder elsewhere.")


def check_port(settings: Settings) -> None:
    """Raises SettingsError when we cannot listen where we are asked to."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise SettingsError(
                    f"Port {settings.port} is in use: stop the program that has it, or choose another one "
                    f"(make run PORT={settings.port + 1})."
                ) from error
            raise SettingsError(f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}.") from error


def explain(error: Exception, data: str) -> SettingsError:
    """A sentence that says what to do about what the machine refused."""
    text = str(error)
    if getattr(error, "errno", None) == errno.ENOSPC or "disk is full" in text:
        return SettingsError(f"The disk is full: free some room where {data} is, then start again. Nothing was lost.")
    if "readonly database" in text or getattr(error, "errno", None) in (errno.EACCES, errno.EROFS):
        return SettingsError(f"{data} cannot be written: change its owner or its rights, or set MPP_DATA.")
    return SettingsError(f"The databases in {data} cannot be used: {text.splitlines()[0]}")


def serve(settings: Settings, *, wants_demo: bool) -> int:
    """Migrates, opens the demo when asked to and there is nothing yet, then serves until a signal."""
    check_port(settings)
    has_demo = False
    if settings.database_url == Settings().database_url:  # the demo is for trying out, in our own files
        if wants_demo and not (settings.data / DATABASES).exists():
            make_demo(settings)
        has_demo = (settings.data / DATABASES / DEMO).exists()
    if wants_demo and not has_demo:
        print(f"No demo: it is opened in an empty data folder only, and {settings.data} is in use.")
    house = Embedded(settings)
    for name, steps in house.migrate().items():
        if steps:
            print(f"The database of {name} is up to date: {', '.join(steps)}")
    house.application()  # what a setting makes impossible is told here; the worker could only die of it
    house.close()
    running: list[Embedded] = []

    def make_application() -> object:
        """In the worker, after the fork: threads and connections do not survive one."""
        inside = Embedded(settings)
        inside.start()
        running.append(inside)
        return inside.application()

    def stop() -> None:
        for inside in running:
            inside.stop()
            inside.close()
        running.clear()

    Gunicorn(
        make_application, settings, on_ready=lambda: print_welcome(settings, has_demo=has_demo), on_exit=stop
    ).run()
    return 0


def announce(args: argparse.Namespace, settings: Settings) -> int:
    """Lets every service tell its state again, and waits until the others have heard it.

    Our own workers publish it, or those of the process that serves meanwhile: one relay of a service is active.
    """
    house = Embedded(settings)
    house.migrate()
    house.start(has_clock=False)
    try:
        for name, service in house.services.items():
            if announcing.command(args, name, house.databases[name], service.announcements):
                return 1
        house.drain()
        return 0
    finally:
        house.stop()
        house.close()


def make_demo(settings: Settings) -> None:
    """Makes the demo's databases aside and puts them in place in one step: one that is interrupted leaves nothing."""
    aside = settings.data / f"{DATABASES}.new"
    shutil.rmtree(aside, ignore_errors=True)
    print("Opening the demo edition (some seconds, once)", flush=True)
    house = Embedded(msgspec.structs.replace(settings, database_url=f"sqlite:///{aside.resolve()}/{{service}}.db"))
    with kept_interrupts() as raise_if_interrupted:
        house.migrate()
        open_demo(house, raise_if_interrupted)
        house.close()
        raise_if_interrupted()
    (aside / DEMO).touch()
    aside.rename(settings.data / DATABASES)


def where_mail_goes(settings: Settings) -> str:
    """The SMTP server, without its password, or the folder that stands in for one."""
    if settings.smtp_url:
        return "by " + settings.smtp_url.rpartition("@")[2].removeprefix("smtp://")
    return f"{settings.mail_folder.resolve()} (a folder: no SMTP server is set)"


def print_welcome(settings: Settings, *, has_demo: bool) -> None:
    """Says where everything is."""
    at = settings.address
    lines = [
        "",
        f"  Ma Petite Planète is at {at}",
        "",
        *(f"  API of {name:<11} {at}/{name}/api/v1/docs" for name in ("identity", "challenges", "leagues", "ranking")),
        "",
        f"  Data: {settings.data.resolve()}",
        f"  Log:  {settings.log_file.resolve()}",
        f"  Mail: {where_mail_goes(settings)}",
    ]
    if has_demo:
        lines += ["", f"  Demo accounts, password {DEMO_PASSWORD}:"]
        lines += [f"    {person.email:<34} {person.says}" for person in DEMO_PEOPLE]
    lines += ["", "  Stop with Ctrl-C.", ""]
    print("\n".join(lines), flush=True)


if __name__ == "__main__":
    sys.exit(main())
