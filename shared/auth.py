"""From a token to a Caller, in every service alike and asking nobody: keys and revocations arrive as events."""

from __future__ import annotations

import base64
import contextlib
import functools
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import sqlalchemy as sa
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared.clock import transaction_time
from shared.consumer import Handlers, Received
from shared.contracts import (
    AccessRevoked,
    PersonLeft,
    PersonResumed,
    PersonSuspended,
    SigningKeyPublished,
    TenantResumed,
    TenantSuspended,
)
from shared.database import Json, SharedBase, run
from shared.errors import NotSignedIn, Refusal, message

ALGORITHM = "Ed25519"  # EdDSA on Curve25519 under the name RFC 9864 gives it
ISSUER = "identity"
EVERYBODY = UUID(int=0)
"""The `person_id` of an access rule about the whole tenant, and the `session_id` of one about every session."""

OPERATOR = "operator"
ADMINISTRATOR = "administrator"
ORGANISER = "organiser"
PLAYER = "player"
PUPIL = "pupil"
ROLES = (OPERATOR, ADMINISTRATOR, ORGANISER, PLAYER, PUPIL)


class Suspended(Refusal):
    """The tenant or the person is suspended."""

    status = 403
    code = "suspended"
    text = message(
        "This account is suspended, or the whole school or company it belongs to. Nothing is lost. "
        "Ask your administrator, or write to us, to have it opened again."
    )


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who is asking: everything a service needs to know, taken from the verified token."""

    tenant_id: UUID
    tenant_kind: str
    tenant_name: str
    zone: str
    person_id: UUID
    session_id: UUID
    roles: tuple[str, ...]
    language: str
    csrf: str

    def has_role(self, *roles: str) -> bool:
        """Whether the caller has one of the roles."""
        return any(role in self.roles for role in roles)


class SigningKey(SharedBase):
    """A public key that access tokens may be signed with."""

    __tablename__ = "signing_keys"

    key_id: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    jwk: Mapped[dict[str, Any]] = mapped_column(Json)
    expires_at: Mapped[datetime]


class AccessRule(SharedBase):
    """What a tenant, a person or a session may no longer do.

    One row for the tenant (`person_id` EVERYBODY), one per person (`session_id` EVERYBODY), one per ended session.
    """

    __tablename__ = "access_rules"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(primary_key=True)
    is_suspended: Mapped[bool] = mapped_column(default=False)
    suspension_revision: Mapped[int] = mapped_column(default=0)
    refused_before: Mapped[datetime | None]


def sign(private_key: OKPKey, caller: Caller, *, now: datetime, seconds: int) -> str:
    """A signed access token that carries the caller for `seconds`."""
    claims = {
        "iss": ISSUER,
        "iat": now.timestamp(),
        "exp": int((now + timedelta(seconds=seconds)).timestamp()),
        "sub": str(caller.person_id),
        "tid": str(caller.tenant_id),
        "sid": str(caller.session_id),
        "kind": caller.tenant_kind,
        "tenant": caller.tenant_name,
        "zone": caller.zone,
        "roles": list(caller.roles),
        "lang": caller.language,
        "csrf": caller.csrf,
    }
    token: str = jwt.encode({"alg": ALGORITHM, "kid": private_key.kid}, claims, private_key, algorithms=[ALGORITHM])
    return token


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """What a token says and who signed it. Whether it may still be used is asked anew each time: `check_access`."""

    caller: Caller
    issued_at: datetime
    expires_at: float
    key_id: str
    public_key: str


def authenticate(session: Session, token: str) -> Caller:
    """The caller a token speaks for, checked against this service's own copies of keys and revocations.

    Raises NotSignedIn for a token that is forged, expired or revoked, Suspended for a suspended tenant or person.
    The tables it reads are no tenant's, so the session may still be PUBLIC.
    """
    signed = read_token(session, token)
    check_access(session, signed)
    return signed.caller


def read_token(session: Session, token: str) -> Signed:
    """What a token says, if it is signed by a key we know and has not expired. Raises NotSignedIn.

    Whose key has ended or who was refused since is not looked at yet: `check_access` must follow. Between the two the
    session can be moved into the caller's tenant, so that its transaction begins there.
    """
    try:
        signed = _read(session, token, _key_id_of(token))
    except FORGED as error:
        raise NotSignedIn from error
    if signed.expires_at <= transaction_time(session).timestamp():
        raise NotSignedIn
    return signed


FORGED = (JoseError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What a token that we did not make may cause."""
_public_keys: dict[str, str] = {}
"""Key id -> public key, as last read: enough to know whom a token speaks of before the database is asked once."""


