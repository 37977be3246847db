"""An installation in which much has happened, new databases to move it to, and every row of either."""

from __future__ import annotations

import contextlib
import json
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa
from flask.testing import FlaskClient

from services.embedded import NAMES
from services.identity.upkeep import prepare
from services.moving import command
from services.moving.rows import tables_of
from shared.auth import Caller
from shared.clock import utc_now
from shared.consumer import DeadLetter
from shared.database import Database, new_id
from shared.settings import Settings
from shared.tenancy import across_tenants
from tests.builders import add_players, create_edition, create_league, know_person, record
from tests.house import House, caller_of
from tests.identity.steps import Steps
from tests.journeys import test_announcing as stories
from tests.journeys.scene import GENEROUS
from tests.servers.postgres import PostgresServer


class Lived(NamedTuple):
    """A house, and a league of it that goes on playing."""

    house: House
    teacher: Caller
    league: Any
    player: Any
    challenge: Any

    def files(self) -> Settings:
        """How an operator names its databases."""
        return self.house.settings

    def shown(self, house: House | None = None) -> dict[str, Any]:
        """What the API shows of the league's and the edition's boards."""
        client = (house or self.house).client("ranking", self.teacher)
        paths = [f"leagues/{self.league['league_id']}/{board}" for board in ("players", "teams")]
        paths += [f"editions/{self.league['edition_id']}/leagues", "counters", "impact"]
        shown = {path: client.get(f"/ranking/api/v1/{path}") for path in paths}
        assert all(answer.status_code == 200 for answer in shown.values()), shown
        return {path: answer.json for path, answer in shown.items()}

    def points(self, house: House) -> int:
        """The player's points on the league's board."""
        lines = self.shown(house)[f"leagues/{self.league['league_id']}/players"]["standings"]
        return next(line["points"] for line in lines if line["contender_id"] == self.player["player_id"])

    def record(self, house: House, **act: Any) -> Any:
        """The player does something more."""
        client = house.client("leagues", self.teacher)
        done = record(client, self.league, self.challenge["challenge_id"], player_id=self.player["player_id"], **act)
        assert done.status_code == 201, done.json
        return done.json


def play_three_editions(house: House, lilas: Caller, port: Caller) -> tuple[FlaskClient, Any, Any]:
    """A frozen one, a revealed one, and one that goes on: port's client, its league there, and a player of it."""
    stories.play_edition(house, stories.OPERATOR, (lilas, port), "frozen", is_open=True, audience="everyone")
    stories.play_edition(house, lilas, (lilas,), "revealed")
    client = house.client("leagues", port)
    edition = create_edition(client)
    house.settle()
    league = create_league(client, edition, age_band="6-10")
    return client, league, add_players(client, league)[0]


def live(template: Path, folder: Path) -> Lived:
    """Schools, people, sign-ins, three editions; then one more league, whose last completion nobody has heard of."""
    folder.mkdir()
    house = House(template, folder, **GENEROUS)
    prepare(house.databases["identity"], house.settings)
    stories.play_catalogue(house)
    lilas, port, _departed = stories.play_identity(house)
    steps = Steps(house)
    assert steps.post("/password-resets", {"email": "lilas@example.org"}).status_code == 202
    house.settle()
    client, league, player = play_three_editions(house, lilas, port)
    colleague = caller_of(port.tenant_id, "organiser")
    know_person(house, colleague)
    leaders = f"/leagues/api/v1/leagues/{league['league_id']}/leaders"
    assert client.post(leaders, json={"person_id": str(colleague.person_id)}).status_code == 201
    assert client.delete(f"{leaders}/{colleague.person_id}").status_code == 204
    every = stories.challenges(house)
    chosen = [entry for entry in every if entry["kind"] == "individual" and len(entry["tiers"]) == 1]
    challenge = next(entry for entry in chosen if (entry["per"], entry["times"]) == ("day", 1))
    lived = Lived(house, port, league, player, challenge)
    done = lived.record(house, day=(utc_now().date()).isoformat())
    reaction = f"/leagues/api/v1/completions/{done['completion_id']}/reaction"
    assert client.put(reaction, json={"kind": "bravo"}).status_code == 204
    house.settle()
    with house.databases["leagues"].transaction(across_tenants()) as session:
        session.add(DeadLetter(dead_letter_id=new_id(), envelope="{}", error="« œ »", parked_at=utc_now()))
    return lived


def rows_of(settings: Settings) -> dict[str, list[str]]:
    """Every row of every table, as text, in order; through the owners, who see all. Keys of JSON have no order."""
    found = {}
    for service in NAMES:
        database = Database(settings.owner_database_url_for(service))
        with database.engine.connect() as connection:
            for table in tables_of(service):
                rows = connection.execute(sa.select(table)).mappings()
                found[f"{service}.{table.name}"] = sorted(
                    json.dumps(dict(row), sort_keys=True, default=repr) for row in rows
                )
        database.close()
    return found


def move(settings: Settings, what: str, file: Path, *, ranking_database: str = "") -> int:
    """The command, as an operator types it."""
    return command.run(Namespace(command=what, file=file, ranking_database=ranking_database), settings)


@contextlib.contextmanager
def new_databases(server: PostgresServer, **settings: Any) -> Iterator[Settings]:
    """Four empty databases of a server with two roles each, and how an operator names them."""
    suffix = new_id().hex[-10:]
    urls: dict[str, str] = {}
    for service in NAMES:
        owner, url = server.create_service_database(service, f"{service}_{suffix}")
        urls = {
            "owner_database_url": owner.replace(service, "{service}"),
            "database_url": url.replace(service, "{service}"),
        }
    try:
        yield Settings(**urls, **settings)
    finally:
        for service in NAMES:
            server.drop_database(f"{service}_{suffix}")
