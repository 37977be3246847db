"""People who use the services from outside, over HTTP: what each of them does, in the words of the game."""

from __future__ import annotations

import email
import re
from datetime import UTC, datetime, timedelta
from email import policy
from pathlib import Path
from typing import Any

import requests

from shared.database import new_id
from tests.journeys.waiting import eventually

PASSWORD = "trois-petites-loutres-vertes"
HEARD = 10.0
"""Seconds until an event has reached every service: it takes a tenth of one, and more on a machine that is busy."""


class Person:
    """Somebody with a browser and, once signed in, a token."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.email = f"{new_id()}@example.org"
        self.http = requests.Session()
        self.signed_in: dict[str, Any] = {}

    @property
    def token(self) -> str:
        token: str = self.signed_in["access_token"]
        return token

    @property
    def person_id(self) -> str:
        person_id: str = self.signed_in["person"]["person_id"]
        return person_id

    @property
    def tenant_id(self) -> str:
        tenant_id: str = self.signed_in["tenant"]["tenant_id"]
        return tenant_id

    def ask(self, method: str, path: str, json: Any = None, **more: Any) -> requests.Response:
        """`ask("GET", "leagues/editions")`: the answer of a service, whatever it is."""
        service, _, rest = path.partition("/")
        return self.http.request(method, f"{self.url}/{service}/api/v1/{rest}", json=json, timeout=30, **more)

    def call(self, method: str, path: str, json: Any = None, *, status: int | None = None, **more: Any) -> Any:
        """The JSON of an answer, which must be of the 2xx or of the status given."""
        answer = self.ask(method, path, json, **more)
        is_fine = answer.status_code == status if status else answer.ok
        assert is_fine, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def get(self, path: str, **more: Any) -> Any:
        return self.call("GET", path, **more)

    def post(self, path: str, json: Any = None, **more: Any) -> Any:
        return self.call("POST", path, json, **more)

    def put(self, path: str, json: Any = None, **more: Any) -> Any:
        return self.call("PUT", path, json, **more)

    def delete(self, path: str, **more: Any) -> Any:
        return self.call("DELETE", path, **more)

    def refused(self, method: str, path: str, json: Any = None, **more: Any) -> tuple[int, str]:
        """Status and code of an answer that must be a refusal."""
        answer = self.ask(method, path, json, **more)
        assert answer.status_code >= 400, f"{method} {path}: {answer.status_code} {answer.text}"
        assert answer.headers["Content-Type"] == "application/problem+json"
        return answer.status_code, answer.json()["code"]

    def sign_in(self, password: str = PASSWORD, tenant_id: str | None = None) -> Person:
        """Signs in; the tenant is named when the e-mail has several."""
        form = {"email": self.email, "password": password} | ({"tenant_id": tenant_id} if tenant_id else {})
        self.use(self.post("identity/sessions", form, status=201))
        return self

    def use(self, signed_in: dict[str, Any]) -> None:
        self.signed_in = signed_in
        self.http.headers["Authorization"] = f"Bearer {signed_in['access_token']}"

    def invite(self, *roles: str, by_mail_in: Path | None = None, name: str = "Camille") -> Person:
        """Invites somebody, who accepts and signs in: by the link shown, or by the one in the mail."""
        invited = Person(self.url)
        form = {"roles": list(roles)} | ({"email": invited.email} if by_mail_in else {})
        link = self.post("identity/invitations", form)["link"]
        if by_mail_in:
            assert link_in_mail(by_mail_in, invited.email) == link
        acceptance = {"token": link.rpartition("/")[2], "display_name": name, "password": PASSWORD}
        invited.post(
            "identity/invitations/acceptances",
            acceptance | ({} if by_mail_in else {"email": invited.email}),
            status=201,
        )
        return invited.sign_in()

    def open_edition(self, *, days_ago: int = 5, phase: str = "registration", **facts: Any) -> Any:
        """An edition that began some days ago at nine and is open to leagues."""
        form = {"name": "Printemps", "starts_at": at_nine(days_ago), "min_players": 1} | facts
        edition = self.post("leagues/editions", form)
        if phase != "draft":
            self.put(f"leagues/editions/{edition['edition_id']}/phase", {"phase": phase})
        return edition

    def create_league(self, edition: Any, **facts: Any) -> Any:
        """A league of two teams. An edition of another tenant is heard of first."""
        form = {"edition_id": edition["edition_id"], "name": "CM2", "teams": ["Colibris", "Abeilles"]} | facts
        return self.post("leagues/leagues", form, status=201)

    def add_players(self, league: Any, *names: str, **facts: Any) -> list[Any]:
        """Players by pseudonym."""
        path = f"leagues/leagues/{league['league_id']}/players"
        added: list[Any] = self.post(path, {"names": list(names), **facts}, status=201)
        return added

    def join(self, code: str, name: str) -> Any:
        """Joins with a code."""
        return self.post("leagues/players", {"code": code, "display_name": name}, status=201)

    def record(self, league: Any, challenge: Any, *, id: str | None = None, status: int = 201, **act: Any) -> Any:
        """Records one completion."""
        body = {"league_id": league["league_id"], "challenge_id": challenge["challenge_id"], **act}
        return self.put(f"leagues/completions/{id or new_id()}", body, status=status)

    def board(self, path: str, **query: Any) -> dict[str, Any]:
        """What a board shows: contender -> line."""
        page = self.get(f"ranking/{path}", params={"page_size": 100} | query)
        return {line["contender_id"]: line for line in page["standings"]}

    def points(self, path: str, **query: Any) -> dict[str, int]:
        """What a board shows: contender -> points."""
        return {contender: line["points"] for contender, line in self.board(path, **query).items()}

    def sees(self, path: str, points: dict[str, int], *, seconds: float = HEARD, **query: Any) -> None:
        """Until a board shows these points, and these contenders only."""

        def is_there() -> bool:
            shown = self.points(path, **query)
            assert shown == points
            return True

        eventually(is_there, seconds)


def found(url: str, kind: str = "school", **facts: Any) -> Person:
    """Somebody who has founded a school or company, and signed in as its first administrator."""
    founder = Person(url)
    founder.post("identity/tenants", founding(founder, kind, **facts), status=201)
    return founder.sign_in()


def founding(founder: Person, kind: str = "school", **facts: Any) -> dict[str, Any]:
    """The form with which a tenant begins."""
    return {
        "kind": kind,
        "name": "École des Tilleuls" if kind == "school" else "Atelier Canal",
        "country": "FR",
        "language": "fr",
        "zone": "Europe/Paris",
        "administrator": {"display_name": "Mme Martin", "email": founder.email, "password": PASSWORD},
    } | facts


def sign_up(url: str, name: str = "Zoé") -> Person:
    """Somebody who has joined the public community."""
    player = Person(url)
    form = {"display_name": name, "email": player.email, "password": PASSWORD, "language": "fr"}
    player.post("identity/players", form, status=201)
    return player.sign_in()


def at_nine(days_ago: int) -> str:
    """A wall-clock time."""
    day = datetime.now(UTC) - timedelta(days=days_ago)
    return day.replace(hour=9, minute=0, second=0, microsecond=0, tzinfo=None).isoformat()


def challenges_for(person: Person, audience: str, **filters: Any) -> list[Any]:
    """Individual bonus challenges of one value for an audience, the catalogue's first hundred."""
    query = {"audience": audience, "kind": "individual", "is_malus": "false", "page_size": 100} | filters
    found = person.get("challenges/challenges", params=query)
    return [challenge for challenge in found if len(challenge["tiers"]) == 1]


def challenge_for(person: Person, audience: str, per: str = "day", times: int = 1) -> Any:
    """A challenge with a cap, and its points under the name `points`."""
    chosen = next(
        challenge
        for challenge in challenges_for(person, audience)
        if (challenge["per"], challenge["times"]) == (per, times)
    )
    return chosen | {"points": chosen["tiers"][0]["points"]}


def link_in_mail(folder: Path, to: str) -> str:
    """The link in the newest mail to an address, once it has been written."""

    def newest() -> str:
        mails = [email.message_from_bytes(path.read_bytes(), policy=policy.default) for path in folder.glob("*.eml")]
        ours = [mail.get_content() for mail in mails if mail["To"] == to]
        return str(ours[-1]) if ours else ""

    text = eventually(newest, HEARD)
    link = re.search(r"https?://\S+", text)
    assert link, text
    return link[0]
