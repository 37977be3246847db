"""Rules about tables: whose rows they hold, and how they came to be."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.database import Database, SharedBase
from shared.migrations import differences, metadata_of, migrate, pending_migrations
from tests.house import SERVICES

NOBODYS = {
    "outbox": "events of every tenant on their way out, in one order",
    "inbox": "events that were handled",
    "dead_letters": "events that could not be handled",
    "jobs": "work of every tenant, for one worker",
    "signing_keys": "public keys",
    "private_keys": "the platform's own",
    "sign_in_names": "from an address to its tenants, before anybody has signed in",
    "secret_owners": "from a secret link or token to its tenant, before anybody has signed in",
    "counters": "the public counters of all tenants together",
}


@pytest.mark.parametrize("service", SERVICES)
def test_every_table_begins_its_key_with_the_tenant(service: str) -> None:
    for metadata in metadata_of(service):
        for table in metadata.tables.values():
            first = next(iter(table.primary_key.columns)).name
            assert first == "tenant_id" or table.name in NOBODYS, f"{service}.{table.name} begins with {first}"


@pytest.mark.parametrize("service", SERVICES)
def test_foreign_keys_stay_within_a_tenant(service: str) -> None:
    for metadata in metadata_of(service):
        for table in metadata.tables.values():
            for constraint in table.foreign_key_constraints:
                columns = [element.column.name for element in constraint.elements]
                assert "tenant_id" in columns or constraint.referred_table.name in NOBODYS, constraint.name


@pytest.mark.parametrize("service", SERVICES)
def test_migrations_equal_models(service: str, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/{service}.db")
    migrate(service, database)
    assert not differences(service, database)
    assert not pending_migrations(service, database)
    database.close()


@pytest.mark.parametrize("service", SERVICES)
def test_names_fit_postgresql(service: str) -> None:
    for metadata in (*metadata_of(service), SharedBase.metadata):
        for table in metadata.tables.values():
            for item in (*table.constraints, *table.indexes):
                name = str(item.name)
                assert len(name) <= 63, name
