"""Before the game: tenants, people, an open edition, leagues and those who register in time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from services.embedded import Embedded
from services.identity.domain.people import add_person
from services.identity.domain.tenants import TenantFacts, found_tenant
from services.leagues.domain import editions, leagues, players
from services.leagues.models import Challenge, Leader, League, Player, Tenant
from services.simulation import people
from services.simulation.people import TenantPlan
from shared.auth import ADMINISTRATOR, EVERYBODY, OPERATOR, ORGANISER, PLAYER, Caller
from shared.database import Database, new_id
from shared.tenancy import COMMUNITY_TENANT_ID, PLATFORM_TENANT_ID, across_tenants, of_tenant

PAGE = 50
COMMUNITY = "community"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to play. `starts_at` is the wall-clock time of the first Monday; `until` cuts the game short (the demo)."""

    leagues: int
    players: int
    completions: int
    seed: int
    name: str
    starts_at: datetime
    until: datetime | None = None

    @property
    def ends_at(self) -> datetime:
        """The wall-clock time of the last evening."""
        return (self.starts_at + timedelta(days=people.DAYS - 1)).replace(hour=20)


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """A challenge as simulated people know it."""

    challenge_id: UUID
    weight: float
    is_team: bool
    tiers: list[str]


class World(msgspec.Struct, frozen=True, kw_only=True):
    """What all leagues share: the edition, and the challenges offered by audience."""

    plan: Plan
    edition_id: UUID
    courses: dict[str, list[Course]]


def caller(tenant_id: UUID, kind: str, name: str, zone: str, person_id: UUID, *roles: str) -> Caller:
    """Somebody of the simulation, as a verified token would describe them."""
    return Caller(
        tenant_id=tenant_id,
        tenant_kind=kind,
        tenant_name=name,
        zone=zone,
        person_id=person_id,
        session_id=EVERYBODY,
        roles=roles,
        language="fr",
        csrf="",
    )


OPERATING = caller(PLATFORM_TENANT_ID, "platform", "Ma Petite Planète", "Europe/Paris", new_id(), OPERATOR)


def open_world(house: Embedded, plan: Plan) -> World:
    """Opens the edition that everybody plays in. The workers must be running: the catalogue comes by events."""
    house.drain()
    now = plan.starts_at.replace(tzinfo=UTC) - timedelta(days=7)
    with house.databases["leagues"].transaction(of_tenant(PLATFORM_TENANT_ID), now=now) as session:
        facts = {
            "name": plan.name,
            "audience": "everyone",
            "is_open": True,
            "starts_at": plan.starts_at,
            "ends_at": plan.ends_at,
            "grace_days": people.GRACE_DAYS,
            "min_players": 6,
            "max_players": 1000,
        }
        edition = editions.open_edition(session, OPERATING, facts)
        editions.publish_edition(session, edition)
        return World(plan=plan, edition_id=edition.edition_id, courses=_courses(session))


def _courses(session: Session) -> dict[str, list[Course]]:
    courses: dict[str, list[Course]] = {"school": [], "company": [], COMMUNITY: []}
    for challenge in session.scalars(sa.select(Challenge).order_by(Challenge.challenge_id)):
        for audience in challenge.audiences:
            courses[audience].append(
                Course(
                    challenge_id=challenge.challenge_id,
                    weight=_weight(challenge),
                    is_team=challenge.kind != "individual",
                    tiers=list(challenge.tiers),
                )
            )
    return courses


def _weight(challenge: Challenge) -> float:
    """How often a challenge is chosen: a team's now and then, and few people own up to a malus."""
    if challenge.kind != "individual":
        return 0.05
    return 0.05 if min(challenge.tiers.values()) < 0 else 1.0


def populate(house: Embedded, world: World, progress: Callable[[int], None]) -> None:
    """Founds the tenants and opens their leagues, with everybody who registers in time."""
    for planned in people.plan_tenants(world.plan.seed, world.plan.leagues):
        found(house, world, planned)
        progress(planned.leagues)
        if house.waiting_events() > 20_000:
            house.drain(most=5_000)


