"""The four services in one test, without threads: events travel when the test says `settle()`."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from joserfc.jwk import OKPKey

from services.challenges.app import load_folder
from shared.auth import ALGORITHM, EVERYBODY, Caller, SigningKey, sign
from shared.bus import Subscription
from shared.clock import utc_now
from shared.consumer import Consumer
from shared.database import Database, new_id
from shared.migrations import migrate
from shared.outbox import Relay
from shared.service import load_service
from shared.settings import Settings
from shared.tenancy import PUBLIC

SERVICES = ("identity", "challenges", "leagues", "ranking")
TEST_KEY = OKPKey.generate_key("Ed25519", parameters={"kid": "test", "alg": ALGORITHM, "use": "sig"})
TEST_KEY_ENDS = datetime(2200, 1, 1, tzinfo=UTC)


class DirectBus:
    """A bus that keeps what was published until somebody polls; every group sees every message once."""

    def __init__(self) -> None:
        self.subscriptions: list[DirectSubscription] = []

    def publish(self, topic: str, messages: list[tuple[str, bytes]]) -> None:
        for subscription in self.subscriptions:
            if topic in subscription.topics:
                subscription.waiting += [envelope for _key, envelope in messages]

    def subscribe(self, group: str, topics: list[str]) -> Subscription:
        subscription = DirectSubscription(topics)
        self.subscriptions.append(subscription)
        return subscription

    def problems(self) -> list[str]:
        return []

    def close(self) -> None:
        pass


class DirectSubscription:
    def __init__(self, topics: list[str]) -> None:
        self.topics = topics
        self.waiting: list[bytes] = []

    def poll(self, timeout: float) -> list[bytes]:
        batch, self.waiting = self.waiting, []
        return batch

    def commit(self) -> None:
        pass

    def wait(self, seconds: float) -> bool:
        return True

    def lag(self) -> dict[str, int]:
        return {}

    def close(self) -> None:
        pass


def migrated_template(folder: Path, services: tuple[str, ...] = SERVICES) -> Path:
    """A folder with one migrated, empty database per service, made once per test process."""
    for name in services:
        database = Database(f"sqlite:///{folder}/{name}.db?synchronous=off")
        migrate(name, database)
        know_test_key(database)
        database.close()
    return folder


def catalogue_template(folder: Path, services: tuple[str, ...]) -> Path:
    """The same, with the catalogue of challenges loaded into that of challenges."""
    migrated_template(folder, services)
    database = Database(f"sqlite:///{folder}/challenges.db?synchronous=off")
    load_folder(database)
    database.close()
    return folder


def know_test_key(database: Database) -> None:
    """Lets a service verify the tokens of `token_of`."""
    with database.transaction(PUBLIC) as session:
        jwk = {key: value for key, value in TEST_KEY.as_dict(private=False).items() if isinstance(value, str)}
        session.add(SigningKey(key_id="test", jwk=jwk, expires_at=TEST_KEY_ENDS))


class House:
    """Databases, applications, relays and consumers of the services, on copies of the template's databases.

    Without a template: on the databases of the setting `database_url`, which are migrated.
    """

    def __init__(
        self, template: Path | None, folder: Path, services: tuple[str, ...] = SERVICES, **settings: Any
    ) -> None:
        if template is not None:
            for name in services:
                shutil.copy(template / f"{name}.db", folder / f"{name}.db")
            settings["database_url"] = f"sqlite:///{folder}/{{service}}.db?synchronous=off"
        self.settings = Settings(data=folder, **settings)
        self.databases = {name: Database(self.settings.database_url_for(name)) for name in services}
        loaded = {name: load_service(name) for name in services}
        self.apps = {name: loaded[name].create_app(self.settings, self.databases[name]) for name in services}
        self.bus = DirectBus()
        self.consumers = {
            name: Consumer(name, self.databases[name], self.bus, loaded[name].handlers) for name in services
        }
        self.relays = {name: Relay(name, self.databases[name], self.bus) for name in services}

    def settle(self) -> None:
        """Publishes and handles until nothing is left."""
        moved = 1
        while moved:
            moved = sum(relay.publish_once() for relay in self.relays.values())
            for consumer in self.consumers.values():
                batch = consumer.subscription.poll(0)
                if batch:
                    consumer.handle(batch)
                    moved += len(batch)

    def client(self, service: str, caller: Caller | None = None) -> FlaskClient:
        """A client of one service, signed in as the caller."""
        client = self.apps[service].test_client()
        if caller is not None:
            client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token_of(caller)}"
        return client

    def close(self) -> None:
        for database in self.databases.values():
            database.close()


def token_of(caller: Caller) -> str:
    """An access token for the caller, signed with the key that every test database knows."""
    return sign(TEST_KEY, caller, now=utc_now(), seconds=3600)


def caller_of(
    tenant_id: UUID | None = None,
    *roles: str,
    kind: str = "school",
    name: str = "École des Lilas",
    zone: str = "Europe/Paris",
    person_id: UUID | None = None,
    language: str = "en",
) -> Caller:
    """A caller with every default: an administrator of a new school."""
    return Caller(
        tenant_id=tenant_id or new_id(),
        tenant_kind=kind,
        tenant_name=name,
        zone=zone,
        person_id=person_id or new_id(),
        session_id=EVERYBODY,
        roles=roles or ("administrator",),
        language=language,
        csrf="test-csrf",
    )
