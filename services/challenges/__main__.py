"""`python -m services.challenges web|worker|migrate|load-catalogue`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from services.challenges.app import SERVICE, load_folder
from services.challenges.catalogue_files import FOLDER, CatalogueError, read_catalogue
from shared.database import Database
from shared.run import die, main
from shared.settings import Settings

COMMAND = "load-catalogue"


def _add_arguments(parser: Any) -> None:
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the YAML files are (default: ours)")
    parser.add_argument("--check", action="store_true", help="only say what is wrong with them; needs no database")


def _load(args: argparse.Namespace, settings: Settings, database: Database) -> int:
    try:
        loaded = load_folder(database, args.folder)
    except CatalogueError as error:
        return die(error)
    print(
        f"challenges: {loaded.published} published, {loaded.changed} changed, "
        f"{loaded.retired} retired, {loaded.unchanged} unchanged"
    )
    return 0


def _check(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=f"python -m services.challenges {COMMAND}")
    _add_arguments(parser)
    try:
        catalogue = read_catalogue(parser.parse_args(arguments).folder)
    except CatalogueError as error:
        return die(error)
    print(f"challenges: {len(catalogue.challenges)} challenges in {len(catalogue.categories)} categories, all right")
    return 0


def run(arguments: list[str]) -> int:
    """The exit status of a command line; a check runs before anything is configured or migrated."""
    if arguments[:1] == [COMMAND] and "--check" in arguments:
        return _check(arguments[1:])
    return main(SERVICE, arguments, {COMMAND: ("load the catalogue's YAML files", _add_arguments, _load)})


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
