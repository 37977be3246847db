"""The demo edition: a small simulation cut at today, in a school, a company and the community, with demo accounts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from services.embedded import Embedded
from services.identity.domain.open_invitations import make_open_invitation
from services.identity.domain.people import add_person, create_operator
from services.identity.domain.tenants import TenantFacts, found_tenant
from services.leagues.domain import leagues, players, recording
from services.leagues.domain.recording import Act
from services.simulation import world
from services.simulation.play import Tally, play
from services.simulation.world import Plan, World, open_world
from shared.auth import ADMINISTRATOR, OPERATOR, ORGANISER, PLAYER, Caller
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
    DemoPerson(COMPANY, PLAYER, "nadia@atelier-vert.example", "Nadia", "plays in a league of the company"),
)
PLAYING = {COMPANY: "nadia@atelier-vert.example", COMMUNITY: "zoe@grand-public.example"}
"""Who of them plays, in the first league of their tenant."""
DAYS_PLAYED = 3
LEADING = {
    SCHOOL: "prof@lilas.example",
    COMPANY: "ambassade@atelier-vert.example",
    COMMUNITY: "zoe@grand-public.example",
}
TENANTS = {SCHOOL: ("École des Lilas", 3), COMPANY: ("Atelier Vert", 2), COMMUNITY: ("Grand public", 2)}
LEAGUES = sum(count for _name, count in TENANTS.values())


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
        tenant_ids, people = _found_tenants(house)
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
        leagues_of: dict[str, list[UUID]] = {kind: [] for kind in TENANTS}
        for kind, (name, count) in TENANTS.items():
            tenant_id, leader = tenant_ids[kind], people[LEADING[kind]]
            role = PLAYER if kind == COMMUNITY else ORGANISER
            leading = world.caller(tenant_id, kind, name, "Europe/Paris", leader, role)
            opened_at = monday.replace(tzinfo=UTC) - timedelta(days=3)
            for _ in range(count):
                leagues_of[kind].append(world.open_league(house, planned, leading, number, opened_at))
                number += 1
                raise_if_interrupted()
        play(house, planned, Tally(), lambda _steps: raise_if_interrupted())
        for kind, email in PLAYING.items():
            player = world.caller(tenant_ids[kind], kind, TENANTS[kind][0], "Europe/Paris", people[email], PLAYER)
            _play_along(house, planned, player, leagues_of[kind][0], now)
        house.drain()
    finally:
        house.stop()


def _play_along(house: Embedded, planned: World, player: Caller, league_id: UUID, now: datetime) -> None:
    """Somebody joins late, and does something on each of the last days."""
    courses = [course for course in planned.courses[player.tenant_kind] if course.weight == 1.0]
    leagues_database = house.databases["leagues"]
    first = now - timedelta(days=DAYS_PLAYED)
    with leagues_database.transaction(of_tenant(player.tenant_id), now=first) as session:
        league = leagues.find_league(session, league_id, is_locked=True)
        players.join_league(session, player, league, display_name=None, team_id=None)
    for day in range(DAYS_PLAYED):
        at = first + timedelta(days=day, minutes=5)
        with leagues_database.transaction(of_tenant(player.tenant_id), now=at) as session:
            for course in courses[day::10][:2]:
                act = Act(completion_id=new_id(), challenge_id=course.challenge_id, tier=course.tiers[0])
                recording.record_completions(session, player, league_id, [act])


def _found_tenants(house: Embedded) -> tuple[dict[str, UUID], dict[str, UUID]]:
    """The tenants with their people: the id of each tenant by its kind, and of each person by their address."""
    founded: dict[str, UUID] = {}
    identity = house.databases["identity"]
    ids = {SCHOOL: new_id(), COMPANY: new_id(), COMMUNITY: COMMUNITY_TENANT_ID, "platform": PLATFORM_TENANT_ID}
    for kind, tenant_id in ids.items():
        with identity.transaction(of_tenant(tenant_id)) as session:
            if kind in (SCHOOL, COMPANY):
                facts = TenantFacts(kind=kind, name=TENANTS[kind][0], country="FR", language="fr", zone="Europe/Paris")
                found_tenant(session, facts, tenant_id=tenant_id)
            if kind == COMPANY:
                make_open_invitation(session, days=90, max_uses=300)
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
                founded[person.email] = added.person_id
    return ids, founded