def found(house: Embedded, world: World, planned: TenantPlan) -> UUID:
    """Founds one tenant and opens its leagues; returns its id."""
    now = world.plan.starts_at.replace(tzinfo=UTC) - timedelta(days=6)
    tenant_id = COMMUNITY_TENANT_ID if planned.kind == COMMUNITY else new_id()
    name = planned.name or "Grand public"
    roles = (PLAYER,) if planned.kind == COMMUNITY else (ORGANISER,)
    with house.databases["identity"].transaction(of_tenant(tenant_id), now=now) as session:
        if planned.kind != COMMUNITY:
            facts = TenantFacts(kind=planned.kind, name=name, country="FR", language="fr", zone=planned.zone)
            found_tenant(session, facts, tenant_id=tenant_id)
            add_person(session, display_name="Direction", roles=(ADMINISTRATOR,), language="fr")
        leaders = [
            add_person(session, display_name=f"Ambassade {number + 1}", roles=roles, language="fr").person_id
            for number in range(planned.leagues)
        ]
    for offset, leader in enumerate(leaders):
        leading = caller(tenant_id, planned.kind, name, planned.zone, leader, *roles)
        open_league(house, world, leading, planned.first_league + offset, now + timedelta(days=1))
    return tenant_id


def open_league(house: Embedded, world: World, leading: Caller, number: int, now: datetime) -> UUID:
    """Opens one league; those who are in time register."""
    size = people.size_of_league(world.plan.seed, number, world.plan.leagues, world.plan.players)
    is_school = leading.tenant_kind == "school"
    facts = {
        "edition_id": world.edition_id,
        "name": f"{'Classe' if is_school else 'Ligue'} {number + 1}",
        "age_band": None,
        "is_open": False,
        "teams": [f"Équipe {letter}" for letter in ("A", "B", "C", "D")[: 4 if is_school and size > 19 else 2]],
    }
    in_time = [player for player in range(size) if people.arrival_day(world.plan.seed, number, player) == 0]
    persons = enrol(house, world, leading, number, in_time, now)
    with house.databases["leagues"].transaction(of_tenant(leading.tenant_id), now=now) as session:
        league = leagues.create_league(session, leading, facts)
        session.flush()
        admit(session, world, leading, league, number, persons)
        return league.league_id


def enrol(
    house: Embedded, world: World, leading: Caller, number: int, wanted: list[int], now: datetime
) -> dict[int, UUID | None]:
    """The people behind some players: accounts for adults, none for pupils, whom their teacher enters by pseudonym."""
    if leading.tenant_kind == "school" or not wanted:
        return dict.fromkeys(wanted)
    with house.databases["identity"].transaction(of_tenant(leading.tenant_id), now=now) as session:
        return {
            player: add_person(
                session,
                display_name=people.player_name(world.plan.seed, number, player),
                roles=(PLAYER,),
                language="fr",
            ).person_id
            for player in wanted
        }


def admit(
    session: Session, world: World, leading: Caller, league: League, number: int, persons: dict[int, UUID | None]
) -> None:
    """Lets players into a league: adults join by themselves, pupils are entered by their teacher."""
    names = {player: people.player_name(world.plan.seed, number, player) for player in persons}
    if leading.tenant_kind == "school":
        players.add_players(session, league, list(names.values()), None)
        return
    for player, person_id in persons.items():
        assert person_id is not None
        joining = caller(leading.tenant_id, leading.tenant_kind, leading.tenant_name, leading.zone, person_id, PLAYER)
        players.join_league(session, joining, league, display_name=names[player], team_id=None)


def each_league(database: Database, edition_id: UUID) -> Iterator[tuple[int, League, Tenant, UUID]]:
    """Number, league, tenant and leader of every league of an edition, in the order they were opened, page by page."""
    number, last = 0, UUID(int=0)
    first_leader = (
        sa.select(Leader.person_id)
        .where(Leader.tenant_id == League.tenant_id, Leader.league_id == League.league_id)
        .order_by(Leader.person_id)
        .limit(1)
        .correlate(League)
        .scalar_subquery()
    )
    while True:
        with database.transaction(across_tenants(), read_only=True) as session:
            page = session.execute(
                sa.select(League, Tenant, first_leader)
                .join(Tenant, Tenant.tenant_id == League.tenant_id)
                .where(League.edition_id == edition_id, League.league_id > last)
                .order_by(League.league_id)
                .limit(PAGE)
            ).all()
        if not page:
            return
        for league, tenant, leader in page:
            yield number, league, tenant, leader
            number += 1
        last = page[-1][0].league_id


def playing(session: Session, league: League) -> list[Player]:
    """The players of a league now, in the order they came."""
    return list(session.scalars(players.list_players(league).order_by(None).order_by(Player.player_id)))
