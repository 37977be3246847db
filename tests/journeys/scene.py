"""A house with one of everything, for tests that walk over every operation: made through the domain and the API."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from services.identity.upkeep import prepare
from shared.auth import OPERATOR, Caller
from shared.database import new_id
from shared.tenancy import PLATFORM_TENANT_ID
from tests.builders import add_players, create_edition, create_league, know_person, publish_challenge, record
from tests.house import House, caller_of
from tests.journeys.people import PASSWORD

GENEROUS = {
    "sign_in_attempts": "1000000 per hour",
    "sign_in_attempts_per_address": "1000000 per hour",
    "public_forms_per_address": "1000000 per hour",
}


class Scene(NamedTuple):
    """A school in mid-edition, its ids by the names the routes give them, and who may act in it."""

    house: House
    ids: dict[str, str]
    administrator: Caller
    player: Caller
    operator: Caller

    def caller(self, role: str) -> Caller:
        caller: Caller = getattr(self, role)
        return caller


def set_scene(template: Path, folder: Path) -> Scene:
    """Sets it, in a house whose throttles let everything through."""
    return play_scene(House(template, folder, **GENEROUS))


def play_scene(house: House) -> Scene:
    """Founds the school and begins its edition."""
    prepare(house.databases["identity"], house.settings)
    founded = house.client("identity").post(
        "/identity/api/v1/tenants",
        json={
            "kind": "school",
            "name": "École des Lilas",
            "country": "FR",
            "language": "fr",
            "zone": "Europe/Paris",
            "administrator": {"display_name": "Camille", "email": "camille@example.org", "password": PASSWORD},
        },
    )
    assert founded.status_code == 201, founded.json
    tenant_id, person_id = (UUID(founded.json[what][f"{what}_id"]) for what in ("tenant", "person"))
    administrator = caller_of(tenant_id, "administrator", person_id=person_id)
    house.settle()
    client = house.client("leagues", administrator)
    challenge = publish_challenge(house)
    edition = create_edition(client, max_players=1000)
    league = create_league(client, edition)
    player = add_players(client, league)[0]
    done = record(client, league, challenge, player_id=player["player_id"]).json
    invited = house.client("identity", administrator).post(
        "/identity/api/v1/invitations", json={"roles": ["organiser"]}
    )
    somebody = caller_of(tenant_id, "player", person_id=_add_person(house, administrator))
    know_person(house, somebody, "Nour")
    house.settle()
    ids = {
        "tenant_id": str(tenant_id),
        "person_id": str(person_id),
        "challenge_id": str(challenge),
        "edition_id": edition["edition_id"],
        "league_id": league["league_id"],
        "code": league["code"],
        "team_id": player["team_id"],
        "player_id": player["player_id"],
        "completion_id": done["completion_id"],
        "invitation_id": invited.json["invitation_id"],
    }
    operator = caller_of(PLATFORM_TENANT_ID, OPERATOR, kind="platform", name="Ma Petite Planète")
    return Scene(house, ids, administrator, somebody, operator)


def _add_person(house: House, administrator: Caller) -> UUID:
    """A person of the school who plays."""
    client = house.client("identity", administrator)
    link = client.post("/identity/api/v1/invitations", json={"roles": ["player"]}).json["link"]
    form: dict[str, Any] = {
        "token": link.rpartition("/")[2],
        "display_name": "Nour",
        "email": f"{new_id()}@example.org",
        "password": PASSWORD,
    }
    accepted = house.client("identity").post("/identity/api/v1/invitations/acceptances", json=form)
    assert accepted.status_code == 201, accepted.json
    return UUID(accepted.json["person"]["person_id"])
