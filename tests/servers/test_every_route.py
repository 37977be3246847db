"""Every operation of the four services on PostgreSQL, under the roles that run: none may break there.

SQLite takes what PostgreSQL refuses (a lock in a reading transaction, a type that does not fit), so each is called once
by somebody who may, with the example of its own OpenAPI text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from shared.auth import OPERATOR, access_of
from shared.database import Database, new_id
from shared.migrations import migrate
from shared.pages.refusals import NOT_PAGES
from tests.house import SERVICES, House, know_test_key
from tests.journeys.scene import GENEROUS, Scene, play_scene
from tests.rules.openapi import Operation, operations
from tests.servers.postgres import PostgresServer

LAST = ("DELETE",)
"""What takes things away is called when nobody needs them any more."""


@pytest.fixture(scope="module")
def scene(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    suffix = new_id().hex[-8:]
    pattern = ""
    for service in SERVICES:
        owner_url, url = postgres_server.create_service_database(service, f"{service}_{suffix}")
        owner = Database(owner_url)
        migrate(service, owner, run_time_role=service)
        know_test_key(owner)
        owner.close()
        pattern = url.replace(service, "{service}")
    folder: Path = tmp_path_factory.mktemp("house")
    house = House(None, folder, database_url=pattern, **GENEROUS)
    yield play_scene(house)
    house.close()
    for service in SERVICES:
        postgres_server.drop_database(f"{service}_{suffix}")


def in_order(scene: Scene) -> list[Operation]:
    return sorted(operations(scene.house), key=lambda operation: (operation.method in LAST, operation.path))


PAGE_NAMES = {"name": "teams", "kind": "school", "subject": "about", "action": "balance", "phase": "frozen"}
FORM = {
    "name": "Loup",
    "names": "Loup\nOurse",
    "display_name": "Loup",
    "roles": "organiser",
    "teams": "Abeilles",
    "starts_at": "2031-03-03T09:00",
    "grace_days": "2",
    "min_players": "6",
    "max_players": "40",
    "language": "fr",
    "days": "30",
    "country": "FR",
    "zone": "Europe/Paris",
}


def test_no_page_breaks_on_postgresql(scene: Scene) -> None:
    """Every page is opened and every form sent once, with values that mostly fit."""
    opened: dict[str, int] = {}
    for service, app in scene.house.apps.items():
        rules = [rule for rule in app.url_map.iter_rules() if not any(part in rule.rule for part in NOT_PAGES)]
        for rule in sorted(rules, key=lambda rule: rule.rule):
            values = {name: scene.ids.get(name) or PAGE_NAMES.get(name) or str(new_id()) for name in rule.arguments}
            access = access_of(app.view_functions[rule.endpoint])
            role = "operator" if access == (OPERATOR,) else "administrator"
            client = scene.house.client(service, scene.caller(role))
            address = re.sub(r"<(?:\w+:)?(\w+)>", lambda found, values=values: str(values[found[1]]), rule.rule)
            for method in sorted((rule.methods or set()) & {"GET", "POST"}):
                form = FORM | {"completion_id": str(new_id()), "player_ids": scene.ids.get("player_id", "")}
                form |= {"edition_id": scene.ids["edition_id"], "day": form_day(client, address)}
                form |= {"ticks": f"{scene.ids['challenge_id']}:{scene.ids['player_id']}"}
                answer = client.open(address, method=method, data=form if method == "POST" else None)
                opened[f"{method} {rule.rule}"] = answer.status_code
                assert answer.status_code < 500, f"{method} {address}: {answer.status_code}"
    good = [page for page, status in opened.items() if status < 400]
    assert len(good) > len(opened) / 2, opened
    scene.house.settle()


def form_day(client: FlaskClient, address: str) -> str:
    found = re.search(r'type="date" value="([^"]+)"', client.get(address).text)
    return found[1] if found else ""


def test_no_operation_breaks_on_postgresql(scene: Scene) -> None:
    answers: dict[str, int] = {}
    for operation in in_order(scene):
        role = "operator" if operation.roles == [OPERATOR] else "administrator"
        client = scene.house.client(operation.service, scene.caller(role))
        url = operation.url(scene.ids)
        etag = client.get(url).headers.get("ETag", '"0"') if operation.method in ("PATCH", "PUT") else '"0"'
        answer = client.open(url, method=operation.method, json=operation.body(scene.ids), headers={"If-Match": etag})
        answers[str(operation)] = answer.status_code
        assert answer.status_code < 500, f"{operation}: {answer.status_code} {answer.text[:300]}"
    good = [operation for operation, status in answers.items() if status < 300]
    assert len(good) > len(answers) / 2, answers
    scene.house.settle()
