from __future__ import annotations

import base64
import json
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from shared.auth import (
    ACCESS_HANDLERS,
    ALGORITHM,
    EVERYBODY,
    AccessRule,
    Caller,
    SigningKey,
    authenticate,
    remove_ended_sessions,
    sign,
)
from shared.clock import utc_now
from shared.consumer import Consumer, DeadLetter
from shared.contracts import (
    AccessRevoked,
    Event,
    PersonLeft,
    PersonResumed,
    PersonSuspended,
    SigningKeyPublished,
    TenantResumed,
    TenantSuspended,
)
from shared.database import Database, SharedBase, new_id
from shared.errors import NotSignedIn
from shared.tenancy import PUBLIC, across_tenants
from tests.builders import envelope
from tests.house import TEST_KEY, DirectBus, caller_of
from tests.shared.tiny import API, Tiny

NOW = utc_now()
OTHER_KEY = OKPKey.generate_key("Ed25519", parameters={"kid": "test", "alg": ALGORITHM, "use": "sig"})


def tell(tiny: Tiny, event: Event, tenant_id: UUID) -> None:
    Consumer("tiny", tiny.database, DirectBus(), ACCESS_HANDLERS).handle([envelope(event, tenant_id)])


def answer(tiny: Tiny, token: str) -> tuple[int, str]:
    response = tiny.client().get(f"{API}/notes", headers={"Authorization": f"Bearer {token}"})
    return response.status_code, (response.json or {})["code"] if response.status_code >= 400 else ""


def token_at(caller: Caller, issued: datetime, seconds: int = 3600) -> str:
    return sign(TEST_KEY, caller, now=issued, seconds=seconds)


