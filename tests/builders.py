"""Builders with every default: a test names only what it is about."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from shared.auth import Caller
from shared.clock import utc_now
from shared.consumer import Received, read_envelope
from shared.contracts import ChallengePublished, Event, Impact, PersonJoined, TenantFounded, Tier
from shared.database import new_id
from shared.outbox import Envelope, OutboxRow
from shared.tenancy import PLATFORM_TENANT_ID, across_tenants, of_tenant
from tests.house import House, caller_of

ENCODER = msgspec.json.Encoder()


def envelope(event: Event, tenant_id: UUID, *, at: datetime | None = None, id: UUID | None = None) -> bytes:
    """The event as it travels."""
    return ENCODER.encode(
        Envelope(
            id=id or new_id(),
            type=type(event).__name__,
            source=event.source,
            tenant_id=tenant_id,
            time=at or utc_now(),
            key=str(getattr(event, event.key) if event.key else tenant_id),
            traceparent=None,
            actor_id=None,
            data=msgspec.Raw(ENCODER.encode(event)),
        )
    )


def tell(house: House, service: str, event: Event, tenant_id: UUID) -> None:
    """Lets one service hear an event of another."""
    house.consumers[service].handle([envelope(event, tenant_id)])


def publish_challenge(house: House, **changes: Any) -> UUID:
    """A challenge that leagues knows: individual, 3 points, once a day, for everybody."""
    facts: dict[str, Any] = {
        "challenge_id": new_id(),
        "version": 1,
        "slug": "veggie-lunch",
        "category": "food",
        "kind": "individual",
        "tiers": [Tier(tier="standard", points=3)],
        "audiences": ["community", "company", "school"],
        "age_bands": ["6-10", "11-14"],
        "times": 1,
        "per": "day",
        "impact": Impact(co2e_g=4120, water_ml=334_000),
        "titles": {"fr": "Déjeuner végétarien", "en": "Vegetarian lunch"},
    } | changes
    tell(house, "leagues", ChallengePublished(**facts), PLATFORM_TENANT_ID)
    challenge_id: UUID = facts["challenge_id"]
    return challenge_id


def know_tenant(house: House, caller: Caller) -> None:
    """Lets leagues know the caller's tenant and person."""
    founded = TenantFounded(
        kind=caller.tenant_kind, name=caller.tenant_name, country="FR", language="fr", zone=caller.zone, revision=1
    )
    tell(house, "leagues", founded, caller.tenant_id)
    know_person(house, caller)


def know_person(house: House, caller: Caller, name: str = "Camille") -> None:
    """Lets leagues know a person."""
    joined = PersonJoined(
        person_id=caller.person_id, display_name=name, roles=list(caller.roles), language="fr", revision=1
    )
    tell(house, "leagues", joined, caller.tenant_id)


def local(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="seconds")


def create_edition(client: FlaskClient, *, started_days_ago: int = 5, phase: str = "registration", **facts: Any) -> Any:
    """A published edition that has been running for five days."""
    starts_at = datetime.now(UTC) - timedelta(days=started_days_ago)
    body = {"name": "Édition de printemps", "starts_at": local(starts_at)} | facts
    edition = client.post("/leagues/api/v1/editions", json=body).json
    if phase != "draft":
        client.put(f"/leagues/api/v1/editions/{edition['edition_id']}/phase", json={"phase": "registration"})
    return edition


def create_league(client: FlaskClient, edition: Any, **facts: Any) -> Any:
    """A league with two teams; the client's caller leads it."""
    body = {"edition_id": edition["edition_id"], "name": "CM2 de Mme Diop", "teams": ["Colibris", "Abeilles"]} | facts
    return client.post("/leagues/api/v1/leagues", json=body).json


def add_players(client: FlaskClient, league: Any, count: int = 3, **facts: Any) -> list[Any]:
    """Pupils by pseudonym, spread over the teams."""
    names = [f"Élève {number}" for number in range(1, count + 1)]
    return client.post(f"/leagues/api/v1/leagues/{league['league_id']}/players", json={"names": names} | facts).json


def record(client: FlaskClient, league: Any, challenge_id: UUID, *, id: UUID | None = None, **facts: Any) -> Any:
    """Records one completion; returns the response."""
    body = {"league_id": league["league_id"], "challenge_id": str(challenge_id)} | facts
    return client.put(f"/leagues/api/v1/completions/{id or new_id()}", json=body)


def teacher_of(house: House, tenant_id: UUID | None = None, **facts: Any) -> Caller:
    """An administrator whom leagues knows."""
    caller = caller_of(tenant_id, "administrator", **facts)
    know_tenant(house, caller)
    return caller


@contextlib.contextmanager
def at(house: House, caller: Caller, moment: datetime | None = None) -> Iterator[Session]:
    """A transaction of leagues in the caller's tenant, at a moment."""
    with house.databases["leagues"].transaction(of_tenant(caller.tenant_id), now=moment) as session:
        yield session


def emitted(house: House, service: str, *kinds: type[Event]) -> list[Any]:
    """The events of some types that a service has emitted, in order."""
    return [event.data for event in received(house, service) if isinstance(event.data, kinds)]


def received(house: House, service: str) -> list[Received[Any]]:
    """Everything a service has emitted or announced, in order, as its consumers get it."""
    with house.databases[service].transaction(across_tenants(), read_only=True) as session:
        rows = session.scalars(sa.select(OutboxRow.envelope).order_by(OutboxRow.position)).all()
    return [read_envelope(row.encode()) for row in rows]


def patch(client: FlaskClient, path: str, *, json: Any) -> Any:
    """Changes something with the ETag it has now; returns the response."""
    return client.patch(path, json=json, headers={"If-Match": client.get(path).headers.get("ETag", '"none"')})
