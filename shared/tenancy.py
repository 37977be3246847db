"""Who may see and write which rows: decided once per session, enforced on every statement.

A session carries one scope. Without a scope nothing can be read or written: there is no default tenant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria

PLATFORM_TENANT_ID = UUID("00000000-0000-7000-8000-000000000001")
"""The tenant of the operators: owns the catalogue and the open editions."""
COMMUNITY_TENANT_ID = UUID("00000000-0000-7000-8000-000000000002")
"""The tenant « grand public », open to everybody."""


class TenancyError(Exception):
    """Code of ours tried to leave its tenant: a programming error, never the caller's."""


class Scope(msgspec.Struct, frozen=True):
    """What a session may touch: one tenant's rows; only public rows (no tenant); or every tenant's rows."""

    tenant_id: UUID | None = None
    every_tenant: bool = False

    def check_rows(self, model: type[Any], rows: Iterable[Mapping[str, Any]]) -> None:
        """Raises TenancyError when a row of a tenant's table belongs to somebody else."""
        if self.every_tenant or not hasattr(model, "tenant_id"):
            return
        if any(row["tenant_id"] != self.tenant_id for row in rows):
            raise TenancyError(f"{model.__name__}: a row of another tenant")


PUBLIC = Scope()
"""Anonymous callers: rows that their tenant made public, and nothing else."""


def of_tenant(tenant_id: UUID) -> Scope:
    """The scope of one tenant: its own rows, and the public rows of others to read."""
    return Scope(tenant_id)


def across_tenants() -> Scope:
    """The one named escape: consumers and maintenance that handle many tenants in one transaction.

    `tests/rules` lists the places that may call it.
    """
    return Scope(every_tenant=True)


def scope_of(session: Session) -> Scope:
    """The scope a session was opened with."""
    scope: Scope | None = session.info.get("scope")
    if scope is None:
        raise TenancyError("this session has no tenancy scope: open it with of_tenant(...), PUBLIC or across_tenants()")
    return scope


def guard(maker: Any, shared_base: type[Any], private: type[Any], public: type[Any]) -> None:
    """Hooks the two checks onto every session that `maker` makes.

    `shared_base` holds the tables that are no tenant's; `private` and `public` are the mixins of the others.
    """

    def filter_statement(state: ORMExecuteState) -> None:
        scope = scope_of(state.session)
        if scope.every_tenant:
            return
        if state.is_insert:
            if not state.execution_options.get("rows_are_checked"):
                raise TenancyError("bulk insert outside insert_new(): its rows would not be checked")
            return
        if not state.is_orm_statement or _has_bare_table(state.statement):
            raise TenancyError("select through the mapped classes: a bare table or a text cannot be filtered by tenant")
        own_only = state.is_update or state.is_delete
        if own_only or not state.is_column_load:
            state.statement = state.statement.options(*_criteria(private, public, scope.tenant_id, own_only))

    def check_writes(session: Session, _context: Any, _instances: Any) -> None:
        scope = scope_of(session)
        if scope.every_tenant:
            return
        for row in (*session.new, *session.dirty, *session.deleted):
            if not isinstance(row, (private, public)):
                continue
            changed = sa.inspect(row).attrs.tenant_id.history
            if row.tenant_id != scope.tenant_id or (changed.deleted and changed.added):
                raise TenancyError(f"{type(row).__name__}: written outside its tenant")

    event.listen(maker, "do_orm_execute", filter_statement)
    event.listen(maker, "before_flush", check_writes)


def _criteria(private: type[Any], public: type[Any], tenant_id: UUID | None, own_only: bool) -> tuple[Any, Any]:
    """What is added to every WHERE: the tenant's own rows, and to read also the public rows of everybody."""
    if tenant_id is None:
        own = with_loader_criteria(private, lambda row: sa.false(), include_aliases=True)
        if own_only:
            return own, with_loader_criteria(public, lambda row: sa.false(), include_aliases=True)
        return own, with_loader_criteria(public, lambda row: row.is_public.is_(True), include_aliases=True)
    own = with_loader_criteria(private, lambda row: row.tenant_id == tenant_id, include_aliases=True)
    if own_only:
        return own, with_loader_criteria(public, lambda row: row.tenant_id == tenant_id, include_aliases=True)
    return own, with_loader_criteria(
        public, lambda row: sa.or_(row.tenant_id == tenant_id, row.is_public.is_(True)), include_aliases=True
    )


def _has_bare_table(statement: Any) -> bool:
    """Whether a table is used without its mapped class, as in `select(League.name, teams_table.c.name)`."""
    bare: set[Any] = set()
    mapped: set[Any] = set()
    for element in sa.sql.visitors.iterate(statement):
        if isinstance(element, (sa.Table, sa.Column)):
            mapper = element._annotations.get("parentmapper")
            if mapper is not None:
                mapped.add(mapper.local_table)
            elif isinstance(element, sa.Table):
                bare.add(element)
            elif isinstance(element.table, sa.Table):
                bare.add(element.table)
            elif isinstance(element.table, sa.Alias):
                return True
        elif isinstance(element, sa.Alias) and "parentmapper" in element._annotations:
            mapped.add(element._annotations["parentmapper"].local_table)
    return not bare <= mapped