def claims_of(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return claims


def encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def signed(claims: dict[str, Any], header: dict[str, Any] | None = None, key: Any = TEST_KEY) -> str:
    header = {"alg": ALGORITHM, "kid": "test"} | (header or {})
    text: str = jwt.encode(header, claims, key, algorithms=[header["alg"]])
    return text


def test_a_token_carries_its_caller(tiny: Tiny) -> None:
    caller = caller_of(None, "organiser", "player", language="fr", zone="Indian/Reunion", name="Collège Gaïa")
    with tiny.database.transaction(PUBLIC, read_only=True) as session:
        assert authenticate(session, token_at(caller, NOW)) == caller
    assert answer(tiny, token_at(caller, NOW)) == (200, "")


def test_a_token_is_good_until_it_expires_and_no_longer(tiny: Tiny) -> None:
    caller = caller_of()
    issued_at = utc_now() - timedelta(minutes=5)
    assert answer(tiny, token_at(caller, issued_at, seconds=400))[0] == 200
    assert answer(tiny, token_at(caller, issued_at, seconds=200)) == (401, "not_signed_in")


def test_time_is_that_of_the_transaction(tiny: Tiny) -> None:
    token = token_at(caller_of(), datetime(2030, 1, 1, tzinfo=UTC), seconds=60)
    with tiny.database.transaction(PUBLIC, now=datetime(2030, 1, 1, 0, 0, 59, tzinfo=UTC)) as session:
        assert authenticate(session, token)
    late = datetime(2030, 1, 1, 0, 1, 0, tzinfo=UTC)
    with tiny.database.transaction(PUBLIC, now=late) as session, pytest.raises(NotSignedIn):
        authenticate(session, token)


def forgeries() -> dict[str, str]:
    token = token_at(caller_of(), NOW)
    header, body, signature = token.split(".")
    claims = claims_of(token)
    public_x = TEST_KEY.as_dict(private=False)["x"]
    shared_secret = OctKey.import_key(base64.urlsafe_b64decode(str(public_x) + "=="))
    return {
        "another body": f"{header}.{encoded(claims | {'roles': ['operator']})}.{signature}",
        "no signature": f"{header}.{body}.",
        "half a signature": token[:-20],
        "alg none": f"{encoded({'alg': 'none'})}.{body}.",
        "alg none with a signature": f"{encoded({'alg': 'none', 'kid': 'test'})}.{body}.{signature}",
        "alg None": f"{encoded({'alg': None})}.{body}.{signature}",
        "a list of algs": f"{encoded({'alg': [ALGORITHM]})}.{body}.{signature}",
        "our public key as a secret": signed(claims, {"alg": "HS256"}, shared_secret),
        "another key of the same name": signed(claims, key=OTHER_KEY),
        "a key nobody knows": signed(claims, {"kid": "nobody"}),
        "a key in the header": signed(claims, {"jwk": OTHER_KEY.as_dict(private=False)}, OTHER_KEY),
        "another issuer": signed(claims | {"iss": "elsewhere"}),
        "no issuer": signed({name: value for name, value in claims.items() if name != "iss"}),
        "no end": signed({name: value for name, value in claims.items() if name != "exp"}),
        "an end that is a text": signed(claims | {"exp": "tomorrow"}),
        "a beginning beyond time": signed(claims | {"iat": 1e300}),
        "a tenant that is no id": signed(claims | {"tid": "17"}),
        "a tenant that is a number": signed(claims | {"tid": 17}),
        "roles that are a number": signed(claims | {"roles": 3}),
        "no header": f".{body}.{signature}",
        "a header that is a list": f"{encoded([])}.{body}.{signature}",
        "a header that is a text": f"{encoded('x')}.{body}.{signature}",
        "a body that is a list": signed(claims).replace(body, encoded([])),
        "critical nonsense": signed(claims).replace(header, encoded({"alg": ALGORITHM, "kid": "test", "crit": ["x"]})),
        "one dot": "a.b",
        "five parts": "a.b.c.d.e",
        "no base64": "é.ü.ñ",
        "nothing": "x",
        "much": "x" * 5000,
    }


@pytest.mark.parametrize("what", forgeries())
def test_a_forged_token_is_refused(tiny: Tiny, what: str) -> None:
    token = forgeries()[what]
    response = tiny.client().get(
        f"{API}/notes", headers={"Authorization": f"Bearer {token}".encode().decode("latin-1")}
    )
    assert (response.status_code, response.json["code"]) == (401, "not_signed_in")


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), max_size=60)
    | st.lists(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda inner: (
                st.lists(inner) | st.dictionaries(st.sampled_from(["alg", "kid", "typ", "b64", "crit"]), inner)
            ),
        ),
        min_size=3,
        max_size=3,
    ).map(lambda parts: ".".join(map(encoded, parts)))
)
def test_no_token_whatever_makes_a_server_error(tiny: Tiny, token: str) -> None:
    assert answer(tiny, token) == (401, "not_signed_in")


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Basic YTpi", "x", "Bearer a b c", "bearer\tx", ","])
def test_a_header_that_is_no_bearer_token_is_refused(tiny: Tiny, header: str) -> None:
    response = tiny.client().get(f"{API}/notes", headers={"Authorization": header})
    assert (response.status_code, response.json["code"]) == (401, "not_signed_in")


def test_a_key_that_has_expired_verifies_no_more(tiny: Tiny) -> None:
    with tiny.database.transaction(PUBLIC) as session:
        session.get_one(SigningKey, "test").expires_at = NOW - timedelta(seconds=1)
    assert answer(tiny, token_at(caller_of(), NOW)) == (401, "not_signed_in")


def test_a_token_that_was_good_a_moment_ago_ends_with_its_key(tiny: Tiny) -> None:
    """Its signature is remembered, and whether it may be used is asked each time."""
    token = token_at(caller_of(), NOW)
    assert [answer(tiny, token)[0] for _ in range(2)] == [200, 200]
    with tiny.database.transaction(PUBLIC) as session:
        session.get_one(SigningKey, "test").expires_at = NOW - timedelta(seconds=1)
    assert [answer(tiny, token) for _ in range(2)] == [(401, "not_signed_in")] * 2


