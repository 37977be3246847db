from __future__ import annotations

from typing import Any

import msgspec
import pytest
from flask.testing import FlaskClient

from shared.clock import utc_now
from shared.contracts import (
    EditionFrozen,
    EditionRevealed,
    EditionScheduled,
    Event,
    LeaderAppointed,
    LeaderResigned,
    LeagueCreated,
)
from shared.database import new_id
from shared.outbox import Envelope
from shared.tenancy import PLATFORM_TENANT_ID
from tests.identity.steps import API, OTHER_PASSWORD, PASSWORD, Steps, body_of, etag_of


def trail(client: FlaskClient, query: str = "") -> list[Any]:
    return list(client.get(f"{API}/audit?{query}").json)


def actions(client: FlaskClient) -> list[str]:
    return [entry["action"] for entry in trail(client)]


def heard(event: Event, tenant_id: Any, actor_id: Any = None) -> bytes:
    encode = msgspec.json.encode
    return encode(
        Envelope(
            id=new_id(),
            type=type(event).__name__,
            source=event.source,
            tenant_id=tenant_id,
            time=utc_now(),
            key="x",
            traceparent=None,
            actor_id=actor_id,
            data=msgspec.Raw(encode(event)),
        )
    )


def game_events() -> list[Event]:
    now = utc_now()
    edition: dict[str, Any] = {"edition_id": new_id()}
    league = {**edition, "edition_tenant_id": PLATFORM_TENANT_ID, "league_id": new_id()}
    dates = {"starts_at": now, "ends_at": now, "heads_frozen_at": now}
    scheduled = EditionScheduled(**edition, **dates, name="Printemps", audience="school", is_open=False, revision=1)
    created = LeagueCreated(**league, name="CM2", tenant_name="École", age_band=None, heads_frozen_at=now, revision=1)
    return [
        scheduled,
        msgspec.structs.replace(scheduled, revision=2),
        created,
        LeaderAppointed(**league, person_id=new_id()),
        LeaderResigned(**league, person_id=new_id()),
        EditionFrozen(**edition, at=now),
        EditionRevealed(**edition, at=now),
    ]


def test_every_administrative_change_leaves_an_entry(steps: Steps) -> None:
    client = steps.administrator()
    person = steps.colleague(client)
    path = f"{API}/people/{person['person_id']}"
    me = client.get(f"{API}/me").json
    tenant_path = f"{API}/tenants/{me['tenant']['tenant_id']}"
    client.patch(tenant_path, json={"name": "Autre"}, headers=etag_of(client.get(tenant_path)))
    client.patch(path, json={"roles": ["player"]}, headers=etag_of(client.get(path)))
    client.put(f"{path}/suspension")
    client.delete(f"{path}/suspension")
    client.delete(path)
    withdrawn = client.post(f"{API}/invitations", json={"roles": ["player"]}).json["invitation_id"]
    client.delete(f"{API}/invitations/{withdrawn}")
    client.put(f"{API}/me/password", json={"current_password": PASSWORD, "new_password": OTHER_PASSWORD})
    assert actions(client) == [
        "password_changed",
        "invitation_withdrawn",
        "person_invited",
        "person_removed",
        "person_resumed",
        "person_suspended",
        "person_changed",
        "tenant_changed",
        "invitation_accepted",
        "person_invited",
        "tenant_founded",
    ]


def test_an_entry_says_who_did_what_to_whom(steps: Steps) -> None:
    client = steps.administrator()
    person = steps.colleague(client)
    path = f"{API}/people/{person['person_id']}"
    client.patch(path, json={"roles": ["player"]}, headers=etag_of(client.get(path)))
    entry = trail(client)[0]
    assert (entry["actor_name"], entry["subject_name"]) == ("Camille", "Ana")
    assert entry["details"] == {"changed": ["roles"], "roles": {"from": ["organiser"], "to": ["player"]}}


