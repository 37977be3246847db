"""The rules every route obeys, held by a walk over the four OpenAPI documents: a new route is covered by itself."""

from __future__ import annotations

import re
from typing import Any

import pytest

from shared.auth import OPERATOR, ROLES, Caller, access_of
from shared.database import new_id
from shared.pages.refusals import NOT_PAGES
from shared.tenancy import PLATFORM_TENANT_ID
from tests.builders import add_players, create_edition, create_league, publish_challenge, record
from tests.house import House, caller_of
from tests.rules.openapi import Operation, operations

PUBLIC = {
    "POST /identity/api/v1/tenants": "found a school or a company",
    "POST /identity/api/v1/players": "join the community",
    "POST /identity/api/v1/sessions": "sign in",
    "POST /identity/api/v1/sessions/refresh": "the refresh token is the proof",
    "POST /identity/api/v1/invitations/acceptances": "the link is the proof",
    "POST /identity/api/v1/password-resets": "who forgot cannot sign in",
    "POST /identity/api/v1/password-resets/confirmations": "the link is the proof",
    "GET /identity/api/v1/jwks": "public keys",
    "GET /identity/.well-known/jwks.json": "public keys",
    "GET /challenges/api/v1/categories": "the catalogue is read without an account",
    "GET /challenges/api/v1/challenges": "the catalogue is read without an account",
    "GET /challenges/api/v1/challenges/{challenge_id}": "the catalogue is read without an account",
    "GET /challenges/api/v1/challenges/{challenge_id}/versions": "the catalogue is read without an account",
    "GET /leagues/api/v1/editions/{edition_id}": "an open edition is public; another tenant's is 404",
    "GET /ranking/api/v1/editions/{edition_id}/leagues": "an open edition's board is public; another tenant's is 404",
    "GET /ranking/api/v1/editions/{edition_id}/tenants": "an open edition's board is public; another tenant's is 404",
    "GET /ranking/api/v1/counters": "public counters",
}
OF_EVERYBODY = ("challenge_id",)
"""Path parameters of things that belong to no tenant in particular."""


@pytest.fixture
def world(house: House) -> tuple[House, dict[str, str], Caller]:
    """A school with one of everything, its ids by the names the routes give them, and its administrator."""
    ids = _found(house)
    admin = caller_of(_uuid(ids["tenant_id"]), "administrator", person_id=_uuid(ids["admin_id"]))
    house.settle()
    client = house.client("leagues", admin)
    challenge = publish_challenge(house)
    edition = create_edition(client)
    league = create_league(client, edition)
    player = add_players(client, league)[0]
    done = record(client, league, challenge, player_id=player["player_id"]).json
    invited = house.client("identity", admin).post(
        "/identity/api/v1/invitations", json={"email": "collegue@example.org", "roles": ["organiser"]}
    )
    assert invited.status_code == 201, invited.json
    house.settle()
    ids |= {
        "challenge_id": str(challenge),
        "edition_id": edition["edition_id"],
        "league_id": league["league_id"],
        "code": league["code"],
        "team_id": player["team_id"],
        "player_id": player["player_id"],
        "completion_id": done["completion_id"],
        "invitation_id": invited.json["invitation_id"],
    }
    return house, ids, admin


def _found(house: House) -> dict[str, str]:
    founded = house.client("identity").post(
        "/identity/api/v1/tenants",
        json={
            "kind": "school",
            "name": "École des Lilas",
            "country": "FR",
            "language": "fr",
            "zone": "Europe/Paris",
            "administrator": {
                "display_name": "Camille",
                "email": "camille@lilas.example.org",
                "password": "chouette-bleue-du-vallon-42",
            },
        },
    )
    assert founded.status_code == 201, founded.json
    found: dict[str, Any] = founded.json
    person_id = found["person"]["person_id"] if "person" in found else found["administrator"]["person_id"]
    tenant_id = found["tenant"]["tenant_id"] if "tenant" in found else found["tenant_id"]
    return {"tenant_id": tenant_id, "person_id": person_id, "admin_id": person_id}


def _uuid(text: str) -> Any:
    from uuid import UUID

    return UUID(text)


def call(house: House, operation: Operation, caller: Caller | None, ids: dict[str, str]) -> Any:
    headers = {"If-Match": '"0"'} if operation.method != "GET" else {}
    client = house.client(operation.service, caller)
    return client.open(operation.url(ids), method=operation.method, json=operation.body(ids), headers=headers)


def known(ids: dict[str, str], operation: Operation) -> dict[str, str]:
    missing = [name for name in operation.path_parameters if name not in ids]
    assert not missing, f"{operation}: the walk knows no {missing}; make one in `world`"
    return ids


def test_every_operation_says_what_it_is(house: House) -> None:
    for operation in operations(house):
        assert operation.doc.get("summary"), f"{operation} has no summary"
        responses = operation.doc["responses"]
        assert "422" in responses, f"{operation} documents no refusal"
        assert "500" in responses, f"{operation} documents no refusal"
        for status, response in responses.items():
            for media, content in response.get("content", {}).items():
                assert "example" in content, f"{operation} {status} {media} has no example"
        body = operation.doc.get("requestBody")
        assert body is None or "example" in body["content"]["application/json"], f"{operation} has no example"


def test_every_route_refuses_an_anonymous_caller_unless_listed(world: tuple[House, dict[str, str], Caller]) -> None:
    house, ids, _admin = world
    for operation in operations(house):
        if str(operation) in PUBLIC:
            assert operation.doc["security"] == [], f"{operation} is listed as public and asks for a token"
        else:
            answer = call(house, operation, None, known(ids, operation))
            assert answer.status_code == 401, f"{operation}: {answer.status_code} {answer.text[:200]}"
            assert answer.json["code"] == "not_signed_in", str(operation)