def test_a_key_of_the_same_name_does_not_take_over_the_tokens_of_another(tiny: Tiny) -> None:
    token = token_at(caller_of(), NOW)
    assert answer(tiny, token)[0] == 200
    with tiny.database.transaction(PUBLIC) as session:
        jwk = {name: str(value) for name, value in OTHER_KEY.as_dict(private=False).items()}
        session.get_one(SigningKey, "test").jwk = jwk
    assert [answer(tiny, token) for _ in range(2)] == [(401, "not_signed_in")] * 2
    theirs = sign(OTHER_KEY, caller_of(), now=utc_now(), seconds=60)
    assert [answer(tiny, theirs)[0] for _ in range(2)] == [200, 200]


def test_a_key_that_is_published_verifies(tiny: Tiny) -> None:
    key = OKPKey.generate_key("Ed25519", parameters={"kid": "next", "alg": ALGORITHM, "use": "sig"})
    token = sign(key, caller_of(), now=utc_now(), seconds=60)
    assert answer(tiny, token)[0] == 401
    jwk = {name: str(value) for name, value in key.as_dict(private=False).items()}
    tell(tiny, SigningKeyPublished(key_id="next", jwk=jwk, expires_at=NOW + timedelta(days=1)), new_id())
    assert answer(tiny, token)[0] == 200


def test_a_public_page_stays_public_for_somebody_whose_token_is_bad(tiny: Tiny) -> None:
    for token in ("x", token_at(caller_of(), NOW - timedelta(days=1), 60)):
        response = tiny.client().get(f"{API}/welcome", headers={"Authorization": f"Bearer {token}"})
        assert response.status_code == 200


def test_a_suspended_tenant_may_do_nothing_until_it_is_resumed(tiny: Tiny) -> None:
    caller = caller_of()
    tell(tiny, TenantSuspended(revision=2), caller.tenant_id)
    assert answer(tiny, token_at(caller, NOW)) == (403, "suspended")
    assert answer(tiny, token_at(caller_of(), NOW))[0] == 200
    tell(tiny, TenantResumed(revision=3), caller.tenant_id)
    assert answer(tiny, token_at(caller, NOW))[0] == 200


def test_a_suspended_person_may_do_nothing_and_their_colleagues_may(tiny: Tiny) -> None:
    caller = caller_of()
    tell(tiny, PersonSuspended(person_id=caller.person_id, revision=2), caller.tenant_id)
    assert answer(tiny, token_at(caller, NOW)) == (403, "suspended")
    assert answer(tiny, token_at(caller_of(caller.tenant_id), NOW))[0] == 200
    assert answer(tiny, token_at(caller_of(person_id=caller.person_id), NOW))[0] == 200  # the same id elsewhere
    tell(tiny, PersonResumed(person_id=caller.person_id, revision=3), caller.tenant_id)
    assert answer(tiny, token_at(caller, NOW))[0] == 200


def test_a_person_who_left_may_do_nothing(tiny: Tiny) -> None:
    caller = caller_of()
    tell(tiny, PersonLeft(person_id=caller.person_id, revision=2), caller.tenant_id)
    assert answer(tiny, token_at(caller, NOW)) == (403, "suspended")


def test_a_revoked_session_is_over_and_the_persons_others_go_on(tiny: Tiny) -> None:
    caller = msgspec.structs.replace(caller_of(), session_id=new_id())
    elsewhere = msgspec.structs.replace(caller, session_id=new_id())
    revoked = AccessRevoked(person_id=caller.person_id, session_id=caller.session_id, before=NOW)
    tell(tiny, revoked, caller.tenant_id)
    before = NOW - timedelta(seconds=1)
    assert answer(tiny, token_at(caller, before)) == (401, "not_signed_in")
    assert answer(tiny, token_at(elsewhere, before))[0] == 200


