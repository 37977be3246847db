"""What an operator types: `export-data FILE` and `import-data FILE`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from sqlalchemy.exc import OperationalError

from services.moving.arriving import import_data
from services.moving.leaving import export_data
from shared.database import explain
from shared.settings import Settings, SettingsError

COMMANDS = ("export-data", "import-data")
NOT_CARRIED = "Not in it: the folders mail (mails that were written instead of sent) and log of MPP_DATA."
DEMO = "This is the demo: everybody knows the password of its accounts. Do not let it serve anybody in earnest."


def add_arguments(commands: Any) -> None:
    """The two commands."""
    for name, text in (
        ("export-data", "write everything of this installation into one file, while nothing runs"),
        ("import-data", "fill new databases from such a file, and prove it"),
    ):
        commands.add_parser(name, help=text).add_argument("file", type=Path, metavar="FILE")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Runs one of them. Raises SettingsError with what to do."""
    try:
        return _export(args.file, settings) if args.command == "export-data" else _import(args.file, settings)
    except OperationalError as error:
        named = "MPP_OWNER_DATABASE_URL" if settings.owner_database_url else "MPP_DATABASE_URL"
        advice = explain(error).replace("MPP_DATABASE_URL", named)
        raise SettingsError(f"A database cannot be used: {advice}") from error


def _export(file: Path, settings: Settings) -> int:
    manifest = export_data(settings, file, print)
    if manifest.has_demo:
        print(DEMO, file=sys.stderr)
    print(f"{file} holds everything, {file.stat().st_size} bytes. Password hashes and keys are in it: guard it.")
    if settings.uses_files:
        print(NOT_CARRIED)
    return 0


def _import(file: Path, settings: Settings) -> int:
    import_data(settings, file, print)
    print("Everything is there. Start the services; then `python -m services verify` compares boards and completions.")
    return 0
