"""What clients did and were told: a history that is held against what is there at the end, as Jepsen does.

An answer of the 2xx is a promise. One of the 4xx is a promise too: nothing was done. No answer, or one of the 5xx, may
mean either.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import requests

from shared.database import new_id
from tests.journeys.people import Person, at_nine, challenges_for
from tests.journeys.waiting import eventually

Verb = Literal["record", "withdraw"]
PATIENCE = 60.0
"""Seconds a client waits for an answer: longer than a gateway or a lock does."""


class Attempt(NamedTuple):
    """One request: what was asked of which completion, and the status of the answer, if one came."""

    verb: Verb
    completion_id: str
    status: int | None
    began: float
    ended: float

    @property
    def is_done(self) -> bool:
        """The client was told that it is done."""
        return self.status is not None and self.status < 300

    @property
    def is_unknown(self) -> bool:
        """The client cannot know."""
        return self.status is None or self.status >= 500


@dataclass
class History:
    """Every attempt of every client, in the order of the answers."""

    attempts: list[Attempt] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    """Completion -> what its recording was answered with."""
    refusals: list[str] = field(default_factory=list)
    """What else was said, by whomever."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, attempt: Attempt, answer: Any) -> None:
        """Remembers an attempt; the same completion must be answered with the same content each time."""
        with self._lock:
            self.attempts.append(attempt)
            if not attempt.is_done:
                seconds = attempt.ended - attempt.began
                self.refusals.append(f"{attempt.verb}: {attempt.status} after {seconds:.1f} s: {answer}")
            if attempt.verb == "record" and attempt.is_done:
                before = self.answers.setdefault(attempt.completion_id, answer)
                assert before == answer, f"answered {before}, then {answer}"

    def told(self, verb: Verb) -> set[str]:
        """The completions whose recording, or withdrawal, was answered with « done »."""
        return {one.completion_id for one in self.attempts if one.verb == verb and one.is_done}

    def unknown(self, verb: Verb) -> set[str]:
        """Those of which nobody was told."""
        tried = {one.completion_id for one in self.attempts if one.verb == verb and one.is_unknown}
        return tried - self.told(verb)

    @property
    def accepted(self) -> int:
        """How many requests were answered with « done » so far."""
        return sum(one.is_done for one in list(self.attempts))

    def statuses(self) -> Counter[str]:
        """How often each answer came."""
        return Counter(str(one.status) for one in self.attempts)

    def check(self, kept: set[str], withdrawn: set[str]) -> None:
        """Holds the promises against the completions that are there, and those that are there but withdrawn."""
        there = kept | withdrawn
        lost = self.told("record") - there
        assert not lost, f"accepted and lost: {sorted(lost)[:5]} and {len(lost)} in all"
        unasked = there - self.told("record") - self.unknown("record")
        assert not unasked, f"refused, or never asked for, and there: {sorted(unasked)[:5]}"
        forgotten = self.told("withdraw") - withdrawn
        assert not forgotten, f"withdrawn and still counted: {sorted(forgotten)[:5]}"
        taken = withdrawn - self.told("withdraw") - self.unknown("withdraw")
        assert not taken, f"nobody withdrew them: {sorted(taken)[:5]}"


class Act(NamedTuple):
    """A completion that a client means to record."""

    completion_id: str
    body: dict[str, Any]


class Client(threading.Thread):
    """Somebody who records one act after the other, sends some of them twice, and takes some of them back."""

    def __init__(self, load: Load, acts: list[Act], seed: int) -> None:
        super().__init__(daemon=True)
        self.load = load
        self.acts = acts
        self.draw = random.Random(seed)
        self.http = requests.Session()
        self.http.headers["Authorization"] = f"Bearer {load.head.token}"

    def run(self) -> None:
        for act in self.acts:
            if self.load.is_over.is_set():
                return
            began = time.monotonic()
            is_done = self.send("record", act)
            if is_done and self.draw.random() < 0.1:
                self.send("record", act)
            if is_done and self.draw.random() < self.load.taken_back:
                self.send("withdraw", act)
            if not is_done:
                self.load.is_over.wait(0.2)
            self.load.is_over.wait(max(0.0, self.load.pause - (time.monotonic() - began)))

    def send(self, verb: Verb, act: Act) -> bool:
        """One request; whether it was answered with « done »."""
        method, body = ("PUT", act.body) if verb == "record" else ("DELETE", None)
        began = time.monotonic()
        status, answer = None, None
        try:
            url = f"{self.load.head.url}/leagues/api/v1/completions/{act.completion_id}"
            answered = self.http.request(method, url, json=body, timeout=PATIENCE)
            status = answered.status_code
            answer = answered.json() if status in (200, 201) else answered.text
        except requests.RequestException as error:
            answer = repr(error)
            self.http.close()  # the next one begins with a new connection
        attempt = Attempt(verb, act.completion_id, status, began, time.monotonic())
        self.load.history.add(attempt, answer)
        return attempt.is_done


