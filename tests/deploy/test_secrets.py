"""deploy/make-env.sh, and deploy/postgres/roles.sh with the secrets it makes on a real PostgreSQL."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.deploy import compose
from tests.deploy.commands import ROOT, SERVICES
from tests.servers.postgres import PASSWORD, OwnPostgresServer

MAKE_ENV = ROOT / "deploy" / "make-env.sh"
PGPASS = ROOT / "deploy" / "pgpass.sh"
ROLES = ROOT / "deploy" / "postgres" / "roles.sh"


def make_env(file: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", MAKE_ENV, *arguments],
        env=os.environ | {"ENV_FILE": str(file)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def secrets(tmp_path: Path) -> dict[str, str]:
    assert make_env(tmp_path / ".env", "https://planet.example.org").returncode == 0
    return compose.read_env_file(tmp_path / ".env")


def test_every_secret_is_another_one_that_fits_into_a_url(secrets: dict[str, str]) -> None:
    made = [value for name, value in secrets.items() if name.endswith("_PASSWORD")]
    assert len(set(made)) == len(made) == 2 * len(SERVICES) + 2
    assert all(re.fullmatch("[0-9a-f]{64}", value) for value in made)
    assert secrets["PUBLIC_URL"] == "https://planet.example.org"


def test_with_them_the_compose_file_has_all_it_needs(secrets: dict[str, str]) -> None:
    compose.read(secrets)


def test_they_are_for_their_owners_eyes(tmp_path: Path) -> None:
    make_env(tmp_path / ".env")
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    make_env(tmp_path / ".env")
    before = (tmp_path / ".env").read_text()
    again = make_env(tmp_path / ".env")
    assert again.returncode == 1
    assert "exists" in again.stderr
    assert (tmp_path / ".env").read_text() == before


@pytest.mark.parametrize(
    "url", ["planet.example.org", "ftp://planet.example.org", "https://", "https://a b", "https://x/"]
)
def test_an_address_that_is_none_is_refused(tmp_path: Path, url: str) -> None:
    refused = make_env(tmp_path / ".env", url)
    assert refused.returncode == 1
    assert url in refused.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def postgres(start_postgres: Callable[..., OwnPostgresServer], secrets: dict[str, str]) -> OwnPostgresServer:
    server = start_postgres(durable=False)
    assert make_roles(server, secrets).returncode == 0
    return server


def make_roles(server: OwnPostgresServer, secrets: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The script, as the postgres container runs it but for the network."""
    place = {"PGHOST": server.host, "PGPORT": str(server.port), "PGPASSWORD": PASSWORD, "PATH": os.environ["PATH"]}
    given = {name: value for name, value in secrets.items() if name.endswith("_PASSWORD")}
    return subprocess.run(["sh", ROLES], env=place | given, capture_output=True, text=True, check=False)


def connect(server: OwnPostgresServer, role: str, secrets: dict[str, str], database: str) -> psycopg.Connection:
    password = secrets[f"{role.upper()}_PASSWORD"]
    return psycopg.connect(
        host=server.host, port=server.port, user=role, password=password, dbname=database, connect_timeout=10
    )


def test_the_roles_are_what_the_services_need_and_no_more(postgres: OwnPostgresServer, secrets: dict[str, str]) -> None:
    assert make_roles(postgres, secrets).returncode == 0, "safe to run twice"
    for service in SERVICES:
        urls = {
            "MPP_OWNER_DATABASE_URL": url_of(postgres, f"{service}_owner", secrets, service),
            "MPP_DATABASE_URL": url_of(postgres, service, secrets, service),
        }
        migrated = subprocess.run(
            [sys.executable, "-m", f"services.{service}", "migrate"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"]} | urls,
            capture_output=True,
            text=True,
            check=False,
        )
        assert migrated.returncode == 0, migrated.stderr
        with connect(postgres, service, secrets, service) as connection:
            assert connection.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("CREATE TABLE mine (id integer)")
    rows = postgres.query("SELECT rolname, rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole FROM pg_roles")
    powers = dict(rows)
    assert not any(powers[role] for service in SERVICES for role in (service, f"{service}_owner"))
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        connect(postgres, "ranking", secrets, "leagues")


def test_one_file_of_passwords_opens_all_four_for_a_move(
    postgres: OwnPostgresServer, secrets: dict[str, str], tmp_path: Path
) -> None:
    passwords = tmp_path / "pgpass"
    with passwords.open("wb") as file:
        env = os.environ | {"ENV_FILE": str(tmp_path / ".env")}
        subprocess.run(["sh", PGPASS], env=env, stdout=file, check=True)
    assert stat.S_IMODE(passwords.stat().st_mode) == 0o600
    assert len(passwords.read_text().splitlines()) == 2 * len(SERVICES)
    at = f"{postgres.host}:{postgres.port}/{{service}}"
    place = {
        "PATH": os.environ["PATH"],
        "PGPASSFILE": str(passwords),
        "MPP_OWNER_DATABASE_URL": f"postgresql+psycopg://{{service}}_owner@{at}",
        "MPP_DATABASE_URL": f"postgresql+psycopg://{{service}}@{at}",
    }
    file = str(tmp_path / "planet.zip")
    for command, settings in (
        (["services", "verify"], {"MPP_DATA": str(tmp_path / "data")}),  # which makes an installation
        (["services", "export-data", file], {"MPP_DATA": str(tmp_path / "data")}),
        (["services", "import-data", file], place),
        (["services", "verify"], place),
    ):
        env = {"PATH": os.environ["PATH"]} | settings
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=ROOT, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"


def test_a_new_password_is_set_by_running_it_again(postgres: OwnPostgresServer, secrets: dict[str, str]) -> None:
    changed = secrets | {"LEAGUES_PASSWORD": "ab" * 32}
    assert make_roles(postgres, changed).returncode == 0
    connect(postgres, "leagues", changed, "leagues").close()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(postgres, "leagues", secrets, "leagues")


def test_a_missing_password_is_said_and_never_empty(postgres: OwnPostgresServer, secrets: dict[str, str]) -> None:
    refused = make_roles(postgres, secrets | {"RANKING_OWNER_PASSWORD": ""})
    assert refused.returncode != 0
    assert "RANKING_OWNER_PASSWORD is empty" in refused.stderr


def url_of(server: OwnPostgresServer, role: str, secrets: dict[str, str], database: str) -> str:
    return f"postgresql+psycopg://{role}:{secrets[f'{role.upper()}_PASSWORD']}@{server.host}:{server.port}/{database}"