def _read(session: Session, token: str, key_id: str) -> Signed:
    """By the key as last read; if that does not fit, as it is now."""
    if key_id in _public_keys:
        with contextlib.suppress(NotSignedIn, *FORGED):
            return _verify(token, key_id, _public_keys[key_id])
    return _verify(token, key_id, _load_public_key(session, key_id))


@functools.lru_cache(maxsize=4096)
def _key_id_of(token: str) -> str:
    header = token.partition(".")[0]
    key_id: str = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"]
    if not isinstance(key_id, str):
        raise TypeError("kid")
    return key_id


def _load_public_key(session: Session, key_id: str) -> str:
    """The public key of an id. Raises LookupError when there is none."""
    key = session.scalars(sa.select(SigningKey).where(SigningKey.key_id == key_id)).first()
    if key is None:
        raise LookupError(key_id)
    _public_keys[key_id] = key.jwk["x"]
    return _public_keys[key_id]


@functools.lru_cache(maxsize=4096)
def _verify(token: str, key_id: str, public_key: str) -> Signed:
    """A token that this key signed says the same for ever: a client sends it hundreds of times in its five minutes."""
    key = OKPKey.import_key(
        {"kty": "OKP", "crv": "Ed25519", "kid": key_id, "x": public_key, "alg": ALGORITHM, "use": "sig"}
    )
    decoded = jwt.decode(token, key, algorithms=[ALGORITHM]).claims
    if decoded["iss"] != ISSUER:
        raise NotSignedIn
    return Signed(
        caller=Caller(
            tenant_id=UUID(decoded["tid"]),
            tenant_kind=decoded["kind"],
            tenant_name=decoded["tenant"],
            zone=decoded["zone"],
            person_id=UUID(decoded["sub"]),
            session_id=UUID(decoded["sid"]),
            roles=tuple(decoded["roles"]),
            language=decoded["lang"],
            csrf=decoded["csrf"],
        ),
        issued_at=datetime.fromtimestamp(decoded["iat"], UTC),
        expires_at=float(decoded["exp"]),
        key_id=key_id,
        public_key=public_key,
    )


def _access_statement() -> sa.Select[Any]:
    """The key, if it is still good, beside each rule about the tenant, the person or the session: one question."""
    keys, rules = SigningKey.__table__.c, AccessRule.__table__.c
    everybody, person_id, session_id = (
        sa.bindparam("everybody", EVERYBODY, type_=sa.Uuid()),
        sa.bindparam("person_id", type_=sa.Uuid()),
        sa.bindparam("session_id", type_=sa.Uuid()),
    )
    return (
        sa.select(keys.jwk, rules.is_suspended, rules.refused_before)
        .select_from(SigningKey.__table__)
        .outerjoin(
            AccessRule.__table__,
            sa.and_(
                rules.tenant_id == sa.bindparam("tenant_id"),
                rules.person_id.in_((everybody, person_id)),
                rules.session_id.in_((everybody, session_id)),
            ),
        )
        .where(keys.key_id == sa.bindparam("key_id"), keys.expires_at > sa.bindparam("now"))
    )


_ACCESS = _access_statement()


def check_access(session: Session, signed: Signed) -> None:
    """Whether what was signed still holds, by our own copies of keys and revocations, as they are now.

    Raises NotSignedIn for a key that has ended and for a token that is revoked, Suspended.
    """
    caller = signed.caller
    rows = run(
        session,
        _ACCESS,
        {
            "tenant_id": caller.tenant_id,
            "person_id": caller.person_id,
            "session_id": caller.session_id,
            "key_id": signed.key_id,
            "now": transaction_time(session),
        },
    ).all()
    if not rows or rows[0].jwk["x"] != signed.public_key:
        _public_keys.pop(signed.key_id, None)
        raise NotSignedIn
    if any(row.refused_before is not None and signed.issued_at < row.refused_before for row in rows):
        raise NotSignedIn
    if any(row.is_suspended for row in rows):
        raise Suspended


View = TypeVar("View", bound=Callable[..., Any])


def public(view: View) -> View:
    """Marks a view that anonymous callers may use."""
    return _mark(view, ())


