"""What an operator types: `export-data FILE` and `import-data FILE`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from services.four import add_ranking_database
from services.moving.archive import Manifest
from services.moving.arriving import import_data
from services.moving.leaving import export_data
from shared.settings import Settings

COMMANDS = ("export-data", "import-data")
NOT_CARRIED = "Not in it: the folders mail (mails that were written instead of sent) and log of MPP_DATA."
DEMO = "This is the demo: everybody knows the password of its accounts. Do not let it serve anybody in earnest."


def add_arguments(commands: Any) -> None:
    """The two commands."""
    export = commands.add_parser("export-data", help="write everything of this installation into one file")
    add_ranking_database(export)
    arrive = commands.add_parser("import-data", help="fill new databases from such a file, and prove it")
    for parser in (export, arrive):
        parser.add_argument("file", type=Path, metavar="FILE")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Runs one of them. Raises SettingsError with what to do."""
    return _export(args, settings) if args.command == "export-data" else _import(args.file, settings)


def _export(args: argparse.Namespace, settings: Settings) -> int:
    file: Path = args.file
    _warn(export_data(settings, file, print, ranking_database=args.ranking_database))
    print(f"{file} holds everything, {file.stat().st_size} bytes. Password hashes and keys are in it: guard it.")
    if settings.uses_files:
        print(NOT_CARRIED)
    return 0


def _import(file: Path, settings: Settings) -> int:
    _warn(import_data(settings, file, print))
    print("Everything is there. Start the services; then `python -m services verify` compares boards and completions.")
    return 0


def _warn(manifest: Manifest) -> None:
    if manifest.has_demo:
        print(DEMO, file=sys.stderr)