def test_the_trail_holds_no_secret_and_forgets_who_left(steps: Steps) -> None:
    client = steps.administrator()
    person = steps.colleague(client)
    client.put(f"{API}/me/password", json={"current_password": PASSWORD, "new_password": OTHER_PASSWORD})
    client.delete(f"{API}/people/{person['person_id']}")
    text = body_of(client.get(f"{API}/audit"))
    assert not any(word in text for word in (PASSWORD, OTHER_PASSWORD, "argon2", "ana@example.org", "Ana"))
    assert person["person_id"] in text


def test_a_suspension_by_an_operator_is_in_both_trails(steps: Steps) -> None:
    client = steps.administrator()
    tenant_id = client.get(f"{API}/me").json["tenant"]["tenant_id"]
    operator = steps.operator()
    operator.put(f"{API}/tenants/{tenant_id}/suspension")
    operator.delete(f"{API}/tenants/{tenant_id}/suspension")
    assert actions(client)[:2] == ["tenant_resumed", "tenant_suspended"]
    assert trail(client)[0]["actor_name"] is None
    assert actions(operator) == ["tenant_resumed", "tenant_suspended", "operator_created"]
    assert trail(operator)[0]["actor_name"] == "Op"


def test_a_refused_change_leaves_no_entry(steps: Steps) -> None:
    client = steps.administrator()
    client.delete(f"{API}/people/{client.get(f'{API}/me').json['person_id']}")
    assert actions(client) == ["tenant_founded"]


def test_the_trail_is_paged_and_filtered(steps: Steps) -> None:
    client = steps.administrator()
    steps.colleague(client)
    assert [entry["action"] for entry in trail(client, "action=tenant_founded")] == ["tenant_founded"]
    assert [entry["action"] for entry in trail(client, "page_size=1&page=2")] == ["person_invited"]
    assert client.get(f"{API}/audit?page=9999999").status_code == 422


def test_another_tenant_has_its_own_trail(steps: Steps) -> None:
    other = steps.administrator("other@example.org")
    steps.colleague(other)
    assert actions(steps.administrator()) == ["tenant_founded"]


@pytest.mark.parametrize("times", [1, 3])
def test_what_happens_in_the_game_is_in_the_trail_once(steps: Steps, times: int) -> None:
    client = steps.administrator()
    me = client.get(f"{API}/me").json
    batch = [heard(event, me["tenant"]["tenant_id"], me["person_id"]) for event in game_events()]
    for _ in range(times):
        steps.house.consumers["identity"].handle(batch)
    assert sorted(actions(client)) == [
        "edition_changed",
        "edition_frozen",
        "edition_revealed",
        "edition_scheduled",
        "leader_appointed",
        "leader_resigned",
        "league_created",
        "tenant_founded",
    ]
    [entry] = trail(client, "action=league_created")
    assert (entry["actor_name"], entry["details"]["name"], entry["subject_type"]) == ("Camille", "CM2", "league")
    for action in ("edition_frozen", "edition_revealed"):
        assert [entry["subject_name"] for entry in trail(client, f"action={action}")] == ["Printemps"]
    assert [entry["league_name"] for entry in trail(client, "action=leader_appointed")] == ["CM2"]
    page = client.get("/identity/audit", headers={"Accept-Language": "fr"}).text
    assert page.count("<bdi>CM2</bdi>") == 3


def test_a_handler_that_runs_again_without_the_inbox_adds_nothing(steps: Steps) -> None:
    from services.identity.events import HANDLERS
    from shared.consumer import read_envelope
    from shared.tenancy import across_tenants

    client = steps.administrator()
    tenant_id = client.get(f"{API}/me").json["tenant"]["tenant_id"]
    received = read_envelope(heard(game_events()[2], tenant_id))
    for _ in range(2):
        with steps.database.transaction(across_tenants()) as session:
            HANDLERS[LeagueCreated](session, [received])
    assert actions(client) == ["league_created", "tenant_founded"]
