"""The third ring of tenancy, in PostgreSQL itself: row-level security, and the settings its policies read.

A transaction says whose it is by `app.tenant_id`, or by `app.every_tenant` for the named escape; one that says
nothing sees public rows alone. The role that runs owns no table, so no policy is bypassed. On other databases the
functions here do nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op

from shared.settings import SettingsError
from shared.tenancy import Scope

# In a subselect, so that PostgreSQL evaluates each setting once per statement and not once per row.
_EVERYBODYS = "(SELECT current_setting('app.every_tenant', true)) = 'on'"
_OWN = "tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid)"


def begin_text(scope: Scope | None, *, read_only: bool) -> str:
    """The message that begins a transaction in a scope.

    One that reads sees one moment, as it does on SQLite: otherwise a page of a board and the counts beside it could be
    of two.
    """
    begin = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY" if read_only else "BEGIN"
    if scope is None or scope == Scope():
        return begin  # settings of a transaction end with it: nothing is left of the one before
    if scope.every_tenant:
        return f"{begin}; SET LOCAL app.every_tenant = 'on'"
    return f"{begin}; SET LOCAL app.tenant_id = '{scope.tenant_id}'"


def scope_text(scope: Scope) -> str:
    """The message that moves a transaction into another scope."""
    every = "on" if scope.every_tenant else ""
    return f"SET LOCAL app.tenant_id = '{scope.tenant_id or ''}'; SET LOCAL app.every_tenant = '{every}'"


def protect(*tables: str, is_public: bool = False) -> None:
    """Migration helper: from now on a row of these tables is seen and written by its tenant alone.

    `is_public`: the tables have a column of that name, whose rows everybody may read.
    """
    if op.get_context().dialect.name != "postgresql":
        return
    for table in tables:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        condition = f"{_EVERYBODYS} OR {_OWN}"
        op.execute(f"CREATE POLICY of_tenant ON {table} USING ({condition}) WITH CHECK ({condition})")
        if is_public:
            op.execute(f"CREATE POLICY shown_to_everybody ON {table} FOR SELECT USING (is_public)")


def grant(connection: sa.Connection, role: str) -> None:
    """Lets the role that runs read and write every table, present and future; it creates and owns nothing."""
    name = connection.dialect.identifier_preparer.quote(role)
    rows, counters = "SELECT, INSERT, UPDATE, DELETE ON", "USAGE, SELECT ON"
    for statement in (
        f"GRANT USAGE ON SCHEMA public TO {name}",
        f"GRANT {rows} ALL TABLES IN SCHEMA public TO {name}",
        f"GRANT {counters} ALL SEQUENCES IN SCHEMA public TO {name}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {rows} TABLES TO {name}",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {counters} SEQUENCES TO {name}",
        f"REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {name}",
    ):
        connection.exec_driver_sql(statement)


def require_ordinary_role(connection: sa.Connection) -> None:
    """Raises SettingsError when the role we run as could see through the policies."""
    role, is_superuser, bypasses = connection.execute(
        sa.text("SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
    ).one()
    owned = connection.scalars(
        sa.text(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace "
            "AND relowner = current_user::regrole ORDER BY relname LIMIT 1"
        )
    ).first()
    reasons = [
        *(["is a superuser"] if is_superuser else []),
        *(["has BYPASSRLS"] if bypasses and not is_superuser else []),
        *([f"owns the table {owned}"] if owned else []),
    ]
    if reasons:
        raise SettingsError(
            f"MPP_DATABASE_URL signs in as {role}, which {' and '.join(reasons)}, so that row-level security would not "
            "hold: name an ordinary role there, and the owner in MPP_OWNER_DATABASE_URL."
        )


def unprotected(connection: sa.Connection, tables: Iterable[str]) -> list[str]:
    """Which of these tables have no row-level security."""
    protected = set(
        connection.scalars(
            sa.text(
                "SELECT relname FROM pg_class WHERE relrowsecurity AND relnamespace = current_schema()::regnamespace"
            )
        )
    )
    return sorted(set(tables) - protected)
