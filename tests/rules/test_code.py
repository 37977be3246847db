"""The rules of the house that a look at the source can check."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

ROOT = Path(__file__).parents[2]
SERVICES = ("identity", "challenges", "leagues", "ranking")
SEES_ALL_FOUR = ("services/__main__.py", "services/embedded.py", "services/demo.py", "services/simulation/")
MAY_CROSS_TENANTS = (
    "shared/",
    "services/embedded.py",
    "services/four.py",  # counts what is on its way, for operators
    "services/simulation/",
    "services/leagues/domain/doors.py",  # whose league has a code: whoever asks may be of no tenant
    "services/leagues/app.py",  # the clock that freezes editions of every tenant
    "services/identity/upkeep.py",  # the clock that rotates the signing keys
    "services/ranking/__main__.py",  # rebuild and verify, for operators
)
SAYS_SQL = (
    "services/ranking/domain/writing.py",  # a literal for its partial index, in a consumer that sees every tenant
    "services/ranking/domain/facts.py",  # likewise
    "services/ranking/models.py",  # conditions of partial indexes
    "services/identity/models.py",
)
READS_THE_CLOCK_LATE = ("services/identity/domain/access.py",)  # a revocation counts from when its lock was won
DATABASE_ONLY = ("sqlite", "postgresql")
KNOWS_KAFKA = ("shared/bus/kafka.py", "shared/bus/topics.py")
KNOWS_THE_DATABASE = (
    "shared/database.py",
    "shared/bulk.py",
    "shared/engines.py",
    "shared/row_security.py",
    "shared/settings.py",
    "shared/whole.py",
    "shared/alembic",
)


def sources(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def imports(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found.add(node.module or "")
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_a_service_imports_itself_and_shared_alone() -> None:
    for service in SERVICES:
        others = tuple(f"services.{other}" for other in SERVICES if other != service)
        for path, tree in sources(f"services/{service}"):
            strangers = {name for name in imports(tree) if name.startswith((*others, "services.simulation", "tests"))}
            assert not strangers, f"{path} imports {strangers}"


def test_shared_imports_no_service() -> None:
    for path, tree in sources("shared"):
        assert not {name for name in imports(tree) if name.startswith(("services", "tests"))}, path


def test_only_the_embedded_mode_sees_all_four() -> None:
    for path, tree in sources("services"):
        seen = {name.split(".")[1] for name in imports(tree) if name.startswith("services.")} & set(SERVICES)
        assert len(seen) <= 1 or path.startswith(SEES_ALL_FOUR), f"{path} sees {seen}"


def test_the_escape_from_tenancy_is_used_in_the_listed_places_alone() -> None:
    for path, tree in sources("services", "shared"):
        uses = any(isinstance(node, ast.Name) and node.id == "across_tenants" for node in ast.walk(tree))
        assert not uses or path.startswith(MAY_CROSS_TENANTS), path


def test_no_raw_sql_where_the_tenant_filter_cannot_read_it() -> None:
    for path, tree in sources(*(f"services/{service}" for service in SERVICES)):
        if "/migrations/" in path or path in SAYS_SQL:
            continue
        calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        raw = {name for name in calls if name in ("sa.text", "text", "sa.literal_column", "literal_column")}
        assert not raw, f"{path} uses {raw}"
        assert not {name for name in calls if name.endswith(".op")}, path


def test_nobody_goes_below_the_session_to_reach_the_driver() -> None:
    for path, tree in sources(*(f"services/{service}" for service in SERVICES)):
        if "/migrations/" in path:  # they run as the owner, before anybody is served
            continue
        calls = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert not calls & {"connection", "exec_driver_sql", "get_bind", "raw_connection"}, path
        assert "shared.database.run" not in imports(tree), path  # no tenant filter sees what it runs


@pytest.mark.parametrize("service", SERVICES)
def test_domain_and_events_know_no_flask(service: str) -> None:
    for path, tree in sources(f"services/{service}"):
        if "/domain" in path or path.endswith(("events.py", "models.py")):
            assert not {
                name
                for name in imports(tree)
                if name.startswith(("flask", "shared.web", "shared.api", "shared.openapi"))
            }, path


@pytest.mark.parametrize("service", SERVICES)
def test_views_neither_query_nor_commit(service: str) -> None:
    for path, tree in sources(f"services/{service}"):
        if "/api" in path or path.endswith("pages.py"):
            assert "sqlalchemy" not in imports(tree), path
            calls = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
            assert not calls & {"commit", "rollback", "execute", "scalars", "begin"}, f"{path}: {calls}"


@pytest.mark.parametrize("service", SERVICES)
def test_domain_time_is_the_transactions(service: str) -> None:
    for path, tree in sources(f"services/{service}/domain", f"services/{service}/domain.py"):
        calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        assert not calls & {"datetime.now", "datetime.utcnow", "date.today", "time.time"}, path
        assert "utc_now" not in calls or path in READS_THE_CLOCK_LATE, path


def test_only_database_and_bus_know_which_one_is_used() -> None:
    for path, tree in sources("services", "shared"):
        if path.startswith(KNOWS_THE_DATABASE) or "/migrations/" in path:
            continue
        compared = {
            constant.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Compare)
            for constant in ast.walk(node)
            if isinstance(constant, ast.Constant)
        }
        assert not compared & set(DATABASE_ONLY), f"{path} asks which database it is"
        knows_kafka = any(name.startswith("confluent_kafka") for name in imports(tree))
        assert not knows_kafka or path in KNOWS_KAFKA, path


@pytest.mark.parametrize("service", SERVICES)
def test_a_web_process_never_loads_kafkas_client(service: str) -> None:
    """Its threads do not survive gunicorn's fork: web processes write outbox rows, and workers publish them."""
    program = f"import sys, shared.run, services.{service}.app; print([m for m in sys.modules if 'kafka' in m])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_no_room_is_named_after_nothing() -> None:
    for path, tree in sources("services", "shared"):
        assert Path(path).stem not in {"utils", "helpers", "common", "misc"}, path
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                assert not node.name.endswith(("Manager", "Repository", "Helper")), f"{path}: {node.name}"


def test_a_file_is_one_reading() -> None:
    long = {
        path.relative_to(ROOT).as_posix(): lines
        for folder in ("services", "shared", "tests", "deploy")
        for path in (ROOT / folder).rglob("*.py")
        if "/migrations/" not in path.as_posix() and (lines := len(path.read_text().splitlines())) > 450
    }
    assert not long, "split by noun"


def test_a_template_imports_what_it_uses() -> None:
    environment = Environment(extensions=["jinja2.ext.i18n"])
    for path in (*ROOT.glob("services/*/templates/**/*.html"), *ROOT.glob("shared/ui/templates/**/*.html")):
        tree = environment.parse(path.read_text())
        imported = [name for node in tree.find_all(nodes.FromImport) for name in node.names]
        used = {node.name for node in tree.find_all(nodes.Name) if node.ctx == "load"}
        unused = {name if isinstance(name, str) else name[1] for name in imported} - used
        assert not unused, f"{path.relative_to(ROOT)} imports {sorted(unused)}"


def test_no_registry_is_named_in_any_file() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    assert "index-url" not in lock
    assert "find-links" not in lock
