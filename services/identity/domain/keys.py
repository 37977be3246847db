"""The keys that sign access tokens: made, published ahead of their use, rotated, retired."""

from __future__ import annotations

import functools
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from joserfc.jwk import OKPKey
from sqlalchemy.orm import Session

from services.identity.models import PrivateKey
from shared.auth import ALGORITHM, SigningKey
from shared.clock import transaction_time
from shared.contracts import SigningKeyPublished
from shared.database import new_id
from shared.outbox import emit
from shared.tenancy import PLATFORM_TENANT_ID

SIGNS_FOR = timedelta(days=30)
PUBLISHED_AHEAD = timedelta(minutes=10)
LONGEST_TOKEN = timedelta(days=1)
"""No access token lives longer, so a key that signs no more is verified with for this long and then forgotten."""
LONGEST_BELIEVED = 2 * SIGNS_FOR + PUBLISHED_AHEAD
"""A key that is ended early was published with an end this far away at most."""


def signing_key(session: Session) -> OKPKey:
    """The newest key that may sign already."""
    jwk = session.scalar(
        sa.select(PrivateKey.jwk)
        .where(PrivateKey.signs_from <= transaction_time(session))
        .order_by(PrivateKey.signs_from.desc())
        .limit(1)
    )
    if jwk is None:
        raise LookupError("there is no signing key: run `python -m services.identity migrate`")
    return _import(jwk["kid"], jwk["x"], jwk["d"])


def public_keys(session: Session) -> list[dict[str, Any]]:
    """The JWKs that tokens may be verified with, the newest first."""
    keys = session.scalars(
        sa.select(SigningKey)
        .where(SigningKey.expires_at > transaction_time(session))
        .order_by(SigningKey.expires_at.desc(), SigningKey.key_id)
    )
    return [key.jwk for key in keys]


def rotate_when_due(session: Session) -> bool:
    """Makes the next key shortly before the present one has signed for thirty days, and the very first at once."""
    now = transaction_time(session)
    _forget_expired(session, now)
    newest = session.scalar(sa.select(sa.func.max(PrivateKey.signs_from)))
    if newest is not None and now < newest + SIGNS_FOR - PUBLISHED_AHEAD:
        return False
    rotate_keys(session)
    return True


def rotate_keys(session: Session, *, longest_token: timedelta = LONGEST_TOKEN) -> PrivateKey:
    """Publishes a new key, which signs ten minutes later: by then every service and every cache knows it.

    The keys before it are refused once the last token they signed has expired. Without a key that lasts until then,
    the new one signs at once.
    """
    now = transaction_time(session)
    usable = session.scalars(sa.select(PrivateKey).where(PrivateKey.expires_at > now + PUBLISHED_AHEAD)).all()
    signs_from = now + PUBLISHED_AHEAD if usable else now
    for old in usable:
        old.expires_at = min(old.expires_at, signs_from + longest_token)
        _publish(session, old)
    new = _make_key(signs_from)
    session.add(new)
    _publish(session, new)
    return new


def _make_key(signs_from: datetime) -> PrivateKey:
    key_id = str(new_id())
    key = OKPKey.generate_key("Ed25519", parameters={"kid": key_id, "alg": ALGORITHM, "use": "sig"})
    # Twice as long as it should sign: should nobody be there to rotate it, people can still sign in.
    return PrivateKey(
        key_id=key_id,
        jwk=key.as_dict(private=True),
        signs_from=signs_from,
        expires_at=signs_from + 2 * SIGNS_FOR,
    )


def _publish(session: Session, key: PrivateKey) -> None:
    public = {name: key.jwk[name] for name in ("kty", "crv", "kid", "x", "alg", "use")}
    session.merge(SigningKey(key_id=key.key_id, jwk=public, expires_at=key.expires_at))  # we do not hear ourselves
    event = SigningKeyPublished(key_id=key.key_id, jwk=public, expires_at=key.expires_at)
    emit(session, event, tenant_id=PLATFORM_TENANT_ID)


def _forget_expired(session: Session, now: datetime) -> None:
    """A public key is kept as long as anybody may believe in it: who missed its early end must still be told of it."""
    session.execute(sa.delete(PrivateKey).where(PrivateKey.expires_at <= now))
    session.execute(sa.delete(SigningKey).where(SigningKey.expires_at <= now - LONGEST_BELIEVED))


@functools.lru_cache(maxsize=4)
def _import(key_id: str, x: str, d: str) -> OKPKey:
    jwk = {"kty": "OKP", "crv": "Ed25519", "kid": key_id, "x": x, "d": d, "alg": ALGORITHM, "use": "sig"}
    return OKPKey.import_key(jwk)