def test_every_public_route_is_there(house: House) -> None:
    assert set(PUBLIC) <= {str(operation) for operation in operations(house)}


def test_every_route_refuses_a_role_that_may_not(world: tuple[House, dict[str, str], Caller]) -> None:
    house, ids, admin = world
    tried = 0
    for operation in operations(house):
        for role in set(ROLES) - set(operation.roles) if operation.roles else ():
            answer = call(house, operation, caller_of(admin.tenant_id, role), known(ids, operation))
            assert (answer.status_code, answer.json["code"]) == (403, "forbidden"), f"{operation} as {role}"
            tried += 1
    assert tried > 30


def test_every_route_with_an_id_answers_404_to_another_tenant(world: tuple[House, dict[str, str], Caller]) -> None:
    house, ids, _admin = world
    tried = 0
    for operation in operations(house):
        owned = [name for name in operation.path_parameters if name not in OF_EVERYBODY]
        if not owned or operation.roles == [OPERATOR]:
            continue
        for role in operation.roles or ["administrator"]:
            if role == OPERATOR:
                stranger = caller_of(PLATFORM_TENANT_ID, OPERATOR, kind="platform")
                if "tenant_id" in owned:
                    continue  # operators look after every tenant
            else:
                stranger = caller_of(new_id(), role, name="Collège du Canal")
            answer = call(house, operation, stranger, known(ids, operation))
            assert answer.status_code == 404, f"{operation} as {role}: {answer.status_code} {answer.json}"
            assert "Lilas" not in answer.text
            tried += 1
    assert tried > 60


def test_a_completion_id_of_another_tenant_is_free_for_ones_own(world: tuple[House, dict[str, str], Caller]) -> None:
    """Ids are made by clients: that somebody else used one must neither leak nor block."""
    house, ids, _admin = world
    stranger = caller_of(new_id(), "administrator", name="Collège du Canal")
    client = house.client("leagues", stranger)
    league = create_league(client, create_edition(client))
    player = add_players(client, league)[0]
    answer = record(
        client, league, _uuid(ids["challenge_id"]), id=_uuid(ids["completion_id"]), player_id=player["player_id"]
    )
    assert answer.status_code == 201


ACROSS_ELSEWHERE = {("ranking", "pages.tenant_piece")}
"""Where operators see any tenant in a service other than identity: how much it plays, in figures."""


def test_only_operators_act_across_tenants(house: House) -> None:
    for service, app in house.apps.items():
        for endpoint, view in app.view_functions.items():
            if getattr(view, "_acts_across_tenants", False):
                assert view._access == (OPERATOR,), f"{service}.{endpoint}"  # type: ignore[attr-defined]
                assert service == "identity" or (service, endpoint) in ACROSS_ELSEWHERE, f"{service}.{endpoint}"


PUBLIC_PAGES = {
    "/": "the front door",
    "/ui": "the components",
    "/legal/<subject>": "legal pages",
    "/language": "a choice that this device keeps, and the account of somebody signed in",
    "/manifest.webmanifest": "for the home screen",
    "/service-worker.js": "for the home screen",
    "/offline": "for the home screen",
    "/static/<asked>/<path:name>": "files of the frame",
    "/sign-in": "sign in",
    "/identity/continue": "the refresh token is the proof",
    "/identity/fragments/who": "says who is signed in, if anybody is",
    "/found": "found a school or a company",
    "/found/<kind>": "found a school or a company",
    "/players/new": "join the community",
    "/reset": "who forgot cannot sign in",
    "/identity/invitations/<token>": "the link is the proof",
    "/identity/password-resets/<token>": "the link is the proof",
    "/challenges/": "the catalogue is read without an account",
    "/challenges/<id:challenge_id>": "the catalogue is read without an account",
    "/challenges/fragments/<id:challenge_id>": "the catalogue is read without an account",
    "/leagues/join": "says nothing of a league to a visitor",
    "/leagues/join/<code>": "says of a league to a visitor whether it is a school's, a company's or among friends",
    "/ranking/": "the editions whose boards are open; for those signed in, their own too",
    "/ranking/counters": "public counters",
    "/ranking/editions/<id:edition_id>/<name>": "an open edition's board is public; another tenant's is 404",
}


def pages(house: House) -> list[tuple[str, Any, Any]]:
    """Every page and piece of a page: service, rule, view."""
    return [
        (service, rule, app.view_functions[rule.endpoint])
        for service, app in house.apps.items()
        for rule in app.url_map.iter_rules()
        if not any(part in rule.rule for part in (*NOT_PAGES, f"/{service}/static/"))
    ]


def test_every_page_is_for_those_who_signed_in_unless_listed(house: House) -> None:
    found = pages(house)
    assert len(found) > 60
    public = {rule.rule for _service, rule, view in found if access_of(view) == ()}
    assert public == PUBLIC_PAGES.keys()
    for service, rule, view in found:
        assert access_of(view) is not None, f"{rule.rule} is marked for nobody"
        if rule.rule in PUBLIC_PAGES:
            continue
        address = re.sub(r"<id:[^>]+>", "0190c0de-7a11-7000-8000-000000000001", rule.rule)
        address = re.sub(r"<any\((\w+)[^>]*>|<[^>]+>", lambda found: found[1] or "word", address)
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            answer = house.client(service).open(address, method=method)
            assert answer.status_code in (303, 307), f"{method} {address}: {answer.status_code}"
            assert answer.headers["Location"].startswith("/identity/continue?"), address
