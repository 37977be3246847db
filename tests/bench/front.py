"""The pages in front of the game: home, the catalogue, the people of a large company, and what operators see."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from services.challenges.app import load_folder
from services.challenges.catalogue_files import FOLDER
from services.identity.domain.tenants import TenantFacts, found_tenant
from services.identity.models import Person
from shared.auth import ADMINISTRATOR, OPERATOR, Caller
from shared.clock import utc_now
from shared.database import Database, new_id
from shared.tenancy import PLATFORM_TENANT_ID, of_tenant
from tests.bench.bench import Bench
from tests.bench.load import Target, request
from tests.house import caller_of, know_test_key, token_of

TENANTS = 400
PEOPLE = 20_000


class Front:
    """identity with so many tenants, one of which has so many people; challenges with its catalogue."""

    def __init__(self, bench: Bench) -> None:
        self.identity, self.challenges = (
            bench.settings(service, log_level="WARNING") for service in ("identity", "challenges")
        )
        self._tenant_id = new_id()
        with closing(Database(self.identity.database_url)) as database:
            know_test_key(database)
            self._found(database)
        with closing(Database(self.challenges.database_url)) as database:
            know_test_key(database)
            load_folder(database, FOLDER)
        for service, settings in (("identity", self.identity), ("challenges", self.challenges)):
            bench.postgres.query("VACUUM ANALYZE", database=service)
            bench.start_role(service, "web", settings)

    def home(self) -> Target:
        """What a visitor sees first."""
        return _target(self.identity.port, "/")

    def catalogue(self) -> Target:
        """All the challenges, as a visitor reads them."""
        return _target(self.challenges.port, "/challenges/")

    def people(self) -> Target:
        """The first people of the large tenant, for its administrator."""
        return _target(self.identity.port, "/identity/people", caller_of(self._tenant_id, ADMINISTRATOR))

    def platform(self) -> Target:
        """The tenants, for an operator."""
        caller = caller_of(PLATFORM_TENANT_ID, OPERATOR, kind="platform", name="Platform")
        return _target(self.identity.port, "/identity/platform", caller)

    def _found(self, database: Database) -> None:
        for number in range(TENANTS):
            tenant_id = new_id() if number else self._tenant_id
            facts = TenantFacts(
                kind="company", name=f"Atelier {number}", country="FR", language="fr", zone="Europe/Paris"
            )
            with database.transaction(of_tenant(tenant_id)) as session:
                found_tenant(session, facts, tenant_id=tenant_id)
        with database.transaction(of_tenant(self._tenant_id)) as session:
            session.add_all(Person(**self._person(number)) for number in range(PEOPLE))

    def _person(self, number: int) -> dict[str, Any]:
        address = f"n{number}@atelier.example"
        return {
            "tenant_id": self._tenant_id,
            "person_id": new_id(),
            "display_name": f"Person {number}",
            "email": address,
            "email_normalised": address,
            "language": "fr",
            "roles": ["player"],
            "is_administrator": False,
            "is_suspended": False,
            "revision": 1,
            "joined_at": utc_now(),
        }


def _target(port: int, path: str, caller: Caller | None = None) -> Target:
    headers = {"Authorization": f"Bearer {token_of(caller)}"} if caller else {}
    return Target(port, [request("GET", path, headers=headers)], connections=1)
