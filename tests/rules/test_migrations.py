"""A migration must not stop the version that runs: expand first, contract when nobody uses the old any more.

squawk, a linter of PostgreSQL migrations, reads the SQL that reached a real server. The first revision of a service
makes its tables in an empty database and may do anything.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

from shared.database import Database, new_id
from shared.migrations import _config, _upgrade
from tests.house import SERVICES
from tests.servers.postgres import PostgresServer

SQUAWK = Path(sys.executable).with_name("squawk")
OUR_OWN_CHOICE = (
    "prefer-robust-stmts",  # each revision is one transaction: there is no half of it to be repeated
    "require-timeout-settings",  # shared/migrations.py sets lock_timeout before each revision
    "prefer-bigint-over-int",
    "prefer-identity",
    "prefer-text-field",
    "prefer-timestamp-tz",
    "require-table-schema",
)
CHANGES_TABLES = re.compile(r"\s*(CREATE|ALTER|DROP|TRUNCATE|LOCK)\b")
CONTRACTS = re.compile(r"^Contract: .{20,}", re.MULTILINE)
"""What a migration that takes something away says in its docstring: since which version nobody uses it."""


def revisions(service: str) -> list[str]:
    scripts = ScriptDirectory.from_config(_config(service))
    return [script.revision for script in reversed(list(scripts.walk_revisions()))]


@pytest.fixture(scope="module")
def sent(postgres_server: PostgresServer) -> dict[tuple[str, str], str]:
    """What each revision after the first really sends to PostgreSQL, but for the rows it moves."""
    return {key: sql for service in SERVICES for key, sql in _migrate_and_listen(postgres_server, service).items()}


def _migrate_and_listen(server: PostgresServer, service: str) -> dict[tuple[str, str], str]:
    name = f"rules_{service}_{new_id().hex[-8:]}"
    owner_url, _ = server.create_service_database(service, name)
    database = Database(owner_url)
    heard: list[str] = []
    sa.event.listen(
        database.engine, "before_cursor_execute", lambda _c, _cursor, statement, *_rest: heard.append(statement)
    )
    found = {}
    for revision in revisions(service):
        heard.clear()
        _upgrade(service, database, revision)
        found[service, revision] = ";\n".join(line.strip() for line in heard if CHANGES_TABLES.match(line)) + ";\n"
    database.close()
    server.drop_database(name)
    return {key: sql for key, sql in found.items() if key[1] != revisions(service)[0]}


def complaints(sql: str, folder: Path) -> list[str]:
    """What squawk refuses about a migration."""
    file = folder / "migration.sql"
    file.write_text(sql)
    excluded = [f"--exclude={rule}" for rule in OUR_OWN_CHOICE]
    done = subprocess.run(
        [SQUAWK, "--reporter=json", "--assume-in-transaction", "--pg-version=15.0", *excluded, file],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return [f"{found['rule_name']}: {found['message']}" for found in json.loads(done.stdout or "[]")]


def test_no_migration_takes_a_lock_that_stops_the_running_version(
    sent: dict[tuple[str, str], str], tmp_path: Path
) -> None:
    assert len(sent) >= len(SERVICES)
    for (service, revision), sql in sent.items():
        assert sql.strip(" ;\n"), f"{service} {revision} sends nothing"
        found = complaints(sql, tmp_path)
        if CONTRACTS.search(text_of(service, revision)):
            found = [complaint for complaint in found if not complaint.startswith("ban-drop")]
        assert not found, f"{service} {revision}: {found}"


def text_of(service: str, revision: str) -> str:
    script = ScriptDirectory.from_config(_config(service)).get_revision(revision)
    assert script is not None
    return script.module.__doc__ or ""


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE INDEX ix_ledger_day ON ledger (day);",
        "ALTER TABLE ledger ALTER COLUMN points TYPE bigint;",
        "ALTER TABLE ledger ADD COLUMN place integer NOT NULL;",
        "ALTER TABLE ledger DROP COLUMN points;",
        "ALTER TABLE ledger RENAME COLUMN points TO score;",
        "ALTER TABLE ledger RENAME TO entries;",
        "DROP TABLE ledger;",
        "ALTER TABLE ledger ADD CONSTRAINT positive CHECK (points > 0);",
        "ALTER TABLE ledger ALTER COLUMN points SET NOT NULL;",
    ],
)
def test_what_would_stop_the_running_version_is_refused(sql: str, tmp_path: Path) -> None:
    assert complaints(sql, tmp_path), sql


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE ledger ADD COLUMN place bigint;",
        "ALTER TABLE ledger ADD COLUMN is_public boolean NOT NULL DEFAULT false;",
        "CREATE TABLE prizes (tenant_id uuid NOT NULL, prize_id uuid NOT NULL, PRIMARY KEY (tenant_id, prize_id));",
    ],
)
def test_what_the_running_version_survives_is_allowed(sql: str, tmp_path: Path) -> None:
    assert not complaints(sql, tmp_path)