def test_tokens_issued_after_a_revocation_are_accepted(tiny: Tiny) -> None:
    caller = msgspec.structs.replace(caller_of(), session_id=new_id())
    tell(tiny, AccessRevoked(person_id=caller.person_id, session_id=None, before=NOW), caller.tenant_id)
    assert answer(tiny, token_at(caller, NOW - timedelta(microseconds=1))) == (401, "not_signed_in")
    assert answer(tiny, token_at(caller, NOW)) == (200, "")
    assert answer(tiny, token_at(caller, NOW + timedelta(microseconds=1)))[0] == 200


TENANT, PERSON, SESSION = new_id(), new_id(), new_id()
KEY = {"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": "A" * 43}
HISTORY: list[Event] = [
    TenantSuspended(revision=1),
    TenantResumed(revision=2),
    TenantSuspended(revision=4),
    PersonSuspended(person_id=PERSON, revision=3),
    PersonResumed(person_id=PERSON, revision=5),
    PersonLeft(person_id=PERSON, revision=6),
    AccessRevoked(person_id=PERSON, session_id=None, before=NOW),
    AccessRevoked(person_id=PERSON, session_id=None, before=NOW - timedelta(hours=1)),
    AccessRevoked(person_id=PERSON, session_id=SESSION, before=NOW + timedelta(hours=1)),
    SigningKeyPublished(key_id="k", jwk=KEY, expires_at=NOW + timedelta(days=60)),
    SigningKeyPublished(key_id="k", jwk=KEY, expires_at=NOW + timedelta(days=1)),  # it was rotated
]


def what_is_known(events: list[Event], batch_size: int) -> tuple[set[Any], set[Any]]:
    """The rules and keys that a service has after these events, in batches."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder)}/tests.db?synchronous=off")
        SharedBase.metadata.create_all(database.engine)
        consumer = Consumer("tiny", database, DirectBus(), ACCESS_HANDLERS)
        for start in range(0, len(events), batch_size):
            consumer.handle([envelope(event, TENANT) for event in events[start : start + batch_size]])
        with database.transaction(across_tenants(), read_only=True) as session:
            assert session.scalars(sa.select(DeadLetter.error)).all() == []
            rules = session.execute(sa.select(AccessRule.__table__)).all()
            keys = session.execute(sa.select(SigningKey.key_id, SigningKey.expires_at)).all()
        database.close()
    return set(map(tuple, rules)), set(map(tuple, keys))


@settings(max_examples=40, deadline=None)
@given(events=st.permutations(HISTORY), batch_size=st.sampled_from([1, 3, 100]))
def test_events_about_access_in_any_order_leave_the_same_rules(events: list[Event], batch_size: int) -> None:
    rules, keys = what_is_known(events, batch_size)
    assert rules == {
        (TENANT, EVERYBODY, EVERYBODY, True, 4, None),
        (TENANT, PERSON, EVERYBODY, True, 6, NOW),
        (TENANT, PERSON, SESSION, False, 0, NOW + timedelta(hours=1)),
    }
    assert keys == {("k", NOW + timedelta(days=1))}


def test_rules_about_sessions_that_ended_long_ago_are_removed_and_no_others(database: Database) -> None:
    tenant, person, ended, ending = new_id(), new_id(), new_id(), new_id()
    rules = {ended: NOW - timedelta(days=3), ending: NOW, EVERYBODY: NOW - timedelta(days=3)}
    with database.transaction(across_tenants()) as session:
        for session_id, moment in rules.items():
            session.add(AccessRule(tenant_id=tenant, person_id=person, session_id=session_id, refused_before=moment))
    with database.transaction(across_tenants()) as session:
        assert remove_ended_sessions(session, NOW - timedelta(days=2)) == 1
        left = session.scalars(sa.select(AccessRule.session_id).where(AccessRule.tenant_id == tenant))
        assert set(left) == {ending, EVERYBODY}
