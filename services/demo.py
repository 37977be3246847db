"""The demo edition: a small simulation cut at today, in a school, a company and the community, with demo accounts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, timedelta
from uuid import UUID

import msgspec

from services.embedded import Embedded
from services.identity.domain.people import add_person, create_operator
from services.identity.domain.tenants import TenantFacts, found_tenant
from services.simulation import world
from services.simulation.play import Tally, play
from services.simulation.world import Plan, open_world
from shared.auth import ADMINISTRATOR, OPERATOR, ORGANISER, PLAYER
from shared.clock import utc_now
from shared.database import new_id
from shared.tenancy import COMMUNITY_TENANT_ID, PLATFORM_TENANT_ID, of_tenant

DEMO_PASSWORD = "petite-planete-de-demo"
SCHOOL, COMPANY, COMMUNITY = "school", "company", "community"


class DemoPerson(msgspec.Struct, frozen=True):
    """Somebody to sign in as."""

    kind: str
    role: str
    email: str
    name: str
    says: str


DEMO_PEOPLE = (
    DemoPerson("platform", OPERATOR, "operateur@demo.example", "Sacha, opérateur·rice", "operator of the platform"),
    DemoPerson(SCHOOL, ADMINISTRATOR, "direction@lilas.example", "Mme Martin", "head of the school École des Lilas"),
    DemoPerson(SCHOOL, ORGANISER, "prof@lilas.example", "Mme Diop", "teacher: leads the school's classes"),
    DemoPerson(COMPANY, ADMINISTRATOR, "rh@atelier-vert.example", "M. Nguyen", "HR of the company Atelier Vert"),
    DemoPerson(COMPANY, ORGANISER, "ambassade@atelier-vert.example", "Léa", "leads the company's leagues"),
    DemoPerson(COMMUNITY, PLAYER, "zoe@grand-public.example", "Zoé", "player of the public community, leads leagues"),
)
TENANTS = {SCHOOL: ("École des Lilas", 3), COMPANY: ("Atelier Vert", 2), COMMUNITY: ("Grand public", 2)}
LEAGUES = sum(leagues for _name, leagues in TENANTS.values())


def open_demo(house: Embedded, raise_if_interrupted: Callable[[], None]) -> None:
    """Opens the demo in new databases. `raise_if_interrupted` is called on the way, again and again.

    The edition began on the Monday at least ten days ago and is played up to this moment.
    """
    now = utc_now()
    monday = (now - timedelta(days=10 + (now - timedelta(days=10)).weekday())).replace(
        hour=9, minute=0, second=0, microsecond=0, tzinfo=None
    )
    raise_if_interrupted()
    house.start()
    try:
        people = _found_tenants(house)
        plan = Plan(
            leagues=LEAGUES,
            players=LEAGUES * 17,
            completions=2400,
            seed=2026,
            name="Édition de démonstration",
            starts_at=monday,
            until=now,
        )
        planned = open_world(house, plan)
        number = 0
        for kind, (name, leagues) in TENANTS.items():
            tenant_id, leader = people[kind]
            role = PLAYER if kind == COMMUNITY else ORGANISER
            leading = world.caller(tenant_id, kind, name, "Europe/Paris", leader, role)
            opened_at = monday.replace(tzinfo=UTC) - timedelta(days=3)
            for _ in range(leagues):
                world.open_league(house, planned, leading, number, opened_at)
                number += 1
                raise_if_interrupted()
        play(house, planned, Tally(), lambda _steps: raise_if_interrupted())
        house.drain()
    finally:
        house.stop()


def _found_tenants(house: Embedded) -> dict[str, tuple[UUID, UUID]]:
    """The three tenants with their people; the id of each tenant and of the person who leads its leagues."""
    founded: dict[str, tuple[UUID, UUID]] = {}
    identity = house.databases["identity"]
    ids = {SCHOOL: new_id(), COMPANY: new_id(), COMMUNITY: COMMUNITY_TENANT_ID, "platform": PLATFORM_TENANT_ID}
    for kind, tenant_id in ids.items():
        with identity.transaction(of_tenant(tenant_id)) as session:
            if kind in (SCHOOL, COMPANY):
                facts = TenantFacts(kind=kind, name=TENANTS[kind][0], country="FR", language="fr", zone="Europe/Paris")
                found_tenant(session, facts, tenant_id=tenant_id)
            for person in DEMO_PEOPLE:
                if person.kind != kind:
                    continue
                if person.role == OPERATOR:
                    create_operator(session, email=person.email, password=DEMO_PASSWORD, display_name=person.name)
                    continue
                added = add_person(
                    session,
                    display_name=person.name,
                    roles=(person.role,),
                    language="fr",
                    email=person.email,
                    password=DEMO_PASSWORD,
                )
                founded[kind] = (tenant_id, added.person_id)
    return founded
