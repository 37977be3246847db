from __future__ import annotations

import pytest
import sqlalchemy as sa

from services.identity.domain import TenantFacts, add_person, found_tenant, passwords
from services.identity.models import Person, Tenant
from services.identity.upkeep import prepare
from shared.contracts import PersonJoined, SigningKeyPublished, TenantFounded, TenantResumed, TenantSuspended
from shared.tenancy import COMMUNITY_TENANT_ID, PLATFORM_TENANT_ID, PUBLIC, TenancyError, of_tenant
from tests.identity.steps import API, PASSWORD, Steps, etag_of

SCHOOL = TenantFacts(kind="school", name="École", country="FR", language="fr", zone="Europe/Paris")


def test_the_platform_and_the_community_are_announced_with_the_first_key(steps: Steps) -> None:
    founded = {envelope.tenant_id: event.kind for envelope, event in steps.events(TenantFounded)}
    assert founded == {PLATFORM_TENANT_ID: "platform", COMMUNITY_TENANT_ID: "community"}
    [(envelope, _)] = steps.events(SigningKeyPublished)
    assert envelope.tenant_id == PLATFORM_TENANT_ID


def test_preparing_twice_changes_nothing(steps: Steps) -> None:
    prepare(steps.database, steps.house.settings)
    assert len(steps.events(TenantFounded)) == 2
    assert len(steps.events(SigningKeyPublished)) == 1


def test_founding_a_school_announces_it_and_its_administrator(steps: Steps) -> None:
    body = steps.found()
    assert body["tenant"]["name"] == "École des Lilas"
    assert body["person"]["roles"] == ["administrator"]
    envelope, event = steps.events(TenantFounded)[-1]
    assert str(envelope.tenant_id) == body["tenant"]["tenant_id"]
    assert (event.kind, event.country, event.zone, event.revision) == ("school", "FR", "Europe/Paris", 1)
    [(_, person)] = steps.events(PersonJoined)
    assert (str(person.person_id), person.roles) == (body["person"]["person_id"], ["administrator"])


def test_a_community_or_platform_cannot_be_founded_by_anybody(steps: Steps) -> None:
    body = steps.found()["tenant"]
    for kind in ("community", "platform", "club"):
        administrator = {"display_name": "A", "email": "a@example.org", "password": PASSWORD}
        facts = {name: body[name] for name in ("name", "country", "language", "zone")}
        answer = steps.post("/tenants", {**facts, "kind": kind, "administrator": administrator})
        assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "kind")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("zone", "Europe/Lilas"),
        ("zone", 3),
        ("country", "France"),
        ("language", "tlh"),
        ("name", "x" * 121),
        ("name", "  "),
        ("name", "a\u0000b"),
        ("name", "\u202egnol"),
        ("name", None),
        ("surprise", 1),
        ("administrator", []),
        ("administrator", {"display_name": "A", "email": "no e-mail", "password": PASSWORD}),
        ("administrator", {"display_name": "A", "email": "a\ud800@example.org", "password": PASSWORD}),
        ("administrator", {"display_name": "A", "email": "a@example.org", "password": "a\ud800bcdefghij"}),
        ("administrator", {"display_name": "A", "email": "a@example.org", "password": "x" * 201}),
        ("administrator", {"display_name": "A", "email": "a" * 300 + "@example.org", "password": PASSWORD}),
        ("administrator", {"display_name": "A", "email": 2**70, "password": PASSWORD}),
    ],
)
def test_a_tenant_with_a_bad_value_is_refused_and_leaves_nothing(steps: Steps, field: str, value: object) -> None:
    administrator = {"display_name": "A", "email": "a@example.org", "password": PASSWORD}
    body = {"kind": "school", "name": "E", "country": "FR", "language": "fr", "zone": "Europe/Paris"}
    answer = steps.client().post(f"{API}/tenants?lang=fr", json={**body, "administrator": administrator, field: value})
    assert answer.status_code == 422
    assert answer.json["code"] in ("invalid", "weak_password")
    assert answer.json["errors"][0]["field"].split(".")[0] == field
    assert len(steps.events(TenantFounded)) == 2


@pytest.mark.parametrize("name", ["🌍🌱", "مدرسة الزيتون", "學校", "Lycée n°1 — d’été"])
def test_any_script_and_any_emoji_make_a_name(steps: Steps, name: str) -> None:
    assert steps.found(name=name)["tenant"]["name"] == name


