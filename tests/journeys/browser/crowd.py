"""A site with all that is hard to draw: the longest names, names from right to left or of code, long lists."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from services.identity.models import Person as PersonRow
from shared.clock import utc_now
from shared.consumer import Consumer
from shared.database import Database, new_id
from shared.tenancy import of_tenant
from tests.house import DirectBus, load_service
from tests.journeys.people import HEARD, Person, challenges_for, found, sign_up
from tests.journeys.process import Services
from tests.journeys.waiting import eventually
from tests.ranking.world import World

MANY = 2000
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
assert len(LONG) == 80
STRANGE = [
    LONG,
    "مدرسة الأشجار الصغيرة",
    "בית ספר יסודי",
    "<script>alert(1)</script>",
    "O",
    "🐝 Zoë Ångström-N’Diaye",
]


class Crowd(NamedTuple):
    """Who can read what, by what they are: people of a school where everything is full ("full head", "full teacher",
    "full player"), of one where nothing is yet ("empty head", ...), and "alone", who plays nowhere.

    `league`: a full one, with everybody of the full school in it. `board`: a public edition with a long one.
    """

    people: dict[str, Person]
    league: str
    board: str


def gather(site: Services) -> Crowd:
    """Fills the site; through the API, but for what would take minutes."""
    full = found(site.url, name=(LONG + "gesellschaft" * 4)[:120])
    edition = full.open_edition(name=LONG, max_players=60)
    league = full.create_league(edition, name=LONG, teams=[LONG[:-1] + "x", STRANGE[1], STRANGE[3]], is_open=True)
    pupils = full.add_players(league, *STRANGE, *(f"Écureuil numéro {number}" for number in range(34)))
    for number in range(35):
        full.create_league(edition, name=f"{STRANGE[number % 6][:60]} {number}")
    _play(full, league, pupils)
    _add_people(site, UUID(full.tenant_id))
    empty = found(site.url, name="École vide")
    people = {
        **_colleagues("full", full, league),
        **_colleagues("empty", empty),
        "alone": sign_up(site.url, name=STRANGE[1]),
    }
    return Crowd(people, league["league_id"], str(_add_leagues(site)))


def _colleagues(school: str, head: Person, league: Any = None) -> dict[str, Person]:
    """The head, a teacher and somebody who plays with an account; in the league, where there is one."""
    teacher, player = head.invite("organiser", name=LONG), head.invite("player", name=STRANGE[2])
    if league:
        path = f"leagues/leagues/{league['league_id']}/leaders"
        eventually(lambda: head.ask("POST", path, {"person_id": teacher.person_id}).status_code == 201, HEARD)
        player.join(league["code"], STRANGE[2])
    return {f"{school} head": head, f"{school} teacher": teacher, f"{school} player": player}


def _play(full: Person, league: Any, pupils: list[Any]) -> None:
    offered = challenges_for(full, "school")
    malus = challenges_for(full, "school", is_malus=True)
    for number, pupil in enumerate(pupils):
        for challenge in (offered[number % len(offered)], malus[number % len(malus)] if number % 3 == 0 else None):
            if challenge is not None and challenge["kind"] == "individual":
                tier = challenge["tiers"][-1]["tier"]
                full.record(league, challenge, player_id=pupil["player_id"], tier=tier, note=STRANGE[number % 6])


def _add_people(site: Services, tenant_id: UUID) -> None:
    """2,000 people of one tenant."""
    database = Database(f"sqlite:///{site.folder}/databases/identity.db")
    with database.transaction(of_tenant(tenant_id)) as session:
        for number in range(MANY):
            session.add(
                PersonRow(
                    tenant_id=tenant_id,
                    person_id=new_id(),
                    display_name=f"{STRANGE[number % 6][:70]} {number}",
                    email=None,
                    email_normalised=None,
                    language="fr",
                    roles=["player"],
                    is_administrator=False,
                    is_suspended=number % 7 == 0,
                    revision=1,
                    joined_at=utc_now(),
                )
            )
    database.close()


def _add_leagues(site: Services) -> UUID:
    """An open edition with 2,000 leagues on its board, told to ranking as leagues tells it."""
    database = Database(f"sqlite:///{site.folder}/databases/ranking.db")
    world = World(database, Consumer("ranking", database, DirectBus(), load_service("ranking").handlers))
    world.kept = []
    world.leagues = [new_id() for _ in range(MANY)]
    world.tenant_of = dict.fromkeys(world.leagues, world.school)
    world.schedule()
    for number, league in enumerate(world.leagues):
        world.create_league(league, f"{STRANGE[number % 6]} {number}")
        team = new_id()
        world.league_of[team] = league
        world.record(team, world.join(team), number % 300)
    kept, world.kept = world.kept, None
    for start in range(0, len(kept), 2000):
        world.deliver(kept[start : start + 2000])
    database.close()
    return world.edition
