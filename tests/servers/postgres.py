"""A real PostgreSQL: databases of services with the two roles that each of them has in production."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql

from tests.journeys.waiting import eventually
from tests.servers import containers
from tests.servers.process import MissingServer, Owner, OwnServer, Running, free_ports

VARIABLE = "TEST_POSTGRES_URL"
IMAGE = "postgres:15-alpine"
MISSING = f"PostgreSQL is not installed: apt install postgresql, or name a superuser's address in {VARIABLE}."
PASSWORD = "for-tests"  # of every role here: two runs on one server must agree
FAST_AND_LOSING = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class PostgresServer:
    """A running PostgreSQL, seen by its superuser."""

    def __init__(self, url: str) -> None:
        self.url = sa.make_url(url).set(drivername="postgresql+psycopg")
        self.host = self.url.host or "127.0.0.1"
        self.port = self.url.port or 5432

    @property
    def superuser_url(self) -> str:
        """The superuser's own database, for SQLAlchemy."""
        return self.url.render_as_string(hide_password=False)

    def connect(self, database: str | None = None) -> psycopg.Connection:
        """The superuser's connection, on which every statement commits by itself."""
        url = self.url.set(drivername="postgresql", database=database or self.url.database)
        return psycopg.connect(url.render_as_string(hide_password=False), autocommit=True, connect_timeout=10)

    def query(self, statement: str, *values: Any, database: str | None = None) -> list[tuple[Any, ...]]:
        """Runs one statement as the superuser; returns its rows."""
        with self.connect(database) as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def create_service_database(self, service: str, name: str | None = None) -> tuple[str, str]:
        """An empty database for a service, named like it unless told otherwise; returns both URLs.

        The owner `<service>_owner` owns it and migrates it. The role `<service>` may connect, and nothing more: what
        deploy/postgres/roles.sh does. The roles stay when the database is dropped, other tests may use them.
        """
        name = name or service
        owner = f"{service}_owner"
        with self.connect() as connection:
            connection.execute("SELECT pg_advisory_lock(hashtext('service roles'))")  # workers share the roles
            for role in (owner, service):
                _create_role(connection, role)
            for statement in (
                "CREATE DATABASE {name} OWNER {owner}",
                "REVOKE ALL ON DATABASE {name} FROM PUBLIC",
                "GRANT CONNECT ON DATABASE {name} TO {service}",
            ):
                connection.execute(_with_names(statement, name=name, owner=owner, service=service))
        with self.connect(name) as connection:
            connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
            connection.execute(_with_names("GRANT USAGE ON SCHEMA public TO {service}", service=service))
        return self.url_of(owner, name), self.url_of(service, name)

    def drop_database(self, name: str) -> None:
        """Drops a database and cuts the connections that are open on it. Harmless when it is not there."""
        with self.connect() as connection:
            connection.execute(_with_names("DROP DATABASE IF EXISTS {name} WITH (FORCE)", name=name))

    def cut_connections(self, name: str) -> int:
        """Ends every connection to a database, as a failover does, and waits until they have; returns how many."""
        rows = self.query(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            "WHERE datname = %s AND pid <> pg_backend_pid()",
            name,
        )
        return len(rows)

    def url_of(self, role: str, database: str) -> str:
        """A role's URL of a database."""
        return self.url.set(username=role, password=PASSWORD, database=database).render_as_string(hide_password=False)


class OwnPostgresServer(OwnServer, PostgresServer):
    """A PostgreSQL of one's own. `durable=False` does not wait for the disk: faster, and of no use for crash tests."""

    name = "postgres"
    variable = VARIABLE
    stop_signal = signal.SIGINT
    end_signal = signal.SIGQUIT  # unlike SIGKILL it gives the shared memory back

    def __init__(self, *, durable: bool = True, owner: Owner | None = None) -> None:
        self._programs = _find_programs()
        self._durable = durable
        (port,) = free_ports(1)
        PostgresServer.__init__(self, f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/postgres")
        # initdb refuses root, and PostgreSQL too.
        OwnServer.__init__(self, user="postgres" if os.getuid() == 0 else None, owner=owner)
        try:
            self._initialize()
        except BaseException:
            self.close()
            raise

    def _initialize(self) -> None:
        password = self.folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)  # the folder itself is closed to others
        self.run(
            str(self._programs / "initdb"),
            f"--pgdata={self.folder}/data",
            "--username=postgres",
            f"--pwfile={password}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        )

    @property
    def address(self) -> str:
        """The superuser's URL."""
        return self.superuser_url

    def command(self) -> Sequence[str]:
        """The postmaster, on 127.0.0.1 and on a socket in its folder."""
        settings = [
            "listen_addresses=127.0.0.1",
            f"port={self.port}",
            f"unix_socket_directories={self.folder}",
            "max_connections=200",
            *(() if self._durable else FAST_AND_LOSING),
        ]
        options = [option for setting in settings for option in ("-c", setting)]
        return [str(self._programs / "postgres"), "-D", f"{self.folder}/data", *options]

    def is_ready(self) -> bool:
        """Whether it lets the superuser in."""
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def close(self) -> None:
        """Ends it, and removes its data and the shared memory that a killed PostgreSQL leaves in the kernel."""
        with contextlib.suppress(FileNotFoundError, ValueError):
            if not self.is_running:
                lock = (self.folder / "data" / "postmaster.pid").read_text().splitlines()
                _key, memory = lock[6].split()
                subprocess.run(["ipcrm", "--shmem-id", memory], check=False, capture_output=True)
        super().close()

    def set_read_only(self, is_read_only: bool) -> None:
        """Refuses every write from the next transaction on, as a standby does; or takes them again."""
        self.query(f"ALTER SYSTEM SET default_transaction_read_only = {'on' if is_read_only else 'off'}")
        self.query("SELECT pg_reload_conf()")
        expected = [("on" if is_read_only else "off",)]
        eventually(lambda: self.query("SHOW default_transaction_read_only") == expected)


def start_shared(owner: Owner) -> Running:
    """The PostgreSQL of this run of the tests: named in the environment, in a container, or a process."""
    if os.environ.get(VARIABLE):
        return Running(address=os.environ[VARIABLE])
    if containers.docker_answers():
        from testcontainers.community.postgres import PostgresContainer

        containers.leave_to_the_end()
        container = PostgresContainer(IMAGE, username="postgres", password=PASSWORD, driver="psycopg")
        container.with_command("postgres -c max_connections=200 -c fsync=off").start()
        return containers.running(container, container.get_connection_url())
    return OwnPostgresServer(durable=False, owner=owner).start().detach()


def _create_role(connection: psycopg.Connection, role: str) -> None:
    if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone() is None:
        statement = "CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD "
        connection.execute(_with_names(statement, role=role) + sql.Literal(PASSWORD))


def _with_names(statement: str, **names: str) -> sql.Composed:
    identifiers = {key: sql.Identifier(name) for key, name in names.items()}
    return sql.SQL(statement).format(**identifiers)


def _find_programs() -> Path:
    """The newest PostgreSQL of Debian, whose programs are not in PATH."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if not found:
        raise MissingServer(MISSING)
    return max(found, key=lambda path: float(path.parent.name))