def public_without_session(view: View) -> View:
    """Marks a public view that touches no row, so that it answers even when the database does not."""
    view._needs_no_session = True  # type: ignore[attr-defined]
    return public(view)


def roles(*allowed: str) -> Callable[[View], View]:
    """Marks a view that only these roles may use; without any: everybody who is signed in."""
    return lambda view: _mark(view, allowed or ROLES)


def across_tenants_for_operators(view: View) -> View:
    """Marks a view of the operators that acts on any tenant; it must allow no other role. `tests/rules` lists them."""
    view._acts_across_tenants = True  # type: ignore[attr-defined]
    return view


def _mark(view: View, access: tuple[str, ...]) -> View:
    view._access = access  # type: ignore[attr-defined]
    view.__dict__.setdefault("_apidoc", {})["access"] = access  # where flask-smorest keeps what it documents
    return view


def access_of(view: Any) -> tuple[str, ...] | None:
    """The roles that may use a view, () for a public one, None for one that was not marked (nobody may)."""
    access: tuple[str, ...] | None = getattr(view, "_access", None)
    return access


def _rule(session: Session, tenant_id: UUID, person_id: UUID, session_id: UUID) -> AccessRule:
    identity = {"tenant_id": tenant_id, "person_id": person_id, "session_id": session_id}
    rule = session.get(AccessRule, identity)
    if rule is None:
        rule = AccessRule(**identity, is_suspended=False, suspension_revision=0)
        session.add(rule)
    return rule


def set_suspended(session: Session, tenant_id: UUID, person_id: UUID, revision: int, is_suspended: bool) -> None:
    """Suspends or resumes a person (or EVERYBODY of the tenant), unless something newer is already known."""
    rule = _rule(session, tenant_id, person_id, EVERYBODY)
    if revision > rule.suspension_revision:
        rule.is_suspended, rule.suspension_revision = is_suspended, revision


def refuse_tokens(session: Session, tenant_id: UUID, event: AccessRevoked) -> None:
    """Refuses the tokens that were issued before a moment."""
    rule = _rule(session, tenant_id, event.person_id, event.session_id or EVERYBODY)
    if rule.refused_before is None or event.before > rule.refused_before:
        rule.refused_before = event.before


def remove_ended_sessions(session: Session, before: datetime, limit: int = 5000) -> int:
    """Deletes up to `limit` rules about sessions that ended before a moment; returns how many.

    Their tokens must have expired by then. What is said of people and tenants stays.
    """
    ended = (
        sa.select(AccessRule.tenant_id, AccessRule.person_id, AccessRule.session_id)
        .where(AccessRule.session_id != EVERYBODY, AccessRule.refused_before < before)
        .limit(limit)
    )
    key = sa.tuple_(AccessRule.tenant_id, AccessRule.person_id, AccessRule.session_id)
    result: Any = session.execute(
        sa.delete(AccessRule).where(key.in_(ended)).execution_options(synchronize_session=False)
    )
    return int(result.rowcount)


def _suspension(is_suspended: bool) -> Callable[[Session, Sequence[Received[Any]]], None]:
    def handle(session: Session, events: Sequence[Received[Any]]) -> None:
        for event in events:
            person_id = getattr(event.data, "person_id", EVERYBODY)
            set_suspended(session, event.tenant_id, person_id, event.data.revision, is_suspended)

    return handle


def remember_revocations(session: Session, events: Sequence[Received[AccessRevoked]]) -> None:
    """Handler: tokens of a person or of one session are refused from a moment on."""
    for event in events:
        refuse_tokens(session, event.tenant_id, event.data)


def remember_keys(session: Session, events: Sequence[Received[SigningKeyPublished]]) -> None:
    """Handler: keeps the public keys that tokens are verified with. A key's end only ever comes nearer."""
    for event in events:
        known = session.get(SigningKey, event.data.key_id)
        if known is None:
            key = SigningKey(key_id=event.data.key_id, jwk=dict(event.data.jwk), expires_at=event.data.expires_at)
            session.add(key)
        else:
            known.expires_at = min(known.expires_at, event.data.expires_at)


ACCESS_HANDLERS: Handlers = {
    TenantSuspended: _suspension(True),
    TenantResumed: _suspension(False),
    PersonSuspended: _suspension(True),
    PersonResumed: _suspension(False),
    PersonLeft: _suspension(True),
    AccessRevoked: remember_revocations,
    SigningKeyPublished: remember_keys,
}
"""What every service that checks tokens listens to."""