def test_an_administrator_changes_the_tenant(steps: Steps) -> None:
    client = steps.administrator()
    me = client.get(f"{API}/me").json
    path = f"{API}/tenants/{me['tenant']['tenant_id']}"
    before = client.get(path)
    after = client.patch(path, json={"zone": "Indian/Reunion"}, headers=etag_of(before))
    assert (after.status_code, after.json["zone"]) == (200, "Indian/Reunion")
    _, event = steps.events(TenantFounded)[-1]
    assert (event.zone, event.revision) == ("Indian/Reunion", 2)
    assert client.patch(path, json={"name": "Autre"}, headers=etag_of(before)).status_code == 412
    assert client.patch(path, json={"name": "Autre"}).status_code == 428


def test_another_tenant_is_not_there(steps: Steps) -> None:
    other = steps.found("other@example.org")["tenant"]["tenant_id"]
    client = steps.administrator()
    assert client.get(f"{API}/tenants/{other}").status_code == 404
    assert client.patch(f"{API}/tenants/{other}", json={"name": "Mine"}, headers={"If-Match": '"x"'}).status_code == 404
    assert client.get(f"{API}/tenants").status_code == 403
    assert client.put(f"{API}/tenants/{other}/suspension").status_code == 403


def test_an_operator_lists_and_finds_every_tenant(steps: Steps) -> None:
    tenant_id = steps.found(name="Zèbre")["tenant"]["tenant_id"]
    operator = steps.operator()
    assert {tenant["kind"] for tenant in operator.get(f"{API}/tenants").json} == {"platform", "community", "school"}
    for query in ("kind=school", "name=bre", f"tenant_id={tenant_id}"):
        assert [tenant["name"] for tenant in operator.get(f"{API}/tenants?{query}").json] == ["Zèbre"]
    assert operator.get(f"{API}/tenants?is_suspended=true").json == []


def test_a_suspended_tenant_is_out_at_once_and_everywhere(steps: Steps) -> None:
    client = steps.administrator()
    tenant_id = client.get(f"{API}/me").json["tenant"]["tenant_id"]
    refresh_token = steps.sign_in().json["refresh_token"]
    operator = steps.operator()
    path = f"{API}/tenants/{tenant_id}/suspension"
    assert operator.put(path).status_code == 204
    assert operator.put(path).status_code == 204
    [(envelope, event)] = steps.events(TenantSuspended)
    assert (str(envelope.tenant_id), event.revision) == (tenant_id, 2)
    for answer in (
        client.get(f"{API}/me"),
        steps.sign_in(),
        steps.post("/sessions/refresh", {"refresh_token": refresh_token}),
    ):
        assert (answer.status_code, answer.json["code"]) == (403, "suspended")


def test_a_resumed_tenant_goes_on_where_it_was(steps: Steps) -> None:
    client = steps.administrator()
    tenant_id = client.get(f"{API}/me").json["tenant"]["tenant_id"]
    refresh_token = steps.sign_in().json["refresh_token"]
    operator = steps.operator()
    operator.put(f"{API}/tenants/{tenant_id}/suspension")
    assert operator.delete(f"{API}/tenants/{tenant_id}/suspension").status_code == 204
    assert steps.events(TenantResumed)[0][1].revision == 3
    assert client.get(f"{API}/me").status_code == 200
    assert steps.post("/sessions/refresh", {"refresh_token": refresh_token}).status_code == 200


def test_the_platform_stays_open(steps: Steps) -> None:
    answer = steps.operator().put(f"{API}/tenants/{PLATFORM_TENANT_ID}/suspension")
    assert (answer.status_code, answer.json["code"]) == (409, "platform_stays_open")


def test_an_unknown_tenant_cannot_be_suspended(steps: Steps) -> None:
    answer = steps.operator().put(f"{API}/tenants/{COMMUNITY_TENANT_ID.__class__(int=7)}/suspension")
    assert answer.status_code == 404


def test_founding_binds_the_session_to_the_new_tenant(steps: Steps) -> None:
    with steps.database.transaction(PUBLIC) as session:
        tenant = found_tenant(session, SCHOOL)
        assert session.info["scope"] == of_tenant(tenant.tenant_id)
        assert session.scalars(sa.select(Tenant)).all() == [tenant]


def test_nobody_is_added_without_a_tenant(steps: Steps) -> None:
    with steps.database.session(PUBLIC) as session, pytest.raises(TenancyError):
        add_person(session, display_name="Sacha", roles=["player"], language="fr")


def test_no_password_is_hashed_for_people_who_have_none(steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_hasher", None)
    with steps.database.transaction(PUBLIC) as session:
        found_tenant(session, SCHOOL)
        for number in range(200):
            add_person(session, display_name=f"Élève {number}", roles=["pupil"], language="fr")
        session.flush()
        assert session.scalar(sa.select(sa.func.count(Person.person_id))) == 200
