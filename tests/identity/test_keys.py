from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from services.identity.domain.keys import rotate_keys, rotate_when_due
from services.identity.models import PrivateKey
from services.identity.upkeep import every_minute
from shared.clock import utc_now
from shared.contracts import SigningKeyPublished
from shared.tenancy import PLATFORM_TENANT_ID, of_tenant
from tests.identity.conftest import Clock
from tests.identity.steps import API, Steps


def key_of(token: str) -> str:
    import base64
    import json

    header = token.split(".")[0]
    return str(json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"])


def published(steps: Steps) -> list[Any]:
    return [event for _, event in steps.events(SigningKeyPublished)]


def rotate(steps: Steps, **options: Any) -> str:
    with steps.database.transaction(of_tenant(PLATFORM_TENANT_ID)) as session:
        return rotate_keys(session, **options).key_id


def test_the_public_keys_have_an_address(steps: Steps) -> None:
    client = steps.administrator()
    keys = client.get(f"{API}/jwks").json["keys"]
    assert keys == steps.client().get("/identity/.well-known/jwks.json").json["keys"]
    assert all("d" not in key for key in keys)
    token = steps.sign_in().json["access_token"]
    assert key_of(token) in [key["kid"] for key in keys]


def test_no_private_key_is_published(steps: Steps) -> None:
    rotate(steps)
    assert all(set(event.jwk) == {"kty", "crv", "kid", "x", "alg", "use"} for event in published(steps))


def test_a_new_key_signs_ten_minutes_after_its_publication(steps: Steps, clock: Clock) -> None:
    steps.found()
    old = key_of(steps.sign_in().json["access_token"])
    new = rotate(steps)
    assert published(steps)[-1].key_id == new
    clock.advance(minutes=9, seconds=50)
    assert key_of(steps.sign_in().json["access_token"]) == old
    clock.advance(seconds=11)
    assert key_of(steps.sign_in().json["access_token"]) == new


def test_tokens_of_the_old_key_stay_good_until_they_expire(steps: Steps, clock: Clock) -> None:
    steps.found()
    rotate(steps, longest_token=timedelta(seconds=360))
    clock.advance(minutes=9, seconds=55)
    token = steps.sign_in().json["access_token"]
    clock.advance(minutes=4, seconds=50)
    assert steps.client(token).get(f"{API}/me").status_code == 200
    clock.advance(minutes=10)
    every_minute(steps.database)
    assert key_of(token) not in [key["kid"] for key in steps.client().get(f"{API}/jwks").json["keys"]]


def test_keys_rotate_every_thirty_days(steps: Steps) -> None:
    def is_due(**later: float) -> bool:
        now = utc_now() + timedelta(**later)
        with steps.database.transaction(of_tenant(PLATFORM_TENANT_ID), now=now) as session:
            return rotate_when_due(session)

    assert not is_due(days=29)
    assert is_due(days=30, minutes=-9)
    assert not is_due(days=30, minutes=-8)
    assert not is_due(days=59)
    assert is_due(days=60)
    assert len({event.key_id for event in published(steps)}) == 3


def test_the_next_key_is_known_before_the_present_one_ends(steps: Steps, clock: Clock) -> None:
    steps.found()
    clock.advance(days=30, minutes=-9.5)
    every_minute(steps.database)
    clock.advance(minutes=9)
    steps.sign_in()
    with steps.database.transaction(of_tenant(PLATFORM_TENANT_ID), read_only=True) as session:
        keys = session.scalars(sa.select(PrivateKey).order_by(PrivateKey.signs_from)).all()
    assert len(keys) == 2
    assert key_of(steps.sign_in().json["access_token"]) == keys[0].key_id


def test_after_a_long_sleep_a_new_key_signs_at_once(steps: Steps, clock: Clock) -> None:
    steps.found()
    clock.advance(days=200)
    every_minute(steps.database)
    token = steps.sign_in().json["access_token"]
    assert steps.client(token).get(f"{API}/me").status_code == 200


def test_a_key_replaced_in_a_hurry_is_refused_soon(steps: Steps) -> None:
    first = published(steps)[0]
    rotate(steps, longest_token=timedelta(minutes=6))
    retired = next(event for event in published(steps)[1:] if event.key_id == first.key_id)
    assert retired.expires_at < utc_now() + timedelta(minutes=17)
