"""`python -m services.ranking web|worker|migrate|rebuild|verify`."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, OperationalError, ProgrammingError

from services.ranking.app import SERVICE
from services.ranking.domain import compare, rebuild, verify
from shared.clock import utc_now
from shared.database import Database, explain
from shared.migrations import pending_migrations
from shared.run import main
from shared.settings import KNOWN_DATABASES, Settings, SettingsError
from shared.tenancy import across_tenants
from shared.whole import exists, snapshot

NO_DATABASE = "--against must be the name of a database, or look like postgresql+psycopg://ranking@host/ranking_2."


def _no_arguments(_parser: argparse.ArgumentParser) -> None:
    pass


def _rebuild(_args: argparse.Namespace, _settings: Settings, database: Database) -> int:
    with database.transaction(across_tenants()) as session:
        rebuilt = rebuild(session)
    print(f"ranking: {rebuilt.editions} editions, {rebuilt.leagues} leagues rebuilt from the ledger")
    return 0


def _other(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--against",
        default="",
        metavar="DATABASE",
        help="compare with another database of ranking too: its name on the same server, or its URL",
    )


def _verify(args: argparse.Namespace, _settings: Settings, database: Database) -> int:
    with database.transaction(across_tenants(), read_only=True) as session:
        differences = verify(session)
    for difference in differences:
        print(difference)
    print(f"ranking: {len(differences) or 'no'} differences" + (": run `rebuild`" if differences else ""))
    is_unlike = bool(args.against) and _compare(database, args.against)
    return 1 if differences or is_unlike else 0


def _compare(database: Database, against: str) -> bool:
    """Prints how this database and another one differ; whether they do. Raises SettingsError for what is no other."""
    other = _open_other(database, against)
    here, there = (found.url.database for found in (database, other))
    try:
        if pending_migrations("ranking", other):
            raise SettingsError(
                f"The database {there} is not migrated: run `python -m services.ranking migrate` there."
            )
        with snapshot(other) as theirs, snapshot(database) as ours:
            found = compare(ours, theirs, now=utc_now())
    except (OperationalError, ProgrammingError) as error:
        advice = explain(error).replace("MPP_DATABASE_URL", "--against")
        raise SettingsError(f"The database {there} cannot be compared: {advice}") from error
    finally:
        other.close()
    for difference in found.differences:
        print(difference)
    print(f"ranking: {here} is as of {_moment(found.here_as_of)}, {there} as of {_moment(found.there_as_of)}")
    print(f"ranking: {found.rows} rows compared, {found.count or 'no'} differences between {here} and {there}")
    if found.advice:
        print(found.advice)
    return bool(found.count)


def _open_other(database: Database, against: str) -> Database:
    try:
        url = make_url(against) if "://" in against else database.url.set(database=against)
    except ArgumentError as error:  # its text would show the password
        raise SettingsError(NO_DATABASE) from error
    if url.drivername not in dict(KNOWN_DATABASES).values():
        raise SettingsError(NO_DATABASE)
    other = Database(url.render_as_string(hide_password=False), pool=2)
    if other.url.set(password=None) == database.url.set(password=None):
        raise SettingsError("--against names the database of MPP_DATABASE_URL itself: name the other one.")
    if not exists(other):
        raise SettingsError(f"--against names {against}, which is not there.")
    return other


def _moment(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else "never"


COMMANDS = {
    "rebuild": ("make every board again from the ledger", _no_arguments, _rebuild),
    "verify": ("compare every board with the ledger", _other, _verify),
}

if __name__ == "__main__":
    sys.exit(main(SERVICE, own=COMMANDS))
