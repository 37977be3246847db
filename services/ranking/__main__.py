"""`python -m services.ranking web|worker|migrate|rebuild|verify`."""

from __future__ import annotations

import argparse
import sys

from services.ranking.app import SERVICE
from services.ranking.domain import rebuild, verify
from shared.database import Database
from shared.run import main
from shared.settings import Settings
from shared.tenancy import across_tenants


def _no_arguments(_parser: argparse.ArgumentParser) -> None:
    pass


def _rebuild(_args: argparse.Namespace, _settings: Settings, database: Database) -> int:
    with database.transaction(across_tenants()) as session:
        rebuilt = rebuild(session)
    print(f"ranking: {rebuilt.editions} editions, {rebuilt.leagues} leagues rebuilt from the ledger")
    return 0


def _verify(_args: argparse.Namespace, _settings: Settings, database: Database) -> int:
    with database.transaction(across_tenants(), read_only=True) as session:
        differences = verify(session)
    for difference in differences:
        print(difference)
    print(f"ranking: {len(differences) or 'no'} differences" + (": run `rebuild`" if differences else ""))
    return 1 if differences else 0


COMMANDS = {
    "rebuild": ("make every board again from the ledger", _no_arguments, _rebuild),
    "verify": ("compare every board with the ledger", _no_arguments, _verify),
}

if __name__ == "__main__":
    sys.exit(main(SERVICE, own=COMMANDS))
