"""What the tests of identity do again and again, with every default."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from services.identity.domain import create_operator
from services.identity.mail import jobs
from shared.contracts import EVENTS, Event
from shared.jobs import JobQueue, JobWorker
from shared.outbox import Envelope, OutboxRow
from shared.tenancy import PUBLIC, across_tenants
from tests.house import House

API = "/identity/api/v1"
PASSWORD = "moules frites sous la pluie"
EMAIL = "camille@example.org"
OTHER_PASSWORD = "trois tortues au marché"


class Steps:
    """One test's house, spoken to through HTTP."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.database = house.databases["identity"]

    def client(self, token: str | None = None) -> FlaskClient:
        client = self.house.apps["identity"].test_client()
        if token is not None:
            client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        return client

    def post(self, path: str, body: Any, **options: Any) -> TestResponse:
        return self.client().post(API + path, json=body, **options)

    def found(self, email: str = EMAIL, **facts: Any) -> Any:
        """A school and its administrator; returns the answer's body."""
        administrator = {"display_name": "Camille", "email": email, "password": facts.pop("password", PASSWORD)}
        body = {
            "kind": "school",
            "name": "École des Lilas",
            "country": "FR",
            "language": "fr",
            "zone": "Europe/Paris",
            "administrator": administrator,
        } | facts
        answer = self.post("/tenants", body)
        assert answer.status_code == 201, answer.json
        return answer.json

    def sign_in(self, email: str = EMAIL, password: str = PASSWORD, **more: Any) -> TestResponse:
        return self.post("/sessions", {"email": email, "password": password, **more})

    def administrator(self, email: str = EMAIL, **facts: Any) -> FlaskClient:
        """A client signed in as the administrator of a new school."""
        self.found(email, **facts)
        return self.client(self.sign_in(email).json["access_token"])

    def operator(self) -> FlaskClient:
        with self.database.transaction(PUBLIC) as session:
            create_operator(session, email="op@example.org", password=PASSWORD, display_name="Op")
        return self.client(self.sign_in("op@example.org").json["access_token"])

    def colleague(self, administrator: FlaskClient, email: str = "ana@example.org", *roles: str) -> Any:
        """Somebody who accepted an invitation; returns the person."""
        invited = administrator.post(f"{API}/invitations", json={"roles": list(roles) or ["organiser"]}).json
        token = invited["link"].rsplit("/", 1)[1]
        body = {"token": token, "display_name": "Ana", "email": email, "password": PASSWORD}
        answer = self.post("/invitations/acceptances", body)
        assert answer.status_code == 201, answer.json
        return answer.json["person"]

    def events(self, kind: type[Event]) -> list[tuple[Envelope, Any]]:
        """The events of a type that were emitted, the oldest first."""
        with self.database.transaction(across_tenants(), read_only=True) as session:
            rows = session.scalars(sa.select(OutboxRow.envelope).order_by(OutboxRow.position)).all()
        envelopes = [msgspec.json.decode(row, type=Envelope) for row in rows]
        mine = [envelope for envelope in envelopes if EVENTS[envelope.type] is kind]
        return [(envelope, msgspec.json.decode(envelope.data, type=kind)) for envelope in mine]

    def run_jobs(self, settings: Any = None) -> None:
        queue = JobQueue("identity", "memory://", self.database)
        worker = JobWorker(queue, self.database, jobs(settings or self.house.settings))
        while worker.work_once():
            pass

    def mails(self) -> list[str]:
        """The mails in the folder, once the waiting ones are written."""
        self.run_jobs()
        return [path.read_text() for path in sorted(self.house.settings.mail_folder.glob("*.eml"))]

    def token_in(self, mail: str) -> str:
        found = re.search(r"/identity/(?:invitations|password-resets)/([\w-]+)$", mail, re.MULTILINE)
        assert found, mail
        return found[1]


def etag_of(answer: TestResponse) -> dict[str, str]:
    return {"If-Match": answer.headers["ETag"]}


def body_of(answer: TestResponse) -> str:
    return json.dumps(answer.json, ensure_ascii=False)


def sign_in(client: FlaskClient, password: str = PASSWORD, **more: Any) -> TestResponse:
    """By page, as a browser does, the administrator that `Steps.found` has made."""
    return client.post("/sign-in", data={"email": EMAIL, "password": password, **more})


def csrf_of(client: FlaskClient) -> str:
    """The proof for forms that a browser holds."""
    cookie = client.get_cookie("mpp_csrf")
    assert cookie is not None
    return str(cookie.value)
