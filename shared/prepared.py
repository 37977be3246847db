"""SELECTs of columns that are made once and run often, filtered by tenant like any other.

What the ORM does anew for every statement (walk it, add the tenant filter, look its text up, wire its rows to objects)
takes four times as long as running it. So it is done once here, for each kind of scope, and what is left is a statement
on tables with the filter in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.sql.annotation import _deep_deannotate
from sqlalchemy.sql.visitors import iterate

from shared.database import PublicRow, TenantRow, run
from shared.tenancy import SCOPE_TENANT, Scope, TenancyError, is_filterable, prepared_criteria, scope_of


class Prepared:
    """A SELECT of mapped columns, without another SELECT inside, whose values are parameters; a constant of its module.

    Raises TenancyError when it is made of anything else.
    """

    def __init__(self, statement: sa.Select[*tuple[Any, ...]]) -> None:
        if not is_filterable(statement):
            raise TenancyError("a prepared statement that cannot be filtered by tenant")
        inner = [part for part in iterate(statement) if isinstance(part, sa.SelectBase) and part is not statement]
        if inner:
            raise TenancyError("a prepared statement with another one inside, which the filter would not reach")
        if any(column["expr"] is column.get("entity") for column in statement.column_descriptions):
            raise TenancyError("a prepared statement selects columns: objects come from the ORM")
        self._statement = statement
        self._filtered: dict[tuple[bool, bool], Any] = {}

    def rows(self, session: Session, parameters: Mapping[str, Any]) -> Sequence[sa.Row[Any]]:
        """The rows that the session's scope may see."""
        scope = scope_of(session)
        statement = self._filtered_for(scope)
        return run(session, statement, {**parameters, SCOPE_TENANT: scope.tenant_id}).all()

    def first(self, session: Session, parameters: Mapping[str, Any]) -> sa.Row[Any] | None:
        """The first of them."""
        found = self.rows(session, parameters)
        return found[0] if found else None

    def _filtered_for(self, scope: Scope) -> Any:
        kind = (scope.every_tenant, scope.tenant_id is not None)
        if kind not in self._filtered:
            self._filtered[kind] = self._filter(scope)
        return self._filtered[kind]

    def _filter(self, scope: Scope) -> Any:
        """What the ORM makes of the statement: one on tables, with the filter in every join."""
        statement: Any = self._statement
        if not scope.every_tenant:
            is_signed_in = scope.tenant_id is not None
            statement = statement.options(*prepared_criteria(TenantRow, PublicRow, is_signed_in=is_signed_in))
        # Without the ORM's annotations, which make every look into SQLAlchemy's caches build and compare expressions.
        return _deep_deannotate(statement.compile().compile_state.statement)