class Load:
    """Clients of a school who record at the same time, as long as the block lasts.

    `per_second`: how much they try together at most; `taken_back`: the share that they withdraw again.
    """

    def __init__(
        self,
        head: Person,
        *,
        leagues: int = 6,
        pupils: int = 12,
        clients: int = 4,
        per_second: float = 30.0,
        taken_back: float = 0.1,
        seed: int = 1,
    ) -> None:
        self.head = head
        self.history = History()
        self.is_over = threading.Event()
        self.pause = clients / per_second
        self.taken_back = taken_back
        self.edition = head.open_edition(days_ago=20)
        self.leagues = [
            head.create_league(self.edition, name=f"Classe {number + 1}", teams=["1", "2", "3"])
            for number in range(leagues)
        ]
        self.acts = plan(head, self.leagues, pupils, seed)
        self.clients = [Client(self, self.acts[number::clients], seed + number) for number in range(clients)]

    def __enter__(self) -> Load:
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Lets every request come back, and sends no more."""
        self.is_over.set()
        for client in self.clients:
            client.join(PATIENCE + 5)
            assert not client.is_alive(), "a client still waits for an answer"

    def goes_on(self, count: int = 20, seconds: float = 60.0) -> None:
        """Until so many more requests were answered with « done »."""
        assert any(client.is_alive() for client in self.clients), "the clients have run out of acts"
        wanted = self.history.accepted + count
        eventually(lambda: self.history.accepted >= wanted, seconds, pause=0.05)

    def ask_again(self) -> None:
        """Sends again what nobody was told about, as a phone does until it hears: afterwards all is known."""
        client = Client(self, [], 0)
        for act in self.acts:
            if act.completion_id in self.history.unknown("record"):
                assert client.send("record", act), self.history.attempts[-1]
            if act.completion_id in self.history.unknown("withdraw"):
                assert client.send("withdraw", act), self.history.attempts[-1]

    def kept(self) -> dict[str, Any]:
        """Every completion of the leagues that counts, by id, as the API tells."""
        kept: dict[str, Any] = {}
        for league in self.leagues:
            for page in range(1, 1000):
                query = {"league_id": league["league_id"], "page": page, "page_size": 100}
                found = self.head.get("leagues/completions", params=query)
                kept |= {completion["completion_id"]: completion for completion in found}
                if len(found) < 100:
                    break
        return kept

    def check_boards(self, seconds: float = 30.0) -> None:
        """Every board of the leagues and of the edition is the sum of the completions that count."""
        of_player: Counter[str] = Counter()
        of_team: dict[str, Counter[str]] = defaultdict(Counter)
        for completion in self.kept().values():
            of_player[completion["player_id"]] += completion["points"]
            of_team[completion["league_id"]][completion["team_id"]] += completion["points"]

        def are_right() -> bool:
            for league in self.leagues:
                place = f"leagues/{league['league_id']}"
                shown = self.head.points(f"{place}/players")
                assert shown == {player: of_player[player] for player in shown}, place
                assert {player for player in of_player if of_player[player]} & self._players(league) <= shown.keys()
                teams = self.head.points(f"{place}/teams")
                assert teams == {team: of_team[league["league_id"]][team] for team in teams}, place
            shown = self.head.points(f"editions/{self.edition['edition_id']}/leagues")
            assert shown == {league["league_id"]: of_team[league["league_id"]].total() for league in self.leagues}
            return True

        eventually(are_right, seconds, pause=0.3)

    def _players(self, league: Any) -> set[str]:
        return {act.body["player_id"] for act in self.acts if act.body["league_id"] == league["league_id"]}


def plan(head: Person, leagues: list[Any], pupils: int, seed: int) -> list[Act]:
    """Thousands of different acts: every pupil did everything that counts once a day, on each of the days so far."""
    daily = [challenge for challenge in challenges_for(head, "school") if challenge["per"] == "day"]
    acts = [
        Act(
            str(new_id()),
            {
                "league_id": league["league_id"],
                "player_id": pupil["player_id"],
                "challenge_id": challenge["challenge_id"],
                "day": at_nine(day)[:10],
            },
        )
        for league in leagues
        for pupil in head.add_players(league, *(f"Lynx {number}" for number in range(pupils)))
        for challenge in daily
        for day in range(20)
    ]
    random.Random(seed).shuffle(acts)
    return acts
