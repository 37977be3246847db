"""Who may see and write which rows: decided once per session, enforced on every statement.

A session carries one scope. Without a scope nothing can be read or written: there is no default tenant.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NoReturn
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import FromStatement, ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import AliasedReturnsRows, Lateral, SelectStatementGrouping
from sqlalchemy.sql.util import extract_first_column_annotation, surface_expressions

PLATFORM_TENANT_ID = UUID("00000000-0000-7000-8000-000000000001")
"""The tenant of the operators: owns the catalogue and the open editions."""
COMMUNITY_TENANT_ID = UUID("00000000-0000-7000-8000-000000000002")
"""The tenant « grand public », open to everybody."""


SCOPE_TENANT = "scope_tenant_id"


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


class GuardedSession(Session):
    """A session without the legacy bulk methods, which no hook sees."""

    def bulk_save_objects(self, *_: Any, **__: Any) -> NoReturn:
        """Refused: use add_all() or insert_new()."""
        raise TenancyError("bulk_save_objects() checks nothing: use add_all() or insert_new()")

    def bulk_insert_mappings(self, *_: Any, **__: Any) -> NoReturn:
        """Refused: use insert_new()."""
        raise TenancyError("bulk_insert_mappings() checks nothing: use insert_new()")

    def bulk_update_mappings(self, *_: Any, **__: Any) -> NoReturn:
        """Refused: use update(...).where(...).values(...)."""
        raise TenancyError("bulk_update_mappings() checks nothing: use update(...).where(...).values(...)")


def guard(maker: Any, private: type[Any], public: type[Any]) -> None:
    """Hooks the two checks onto every session that `maker` makes.

    `private` and `public` are the mixins of the tables that are a tenant's; the others are nobody's.
    """

    @functools.lru_cache(maxsize=4096)
    def criteria(tenant_id: UUID | None, own_only: bool) -> tuple[Any, Any]:
        return _criteria(private, public, tenant_id, own_only)

    def filter_statement(state: ORMExecuteState) -> None:
        scope = scope_of(state.session)
        if scope.every_tenant:
            return
        if state.is_insert:
            if not state.execution_options.get("rows_are_checked"):
                raise TenancyError("bulk insert outside insert_new(): its rows would not be checked")
            return
        own_only = state.is_update or state.is_delete
        if own_only:
            _check_change(state)
        if not state.is_orm_statement or not _is_known_filterable(state.statement):
            raise TenancyError(
                "only mapped classes can be filtered by tenant: no bare table, no text; and a class that only occurs "
                "inside an expression must be named in select_from() or join()"
            )
        state.statement = state.statement.options(*criteria(scope.tenant_id, own_only))
        if state.is_column_load and state.bind_mapper is not None:  # a refresh: the ORM adds no criteria to it
            kind = state.bind_mapper.class_
            if issubclass(kind, (private, public)):
                is_seen = kind.tenant_id == scope.tenant_id
                shown = sa.or_(is_seen, kind.is_public.is_(True)) if issubclass(kind, public) else is_seen
                refresh: Any = state.statement
                state.statement = refresh.where(shown)

    def check_writes(session: Session, *_: Any) -> None:
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
    event.listen(maker, "after_flush", check_writes)  # a relationship may have copied its parent's tenant meanwhile


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


def prepared_criteria(private: type[Any], public: type[Any], *, is_signed_in: bool) -> tuple[Any, Any]:
    """The same to read with, for a statement that is given its tenant as the parameter SCOPE_TENANT."""
    if not is_signed_in:
        return _criteria(private, public, None, own_only=False)
    # SQLAlchemy takes every value that a function finds outside itself for a parameter: so the name is written out.
    own = with_loader_criteria(
        private, lambda row: row.tenant_id == sa.bindparam("scope_tenant_id", type_=sa.Uuid()), include_aliases=True
    )
    return own, with_loader_criteria(
        public,
        lambda row: sa.or_(row.tenant_id == sa.bindparam("scope_tenant_id", type_=sa.Uuid()), row.is_public.is_(True)),
        include_aliases=True,
    )


def _check_change(state: ORMExecuteState) -> None:
    """Refuses an UPDATE whose WHERE cannot be completed, and one that gives rows to another tenant."""
    if state.parameters or "dml_strategy" in state.execution_options:
        raise TenancyError("an update by primary key has no WHERE to filter: use update(...).where(...).values(...)")
    statement: Any = state.statement
    given = (*(getattr(statement, "_values", None) or ()), *dict(getattr(statement, "_ordered_values", None) or ()))
    if any(getattr(column, "key", column) == "tenant_id" for column in given):
        raise TenancyError("a row stays with its tenant")


_filterable: dict[Any, None] = {}
"""The cache keys of statements that were found filterable: a look costs a tenth of the walk."""


def _is_known_filterable(statement: Any) -> bool:
    key = statement._generate_cache_key()
    if key is not None and key.key in _filterable:
        return True
    if not is_filterable(statement):
        return False
    if key is not None:
        if len(_filterable) >= 1000:
            _filterable.clear()
        _filterable[key.key] = None
    return True


def is_filterable(statement: Any) -> bool:
    """Whether the ORM will add our criteria for every table of a statement and of the statements inside it.

    It does so for the classes that `_classes_found` yields. What it would overlook is refused: a bare table, a class
    that only a function in the WHERE mentions, raw SQL, a CTE that writes.
    """
    return _is_filterable(statement, frozenset(), {})


def _is_filterable(statement: Any, outer: frozenset[Any], seen: dict[int, Any]) -> bool:
    """`outer`: the tables of the enclosing SELECT, which this one may refer to."""
    if isinstance(statement, FromStatement):
        return _is_filterable(statement.element, outer, seen)
    if not isinstance(statement, (sa.Select, sa.CompoundSelect, sa.Update, sa.Delete)) or _is_raw(statement):
        return False
    own = frozenset(found.selectable for found in _classes_found(statement))
    named = frozenset(getattr(statement, "_correlate", ()))
    # SQLAlchemy correlates by itself only where another table remains.
    is_correlated = bool(own - outer) and getattr(statement, "_auto_correlate", False)
    reachable = own | (outer if is_correlated else outer & named)
    waiting = list(statement.get_children())
    visited = {}  # keeps the elements, so that their ids stay theirs
    while waiting:
        element = waiting.pop()
        if id(element) in visited:
            continue
        visited[id(element)] = element
        if _is_raw(element):
            return False
        if isinstance(element, SelectStatementGrouping):
            waiting.append(element.element)
        elif isinstance(element, (sa.SelectBase, sa.UpdateBase)):
            if isinstance(element, sa.UpdateBase) or not _is_filterable(element, own - outer, seen):
                return False
        elif isinstance(element, AliasedReturnsRows) and isinstance(element.element, sa.SelectBase):
            if id(element) not in seen:
                seen[id(element)] = element
                if not _is_filterable(element.element, own if isinstance(element, Lateral) else frozenset(), seen):
                    return False
        elif isinstance(element, AliasedReturnsRows) and isinstance(element.element, FunctionElement):
            waiting.append(element.element)
        elif isinstance(element, (sa.TableClause, AliasedReturnsRows)):
            if element not in reachable:
                return False
        else:
            if isinstance(element, sa.ColumnClause) and element.table is not None:
                waiting.append(element.table)
            waiting += element.get_children()
    return True


def _classes_found(statement: Any) -> Iterator[Any]:
    """The mapped classes (and aliases of them) of one SELECT, UPDATE or DELETE that the ORM adds loader criteria for.

    This follows SQLAlchemy's ORMSelectCompileState; should a newer one find fewer, tests/shared/test_tenancy.py fails.
    """
    named: list[Any] = []
    if isinstance(statement, sa.UpdateBase):
        named.append(statement.table)
    elif isinstance(statement, sa.Select):
        columns: list[Any] = list(statement._raw_columns)
        for column in columns:
            for part in column.clauses if "bundle" in column._annotations else (column,):
                yield from filter(None, (extract_first_column_annotation(part, "parententity"),))  # type: ignore[no-untyped-call]
        joined: list[Any] = [getattr(target, "comparator", target) for target, *_ in statement._setup_joins]
        yield from (target.entity for target in joined if hasattr(target, "entity"))
        named += [*columns, *statement._from_obj, *joined]
        for condition in statement._where_criteria:
            named += surface_expressions(condition)  # type: ignore[no-untyped-call]
    for part in named:
        found = getattr(part, "_annotations", {}).get("parententity")
        if found is not None:
            yield found


def _is_raw(element: Any) -> bool:
    """SQL that somebody wrote as a text."""
    is_text = isinstance(element, (sa.TextClause, sa.TextualSelect))
    is_literal = getattr(element, "is_literal", False) and element.name not in ("1", "*")  # what exists() selects
    is_nameless = isinstance(element, sa.TableClause) and not isinstance(element, sa.Table)
    has_words = any(getattr(element, name, None) for name in ("_prefixes", "_suffixes", "_hints", "_statement_hints"))
    return bool(is_text or is_literal or is_nameless or has_words)
