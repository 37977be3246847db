"""What identity tells again: who is there, who may not act, and which keys sign."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from services.identity.domain.announcements import ANNOUNCEMENTS
from services.identity.domain.keys import rotate_keys, rotate_when_due
from services.identity.events import HANDLERS
from shared import contracts as c
from shared.announcing import announce_pages
from shared.clock import utc_now
from shared.consumer import read_envelope
from shared.database import new_id
from shared.outbox import Envelope
from shared.tenancy import PLATFORM_TENANT_ID, of_tenant
from tests.builders import envelope
from tests.identity.conftest import Clock
from tests.identity.steps import API, Steps


def announced(steps: Steps, *kinds: type[c.Event]) -> list[tuple[Envelope, Any]]:
    """What is told again now, of some kinds."""
    list(announce_pages(steps.database, ANNOUNCEMENTS, size=2))
    return [(envelope, fact) for kind in kinds for envelope, fact in steps.events(kind) if envelope.is_announced]


def facts(steps: Steps, *kinds: type[c.Event]) -> list[Any]:
    return [fact for _envelope, fact in announced(steps, *kinds)]


def test_tenants_are_told_with_the_facts_and_the_revision_of_now_and_the_day_they_were_founded(steps: Steps) -> None:
    founded = steps.found()["tenant"]
    client = steps.client(steps.sign_in().json["access_token"])
    path = f"{API}/tenants/{founded['tenant_id']}"
    client.patch(path, json={"name": "École des Tilleuls"}, headers={"If-Match": client.get(path).headers["ETag"]})
    [(first, _), (_, newest)] = [
        (told, fact) for told, fact in steps.events(c.TenantFounded) if str(told.tenant_id) == founded["tenant_id"]
    ]
    [(told, fact)] = [
        (told, fact) for told, fact in announced(steps, c.TenantFounded) if str(told.tenant_id) == founded["tenant_id"]
    ]
    assert fact == newest
    assert (fact.name, fact.revision) == ("École des Tilleuls", 2)
    assert told.time == first.time


def test_people_are_told_as_joined_suspended_resumed_or_gone(steps: Steps) -> None:
    administrator = steps.administrator()
    ids = {name: steps.colleague(administrator, f"{name}@example.org")["person_id"] for name in ("ana", "ben", "cyr")}
    administrator.put(f"{API}/people/{ids['ana']}/suspension")
    administrator.put(f"{API}/people/{ids['ben']}/suspension")
    administrator.delete(f"{API}/people/{ids['ben']}/suspension")
    administrator.delete(f"{API}/people/{ids['cyr']}")
    told = facts(steps, c.PersonJoined, c.PersonSuspended, c.PersonResumed, c.PersonLeft)
    known = [fact for fact in told if str(fact.person_id) in ids.values()]
    about = [(type(fact).__name__, str(fact.person_id), fact.revision) for fact in known]
    assert sorted(about) == sorted(
        [
            ("PersonJoined", ids["ana"], 2),
            ("PersonSuspended", ids["ana"], 2),
            ("PersonJoined", ids["ben"], 3),
            ("PersonResumed", ids["ben"], 3),
            ("PersonLeft", ids["cyr"], 2),
        ]
    )


@pytest.mark.parametrize("is_suspended", [True, False])
def test_a_suspension_of_a_tenant_is_told_with_its_revision(steps: Steps, is_suspended: bool) -> None:
    tenant_id = steps.found()["tenant"]["tenant_id"]
    operator = steps.operator()
    operator.put(f"{API}/tenants/{tenant_id}/suspension")
    if not is_suspended:
        operator.delete(f"{API}/tenants/{tenant_id}/suspension")
    told = [
        (type(fact), fact.revision)
        for envelope, fact in announced(steps, c.TenantSuspended, c.TenantResumed)
        if str(envelope.tenant_id) == tenant_id
    ]
    assert told == [(c.TenantSuspended, 2) if is_suspended else (c.TenantResumed, 3)]


def test_sessions_that_ended_are_told_exactly_and_nobody_is_suspended_by_it(steps: Steps) -> None:
    steps.found()
    for path in ("/sessions/current", "/sessions"):
        steps.client(steps.sign_in().json["access_token"]).delete(API + path)
    once = [fact for _, fact in steps.events(c.AccessRevoked)]
    assert [fact.session_id is None for fact in once] == [False, True]
    told = facts(steps, c.AccessRevoked)
    assert sorted(told, key=repr) == sorted(once, key=repr)
    assert facts(steps, c.PersonSuspended, c.PersonResumed, c.PersonLeft) == []


def test_a_key_that_was_ended_early_is_still_told_of_as_long_as_somebody_may_believe_in_it(
    steps: Steps, clock: Clock
) -> None:
    with steps.database.transaction(of_tenant(PLATFORM_TENANT_ID)) as session:
        rotate_keys(session, longest_token=timedelta(0))
    ended, believed = (fact for _, fact in steps.events(c.SigningKeyPublished)[1:3])
    assert ended.expires_at < believed.expires_at
    for days in (55, 62):  # the first time it is told, the second time forgotten
        clock.ahead = timedelta(days=days)
        with steps.database.transaction(of_tenant(PLATFORM_TENANT_ID)) as session:
            rotate_when_due(session)
        keys = [fact.key_id for fact in facts(steps, c.SigningKeyPublished)]
        assert keys.count(ended.key_id) == 1
        assert ended.key_id not in [key["kid"] for key in steps.client().get(f"{API}/jwks").json["keys"]]


def test_one_tenant_is_told_without_its_neighbour_and_without_the_keys(steps: Steps) -> None:
    tenant_id = UUID(steps.found()["tenant"]["tenant_id"])
    steps.found("ana@example.org", name="École du Port")
    list(announce_pages(steps.database, ANNOUNCEMENTS, tenant_id=tenant_id))
    told = [
        envelope
        for kind in (c.TenantFounded, c.PersonJoined, c.SigningKeyPublished)
        for envelope, _fact in steps.events(kind)
        if envelope.is_announced
    ]
    assert [(envelope.type, envelope.tenant_id) for envelope in told] == [
        ("TenantFounded", tenant_id),
        ("PersonJoined", tenant_id),
    ]


def test_the_audit_trail_has_no_entry_for_what_is_told_again(steps: Steps) -> None:
    tenant_id = UUID(steps.found()["tenant"]["tenant_id"])
    event = c.EditionFrozen(edition_id=new_id(), at=utc_now())
    new = read_envelope(envelope(event, tenant_id))
    heard = [new, msgspec.structs.replace(new, id=new_id(), is_announced=True)]
    with steps.database.transaction(of_tenant(tenant_id)) as session:
        HANDLERS[c.EditionFrozen](session, heard)
    administrator = steps.client(steps.sign_in().json["access_token"])
    entries = administrator.get(f"{API}/audit", query_string={"action": "edition_frozen"}).json
    assert [entry["entry_id"] for entry in entries] == [str(heard[0].id)]
